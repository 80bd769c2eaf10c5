"""What each kind of thing looks like: its columns for people, its keys for machines.

Knows the words of `model`. Must not know the store, the gateway or a command.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, assert_never

import click
from tabulate import MIN_PADDING, tabulate

from smsgw import records
from smsgw.cli.tables import Format, View, show, show_one, width
from smsgw.harmless import harmless
from smsgw.model import (
    Account,
    AccountState,
    AuditEntry,
    Changed,
    DayCount,
    Direction,
    HistoryEntry,
    LinkState,
    Message,
    MtState,
    Outcome,
    QueuedReply,
    TextCame,
    TextMade,
    TextMoved,
    TextsCounted,
)
from smsgw.words import Viewer, count, octets

if TYPE_CHECKING:
    from smsgw.gateway import Purged, Trial

#: Characters by which our texts can be told apart.
GIST = 32


def gist(text: str) -> str:
    """The beginning of a text of ours, which everybody knows."""
    return text if len(text) <= GIST else text[: GIST - 1] + "…"


def _password(account: Account, viewer: Viewer) -> str:
    if account.state != AccountState.ISSUED:
        return "own" if account.state == AccountState.ACTIVE else "-"
    expires = account.password_expires_at
    if expires is None:
        return "deleted"
    return f"{'expires' if expires > viewer.now else 'expired'} {viewer.age(expires)}"


ACCOUNTS = View[Account](
    keys=records.ACCOUNT,
    columns={
        "user name": lambda a, _: a.username,
        "phone": lambda a, _: a.phone,
        "name": lambda a, _: a.full_name,
        "state": lambda a, _: a.state,
        "registered": lambda a, viewer: viewer.minute(a.registered_at),
        "password": _password,
        "link": lambda a, _: a.link,
    },
    empty="No such accounts.",
    wraps="name",
)

ACCOUNT = View[Account](
    keys=records.ACCOUNT,
    columns={
        "user name": lambda a, _: a.username,
        "phone": lambda a, _: a.phone,
        "CMND": lambda a, _: a.cmnd,
        "name": lambda a, _: a.full_name,
        "born": lambda a, _: a.birth_date.isoformat(),
        "state": lambda a, _: a.state,
        "registered": lambda a, viewer: viewer.both(a.registered_at),
        "password": _password,
        "issued": lambda a, viewer: viewer.both(a.password_issued_at),
        "expires": lambda a, viewer: viewer.both(a.password_expires_at),
        "reminders": lambda a, _: str(a.reminders),
        "link": lambda a, _: a.link,
    },
)


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One line of a citizen's story, in words."""

    at: datetime
    what: str  #: such as "mo", "mt", "registered", "lapsed", "closed"
    detail: str
    actor: str | None = None  #: who did it at the command line
    reason: str | None = None
    username: str | None = None  #: whose story it is; None: of a phone without an account


def story_line(entry: HistoryEntry) -> StoryLine:
    """*entry* in words."""
    actor = reason = None
    match entry:
        case Changed():
            what, actor, reason = entry.event, entry.actor, entry.reason
            moved = entry.old not in (None, entry.new)
            detail = f"{entry.old} -> {entry.new}" if moved else str(entry.new)
        case TextCame():
            text = "(could not be read)" if entry.text is None else entry.text
            what, detail, reason = "mo", f"{entry.outcome}: {text}", entry.reason
        case TextsCounted():
            what = "mo"
            more = f"{entry.number} more within the hour, which were only counted"
            detail = f"{Outcome.IGNORED}: {more}"
        case TextMade():
            what, detail = "mt", f"{entry.reply}: {entry.text}"
        case TextMoved():
            what, detail = f"mt {entry.state}", f"message {entry.mt_id}"
            reason = entry.reason
        case _:
            assert_never(entry)
    return StoryLine(entry.at, what, detail, actor, reason, entry.username)


HISTORY = View[StoryLine](
    keys=records.HISTORY,
    columns={
        "time": lambda h, viewer: viewer.time(h.at),
        "what": lambda h, _: h.what,
        "detail": lambda h, _: f"{h.detail} ({h.reason})" if h.reason else h.detail,
        "by": lambda h, _: h.actor or "",
    },
    empty="Nothing has happened.",
    wraps="detail",
)


#: Of two citizens, where a key is the phone of one and the CMND of the other.
HISTORIES = replace(HISTORY, keys=(*HISTORY.keys, "username"))

AUDIT = View[AuditEntry](
    keys=records.AUDIT,
    columns={
        "time": lambda a, viewer: viewer.time(a.at),
        "who": lambda a, _: a.who,
        "command": lambda a, _: a.command,
        "account": lambda a, _: a.account or "",
        "detail": lambda a, _: a.detail,
    },
    empty="Nothing was looked up or changed.",
    wraps="detail",
)


def _text(message: Message) -> str:
    came = message.direction == Direction.MO
    if message.text is None:
        text = "(could not be read)"
    else:
        text = message.text if came else gist(message.text)
    # Why it was not answered, or did not arrive.
    told = message.reason and (came or message.state == MtState.FAILED)
    return f"{text} [{message.reason}]" if told else text


MESSAGES = View[Message](
    keys=records.MESSAGE,
    columns={
        "id": lambda m, _: str(m.id),
        "time": lambda m, viewer: viewer.short(m.created_at),
        "": lambda m, _: m.direction.upper(),
        "phone": lambda m, _: m.phone,
        "link": lambda m, _: m.link,
        "outcome": lambda m, _: m.outcome or m.state or "-",
        "text": lambda m, _: _text(m),
    },
    empty="No such messages.",
    wraps="text",
)


def _next_try(reply: QueuedReply, viewer: Viewer) -> str:
    if reply.next_try is None:
        return "held" if reply.state == MtState.QUEUED else "-"
    return viewer.age(reply.next_try) if reply.next_try > viewer.now else "now"


OUTBOX = View[QueuedReply](
    keys=records.QUEUED_REPLY,
    columns={
        "id": lambda q, _: str(q.id),
        "phone": lambda q, _: q.phone,
        "link": lambda q, _: q.link,
        "state": lambda q, _: q.state,
        "made": lambda q, viewer: viewer.age(q.created_at),
        "tries": lambda q, _: str(q.tries),
        "next try": _next_try,
        "text": lambda q, _: f"{gist(q.text)} [{q.reason}]" if q.reason else gist(q.text),
    },
    empty="The outbox is empty: no reply waits for an SMSC.",
    wraps="text",
)


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link of the configuration, or one that the store remembers."""

    name: str
    state: LinkState
    since: datetime | None  #: None: nobody knows
    reason: str | None
    mo: int
    mt: int
    carrier: str
    oddities: Mapping[str, int] = field(default_factory=dict)


LINKS = View[LinkRow](
    keys=records.LINK,
    columns={
        "link": lambda row, _: row.name,
        "state": lambda row, _: row.state,
        "since": lambda row, viewer: viewer.both(row.since),
        "MO": lambda row, _: str(row.mo),
        "MT": lambda row, _: str(row.mt),
        "odd": lambda row, _: str(sum(row.oddities.values())),
        "reason": lambda row, _: row.reason or "",
    },
    empty="No links.",
    wraps="reason",
)


def show_stats(counts: Sequence[DayCount], form: str, viewer: Viewer) -> None:
    """Print counts: for people a line a day, with a column for each thing that happened."""
    if form != Format.TABLE or not counts:
        show(_STATS, counts, form, viewer)
        return
    kinds = sorted({(c.direction, c.outcome) for c in counts})
    days: dict[date, dict[tuple[Direction, str], int]] = {}
    for c in counts:
        days.setdefault(c.day, {})[c.direction, c.outcome] = c.count
    heads = [f"{direction.upper()} {outcome}".replace("_", " ") for direction, outcome in kinds]
    rows = [[day, *map(found.get, kinds)] for day, found in sorted(days.items())]
    if len("2026-11-23") + sum(len(head) + 2 + MIN_PADDING for head in heads) > width():
        heads = [head.replace(" ", "\n") for head in heads]
    click.echo(tabulate(rows, ["day", *heads], tablefmt="simple", missingval="-"))


_STATS = View[DayCount](keys=records.DAY_COUNT, columns={}, empty="Nothing came or went.")


TRIAL: "View[Trial]" = View(
    keys=("outcome", "reply", "detail"),
    columns={
        "outcome": lambda t, _: t.outcome,
        "reply": lambda t, _: "(none)" if t.reply is None else t.reply,
        "detail": lambda t, _: t.detail,
    },
)


@dataclass(frozen=True, slots=True)
class Expiry:
    """What a pass over the expired passwords did."""

    replaced: int
    ended: int  #: deleted and not replaced, after registration.max_reminders
    waiting: int
    waits_until: datetime | None


EXPIRY = View[Expiry](
    keys=("replaced", "ended", "waiting", "waits_until"),
    columns={
        "replaced": lambda e, _: count(e.replaced, "password"),
        "deleted": lambda e, _: f"{count(e.ended, 'password')}, not replaced" if e.ended else "",
        "waiting": lambda e, viewer: (
            f"{count(e.waiting, 'password')}, until {viewer.minute(e.waits_until)}:"
            " citizens are not reminded at this hour"
            if e.waiting
            else ""
        ),
    },
)

PURGED: "View[Purged]" = View(
    keys=("messages", "accounts"),
    columns={
        "removed": lambda p, _: (
            f"{count(p.messages, 'message')}, {count(p.accounts, 'closed account')}"
        ),
    },
)


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One thing that is wrong with the configuration."""

    file: str
    key: str
    problem: str
    remedy: str | None


CONFIG_FAULTS = View[ConfigFault](keys=("file", "key", "problem", "remedy"), columns={})


# --- one screen ---------------------------------------------------------------------------------


#: What the store says of the gateway's health.
HEALTH_KEYS = (
    "queued",
    "held",
    "failed",
    "oldest_queued",
    "last_mo",
    "last_mt",
    "mo_last_hour",
    "mt_last_hour",
)


@dataclass(frozen=True, slots=True)
class Status:
    """Whether it is working, and what one looks at to know. None: cannot be known."""

    shortcode: str
    database: str
    problems: tuple[str, ...]
    daemon_pid: int | None
    links: tuple[LinkRow, ...]
    queued: int | None
    held: int | None
    failed: int | None
    oldest_queued: datetime | None  #: when the oldest reply that waits was made
    last_mo: datetime | None
    last_mt: datetime | None
    mo_last_hour: int | None
    mt_last_hour: int | None
    disk_free: int | None  #: octets
    disk_total: int | None
    sqlite: str | None  #: its version here; the daemon's first line tells of its own

    @property
    def ok(self) -> bool:
        return not self.problems


def _outbox(status: Status, viewer: Viewer) -> str:
    if status.queued is None:
        return ""
    held = f" ({status.held} held)" if status.held else ""
    texts = f"{status.queued} queued{held}, {status.failed} failed"
    oldest = status.oldest_queued
    return f"{texts}; the oldest reply was made {viewer.age(oldest)}" if oldest else texts


def _oddities(status: Status) -> str:
    """What peers did against the standard, ever; empty where all keep to it."""
    return "; ".join(
        f"{link.name} {', '.join(f'{kind} {n}' for kind, n in link.oddities.items())}"
        for link in status.links
        if link.oddities
    )


def _disk(status: Status) -> str:
    free, total = status.disk_free, status.disk_total
    return f"{octets(free)} free ({100 * free / total:.0f} %)" if free and total else ""


STATUS = View[Status](
    keys=(
        "ok",
        "problems",
        "daemon_pid",
        "links",
        *HEALTH_KEYS,
        "disk_free",
        "disk_total",
        "database",
        "sqlite",
    ),
    columns={
        "daemon": lambda c, _: f"running, pid {c.daemon_pid}" if c.daemon_pid else "not running",
        "outbox": _outbox,
        "last hour": lambda c, _: (
            "" if c.mo_last_hour is None else f"{c.mo_last_hour} MO, {c.mt_last_hour} MT"
        ),
        "last MO": lambda c, viewer: "" if c.queued is None else viewer.both(c.last_mo),
        "last MT": lambda c, viewer: "" if c.queued is None else viewer.both(c.last_mt),
        "odd": lambda c, _: _oddities(c),
        "disk": lambda c, _: _disk(c),
        "database": lambda c, _: f"{c.database} (SQLite {c.sqlite})" if c.sqlite else c.database,
    },
)


def show_status(status: Status, form: str, viewer: Viewer) -> None:
    """Print it: for people one screen, the verdict first."""
    if form != Format.TABLE:
        show(STATUS, [status], form, viewer)
        return
    found = "all is well" if status.ok else count(len(status.problems), "problem")
    click.echo(f"{status.shortcode}: {found}")
    for problem in status.problems:
        click.echo(f"  ! {harmless(problem)}")
    click.echo()
    show_one(STATUS, status, form, viewer)
    if status.links:
        click.echo()
        show(LINKS, status.links, form, viewer)
