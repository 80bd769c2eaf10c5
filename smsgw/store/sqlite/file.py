"""The file: how it is opened, transactions, what happens when it is moved, copies of it.

Only the daemon changes tables of an older version (`migrate`), and while it runs it alone copies
the write-ahead log back: a command beside it may be of an older SQLite than it takes
(`engine.SOUND`). What the file is, and whose, is found out before anything is written.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Self

from smsgw import __version__
from smsgw.errors import NoDatabase, SmsgwError
from smsgw.store.faults import Moved, Unavailable
from smsgw.store.sqlite import engine
from smsgw.store.sqlite.engine import dbapi
from smsgw.store.sqlite.log import COPY_PAGES, LogCopier
from smsgw.store.sqlite.place import identity, make_file, open_fault, refuse_stranger
from smsgw.store.sqlite.schema import DATA_KEYS, migrations
from smsgw.store.sqlite.sql import file as sql
from smsgw.store.sqlite.statements import Interrupted, Statements, code_of, write_fault_of
from smsgw.store.sqlite.unstopped import unstopped
from smsgw.store.values import BUSY_TIMEOUT

#: Each registration dirties a page of its own in the indexes of phones and of CMND; a commit
#: writes these whole, so they are small. Smaller ones make deeper trees.
_PAGE_OCTETS = 2048
_CACHE_KIB = 16 * 1024
#: So many statements are kept prepared: more than there are, those of many rows in each of their
#: sizes.
_STATEMENTS = 256
_PIECE_OCTETS = 1024 * 1024  # of the file, read at once
#: A file of so many octets is written anew within a second.
REWRITTEN_AT_MOST = 64 * 1024 * 1024
_STEPS_BETWEEN_LOOKS = 10_000  # of SQLite's machine, some tenths of a millisecond


class File(Statements):
    """One SQLite file, open.

    Args:
        copies_log: see `open`.
    """

    def __init__(
        self, connection: dbapi.Connection, path: Path | None, *, copies_log: bool = True
    ) -> None:
        self._db = connection
        self._path = path
        self._place = None if path is None else os.fspath(path)  # looked at twice a batch
        self._identity = identity(path)
        self._copies_log = copies_log
        self._log: LogCopier | None = None
        self.transactions = 0  #: so many were begun
        self._forget()

    # --- opening ------------------------------------------------------------------------------

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        create: bool = True,
        busy_timeout: timedelta = BUSY_TIMEOUT,
        copies_log: bool = True,
        own_thread: bool = False,
        migrate: bool = True,
        before_migration: Callable[[Self], None] | None = None,
    ) -> Self:
        """Open the database at *path*, made with mode 0600 where it is missing.

        Args:
            migrate: bring a database of an older version up to date, which only the daemon may: the
                one that still runs could not go on with it.
            before_migration: called then, before anything is changed; what it raises ends this.
            copies_log: copy the write-ahead log back into the file when it is long. While the
                daemon runs, it alone does.
            own_thread: do so in a thread of its own, where SQLite allows it.

        Raises:
            SmsgwError: it cannot be opened or made, is not ours, or is of another version.
        """
        if not path.exists():
            if not create:
                raise NoDatabase(str(path))
            make_file(path)
        try:
            refuse_stranger(path)
            connection = dbapi.connect(
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
        except dbapi.Error as error:
            raise open_fault(path, error) from error
        except Unavailable as fault:
            if isinstance(fault.__cause__, dbapi.Error):
                raise open_fault(path, fault.__cause__) from fault
            raise
        if own_thread:
            store._copy_log_aside()
        return store

    @classmethod
    def in_memory(cls) -> Self:
        """An empty store that nobody else sees; gone when closed."""
        store = cls(dbapi.connect(":memory:", isolation_level=None), None)
        store._set_up()
        return store

    def _set_up(
        self, migrate: bool = True, before_migration: Callable[[Self], None] | None = None
    ) -> None:
        db = self._db
        db.execute(f"PRAGMA page_size = {_PAGE_OCTETS}")  # of a database that has none yet
        # WAL with FULL: a commit is on the disk when COMMIT returns, also when the power fails.
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA secure_delete = ON")  # what is deleted does not stay in free pages
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        pages = COPY_PAGES if self._copies_log else 0  # 0: never, until the last one closes
        db.execute(f"PRAGMA wal_autocheckpoint = {pages}")
        db.execute(f"PRAGMA journal_size_limit = {64 * 1024 * 1024}")
        if self._one("PRAGMA synchronous")[0] != 2:
            raise SmsgwError(f"{self._path}: SQLite did not accept synchronous=FULL")
        applied: list[str] = []
        if self._one(sql.COUNT_MIGRATIONS_TABLE)[0]:
            applied = [name for (name,) in self._all(sql.LIST_OUR_MIGRATIONS)]
        unknown = [name for name in applied if name not in migrations.names]
        if unknown:
            raise SmsgwError(
                f"{self._path} was made by another version of smsgw, a newer one than this "
                f"{__version__} (it has {', '.join(unknown)})",
                "use the smsgw of that version, or restore a backup made by this one",
            )
        pending = [name for name in migrations.names if name not in applied]
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
        from sqlite_utils import Database

        database = Database(db)
        with database.atomic():
            migrations.apply(database)

    def _copy_log_aside(self) -> None:
        """Have a thread copy the log, and no COMMIT any more."""
        path, ours = self._path, self._identity
        if path is not None and self._copies_log and engine.SOUND:
            self._execute("PRAGMA wal_autocheckpoint = 0", ())
            self._log = LogCopier(path, lambda: identity(path) == ours)

    def close(self) -> None:
        """Close the file; the write-ahead log is copied back where nobody else has it open."""
        if self._log is not None:
            self._log.close()
        self._db.close()

    # --- transactions -------------------------------------------------------------------------

    @contextmanager
    def transaction(self, *, keep: bool = True, asks: bool = False) -> Iterator[None]:
        """As `protocol.Transactions` has it: BEGIN IMMEDIATE lets one writer in at a time, so that
        nobody else draws ids until the end."""
        with unstopped():
            yield from self._transaction(keep=keep)

    def _transaction(self, *, keep: bool) -> Iterator[None]:
        try:
            self._same_file()
            log = self._log
            if log is not None:
                log.enter()
            try:
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
                except dbapi.Error:
                    self._roll_back()
                    raise
            finally:
                if log is not None:
                    log.leave()
            # A file that was deleted or replaced still takes commits, which nobody will ever see.
            if identity(self._place) != self._identity:
                raise Moved(f"{self._path} was removed or replaced")
        except Unavailable as fault:
            if isinstance(fault.__cause__, dbapi.Error) and not isinstance(fault, Interrupted):
                raise write_fault_of(self._path, fault.__cause__) from fault
            raise
        except dbapi.Error as error:
            raise write_fault_of(self._path, error) from error

    def resolve(self) -> bool:
        """As `protocol.Transactions` has it. Of a file only `Moved` is raised: what was written to
        the one that is gone did not happen in this one."""
        self._same_file()
        return False

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
            Unavailable: it was not done by then.
        """
        ends = monotonic() + after.total_seconds()
        self._db.set_progress_handler(lambda: monotonic() > ends, _STEPS_BETWEEN_LOOKS)
        try:
            yield
        except (Interrupted, dbapi.OperationalError) as error:
            if not isinstance(error, Interrupted) and code_of(error) != dbapi.SQLITE_INTERRUPT:
                raise
            seconds = after.total_seconds()
            raise Unavailable(
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
        found = identity(self._place)
        if found == self._identity:
            return
        if found is None:
            # Making an empty one here would forget every account.
            raise Unavailable(f"{self._path} is gone", "put it back, or restore a backup")
        try:
            fresh = self.open(self._path, create=False, copies_log=self._copies_log, migrate=False)
        except SmsgwError as error:
            raise Unavailable(error.problem, error.remedy) from error
        aside = self._log is not None
        self.close()
        self._db, self._identity, self._log = fresh._db, fresh._identity, None  # noqa: SLF001  of this class
        self._forget()
        if aside:
            self._copy_log_aside()

    # --- log and copies -----------------------------------------------------------------------

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

    def has_traces(self, of: Sequence[str]) -> bool:
        """Whether one of these texts stands anywhere in the file, also where no row is.

        Where rows were moved from page to page, SQLite leaves what they were in the unused part of
        the first one, until that is written over; `secure_delete` wipes what a row was when it is
        deleted, and knows of no earlier place.
        """
        if self._path is None:
            return False
        needles = [text.encode() for text in of]
        overlap = max(map(len, needles), default=1) - 1
        with self._path.open("rb") as file:
            tail = b""
            while piece := file.read(_PIECE_OCTETS):
                piece = tail + piece
                if any(needle in piece for needle in needles):
                    return True
                tail = piece[-overlap:] if overlap else b""
        return False

    def rewrite(self) -> bool:
        """Write the whole file anew, which leaves nothing but rows in it; false: it is too large
        for that, since nobody else can write meanwhile.

        Raises:
            Unavailable: not now.
        """
        if self._path is None or self._path.stat().st_size > REWRITTEN_AT_MOST:
            return False
        self._run("VACUUM")
        return True

    @property
    def path(self) -> Path | None:
        """Where it is; None: in memory."""
        return self._path

    def copy_to(self, file: Path) -> None:
        """Write a consistent copy to *file*, which is empty, while others go on writing.

        Raises:
            Unavailable: it cannot be written; in the words of SQLite alone.
        """
        try:
            self._db.execute("VACUUM INTO ?", (str(file),))
        except dbapi.Error as error:
            raise Unavailable(str(error)) from error


def finish_copy(file: Path, data_keys: Iterable[tuple[bytes, str, int, bytes]]) -> None:
    """Check the copy that `copy_to` wrote to *file*, and put those of *data_keys* into it that its
    texts need.

    Raises:
        SmsgwError: it is damaged.
        Unavailable: it cannot be written; in the words of SQLite alone.
    """
    try:
        _finish(file, data_keys)
    except dbapi.Error as error:
        raise Unavailable(str(error)) from error


def _finish(file: Path, data_keys: Iterable[tuple[bytes, str, int, bytes]]) -> None:
    with closing(dbapi.connect(file, isolation_level=None)) as db:
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
