"""The store: accounts, messages, outbox. This is its door; nobody else knows the rooms behind it.

    protocol/     what a store can do: verbs in groups, by who asks
    values.py     what leaves it, one row each
    rows.py       what goes in, one row each
    faults.py     what can go wrong
    sqlite/       the one engine that there is: an SQLite file

An engine is imported when its store is opened, so that a command which needs none does not wait
for it. Where the daemon of a store is, and how it is rung, is the engine's as well: today a locked
file beside the database and a signal.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

from smsgw.store.faults import Conflict, Lost, Moved, StoreFault, Unavailable, Unfit
from smsgw.store.protocol import Store
from smsgw.store.rows import FINGERPRINT_MASK, Changes, Row
from smsgw.store.sqlite.lock import AlreadyRunning, DaemonLock, daemon_pid, ring_daemon
from smsgw.store.values import (
    BUSY_TIMEOUT,
    HELD,
    MASK,
    NO_END,
    STEP,
    AccountFacts,
    AccountRow,
    Beat,
    CitizenRow,
    ClaimedRow,
    ClientRow,
    Disclosure,
    EarlyReceipt,
    FeedRow,
    Guesses,
    KeptMessage,
    KeptPart,
    KeptReceipt,
    KeptReservation,
    KeptSurplus,
    LinkCount,
    LogIn,
    PartRow,
    PartSeen,
    ProfileRow,
    ReplyRow,
    Reservation,
    SentText,
    Share,
    Shut,
    Stop,
)

#: Their names while SQLite was the only store.
StoreUnavailable = Unavailable
StoreMoved = Moved
StoreLost = Lost

__all__ = [
    "BUSY_TIMEOUT",
    "FINGERPRINT_MASK",
    "HELD",
    "MASK",
    "NO_END",
    "STEP",
    "AccountFacts",
    "AccountRow",
    "AlreadyRunning",
    "Beat",
    "Changes",
    "CitizenRow",
    "ClaimedRow",
    "ClientRow",
    "Conflict",
    "DaemonLock",
    "Disclosure",
    "EarlyReceipt",
    "FeedRow",
    "Guesses",
    "KeptMessage",
    "KeptPart",
    "KeptReceipt",
    "KeptReservation",
    "KeptSurplus",
    "LinkCount",
    "LogIn",
    "Lost",
    "Moved",
    "PartRow",
    "PartSeen",
    "ProfileRow",
    "ReplyRow",
    "Reservation",
    "Row",
    "SentText",
    "Share",
    "Shut",
    "Stop",
    "Store",
    "StoreFault",
    "StoreLost",
    "StoreMoved",
    "StoreUnavailable",
    "Unavailable",
    "Unfit",
    "daemon_pid",
    "empty_store",
    "finish_copy",
    "keep_to_one_thread",
    "open_store",
    "ring_daemon",
    "sqlite_version",
]


def open_store(
    address: Path,
    *,
    create: bool = True,
    busy_timeout: timedelta = BUSY_TIMEOUT,
    copies_log: bool = True,
    own_thread: bool = False,
    migrate: bool = True,
    before_migration: Callable[[Store], None] | None = None,
) -> Store:
    """Open the store at *address*, the path of an SQLite file, made where it is missing.

    Args:
        create: false: what is missing is a fault.
        busy_timeout: so long it waits for another writer.
        copies_log: what was written is brought from the log into the database here; false: the
            daemon that runs does it.
        own_thread: in a thread of its own, where the engine can.
        migrate: bring a database of an older version up to date, which only the daemon may.
        before_migration: called then, before anything is changed; what it raises ends this.

    Raises:
        SmsgwError: it cannot be opened or made, is not ours, or is of another version.
    """
    from smsgw.store.sqlite.store import SqliteStore

    return SqliteStore.open(
        address,
        create=create,
        busy_timeout=busy_timeout,
        copies_log=copies_log,
        own_thread=own_thread,
        migrate=migrate,
        before_migration=before_migration,
    )


def empty_store() -> Store:
    """A store that nobody else sees, with nothing in it; gone when closed."""
    from smsgw.store.sqlite.store import SqliteStore

    return SqliteStore.in_memory()


def finish_copy(file: Path, data_keys: Iterable[tuple[bytes, str, int, bytes]]) -> None:
    """Check the copy that `Store.copy_to` wrote to *file*, and put those of *data_keys* into it
    that its texts need.

    Raises:
        SmsgwError: it is damaged.
        Unavailable: it cannot be written.
    """
    from smsgw.store.sqlite.file import finish_copy

    finish_copy(file, data_keys)


def sqlite_version() -> str:
    """Which SQLite runs, such as "3.53.4"."""
    from smsgw.store.sqlite.engine import VERSION

    return VERSION


def keep_to_one_thread() -> None:
    """Tell the engine that no store is shared by threads; before the first one is opened."""
    from smsgw.store.sqlite import engine

    engine.keep_to_one_thread()
