"""What machines read of a thing: its attributes under their own names, as plain values of JSON.

For whoever writes JSON or CSV: the command line, and what else speaks to programs. Scripts rely on
the keys: they are only ever added. No secret is among them.
"""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum

ACCOUNT = (
    "username",
    "phone",
    "cmnd",
    "full_name",
    "birth_date",
    "state",
    "registered_at",
    "password_issued_at",
    "password_expires_at",
    "reminders",
    "link",
)
MESSAGE = (
    "id",
    "direction",
    "phone",
    "link",
    "text",
    "state",
    "outcome",
    "created_at",
    "reason",
    "smsc_id",
)
QUEUED_REPLY = (
    "id",
    "phone",
    "link",
    "text",
    "state",
    "created_at",
    "tries",
    "next_try",
    "reason",
)
HISTORY = ("at", "what", "detail", "actor", "reason")
AUDIT = ("at", "who", "command", "account", "detail")
CLIENT = (
    "name",
    "client_id",
    "redirect_uris",
    "scopes",
    "pkce",
    "created_at",
    "revoked_at",
    "secrets",
)
LINK = (
    "name",
    "state",
    "since",
    "reason",
    "mo",
    "mt",
    "carrier",
    "node",
    "queued",
    "mt_per_s_1m",
    "mt_per_s_5m",
    "mt_per_s_15m",
    "oldest_due",
    "oddities",
    "next_try",
)
STATUS = (
    "ok",
    "problems",
    "daemon_pid",
    "links",
    "queued",
    "held",
    "failed",
    "oldest_queued",
    "last_mo",
    "last_mt",
    "mo_last_hour",
    "mt_last_hour",
    "disk_free",
    "disk_total",
    "database",
    "sqlite",
    "version",
    "started_at",
    "heartbeat_age_s",
    "last_backup_at",
    "last_reload_at",
    "last_reload_ok",
    "nodes",
    "standby",
    "notes",
)
DAY_COUNT = ("day", "direction", "outcome", "count")


def record(thing: object, keys: Sequence[str]) -> dict[str, object]:
    """These attributes of *thing*, in this order, as plain values."""
    return {key: plain(getattr(thing, key)) for key in keys}


def plain(value: object) -> object:
    """*value* in JSON's terms."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return value
