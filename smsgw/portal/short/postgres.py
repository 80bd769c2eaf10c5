"""The rows in the gateway's database, in tables that are not logged, the same for all portals.

One connection a portal, beside the one of its store; it never takes the turn in which the gateway
commits citizens' texts. Portals take turns at single rows: whatever looks before it writes holds
the row until it has written (READ COMMITTED; the server itself looks again at a row for which it
has waited). No COMMIT waits for a disk or a standby.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg

from smsgw import clock
from smsgw.database import Server
from smsgw.portal.short.engine import Engine
from smsgw.portal.short.sql import postgres as sql
from smsgw.store import InDoubt, Unavailable
from smsgw.store.postgres.server import Connection
from smsgw.store.postgres.sql import server
from smsgw.store.postgres.statements import Statements

#: So far the clocks of this machine and of the server may be apart: waits, sessions and codes are
#: told by the clocks of all portals, and a code lives for a minute.
MOST_APART = timedelta(seconds=10)
#: So long it waits for another who holds a row.
BUSY = timedelta(seconds=2)
_SETTINGS = {
    # What may be lost need not be waited for.
    "synchronous_commit": "off",
    # A plan that was made on empty tables reads whole ones later.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


class _Session(Connection):
    """A session that says which portal is there."""

    def __init__(self, address: Server, portal: int) -> None:
        super().__init__(address, BUSY)
        self._portal = portal

    def _set(self, raw: psycopg.Connection[Any]) -> None:
        super()._set(raw)
        self.compare_clocks(raw)
        self._ask(raw, server.SET, [[*_SETTINGS], [*_SETTINGS.values()]])
        self._ask(raw, sql.BE_THERE, [self._portal])
        self._ask(raw, sql.BEGIN_TRIES, [])

    def compare_clocks(self, raw: psycopg.Connection[Any]) -> None:
        """
        Raises:
            Unavailable: one of the two is wrong.
        """
        before = clock.now()
        [(server,)] = self._ask(raw, sql.CLOCK, [])
        after = clock.now()
        apart = max(before - clock.unstamp(server), clock.unstamp(server) - after)
        if apart > MOST_APART:
            raise Unavailable(
                f"the clocks of this machine and of {self.server} are "
                f"{apart.total_seconds():.0f} s apart",
                "set the wrong one by NTP",
            )


class Tables(Statements, Engine):
    """To be used by one thread at a time."""

    _connection: _Session

    def __init__(self, address: Server) -> None:
        self.portal = secrets.randbits(31)
        self._connection = _Session(address, self.portal)

    def open(self) -> None:
        """
        Raises:
            Unavailable: the server does not answer.
            SmsgwError: it does, and we can do nothing there.
        """
        self._connection.open()

    def close(self) -> None:
        self._connection.close()

    def look_around(self) -> None:
        """See that the clock is right still; else nothing more is done until it is."""
        session = self._opened()
        try:
            self._connection.compare_clocks(session)
        except Unavailable:
            self._connection.drop()
            raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._begin()
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        self._commit()

    def run(self, statement: str, **values: object) -> list[Any]:
        found = self._named(sql.INSTEAD.get(statement, statement), values)
        return found.fetchall() if found.description else []

    alone = run

    # --- the ends of a transaction ----------------------------------------------------------------

    def _begin(self) -> None:
        """As `alone`: where the connection was lost while nothing was asked, on a new one."""
        self._ask(server.BEGIN.encode(), [])
        self._session = self._connection.open()

    def _commit(self) -> None:
        session, self._session = self._session, None
        assert session is not None  # noqa: S101 - it has begun
        self._begin_wait()
        try:
            ended = session.execute(b"COMMIT", prepare=False)
        except psycopg.Error as error:
            self._connection.drop()
            raise InDoubt(f"{self._connection.server}: lost in COMMIT ({error})") from error
        finally:
            self._connection.watch.end()
        if ended.statusmessage != "COMMIT":
            raise Unavailable(f"{self._connection.server}: the transaction had failed before")

    def _roll_back(self) -> None:
        session, self._session = self._session, None
        if session is None or self._connection.lost:
            return
        self._begin_wait()
        try:
            session.execute(b"ROLLBACK", prepare=False)
        except psycopg.Error:
            self._connection.drop()  # ends it as well
        finally:
            self._connection.watch.end()
