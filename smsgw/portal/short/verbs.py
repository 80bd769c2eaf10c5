"""All verbs, over whichever engine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from smsgw.clock import stamp, unstamp
from smsgw.portal import throttle
from smsgw.portal.short import sql
from smsgw.portal.short.engine import Engine
from smsgw.portal.short.grants import Grants
from smsgw.portal.short.guesses import Guesses
from smsgw.portal.short.rows import Denied, Guess, Limits, Promise, SessionRow, Ticket, Totals
from smsgw.store import Unavailable

MOST_SESSIONS = 10  #: of an account
#: Of an account, where own passwords replace one another: the ended ones tell why they have.
MOST_REPLACED = 2 * MOST_SESSIONS
MOST_DEVICES = 20  #: of an account
_MICROSECOND = timedelta(microseconds=1)
#: A session that ended by itself is remembered for so long, to say why.
REMEMBERED = timedelta(days=2)
#: So long a change by a program is answered once more for the same Idempotency-Key.
PROMISES_KEPT = timedelta(hours=24)


class Short:
    """To be used by one thread at a time.

    Attributes:
        grants: what waits for a log-in, codes, access tokens.

    Raises everywhere:
        Unavailable: it cannot be read or written now.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._run = engine.run
        self._all = engine.alone
        self._transaction = engine.transaction
        self.grants = Grants(engine)
        self._guesses = Guesses(engine)
        self._unwritten: list[Callable[[], object]] = []

    def close(self) -> None:
        self._engine.close()

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
        if self._guesses.crowded:
            self._guesses.forget(now)
        found: Ticket | Denied | None = None
        try:
            with self._transaction():
                self._write_verdicts()
                found = self._guesses.reserve(guess, now)
        except Unavailable:
            if isinstance(found, Ticket):  # it may be reserved all the same, for nobody
                self._unwritten.append(partial(self._guesses.give_back, found, now))
            raise
        self._unwritten.clear()
        return found

    def judged_wrong(self, ticket: Ticket, now: datetime) -> bool:
        """Count it; whether the name is shut to strangers by this one."""
        with self._or_later(self._guesses.judged_wrong, ticket, now), self._transaction():
            return self._guesses.judged_wrong(ticket, now)

    def judged_right(self, ticket: Ticket, now: datetime, *, log_in: bool) -> Totals:
        """Its bucket begins at 0; the wrong ones of this name until now.

        Args:
            log_in: somebody logged in, from which wrong tries are counted anew.
        """
        with self._or_later(self._guesses.give_back, ticket, now), self._transaction():
            return self._guesses.judged_right(ticket, now, log_in=log_in)

    def give_back(self, ticket: Ticket, now: datetime) -> None:
        """No verdict came: as if it had never been."""
        with self._or_later(self._guesses.give_back, ticket, now), self._transaction():
            self._guesses.give_back(ticket, now)

    @contextmanager
    def _or_later(
        self, verdict: Callable[[Ticket, datetime], object], ticket: Ticket, now: datetime
    ) -> Iterator[None]:
        """Where nothing can be written now, *verdict* is before the next try: else the place of
        this one would be taken until the portal starts again. It may be known already."""
        try:
            yield
        except Unavailable:
            self._unwritten.append(partial(verdict, ticket, now))
            raise

    def _write_verdicts(self) -> None:
        """Those that could not be written, inside a transaction; to be cleared after it."""
        for verdict in self._unwritten:
            verdict()

    def totals(self, name: bytes) -> Totals:
        found = self._all(sql.FIND_TOTAL, name=name)
        return Totals(*found[0]) if found else Totals(0, 0)

    # --- changes by programs --------------------------------------------------------------------

    def make_promise(self, row: Promise) -> None:
        """What is about to be changed, before it is."""
        values = row._asdict() | {"at": stamp(row.at), "after": stamp(row.at - PROMISES_KEPT)}
        self._all(sql.MAKE_PROMISE, **values)

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

    def settle(self) -> None:
        """Write verdicts that could not be written, and count as wrong the tries of portals that
        died before theirs."""
        with self._transaction():
            self._write_verdicts()
            self._guesses.settle_unjudged()
        self._unwritten.clear()

    def forget(self, now: datetime, limits: Limits) -> None:
        """Remove what nobody asks for any more."""
        longest = max(limits.idle, limits.narrow_idle, limits.absolute) + REMEMBERED
        self._engine.look_around()
        self.settle()
        self._all(sql.FORGET_SESSIONS, before=stamp(now - longest))
        self._all(sql.FORGET_DEVICES, before=stamp(now - throttle.KNOWN_FOR))
        self._all(sql.FORGET_PROMISES, before=stamp(now - PROMISES_KEPT))
        self.grants.forget(now, limits)
        self._guesses.forget(now)

    def check(self) -> None:
        """Whether it answers.

        Raises:
            Unavailable: it does not.
        """
        self._all(sql.CHECK)


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
        "narrow": int(row.narrow),
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
