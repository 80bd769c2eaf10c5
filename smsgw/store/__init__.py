"""The store: accounts, messages, outbox. This is its door; nobody else knows the rooms behind it.

    protocol/     what a store can do: verbs in groups, by who asks
    values.py     what leaves it, one row each
    rows.py       what goes in, one row each
    faults.py     what can go wrong
    verbs/        the verbs, written once over what each engine does in its own way
    sqlite/       an engine: an SQLite file
    postgres/     an engine: a PostgreSQL database
    copy.py       carries everything from one engine to the other

An engine is imported when its store is opened, so that a command which needs none does not wait
for it. Where the daemon of a store is, and how it is rung, a locked file says: beside the database
file, or where that would be.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

from smsgw.database import Database, Server
from smsgw.store.faults import Conflict, InDoubt, Lost, Moved, StoreFault, Unavailable, Unfit
from smsgw.store.protocol import Leases, Store
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
    LeaseRow,
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
    Standby,
    Stop,
)

#: Their names while SQLite was the only store.
StoreUnavailable = Unavailable
StoreMoved = Moved
StoreInDoubt = InDoubt
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
    "InDoubt",
    "KeptMessage",
    "KeptPart",
    "KeptReceipt",
    "KeptReservation",
    "KeptSurplus",
    "LeaseRow",
    "Leases",
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
    "Standby",
    "Stop",
    "Store",
    "StoreFault",
    "StoreInDoubt",
    "StoreLost",
    "StoreMoved",
    "StoreUnavailable",
    "Unavailable",
    "Unfit",
    "daemon_pid",
    "empty_store",
    "finish_copy",
    "keep_to_one_thread",
    "open_leases",
    "open_store",
    "ring_daemon",
    "sqlite_version",
]


def open_store(
    address: Database,
    *,
    create: bool = True,
    busy_timeout: timedelta = BUSY_TIMEOUT,
    copies_log: bool = True,
    own_thread: bool = False,
    migrate: bool = True,
    before_migration: Callable[[Store], None] | None = None,
    node: str | None = None,
) -> Store:
    """Open the store at *address*: an SQLite file, made where it is missing, or a PostgreSQL
    database, in which its tables are.

    Args:
        create: false: what is missing is a fault.
        busy_timeout: so long it waits for another writer.
        copies_log: what was written is brought from the log into the database here; false: the
            daemon that runs does it.
        own_thread: in a thread of its own, where the engine can.
        migrate: bring a database of an older version up to date, which only the daemon may.
        before_migration: called then, before anything is changed; what it raises ends this. Copies
            of what a server has are not ours to make.
        node: the name of the daemon that opens it; None: a command does.

    Raises:
        Unavailable: there is a server, which does not answer.
        SmsgwError: it cannot be opened or made, is not ours, or is of another version.
    """
    if isinstance(address, Server):
        from smsgw.store.postgres.store import PostgresStore

        return PostgresStore.open(
            address, create=create, busy_timeout=busy_timeout, migrate=migrate, node=node
        )
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


def open_leases(address: Database, node: str, patience: timedelta) -> Leases | None:
    """Which node has which link, by a session of its own, made when it is first needed; None: one
    process has all of this store.

    Args:
        node: the name of the daemon that asks.
        patience: so long it waits for another who changes the same row, and for an answer.
    """
    if not isinstance(address, Server):
        return None
    from smsgw.store.postgres.leases import LeaseTable

    return LeaseTable(address, node, patience)


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
