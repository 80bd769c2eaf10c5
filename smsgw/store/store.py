"""The store: verbs over one SQLite file. Statements are in `sql.py`, tables in `schema.py`.

Plain synchronous functions on one connection, used by one thread: the daemon's worker, or a
command of the hotline in its own process. Writes happen only inside `transaction()`; rows become
values of `model.py` before they leave. It knows no rule of the registration and no PDU.

Two faults leave it. `StoreUnavailable`: this transaction did not happen, a later one may.
`StoreLost`: what is on the disk can no longer be trusted; the process must end without a positive
answer, because after an I/O error the kernel may call a page clean that never reached the disk.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import chain
from json.encoder import encode_basestring_ascii
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

from sqlite_utils import Database

from smsgw import __version__
from smsgw.clock import EPOCH, stamp, unstamp
from smsgw.errors import NoAccount, NoDatabase, NoReply, SmsgwError
from smsgw.model import (
    Account,
    AccountState,
    Address,
    AuditEntry,
    DayCount,
    Direction,
    HistoryEntry,
    Holder,
    LinkState,
    LinkStatus,
    Message,
    MtState,
    Outcome,
    Part,
    QueuedReply,
    from_tuple,
)
from smsgw.store import rows, sql
from smsgw.store.rows import Changes, Row
from smsgw.store.schema import APPLICATION_ID, DATA_KEYS, migrations

MASK = "********"

#: How long the daemon waits for another writer. Several such waits in a row still end before an
#: SMSC sends an MO again.
BUSY_TIMEOUT = timedelta(seconds=2)

#: Each registration dirties a page of its own in the indexes of phones and of CMND; a commit
#: writes these whole, so they are small. Smaller ones make deeper trees.
_PAGE_OCTETS = 2048
#: Pages of the write-ahead log after which it is copied back into the database file.
_CHECKPOINT_PAGES = 8000
_CACHE_KIB = 16 * 1024
#: due_at of a text that is held: its time never comes.
HELD = 2**62
#: Rows that one statement rewrites where there may be many thousands: others get their turn
#: between two steps.
STEP = 200
#: Rows that one statement adds, at most. After each statement, or row that it gives, Python takes
#: its lock anew; more rows at once win no more.
_ROWS_AT_ONCE = 32
#: An SMSC may give one id to all its texts: so many of them are looked at, the latest.
_SAME_ID = 16
#: So many are kept prepared: more than there are, those of many rows in each of their sizes.
_STATEMENTS = 256


class StoreUnavailable(SmsgwError):
    """The transaction did not happen; a later one may (disk full, locked, file gone)."""


class StoreMoved(StoreUnavailable):
    """The transaction is in a file that is no longer ours, and may come back with it."""


class StoreLost(SmsgwError):
    """The disk can no longer be trusted; end, and let the service manager start again."""


class AccountRow(NamedTuple):
    """An account with what only the gateway may see."""

    account: Account
    password_hash: str | None
    password_mt_id: int | None
    subscriber_id: int
    address: Address


class ClaimedRow(NamedTuple):
    id: int
    since: int  #: it was composed, or retried by hand
    to: Address
    sealed: bytes | None
    wording: str
    cmnd: str | None
    lapses: int | None  #: the password that it tells; None: it tells none that does


class PartRow(NamedTuple):
    part: Part
    created_at: int
    link: str
    session: int
    fingerprint: int
    sender: Address
    joined: bool


class SentText(NamedTuple):
    """A text that waits for its receipt."""

    id: int
    link: str
    smsc_id: str  #: as the SMSC gave it
    phone: str
    account_id: int | None  #: whose password it carries
    undelivered: int | None  #: texts of that account that reached nobody, in a row


class EarlyReceipt(NamedTuple):
    """A receipt that came before its text was known by that id."""

    id: int
    link: str
    smsc_id: str  #: as it came
    phone: str
    state: MtState
    reason: str


class Reservation(NamedTuple):
    """Who alone may register a CMND, and until when."""

    phone: str
    ends_at: datetime


class PartSeen(NamedTuple):
    """A part that is there, without what it says."""

    number: int
    total: int
    created_at: int  #: when the first part of its text came
    link: str
    session: int
    fingerprint: int  #: 0: what it said was wiped
    joined: bool  #: its text was decided on


class ReplyRow(NamedTuple):
    """What decides whether a reply may be retried or cancelled."""

    state: MtState
    account_id: int | None  #: whose password it carries
    password_is_current: bool
    wiped: bool  #: no password is in it, any more or ever
    ended_at: datetime | None  #: when it failed or was cancelled
    leased: bool  #: a link has it in memory, or the SMSC is being asked


class Guesses(NamedTuple):
    """Wrong passwords in a row, at one password of one account."""

    password: str  #: a digest of its hash
    wrong: int
    at: datetime  #: of the last one


@dataclass(frozen=True, slots=True)
class Health:
    """What the store knows of the gateway's condition."""

    oldest_queued: datetime | None  #: when the oldest reply that the SMSC has not taken was made
    queued: int
    held: int  #: of these, what an SMSC took and did not answer, again and again
    failed: int
    last_mo: datetime | None
    last_mt: datetime | None  #: when an SMSC last took a text of ours
    mo_last_hour: int
    mt_last_hour: int


class Store:
    """One SQLite file, open."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path | None, *, copies_log: bool = True
    ) -> None:
        self._db = connection
        self._copies_log = copies_log
        self._path = path
        self._identity = _identity(path)
        self._wordings: dict[tuple[str, str], int] = {}
        self._hour = 0  # the last one that stands in `hours`
        self._early_receipts = True  # there may be some; only this process adds any
        self._early_of: dict[str, int] = {}  # how many of each link, once counted
        self.transactions = 0  #: so many were begun

    # --- opening ------------------------------------------------------------------------------

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        create: bool = True,
        busy_timeout: timedelta = BUSY_TIMEOUT,
        copies_log: bool = True,
        migrate: bool = True,
        before_migration: "Callable[[Store], None] | None" = None,
    ) -> "Store":
        """Open the database at *path*, made with mode 0600 where it is missing.

        Args:
            migrate: bring a database of an older version up to date, which only the daemon may: the
                one that still runs could not go on with it.
            before_migration: called then, before anything is changed; what it raises ends this.
            copies_log: copy the write-ahead log back into the file when it is long. While the
                daemon runs, it alone does: SQLite before 3.51.3 can lose committed rows when one
                process copies while another begins the log anew
                (https://www.sqlite.org/wal.html#walresetbug).

        Raises:
            NoDatabase: there is none, and none is to be made.
            SmsgwError: it cannot be opened or made, is not ours, or is of another version.
        """
        if not path.exists():
            if not create:
                raise NoDatabase(str(path))
            _make_file(path)
        try:
            _refuse_stranger(path)
            connection = sqlite3.connect(
                path,
                timeout=busy_timeout.total_seconds(),
                isolation_level=None,
                cached_statements=_STATEMENTS,
            )
            store = cls(connection, path, copies_log=copies_log)
            try:
                store._set_up(migrate, before_migration)
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            raise _open_fault(path, error) from error
        return store

    @classmethod
    def in_memory(cls) -> "Store":
        """An empty store that nobody else sees; gone when closed."""
        store = cls(sqlite3.connect(":memory:", isolation_level=None), None)
        store._set_up()
        return store

    def _set_up(
        self, migrate: bool = True, before_migration: "Callable[[Store], None] | None" = None
    ) -> None:
        db = self._db
        db.execute(f"PRAGMA page_size = {_PAGE_OCTETS}")  # of a database that has none yet
        # WAL with FULL: a commit is on the disk when COMMIT returns, also when the power fails.
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA secure_delete = ON")  # what is deleted does not stay in free pages
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        pages = _CHECKPOINT_PAGES if self._copies_log else 0  # 0: never, until the last one closes
        db.execute(f"PRAGMA wal_autocheckpoint = {pages}")
        db.execute(f"PRAGMA journal_size_limit = {64 * 1024 * 1024}")
        if self._one("PRAGMA synchronous")[0] != 2:
            raise SmsgwError(f"{self._path}: SQLite did not accept synchronous=FULL")
        database = Database(db)
        ours = {migration.name for migration in migrations.pending(Database(memory=True))}
        applied = [migration.name for migration in migrations.applied(database)]
        unknown = [name for name in applied if name not in ours]
        if unknown:
            raise SmsgwError(
                f"{self._path} was made by another version of smsgw, a newer one than this "
                f"{__version__} (it has {', '.join(unknown)})",
                "use the smsgw of that version, or restore a backup made by this one",
            )
        pending = [migration.name for migration in migrations.pending(database)]
        if not pending:
            return
        if not migrate:
            raise SmsgwError(
                f"{self._path} is of an older version of smsgw than this {__version__} "
                f"(it lacks {', '.join(pending)})",
                "start the daemon of this version, which brings it up to date; "
                "until then use the smsgw of the daemon that runs",
            )
        if applied and before_migration is not None:
            before_migration(self)
        with database.atomic():
            migrations.apply(database)

    def close(self) -> None:
        """Close the file; the write-ahead log is copied back where nobody else has it open."""
        self._db.close()

    # --- transactions -------------------------------------------------------------------------

    @contextmanager
    def transaction(self, *, keep: bool = True) -> Iterator[None]:
        """All writes inside happen, on the disk, or none; *keep* false: none in any case.

        Raises:
            StoreUnavailable: nothing was written; a later transaction may succeed.
            StoreLost: an I/O error; do not answer, do not try again, end the process.
        """
        try:
            self._same_file()
            self._db.execute("BEGIN IMMEDIATE")
            self.transactions += 1
            try:
                yield
            except BaseException:
                self._roll_back()
                raise
            if not keep:
                self._roll_back()
                return
            try:
                self._db.execute("COMMIT")
            except sqlite3.Error:
                self._roll_back()
                raise
            # A file that was deleted or replaced still takes commits, which nobody will ever see.
            if self._path is not None and _identity(self._path) != self._identity:
                raise StoreMoved(f"{self._path} was removed or replaced")
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError):
            raise  # a fault of this message, not of the store
        except sqlite3.Error as error:
            raise _write_fault(self._path, error) from error

    @contextmanager
    def patience(self, wait: timedelta) -> Iterator[None]:
        """Inside, wait no longer than that for another writer."""
        (before,) = self._one("PRAGMA busy_timeout")
        self._db.execute(f"PRAGMA busy_timeout = {wait // timedelta(milliseconds=1)}")
        try:
            yield
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {before}")

    @contextmanager
    def deadline(self, after: timedelta) -> Iterator[None]:
        """Inside, whatever is read ends by then.

        Raises:
            StoreUnavailable: it was not done by then.
        """
        ends = monotonic() + after.total_seconds()
        self._db.set_progress_handler(lambda: monotonic() > ends, _STEPS_BETWEEN_LOOKS)
        try:
            yield
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_INTERRUPT:
                raise
            seconds = after.total_seconds()
            raise StoreUnavailable(
                f"{self._path} does not answer within {seconds:g} s", "is the disk slow, or busy?"
            ) from error
        finally:
            self._db.set_progress_handler(None, 0)

    def _roll_back(self) -> None:
        self._forget()  # some may have been added by the transaction that did not happen
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _same_file(self) -> None:
        """Turn to the file that is at our path now, where it is another one than we opened."""
        if self._path is None:
            return
        found = _identity(self._path)
        if found == self._identity:
            return
        if found is None:
            # Making an empty one here would forget every account.
            raise StoreUnavailable(f"{self._path} is gone", "put it back, or restore a backup")
        try:
            fresh = Store.open(self._path, create=False, copies_log=self._copies_log, migrate=False)
        except SmsgwError as error:
            raise StoreUnavailable(error.problem, error.remedy) from error
        self._db.close()
        self._db, self._identity = fresh._db, fresh._identity
        self._forget()

    def _forget(self) -> None:
        self._wordings.clear()
        self._hour = 0
        self._early_receipts = True
        self._early_of.clear()

    def _all(self, statement: str, **values: Any) -> list[Any]:
        return self._db.execute(statement, values).fetchall()

    def _one(self, statement: str, **values: Any) -> Any:
        return self._db.execute(statement, values).fetchone()

    def _run(self, statement: str, **values: Any) -> int:
        return self._db.execute(statement, values).rowcount

    # --- what a batch needs to know -----------------------------------------------------------

    def last_ids(self) -> tuple[int, int, int]:
        """The last id of subscribers, of accounts, and of messages (mo and mt together)."""
        subscriber, account, message = self._one(sql.LAST_IDS)
        return subscriber, account, message

    def senders(
        self, phones: Iterable[str]
    ) -> tuple[dict[str, int], dict[int, Holder], dict[str, Holder]]:
        """The ids of those of *phones* that are known, and their open accounts, by that id and
        by CMND."""
        known, by_phone, by_cmnd = {}, {}, {}
        for phone, who, cmnd, *account in self._all(
            sql.FIND_SENDERS, phones=_json_of_texts(phones)
        ):
            known[phone] = who
            if cmnd is not None:
                by_phone[who] = by_cmnd[cmnd] = _holder(*account)
        return known, by_phone, by_cmnd

    def twins(
        self, texts: Iterable[tuple[int, int]], since: datetime
    ) -> dict[tuple[int, int], int]:
        """Which session brought the last text after *since* with the same (subscriber,
        fingerprint), where there is one; *since* is a quarter of an hour ago at most."""
        at = stamp(since)
        first = rows.quarter(at)
        found = self._all(
            sql.FIND_TWINS,
            keys=_json(texts),
            since=at,
            last=first,
            this=first + 1 + rows.FINGERPRINT_MASK,
            mask=rows.FINGERPRINT_MASK,
        )
        return {(who, what): session for who, what, session in found if session is not None}

    def count_recent(
        self, subscribers: Iterable[int], since: datetime, most: int
    ) -> dict[int, int]:
        """How many texts of each were kept since the quarter of an hour of *since*; no count goes
        beyond *most*."""
        first = rows.quarter(stamp(since))
        return dict(
            self._all(sql.COUNT_RECENT, subscribers=_json(subscribers), first=first, most=most)
        )

    def recent(self, subscriber: int, since: datetime, most: int) -> list[tuple[int, bool]]:
        """(when, was it answered) of the newest *most* texts of one sender after *since*."""
        at = stamp(since)
        found = self._all(sql.FIND_RECENT, subscriber=subscriber, first=rows.quarter(at), most=most)
        return [(when, bool(answered)) for when, answered in found if when > at]

    def count_answers(self, since: datetime) -> list[tuple[int, int]]:
        """(second since 1970, texts answered in it) after *since*, oldest first."""
        return self._all(sql.COUNT_ANSWERS, **self._since(since))

    def holders_by_cmnd(self, cmnds: Iterable[str]) -> dict[str, Holder]:
        """The open accounts of these CMND."""
        rows = self._all(sql.HOLDERS_BY_CMND, cmnds=_json_of_texts(cmnds))
        return {cmnd: _holder(*holder) for cmnd, *holder in rows}

    def count_resets(self, account_id: int, since: datetime) -> int:
        """How often a citizen had this account's password replaced by texting, after *since*."""
        count: int = self._one(sql.COUNT_RESETS, account=account_id, since=stamp(since))[0]
        return count

    def has_note(self, account_id: int, event: str, reason: str, since: datetime) -> bool:
        """Whether the account's history has *event* with just this *reason* after *since*."""
        values = {"account": account_id, "event": event, "reason": reason, "since": stamp(since)}
        return self._one(sql.FIND_NOTE, **values) is not None

    def wordings(self) -> list[str]:
        """The latest wordings of what we sent, with their placeholders."""
        return [text for (text,) in self._all(sql.LIST_WORDINGS)]

    def wording(self, reply: str, text: str) -> int:
        """The id of a wording, added where it is new."""
        key = (reply, text)
        known = self._wordings.get(key)
        if known is None:
            row = self._one(sql.FIND_WORDING, reply=reply, text=text)
            if row is None:
                self._run(sql.ADD_WORDING, reply=reply, text=text)
                row = self._one(sql.FIND_WORDING, reply=reply, text=text)
            known = self._wordings[key] = int(row[0])
        return known

    # --- what goes in -------------------------------------------------------------------------

    def write(self, changes: Changes) -> None:
        """Write all of *changes*.

        Raises:
            sqlite3.IntegrityError: a phone or CMND has an open account already.
        """
        first = changes.mos[0] if changes.mos else changes.mts[0] if changes.mts else None
        if first is not None:
            id_, created_at = first[:2]
            if created_at // _HOUR != self._hour:
                self._hour = created_at // _HOUR
                self._run(sql.ADD_HOUR, hour=self._hour, first_id=id_)
        for statement, added in (
            (sql.ADD_SUBSCRIBER, changes.subscribers),
            (sql.ADD_MO, changes.mos),
            (sql.ADD_ACCOUNT, changes.accounts),
            (sql.ADD_MT, changes.mts),
        ):
            self._add(statement, added)
        if changes.ignored:
            self._add(sql.ADD_IGNORED, changes.ignored)
        if changes.surplus:
            self._db.executemany(sql.ADD_SURPLUS, changes.surplus)
        for statement, changed in (
            (sql.SUPERSEDE, changes.superseded),
            (sql.ISSUE_PASSWORD, changes.issued),
            (sql.SET_OWN_PASSWORD, changes.own),
            (sql.END_PASSWORD, changes.ended),
            (sql.KEEP_PASSWORD, changes.kept),
            (sql.CLOSE_ACCOUNT, changes.closed),
            (sql.ADD_HISTORY, changes.history),
        ):
            if changed:
                self._db.executemany(statement, changed)

    def _add(self, statement: str, rows: Sequence[Row]) -> None:
        """Add *rows* by *statement*, which adds one."""
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[start : start + _ROWS_AT_ONCE]
            values = tuple(chain.from_iterable(some))
            self._db.execute(sql.repeated(statement, len(some)), values)

    # --- parts of long texts ------------------------------------------------------------------

    def count_parts(self, subscriber: int, ref: str, most: int) -> tuple[int, int]:
        """How many parts of a sender wait (counted to *most*), and how many of one long text."""
        of_sender, of_text = self._one(sql.COUNT_PARTS, subscriber=subscriber, ref=ref, most=most)
        return of_sender, of_text

    def count_parts_of_link(self, link: str, most: int) -> int:
        """How many parts that came by *link* wait, counted to *most*."""
        count: int = self._one(sql.COUNT_PARTS_OF_LINK, link=link, most=most)[0]
        return count

    def look_at_parts(
        self, subscriber: int, ref: str, number: int
    ) -> tuple[PartSeen | None, PartSeen | None]:
        """Of a long text the first part that is there, and the one of *number*."""
        found = [
            PartSeen(*row)
            for row in self._all(sql.LOOK_AT_PARTS, subscriber=subscriber, ref=ref, number=number)
        ]
        first = found[0] if found else None
        return first, next((row for row in found if row.number == number), None)

    def parts(self, subscriber: int, ref: str) -> list[PartRow]:
        """The parts of one long text that are there, by their number."""
        return [
            PartRow(
                Part(ref, total, number, coding, octets, (single, locking)),
                created_at,
                link,
                session,
                fingerprint,
                Address(address, ton, npi),
                bool(joined),
            )
            for (
                number,
                total,
                created_at,
                link,
                session,
                fingerprint,
                address,
                ton,
                npi,
                coding,
                single,
                locking,
                octets,
                joined,
            ) in self._all(sql.FIND_PARTS, subscriber=subscriber, ref=ref)
        ]

    def add_part(self, subscriber: int, row: PartRow) -> None:
        part, sender = row.part, row.sender
        self._db.execute(
            sql.ADD_PART,
            (
                subscriber,
                part.ref,
                part.number,
                part.total,
                row.created_at,
                row.link,
                row.session,
                row.fingerprint,
                *sender,
                part.data_coding,
                *part.shift,
                part.octets,
            ),
        )

    def mark_joined(self, subscriber: int, ref: str) -> None:
        """The text is whole; its parts stay to recognise one that is sent again."""
        self._run(sql.MARK_JOINED, subscriber=subscriber, ref=ref)

    def take_back_part(self, subscriber: int, part: Part) -> None:
        """Undo the arrival of a last part whose text could not be decided on yet."""
        self._run(sql.REMOVE_PART, subscriber=subscriber, ref=part.ref, number=part.number)
        self._run(sql.UNMARK_JOINED, subscriber=subscriber, ref=part.ref)

    def forget_parts(self, subscriber: int, ref: str) -> None:
        self._run(sql.FORGET_PARTS, subscriber=subscriber, ref=ref)

    def wipe_parts(self, subscriber: int, ref: str) -> None:
        """Forget what parts said, and not that they came."""
        self._run(sql.WIPE_PARTS, subscriber=subscriber, ref=ref)

    def set_back_parts(self, latest: datetime, now: datetime) -> int:
        """Let parts have come now that are said to have come after *latest*; how many."""
        return self._run(sql.SET_BACK_PARTS, latest=stamp(latest), now=stamp(now))

    def incomplete(self, since: datetime, limit: int) -> list[tuple[int, str, str]]:
        """(subscriber, phone, ref) of long texts begun before *since* that lack a part; at most
        *limit*."""
        return self._all(sql.FIND_INCOMPLETE, since=stamp(since), limit=limit)

    def purge_parts(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* parts of texts that were decided on; how many went."""
        return self._run(sql.PURGE_PARTS, before=stamp(before), limit=limit)

    # --- the outbox ---------------------------------------------------------------------------

    def due(self, link: str, *, reminder: bool, room: int, now: datetime) -> list[ClaimedRow]:
        """At most *room* due replies (or reminders) of *link*, oldest first; not yet leased."""
        rows = self._all(sql.CLAIM, link=link, reminder=int(reminder), room=room, now=stamp(now))
        return [
            ClaimedRow(id_, since, Address(address, ton, npi), sealed, wording, cmnd, lapses)
            for id_, since, address, ton, npi, sealed, wording, cmnd, lapses in rows
        ]

    def lease(self, ids: Iterable[int], until: datetime) -> None:
        ends = stamp(until)
        self._db.executemany(sql.LEASE, [(ends, id_) for id_ in ids])

    def due_times(
        self, link: str, *, reminder: bool
    ) -> tuple[datetime, datetime] | tuple[None, None]:
        """When the next and the last queued text of *link* fall due, those that are held apart."""
        first, last = self._one(sql.DUE_TIMES, link=link, reminder=int(reminder), held=HELD)
        return (None, None) if first is None else (unstamp(first), unstamp(last))

    def set_back_due(self, link: str, latest: datetime, now: datetime, *, reminder: bool) -> int:
        """Let texts be due now that were to be due after *latest*; how many, of `STEP` at most."""
        return self._run(
            sql.SET_BACK_DUE,
            link=link,
            reminder=int(reminder),
            latest=stamp(latest),
            now=stamp(now),
            held=HELD,
            limit=STEP,
        )

    def begin_day(self, ids: Iterable[int], now: datetime) -> None:
        """Count the day after which these texts are given up from *now*."""
        self._db.executemany(sql.BEGIN_DAY, [(stamp(now), id_) for id_ in ids])

    def end_all_leases(self, now: datetime) -> None:
        """Whatever is queued is due now: the daemon that held it is dead."""
        self._run(sql.END_ALL_LEASES, now=stamp(now))

    def end_leases(self, now: datetime, latest: datetime, ends: datetime) -> tuple[set[str], int]:
        """Let texts fall due again whose lease is over.

        Args:
            latest: a lease that ends after it gets this end instead: *ends*.

        Returns:
            The links that have such texts, and how many leases got another end.
        """
        values = {"now": stamp(now), "latest": stamp(latest), "ends": stamp(ends)}
        rows = self._all(sql.END_LEASES, **values)
        ended = {link for link, leased in rows if not leased}
        return ended, sum(leased for _, leased in rows)

    def links_in_outbox(self) -> list[str]:
        """Links for which something waits."""
        return [name for (name,) in self._all(sql.LINKS_IN_OUTBOX)]

    def waiting_by_link(self) -> dict[str, int]:
        """How many texts wait for each link; reads them all."""
        return dict(self._all(sql.COUNT_BY_LINK))

    def move_to_link(self, gone: str, link: str, now: datetime) -> int:
        """Let *link* carry what waits for *gone*; how many texts, of `STEP` at most."""
        return self._run(
            sql.MOVE_TO_LINK, gone=gone, link=link, now=stamp(now), held=HELD, limit=STEP
        )

    def release_held(self, link: str, now: datetime) -> int:
        """Let what is held for *link* be due; how many texts, of `STEP` at most."""
        return self._run(sql.RELEASE_HELD, link=link, now=stamp(now), held=HELD, limit=STEP)

    def give_up_old(self, before: datetime, now: datetime) -> list[tuple[int, str]]:
        """(mt, link) of texts that have waited since *before* and now have failed, `STEP` at
        most."""
        return self._all(sql.GIVE_UP_OLD, before=stamp(before), now=stamp(now), limit=STEP)

    def taken(self, texts: Sequence[tuple[int, str]], now: datetime) -> None:
        """The SMSC took these (mt, id that it gave); what was sealed is wiped."""
        at = stamp(now)
        self._add(sql.ADD_SENT, [(mt_id, smsc, at) for mt_id, smsc in texts])
        self._db.executemany(sql.TAKE_OUT, [(mt_id,) for mt_id, _ in texts])

    def tries(self, ids: Iterable[int]) -> list[tuple[int, int, int]]:
        """(mt, tries so far, unanswered ones) of those that are queued."""
        return self._all(sql.FIND_TRIES, ids=_json(ids))

    def postpone(
        self, mt_id: int, due: datetime | None, tries: int, unanswered: int, reason: str
    ) -> None:
        """Let a text wait until *due*; None: it is held."""
        due_at = HELD if due is None else stamp(due)
        self._db.execute(sql.POSTPONE, (due_at, tries, unanswered, reason, mt_id))

    def give_up(self, mt_id: int, now: datetime) -> None:
        """No SMSC took it in time; the reason of its last try stays with it."""
        self._db.execute(sql.GIVE_UP, (stamp(now), mt_id))

    def fail(self, mt_id: int, reason: str, now: datetime) -> bool:
        """No SMSC will take it; false: it does not wait any more."""
        return self._db.execute(sql.FAIL, (reason, stamp(now), mt_id)).rowcount > 0

    def refused_account(self, mt_id: int) -> tuple[int, int] | None:
        """The account whose password the refused text carries, and how many texts before it
        reached nobody."""
        found: tuple[int, int] | None = self._one(sql.FIND_REFUSED, id=mt_id)
        return found

    def reply(self, mt_id: int) -> ReplyRow:
        """The reply *mt_id*, which the SMSC has not taken.

        Raises:
            NotFound: there is none in the outbox.
        """
        row = self._one(sql.FIND_REPLY, id=mt_id)
        if row is None:
            raise NoReply(mt_id)
        state, account_id, current, account_state, wiped, ended_at, leased = row
        return ReplyRow(
            MtState(state),
            account_id,
            current == mt_id and account_state == AccountState.ISSUED,
            bool(wiped),
            _moment(ended_at),
            bool(leased) and state == MtState.QUEUED,
        )

    def retry(self, mt_id: int, now: datetime) -> None:
        """Let a reply be due now, with all its time before it; one that is leased stays so."""
        self._run(sql.RETRY, id=mt_id, now=stamp(now))

    def cancel(self, mt_id: int, reason: str, now: datetime) -> bool:
        """Cancel a reply that waits or failed; false where there is none such."""
        return self._run(sql.CANCEL, id=mt_id, reason=reason, now=stamp(now)) > 0

    # --- what is sealed -----------------------------------------------------------------------

    def sealed_after(self, id_: int, limit: int) -> list[tuple[int, bytes | None, str, int | None]]:
        """(mt, what is sealed, state, microseconds when it ended) of the next *limit* texts in the
        outbox after *id_*."""
        return self._all(sql.SEALED_AFTER, after=id_, limit=limit)

    def reseal(self, mt_id: int, sealed: bytes) -> None:
        self._db.execute(sql.RESEAL, (sealed, mt_id))

    def has_ended(self, mt_id: int, at: int) -> None:
        """It failed or was cancelled, at *at* microseconds or before."""
        self._db.execute(sql.HAS_ENDED, (at, mt_id))

    def wipe(self, mt_id: int) -> None:
        """Forget the password in a text that nobody will send."""
        self._db.execute(sql.WIPE, (mt_id,))

    def data_keys(self) -> list[tuple[bytes, str, int, bytes]]:
        """(id, use, made, sealed) of the data keys that came with this database: it is a copy."""
        return self._all(sql.LIST_DATA_KEYS)

    def forget_data_keys(self) -> None:
        self._run(sql.FORGET_DATA_KEYS)

    # --- delivery receipts --------------------------------------------------------------------

    def awaiting_receipt(self, link: str, smsc_id: str) -> list[SentText]:
        """Texts of *link* that the SMSC gave this id, however it is written; the latest first."""
        rows = self._all(sql.FIND_SENT, link=link, smsc_id=smsc_id, limit=_SAME_ID)
        return [from_tuple(SentText, row) for row in rows]

    def awaiting_receipt_anyhow(
        self, links: Iterable[str], smsc_ids: Iterable[str]
    ) -> list[SentText]:
        """The same for several links and ids, in no order."""
        values = {"links": _json(links), "keys": _json(smsc_ids), "limit": _SAME_ID}
        return [from_tuple(SentText, row) for row in self._all(sql.FIND_SENT_ANYHOW, **values)]

    def sent_text(self, mt_id: int) -> SentText | None:
        """The text *mt_id*, if it waits for a receipt."""
        row = self._one(sql.FIND_SENT_BY_ID, id=mt_id)
        return None if row is None else from_tuple(SentText, row)

    def settle_sent(self, mt_id: int, state: MtState, reason: str, now: datetime) -> None:
        self._run(sql.SETTLE_SENT, id=mt_id, state=state, reason=reason, now=stamp(now))

    def park_receipt(
        self,
        link: str,
        smsc_id: str,
        phone: str,
        state: MtState,
        reason: str,
        now: datetime,
        *,
        most: int,
    ) -> None:
        """Keep a receipt whose text is not known yet by that id.

        Args:
            most: so many of a link are kept; the oldest goes.
        """
        self._early_receipts = True
        kept = self._early_of.get(link)
        if kept is None:
            kept = self._one(sql.COUNT_EARLY_RECEIPTS, link=link)[0]
        if kept >= most:
            kept -= self._run(sql.FORGET_OLDEST_EARLY_RECEIPT, link=link)
        self._early_of[link] = kept + 1
        self._run(
            sql.ADD_EARLY_RECEIPT,
            link=link,
            smsc_id=smsc_id,
            phone=phone,
            state=state,
            reason=reason,
            now=stamp(now),
        )

    def any_early_receipt(self) -> bool:
        if self._early_receipts:
            self._early_receipts = self._one(sql.ANY_EARLY_RECEIPT) is not None
        return self._early_receipts

    def early_receipts(self, links: Iterable[str], smsc_ids: Iterable[str]) -> list[EarlyReceipt]:
        """What came by any of *links* about any of these ids, however they are written."""
        values = {"links": _json(links), "keys": _json(smsc_ids), "limit": _SAME_ID}
        return [
            EarlyReceipt(id_, link, smsc_id, phone, MtState(state), reason)
            for id_, link, smsc_id, phone, state, reason in self._all(
                sql.FIND_EARLY_RECEIPTS, **values
            )
        ]

    def forget_early_receipt(self, receipt: EarlyReceipt) -> None:
        if receipt.link in self._early_of:
            self._early_of[receipt.link] -= 1
        self._run(sql.FORGET_EARLY_RECEIPT, id=receipt.id)

    def purge_early_receipts(self, before: datetime) -> None:
        if self._run(sql.PURGE_EARLY_RECEIPTS, before=stamp(before)):
            self._early_of.clear()

    # --- accounts -----------------------------------------------------------------------------

    def due_accounts(self, now: datetime, limit: int) -> list[AccountRow]:
        """Accounts whose issued password has lapsed, oldest first."""
        return [_account_row(r) for r in self._all(sql.DUE_ACCOUNTS, now=stamp(now), limit=limit)]

    def last_expiry(self) -> datetime | None:
        """When the last of the issued passwords lapses."""
        return _moment(self._one(sql.LAST_EXPIRY)[0])

    def set_back_expiries(self, latest: datetime, expires: datetime) -> int:
        """Let passwords lapse at *expires* that were to lapse after *latest*; how many, of `STEP`
        at most."""
        values = {"latest": stamp(latest), "expires": stamp(expires), "limit": STEP}
        return self._run(sql.SET_BACK_EXPIRY, **values)

    def count_due_accounts(self, now: datetime, limit: int = -1) -> int:
        """How many there are, counted to *limit*; below 0: to the end."""
        count: int = self._one(sql.COUNT_DUE_ACCOUNTS, now=stamp(now), limit=limit)[0]
        return count

    def account(self, account_id: int) -> AccountRow:
        row = self._one(sql.ACCOUNT_BY_ID, id=account_id)
        if row is None:
            raise NoAccount(f"number {account_id}")
        return _account_row(row)

    def accounts_of_cmnd(self, cmnd: str) -> list[AccountRow]:
        """The open account of a CMND, then closed ones, the latest first."""
        return [_account_row(row) for row in self._all(sql.ACCOUNTS_BY_CMND, cmnd=cmnd)]

    def accounts_of_phone(self, phone: str) -> list[AccountRow]:
        """The open account of a phone (E.164), then closed ones, the latest first."""
        return [_account_row(row) for row in self._all(sql.ACCOUNTS_BY_PHONE, phone=phone)]

    def last_closed(self, accounts: Iterable[int]) -> int:
        """Which of these closed accounts was closed last."""
        id_: int = self._one(sql.LAST_CLOSED, accounts=_json(accounts))[0]
        return id_

    def accounts(
        self, *, state: AccountState | None = None, expiring_before: datetime | None = None
    ) -> Iterator[Account]:
        """All accounts in the order of registration, or those that expire, soonest first.

        Read some at a time: whoever prints them to somebody who does not read them keeps no
        snapshot of the database open, for which the log would grow without end.
        """
        values: dict[str, Any] = {"state": state, "limit": _ACCOUNTS_AT_ONCE, "after": 0}
        statement = sql.LIST_ACCOUNTS
        if expiring_before is not None:
            statement = sql.LIST_EXPIRING
            values |= {"before": stamp(expiring_before), "expired": 0}
        while rows := self._all(statement, **values):
            for row in rows:
                yield _account(row)
            values["after"] = rows[-1][0]
            if expiring_before is not None:
                values["expired"] = rows[-1][9]

    def issued_since(self, since: datetime, link: str | None, prefix: str) -> list[int]:
        """Accounts registered since then that are issued still, by *link* (None: any) and from a
        phone that begins with *prefix* in E.164; oldest first.

        Read in steps, so that no read is long enough to hold up the log's way back into the file.
        """
        values = {"since": stamp(since), "link": link, "prefix": prefix}
        found: list[int] = []
        for after in range(0, self.last_ids()[1], _IDS_AT_ONCE):
            end = after + _IDS_AT_ONCE
            rows = self._all(sql.ISSUED_SINCE, after=after, end=end, **values)
            found += [id_ for (id_,) in rows]
        return found

    def accounts_by_ids(self, ids: Iterable[int]) -> list[AccountRow]:
        """Those of these accounts that are there, oldest first."""
        return [_account_row(row) for row in self._all(sql.ACCOUNTS_BY_IDS, ids=_json(ids))]

    def set_undelivered(self, account_id: int, texts: int) -> None:
        """So many texts in a row with the account's password reached nobody."""
        self._db.execute(sql.SET_UNDELIVERED, (texts, account_id))

    # --- reservations -------------------------------------------------------------------------

    def any_reservation(self, now: datetime) -> bool:
        return self._one(sql.ANY_RESERVATION, now=stamp(now)) is not None

    def reservation(self, cmnd: str, now: datetime) -> Reservation | None:
        """For whom this CMND is reserved *now*."""
        row = self._one(sql.FIND_RESERVATION, cmnd=cmnd, now=stamp(now))
        return None if row is None else Reservation(row[0], unstamp(row[1]))

    def reserve(self, cmnd: str, reservation: Reservation | None) -> None:
        """Let one phone alone register this CMND, or again any; an earlier word is void."""
        if reservation is None:
            self._run(sql.END_RESERVATION, cmnd=cmnd)
        else:
            phone, ends = reservation
            self._run(sql.RESERVE, cmnd=cmnd, phone=phone, ends=stamp(ends))

    def purge_reservations(self, now: datetime) -> None:
        self._run(sql.PURGE_RESERVATIONS, now=stamp(now))

    # --- reports ------------------------------------------------------------------------------

    def account_history(self, account_id: int) -> list[HistoryEntry]:
        """The changes of an account's state, in their order."""
        return [
            HistoryEntry(
                unstamp(at),
                event,
                f"{old} -> {new}" if old not in (None, new) else new,
                actor,
                reason,
            )
            for at, event, old, new, actor, reason in self._all(sql.HISTORY, account=account_id)
        ]

    def messages(
        self,
        *,
        phone: str | None = None,
        direction: Direction | None = None,
        state: MtState | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[Message]:
        """What came and went, newest first; *state* is that of an MT and leaves out every MO."""
        values: dict[str, Any] = {
            **self._since(since),
            "limit": limit,
            "phone": phone,
            "state": state,
        }
        found: list[Message] = []
        if direction != Direction.MT and state is None:
            statement = sql.LIST_MO if phone is None else sql.LIST_MO_OF
            found += [_mo(row) for row in self._all(statement, **values)]
        if direction != Direction.MO:
            found += [_mt(row) for row in self._mts(**values)]
        found.sort(key=lambda m: (m.created_at, m.id), reverse=True)
        return found[:limit]

    def _mts(self, *, phone: str | None, **values: Any) -> list[Any]:
        """Texts of ours, newest first: those that wait, then those that were sent."""
        if phone is None:
            statements = sql.LIST_WAITING, sql.LIST_SENT
        else:
            statements = sql.LIST_WAITING_OF, sql.LIST_SENT_OF
            values["phone"] = phone
        return [row for statement in statements for row in self._all(statement, **values)]

    def delivery_history(self, phone: str) -> list[HistoryEntry]:
        """The texts of one phone, both ways, and what became of ours."""
        entries = []
        for mo in self.messages(phone=phone, direction=Direction.MO, limit=_STORY):
            text = mo.text if mo.text is not None else "(could not be read)"
            entries.append(
                HistoryEntry(mo.created_at, "mo", f"{mo.outcome}: {text}", None, mo.reason)
            )
        for number, last_at in self._all(sql.SURPLUS_OF, phone=phone, limit=_STORY):
            more = f"{Outcome.IGNORED}: {number} more within the hour, which were only counted"
            entries.append(HistoryEntry(unstamp(last_at), "mo", more))
        for row in self._mts(phone=phone, state=None, since=0, limit=_STORY):
            mt = _mt(row)
            reply, taken_at, final_at = row[8:]
            entries.append(HistoryEntry(mt.created_at, "mt", f"{reply}: {mt.text}"))
            if taken_at is not None:
                entries.append(HistoryEntry(unstamp(taken_at), "mt sent", f"message {mt.id}"))
            if final_at is not None:
                entries.append(
                    HistoryEntry(
                        unstamp(final_at), f"mt {mt.state}", f"message {mt.id}", None, mt.reason
                    )
                )
            elif taken_at is None:
                entries.append(
                    HistoryEntry(
                        mt.created_at, f"mt {mt.state}", f"message {mt.id}", None, mt.reason
                    )
                )
        return entries

    def outbox(self) -> list[QueuedReply]:
        """What the SMSC has not taken, oldest first."""
        return [
            QueuedReply(
                id_,
                phone,
                link,
                _masked(wording, cmnd),
                MtState(state),
                unstamp(created_at),
                tries,
                unstamp(due_at) if state == MtState.QUEUED and due_at < HELD else None,
                reason,
            )
            for (
                id_,
                phone,
                link,
                wording,
                cmnd,
                state,
                created_at,
                tries,
                due_at,
                reason,
            ) in self._all(sql.LIST_OUTBOX)
        ]

    def stats(self, since: datetime | None, zone: tzinfo) -> list[DayCount]:
        """Counts by local day, direction and outcome, oldest day first."""
        totals: dict[tuple[date, Direction, str], int] = {}
        for direction, statement in (
            (Direction.MO, sql.COUNT_MO),
            (Direction.MT, sql.COUNT_MT),
        ):
            for quarter, outcome, count in self._all(statement, **self._since(since)):
                moment = datetime.fromtimestamp(quarter * 900, UTC)
                key = (moment.astimezone(zone).date(), direction, str(outcome))
                totals[key] = totals.get(key, 0) + count
        return [DayCount(*key, count) for key, count in sorted(totals.items())]

    def count_outbox(
        self, after: int, limit: int
    ) -> tuple[int, int, int, datetime | None, int | None]:
        """How many of the *limit* texts behind the id *after* are queued, of these held, and
        failed, when the oldest queued reply of them was made, and the id to go on from, if there
        are more."""
        queued, held, failed, oldest, last = self._one(
            sql.COUNT_SOME_OF_OUTBOX, after=after, limit=limit, held=HELD
        )
        return queued, held, failed, _moment(oldest), last

    def health(self, now: datetime) -> Health:
        """How the gateway is.

        Reads the whole outbox and each message of the last hour, which a command may do and the
        daemon's thread must not.
        """
        oldest = self._one(sql.OLDEST_QUEUED)
        counts = dict(self._all(sql.COUNT_OUTBOX))
        last_mo, last_mt = self._one(sql.LAST_TIMES)
        mo, mt = self._one(sql.COUNT_SINCE, **self._since(now - timedelta(hours=1)))
        return Health(
            oldest_queued=unstamp(oldest[0]) if oldest else None,
            queued=counts.get("queued", 0),
            held=self._one(sql.COUNT_HELD, held=HELD)[0],
            failed=counts.get("failed", 0),
            last_mo=None if last_mo is None else unstamp(last_mo),
            last_mt=None if last_mt is None else unstamp(last_mt),
            mo_last_hour=mo,
            mt_last_hour=mt,
        )

    def _since(self, since: datetime | None) -> dict[str, int]:
        """The bounds of messages made since then."""
        at = stamp(since or EPOCH)
        (first,) = self._one(sql.FIRST_ID_SINCE, hour=at // _HOUR)
        return {"first": first, "since": at}

    # --- audit and guesses --------------------------------------------------------------------

    def note(self, at: datetime, who: str, command: str, account: str | None, detail: str) -> int:
        """Add a line to the audit; its id.

        Args:
            account: masked, like every number in *detail*.
        """
        values = {"who": who, "command": command, "account": account, "detail": detail}
        added = self._db.execute(sql.ADD_AUDIT, {"at": stamp(at), **values}).lastrowid
        assert added is not None  # noqa: S101 - an INSERT of one row has one
        return added

    def amend_note(self, note: int, detail: str) -> None:
        self._run(sql.AMEND_AUDIT, id=note, detail=detail)

    def audit(self, since: datetime | None = None, who: str | None = None) -> Iterator[AuditEntry]:
        """Who did what, in order of time; nothing is held open between two pages."""
        statement = sql.LIST_AUDIT if who is None else sql.LIST_AUDIT_OF
        place = {"id": 0, "at": stamp(since or EPOCH)}
        while rows := self._all(statement, who=who, limit=_PAGE_ROWS, **place):
            for _, at, *texts in rows:
                yield AuditEntry(unstamp(at), *texts)
            place = {"id": rows[-1][0], "at": rows[-1][1]}

    def purge_audit(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* lines of the audit; how many went."""
        return self._run(sql.PURGE_AUDIT, before=stamp(before), limit=limit)

    def guesses(self, account_id: int) -> Guesses | None:
        """What was guessed at an account's password, if anything was."""
        row = self._one(sql.GET_GUESSES, account=account_id)
        return None if row is None else Guesses(row[0], row[1], unstamp(row[2]))

    def set_guesses(self, account_id: int, guesses: Guesses) -> None:
        password, wrong, at = guesses
        self._run(sql.SET_GUESSES, account=account_id, password=password, wrong=wrong, at=stamp(at))

    def forget_guesses(self, account_id: int) -> None:
        self._run(sql.FORGET_GUESSES, account=account_id)

    # --- links and facts ----------------------------------------------------------------------

    def links(self) -> list[LinkStatus]:
        return [
            LinkStatus(name, LinkState(state), unstamp(since), reason, mo, mt, json.loads(oddities))
            for name, state, since, reason, mo, mt, oddities in self._all(sql.LIST_LINKS)
        ]

    def set_link(self, name: str, state: LinkState, reason: str | None, now: datetime) -> None:
        self._run(sql.SET_LINK, name=name, state=state, reason=reason, now=stamp(now))

    def set_oddities(self, name: str, oddities: Mapping[str, int]) -> None:
        """Keep how often the peer of a link was odd, by kind."""
        self._run(sql.SET_ODDITIES, name=name, oddities=json.dumps(oddities))

    def forget_link(self, name: str) -> None:
        self._run(sql.FORGET_LINK, name=name)

    def count_on_link(self, name: str, mo: int, mt: int) -> None:
        self._db.execute(sql.COUNT_ON_LINK, (mo, mt, name))

    def carriers(self) -> dict[str, str]:
        """The carrier last known of each link there ever was."""
        return dict(self._all(sql.LIST_CARRIERS))

    def set_carriers(self, carriers: Mapping[str, str]) -> None:
        """Remember the carrier of each of these links."""
        self._db.executemany(sql.SET_CARRIER, list(carriers.items()))

    def fact(self, name: str) -> str | None:
        row = self._one(sql.GET_FACT, name=name)
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        self._run(sql.SET_FACT, name=name, value=value)

    # --- retention and backup -----------------------------------------------------------------

    def purge_messages(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* old MO and MT each; how many went."""
        self._run(sql.KEEP_LAST_IDS)
        at = stamp(before)
        end = self._one(sql.FIRST_ID_AFTER, hour=at // _HOUR)
        values = {"before": at, "end": end[0] if end else _NO_END, "limit": limit}
        self._run(sql.PURGE_HOURS, hour=at // _HOUR)
        gone = [
            row
            for statement in (sql.PURGE_OUTBOX, sql.PURGE_SENT)
            for row in self._all(statement, **values)
        ]
        texts = self._all(sql.PURGE_MO, **values)
        self._run(sql.PURGE_IGNORED, ids=_json(id_ for _, id_ in texts))
        counters = self._all(sql.PURGE_SURPLUS, hour=at // _HOUR, limit=limit)
        self._purge_subscribers([*gone, *texts, *counters])
        return len(gone) + len(texts)

    def purge_accounts(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* accounts closed before that time, with their history."""
        self._run(sql.KEEP_LAST_IDS)
        values = {"before": stamp(before), "limit": limit}
        self._run(sql.PURGE_HISTORY, **values)
        self._run(sql.PURGE_GUESSES, **values)
        gone = self._all(sql.PURGE_ACCOUNTS, **values)
        self._purge_subscribers(gone)
        return len(gone)

    def _purge_subscribers(self, gone: Sequence[tuple[int, ...]]) -> None:
        """Forget those of these rows' subscribers (first) who have nothing left."""
        self._run(sql.PURGE_SUBSCRIBERS, subscribers=_json({row[0] for row in gone}))

    def truncate_log(self) -> bool:
        """Copy the write-ahead log back, so that what was deleted stays neither in it nor in the
        file; false: somebody still reads it.

        A command beside the daemon leaves that to it.
        """
        if not self._copies_log:
            return False
        (patience,) = self._one("PRAGMA busy_timeout")
        # Who reads still needs the log; nobody waits for them, the next time will do.
        self._db.execute("PRAGMA busy_timeout = 0")
        try:
            (busy, *_) = self._one("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {patience:d}")
        return not busy

    @property
    def path(self) -> Path | None:
        """Where it is; None: in memory."""
        return self._path

    def copy_to(self, file: Path) -> None:
        """Write a consistent copy to *file*, which is empty, while others go on writing.

        Raises:
            sqlite3.Error: it cannot be written.
        """
        self._db.execute("VACUUM INTO ?", (str(file),))


def finish_copy(file: Path, data_keys: Iterable[tuple[bytes, str, int, bytes]]) -> None:
    """Check the copy that `copy_to` wrote to *file*, and put those of *data_keys* into it that its
    texts need.

    Raises:
        SmsgwError: it is damaged.
        sqlite3.Error: it cannot be written.
    """
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        # The file is nobody's yet: no second one beside it, and one fsync when all is done.
        db.execute("PRAGMA journal_mode = MEMORY")
        db.execute("PRAGMA synchronous = OFF")
        found = db.execute("PRAGMA integrity_check(1)").fetchone()
        if found != ("ok",):
            raise SmsgwError(f"the copy is damaged ({found[0]})", "check both disks")
        used = {id_ for (id_,) in db.execute(sql.KEYS_IN_OUTBOX)}
        needed = [key for key in data_keys if key[0] in used]
        if needed:
            db.execute(DATA_KEYS)
            db.execute("BEGIN")
            db.executemany(sql.ADD_DATA_KEY, needed)
            db.execute("COMMIT")


_HOUR = 3_600_000_000  # microseconds
_ACCOUNT_STATES = {state.value: state for state in AccountState}
_HEADER_OCTETS = 100  # of an SQLite file
_NO_END = 2**63 - 1  # an id that no message reaches
_ACCOUNTS_AT_ONCE = 500
_IDS_AT_ONCE = 10_000  # looked at by one statement
_STEPS_BETWEEN_LOOKS = 10_000  # of SQLite's machine, some tenths of a millisecond
_PAGE_ROWS = 500  # of a list that is read page by page
_STORY = 10_000  # texts of one citizen, more than anyone reads


def _json(values: Iterable[Any]) -> str:
    return json.dumps(list(values))


def _json_of_texts(values: Iterable[str]) -> str:
    """The same for texts, at half the price."""
    return f"[{','.join(map(encode_basestring_ascii, values))}]"


def _identity(path: Path | None) -> tuple[int, int] | None:
    if path is None:
        return None
    try:
        found = os.stat(path)  # noqa: PTH116 - twice as quick as Path.stat, twice a batch
    except OSError:  # not there, or its folder is not for us
        return None
    return found.st_dev, found.st_ino


def _make_file(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise SmsgwError(
            f"{path} cannot be made ({error.strerror})",
            f"is {path.parent} a folder that the service user may write to?",
        ) from error


def _refuse_stranger(path: Path) -> None:
    """Leave alone what is a database, and not one of ours; nothing is written to find that out.

    Raises:
        SmsgwError: it is another program's.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_OCTETS)
    except OSError as error:
        raise SmsgwError(
            f"{path} cannot be opened ({error.strerror})",
            "call it as the service user: sudo -u smsgw smsgw ...",
        ) from error
    if not header:
        return  # nobody's yet
    if not header.startswith(b"SQLite format 3\0"):
        raise SmsgwError(f"{path} is not a database", "is gateway.database the right file?")
    id_ = int.from_bytes(header[68:72])
    if id_ == APPLICATION_ID:
        return
    if id_ == 0:  # one of ours from before we had an id, or that has it in its log yet
        tables, sets = _look(path)
        if not tables or sets:
            return
    raise SmsgwError(
        f"{path} is the database of another program", "is gateway.database the right file?"
    )


def _look(path: Path) -> tuple[int, int]:
    """How many tables there are, and whether our migrations are among them."""
    tables = sets = 0
    # As it lies there, without a log and without a file beside it; a young one may have all of its
    # tables in the log.
    for way in ("immutable=1", "mode=ro"):
        uri = f"{path.absolute().as_uri()}?{way}"
        with closing(sqlite3.connect(uri, uri=True)) as db:
            (tables,) = db.execute(sql.COUNT_TABLES).fetchone()
            (known,) = db.execute(sql.COUNT_MIGRATIONS_TABLE).fetchone()
            if known:
                (sets,) = db.execute(sql.COUNT_OUR_MIGRATIONS).fetchone()
        if tables:
            break
    return tables, sets


def _open_fault(path: Path, error: sqlite3.Error) -> SmsgwError:
    if _code(error) == sqlite3.SQLITE_NOTADB:
        return SmsgwError(f"{path} is not a database", "is gateway.database the right file?")
    return SmsgwError(f"{path} cannot be opened ({error})", "check that the file may be written")


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _write_fault(path: Path | None, error: sqlite3.Error) -> SmsgwError:
    if _code(error) in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreLost(f"{path}: {error}", "check the disk; the service must start again")
    return StoreUnavailable(f"{path}: {error}", "nothing was written; the next try may succeed")


def _holder(id_: int, state: str, birth_date: str, link: str, no_password: int) -> Holder:
    known = _ACCOUNT_STATES[state]
    ended = bool(no_password) and known is AccountState.ISSUED
    return from_tuple(Holder, (id_, known, date.fromisoformat(birth_date), link, ended))


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else unstamp(microseconds)


def _account(row: Any) -> Account:
    return Account(
        id=row[0],
        cmnd=row[1],
        phone=row[2],
        full_name=row[3],
        birth_date=date.fromisoformat(row[4]),
        state=AccountState(row[5]),
        link=row[6],
        registered_at=unstamp(row[7]),
        password_issued_at=_moment(row[8]),
        password_expires_at=_moment(row[9]),
        reminders=row[10],
    )


def _account_row(row: Any) -> AccountRow:
    return AccountRow(_account(row), row[11], row[12], row[13], Address(*row[14:17]))


def _masked(wording: str, cmnd: str | None) -> str:
    return wording.format(cmnd or MASK, MASK)


def _mo(row: Any) -> Message:
    id_, phone, link, text, outcome, created_at, reason = row
    return Message(
        id_, Direction.MO, phone, link, text, None, Outcome(outcome), unstamp(created_at), reason
    )


def _mt(row: Any) -> Message:
    id_, phone, link, wording, cmnd, state, created_at, reason = row[:8]
    return Message(
        id_,
        Direction.MT,
        phone,
        link,
        _masked(wording, cmnd),
        MtState(state),
        None,
        unstamp(created_at),
        reason,
    )
