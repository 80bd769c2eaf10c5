"""What the store and its disk say."""

import os
from datetime import datetime

from smsgw.clock import unstamp
from smsgw.database import Database, Server
from smsgw.health import Disk
from smsgw.limits import CEILING_FACT
from smsgw.overview.values import Stored
from smsgw.store import Store

#: Facts of the store: when it was last copied, and when and how the configuration was read again.
BACKUP_FACT = "last_backup_at"
RELOAD_FACT = "last_reload_at"
RELOAD_OK_FACT = "last_reload_ok"


def read(store: Store) -> Stored:
    """A few rows each, whatever the store holds."""
    last_mo, last_mt = store.last_times()
    ok = store.fact(RELOAD_OK_FACT)
    return Stored(
        store.links(),
        store.stopped_links(),
        store.carriers(),
        store.beats(),
        last_mo,
        last_mt,
        unstamp(int(store.fact(CEILING_FACT) or 0)),
        _moment(store.fact(BACKUP_FACT)),
        _moment(store.fact(RELOAD_FACT)),
        None if ok is None else ok in ("1", "true", "True"),
        store.standby(),
        {link: node for link, node in store.owners().items() if not link.startswith(":")},
    )


def _moment(fact: str | None) -> datetime | None:
    return unstamp(int(fact)) if fact and fact.isdigit() else None


def look_at_disk(database: Database) -> Disk | None:
    """The disk of a database file; whether it hangs is the caller's to bound. None: that of a
    server is its own business.

    Raises:
        OSError: it cannot be asked.
    """
    if isinstance(database, Server):
        return None
    found = os.statvfs(database.parent)
    return Disk(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)
