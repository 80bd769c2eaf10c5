"""The short-lived file as SQLite has it. One thread of the portal owns it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from smsgw.clock import stamp, unstamp
from smsgw.errors import SmsgwError
from smsgw.portal import throttle
from smsgw.portal.short import sql
from smsgw.portal.short.grants import Grants
from smsgw.portal.short.guesses import Guesses
from smsgw.portal.short.rows import Denied, Guess, Limits, Promise, SessionRow, Ticket, Totals
from smsgw.store import Unavailable
from smsgw.store.sqlite.engine import dbapi

MOST_SESSIONS = 10  #: of an account
#: Of an account, where own passwords replace one another: the ended ones tell why they have.
MOST_REPLACED = 2 * MOST_SESSIONS
MOST_DEVICES = 20  #: of an account
BUSY_SECONDS = 2.0
_MICROSECOND = timedelta(microseconds=1)
#: A session that ended by itself is remembered for so long, to say why.
REMEMBERED = timedelta(days=2)
#: So long a change by a program is answered once more for the same Idempotency-Key.
PROMISES_KEPT = timedelta(hours=24)


class Short:
    """To be used by one thread at a time.

    Attributes:
        grants: what waits for a log-in, codes, access tokens.
    """

    def __init__(self, path: Path) -> None:
        self.grants = Grants(self._run, self._all, self._transaction)
        self._path = path
        self._db: Any = None
        self._identity: tuple[int, int] | None = None
        self._unwritten: list[Callable[[], object]] = []

    @classmethod
    def open(cls, path: Path, *, make: bool) -> Self | None:
        """The file at *path*; None where there is none of ours and none is to be made.

        Raises:
            SmsgwError: it cannot be made, or opened.
        """
        short = cls(path)
        if make:
            short._make()
            with short._transaction():
                short._guesses.settle_unjudged()
            return short
        if not path.exists():
            return None
        try:
            short._connect()
            if short._version() == sql.VERSION:
                return short
        except dbapi.OperationalError as error:
            short.close()
            raise SmsgwError(
                f"{path} cannot be opened ({error})",
                "call it as the service user: sudo -u smsgw smsgw ...",
            ) from error
        except dbapi.DatabaseError:
            pass  # a damaged one, which the portal makes anew
        short.close()
        return None

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    # --- sessions -------------------------------------------------------------------------------

    def add_session(self, row: SessionRow, *, only: bool = False) -> None:
        """Open a session; of this browser it is the only one of the account.

        Args:
            only: of all browsers.
        """
        with self._transaction():
            if only:
                self._run(sql.END_SESSIONS_OF, account=row.account, but=row.key)
            self._run(sql.END_OF_BROWSER, account=row.account, browser=row.browser)
            self._run(sql.ADD_SESSION, **_values(row))
            self._run(sql.END_UNUSED, account=row.account, most=MOST_SESSIONS)

    def replace_session(self, row: SessionRow) -> None:
        """The same browser's session under a new cookie, and the only one of its account.

        The former row stays until it is forgotten: its mark tells why it has ended.
        """
        with self._transaction():
            self._run(sql.ADD_SESSION, **_values(row))
            self._run(sql.END_UNUSED, account=row.account, most=MOST_REPLACED)

    def use_session(self, key: bytes, limits: Limits, now: datetime) -> SessionRow | None:
        """The session of a cookie, used now; None: there is none, or it has ended."""
        found = self._all(sql.USE_SESSION, key=key, **_bounds(limits, now))
        return _session(found[0]) if found else None

    def session(self, key: bytes) -> SessionRow | None:
        """What is known of a cookie's session, ended or not."""
        found = self._all(sql.FIND_SESSION, key=key)
        return _session(found[0]) if found else None

    def sessions_of(self, account: int) -> list[SessionRow]:
        return [_session(row) for row in self._all(sql.SESSIONS_OF, account=account)]

    def marks_of(self, account: int, sid: str, limits: Limits, now: datetime) -> set[str]:
        """By which passwords that log-in is still open; none: it has ended."""
        found = self._all(sql.SESSIONS_BY_SID, account=account, sid=sid, **_bounds(limits, now))
        return {_session(row).mark for row in found}

    def end_session(self, key: bytes) -> None:
        self._all(sql.END_SESSION, key=key)

    def end_by_sid(self, sid: str) -> None:
        """End a log-in, under whichever cookie."""
        self._all(sql.END_BY_SID, sid=sid)

    def end_sessions(self, account: int, but: bytes = b"") -> int:
        """End all sessions of *account* but that one, and their tokens; how many there were."""
        with self._transaction():
            ended = self._run(sql.END_SESSIONS_OF, account=account, but=but)
            self.grants.end_without_session(account)
        return len(ended)

    def forget_account(self, account: int) -> None:
        """Remove all that is kept of an account that is erased."""
        with self._transaction():
            for statement in sql.FORGET_ACCOUNT:
                self._run(statement, account=account)

    def set_notice(self, key: bytes, notice: str) -> None:
        self._all(sql.SET_NOTICE, key=key, notice=notice)

    # --- which browsers are known ---------------------------------------------------------------

    def know_device(self, browser: bytes, account: int, now: datetime) -> None:
        """This browser has logged in to *account*."""
        with self._transaction():
            self._run(sql.KNOW_DEVICE, browser=browser, account=account, at=stamp(now))
            self._run(sql.FORGET_DEVICES_OF, account=account, most=MOST_DEVICES)
            self._run(sql.FORGET_TRIES_OF_BROWSERS, account=account, most=MOST_DEVICES)

    # --- tries ----------------------------------------------------------------------------------

    def reserve(self, guess: Guess, now: datetime) -> Ticket | Denied:
        """Take a place for a try, before anything is hashed."""
        with self._transaction():
            for verdict in self._unwritten:
                verdict()
            found = self._guesses.reserve(guess, now)
        self._unwritten.clear()
        return found

    def judged_wrong(self, ticket: Ticket, now: datetime) -> bool:
        """Count it; whether the name is shut to strangers by this one."""
        with self._or_later(lambda: self._guesses.judged_wrong(ticket, now)), self._transaction():
            return self._guesses.judged_wrong(ticket, now)

    def judged_right(self, ticket: Ticket, now: datetime, *, log_in: bool) -> Totals:
        """Its bucket begins at 0; the wrong ones of this name until now.

        Args:
            log_in: somebody logged in, from which wrong tries are counted anew.
        """
        with self._or_later(lambda: self._guesses.give_back(ticket)), self._transaction():
            return self._guesses.judged_right(ticket, log_in=log_in)

    def give_back(self, ticket: Ticket) -> None:
        """No verdict came: as if it had never been."""
        with self._or_later(lambda: self._guesses.give_back(ticket)), self._transaction():
            self._guesses.give_back(ticket)

    @contextmanager
    def _or_later(self, verdict: Callable[[], object]) -> Iterator[None]:
        """Where the file takes nothing now, *verdict* is written before the next try: else the
        place of this one would be taken until the portal starts again."""
        try:
            yield
        except Unavailable:
            self._unwritten.append(verdict)
            raise

    def totals(self, name: bytes) -> Totals:
        return self._guesses.totals(name)

    # --- changes by programs --------------------------------------------------------------------

    def make_promise(self, row: Promise) -> None:
        """What is about to be changed, before it is."""
        self._all(sql.MAKE_PROMISE, **(row._asdict() | {"at": stamp(row.at)}))

    def keep_promise(self, key: bytes) -> None:
        """It is changed."""
        self._all(sql.KEEP_PROMISE, key=key)

    def promise(self, key: bytes, now: datetime) -> Promise | None:
        """What was sent with an Idempotency-Key in the last 24 h."""
        found = self._all(sql.FIND_PROMISE, key=key, after=stamp(now - PROMISES_KEPT))
        if not found:
            return None
        key, body, account, mark, at, kept = found[0]
        return Promise(key, body, account, mark, unstamp(at), bool(kept))

    # --- upkeep ---------------------------------------------------------------------------------

    def forget(self, now: datetime, limits: Limits) -> None:
        """Remove what nobody asks for any more."""
        longest = max(limits.idle, limits.narrow_idle, limits.absolute) + REMEMBERED
        with self._transaction():
            self._run(sql.FORGET_SESSIONS, before=stamp(now - longest))
            self._run(sql.FORGET_DEVICES, before=stamp(now - throttle.KNOWN_FOR))
            self._run(sql.FORGET_PROMISES, before=stamp(now - PROMISES_KEPT))
            self.grants.forget(now, limits)
            self._guesses.forget(now)

    def check(self) -> None:
        """Whether it answers.

        Raises:
            Unavailable: it does not.
        """
        self._all(sql.TABLES)

    # --- the file -------------------------------------------------------------------------------

    def _make(self) -> None:
        try:
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            try:
                self._connect()
                fits = self._version() == sql.VERSION
            except dbapi.DatabaseError:  # none, or a damaged one: it may vanish
                self.close()
                for end in ("", "-wal", "-shm"):
                    self._path.with_name(self._path.name + end).unlink(missing_ok=True)
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                self._connect()
                fits = False
            if not fits:
                self._set_up()
        except (OSError, dbapi.Error) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise SmsgwError(
                f"{self._path} cannot be made ({why})",
                f"is {self._path.parent} a folder that the service user may write to?",
            ) from error

    def _connect(self) -> None:
        self._db = db = dbapi.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, cached_statements=128
        )
        db.execute("PRAGMA journal_mode = WAL")
        # A power cut may take the last moments: counts are a little lower then.
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute("PRAGMA cache_size = -2048")
        db.execute(f"PRAGMA journal_size_limit = {8 * 1024 * 1024}")
        self._identity = _identity(self._path)
        self._guesses = Guesses(self._run)

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _set_up(self) -> None:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        if self._version() != sql.VERSION:
            for (name,) in db.execute(sql.TABLES).fetchall():
                db.execute(sql.DROP.format(name))
            for statement in sql.SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {sql.VERSION}")
        db.execute("COMMIT")

    def _look_after_file(self) -> None:
        """Begin anew where the file has vanished, so that commands and portal have the same one."""
        if self._db is None or _identity(self._path) != self._identity:
            self.close()
            try:
                self._make()
            except SmsgwError as fault:
                raise Unavailable(fault.problem, fault.remedy) from fault

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._look_after_file()
        with _as_unavailable(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _run(self, statement: str, **values: object) -> list[Any]:
        found: list[Any] = self._db.execute(statement, values).fetchall()
        return found

    def _all(self, statement: str, **values: object) -> list[Any]:
        """One statement that is a transaction of its own."""
        self._look_after_file()
        with _as_unavailable(self._path):
            return self._run(statement, **values)


@contextmanager
def _as_unavailable(path: Path) -> Iterator[None]:
    try:
        yield
    except dbapi.Error as error:
        raise Unavailable(f"{path}: {error}") from error


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - twice as quick as Path.stat
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _bounds(limits: Limits, now: datetime) -> dict[str, int]:
    return {
        "now": stamp(now),
        "idle": limits.idle // _MICROSECOND,
        "narrow_idle": limits.narrow_idle // _MICROSECOND,
        "absolute": limits.absolute // _MICROSECOND,
    }


def _values(row: SessionRow) -> dict[str, object]:
    return row._asdict() | {
        "auth_at": stamp(row.auth_at),
        "seen_at": stamp(row.seen_at),
        "last_at": None if row.last_at is None else stamp(row.last_at),
    }


def _session(row: tuple[Any, ...]) -> SessionRow:
    found = SessionRow(*row)
    return found._replace(
        narrow=bool(found.narrow),
        auth_at=unstamp(row[5]),
        seen_at=unstamp(row[6]),
        last_at=None if row[11] is None else unstamp(row[11]),
    )
