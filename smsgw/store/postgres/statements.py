"""Runs one statement after another on one connection; its errors become faults of ours.

Inside a transaction what only writes is sent and not waited for; what reads is waited for, and all
before it. Each read ends with a Sync: without one the server counts a client that was stopped as
busy, and no time-out of its own ends the transaction.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import errors

from smsgw.errors import SmsgwError
from smsgw.store.faults import Conflict, StoreFault, Unavailable, Unfit
from smsgw.store.postgres.arrays import array
from smsgw.store.postgres.server import SILENCE, Connection, replaced
from smsgw.store.postgres.sql import prepared
from smsgw.store.rows import Row
from smsgw.store.verbs.engine import Engine

#: Rows that one statement adds, at most: an array of more is no quicker.
_ROWS_AT_ONCE = 10_000
#: After these the server we reached is not the one that we want.
_ELSEWHERE = ("25006", "57P01", "57P02", "57P03")


class Statements(Engine):
    """One connection, used by one thread."""

    _connection: Connection
    #: Of the transaction that runs; where its session is lost, no other one will do.
    _session: psycopg.Connection[Any] | None = None
    _pipeline: psycopg.Pipeline | None = None

    def _all(self, name: str, /, **values: Any) -> list[Any]:
        return self._named(name, values).fetchall()

    def _one(self, name: str, /, **values: Any) -> Any:
        return self._named(name, values).fetchone()

    def _count(self, name: str, /, **values: Any) -> int:
        return self._named(name, values).rowcount

    def _by_place(self, name: str, values: Sequence[Any]) -> list[Any]:
        """All rows that it finds, with values by position."""
        return self._ask(prepared(name).text, values).fetchall()

    def _named(self, name: str, values: dict[str, Any]) -> psycopg.Cursor[Any]:
        statement = prepared(name)
        return self._ask(statement.text, [values[key] for key in statement.names])

    def _run(self, name: str, /, **values: Any) -> None:
        statement = prepared(name)
        self._send(statement.text, [values[key] for key in statement.names])

    def _execute(self, name: str, values: Sequence[Any]) -> None:
        self._send(prepared(name).text, values)

    def _many(self, name: str, rows: Iterable[Row]) -> None:
        text = prepared(name).text
        if b"unnest($1" in text:  # a statement that takes all rows at once, a column a list
            self._add(name, list(rows))
            return
        for row in rows:
            self._send(text, row)

    def _add(self, name: str, rows: Sequence[Row]) -> None:
        text = prepared(name).text
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            columns = zip(*rows[start : start + _ROWS_AT_ONCE], strict=True)
            self._send(text, [array(column) for column in columns])

    def _ids(self, values: Iterable[int]) -> str:
        return f"{{{','.join(map(str, values))}}}"

    def _texts(self, values: Iterable[str]) -> str:
        return array(list(values))

    def _pairs(self, values: Iterable[tuple[int, int]]) -> str:
        return f"{{{','.join(f'{one},{other}' for one, other in values)}}}"

    # --- the wire -----------------------------------------------------------------------------

    def _send(self, text: bytes, values: Sequence[Any]) -> None:
        """Let it happen, some time before the next that is waited for."""
        assert self._session is not None  # noqa: S101 - nothing is written outside of a transaction
        try:
            self._session.execute(text, values)
        except psycopg.Error as error:
            raise self._fault(error) from error

    def _ask_ahead(self, name: str, /, **values: Any) -> psycopg.Cursor[Any]:
        """What it finds, once something behind it was waited for: it costs no way of its own."""
        assert self._session is not None  # noqa: S101 - there is a transaction
        statement = prepared(name)
        try:
            return self._session.execute(statement.text, [values[key] for key in statement.names])
        except psycopg.Error as error:
            raise self._fault(error) from error

    def _ask(self, text: bytes, values: Sequence[Any]) -> psycopg.Cursor[Any]:
        """Let it happen, and wait for what comes of it."""
        again = self._session is None  # outside of a transaction a read may be asked twice
        while True:
            session = self._session or self._opened()
            self._begin_wait()
            try:
                found = session.execute(text, values)
                if self._pipeline is not None:
                    self._pipeline.sync()
                return found
            except psycopg.Error as error:
                if again and self._connection.lost:
                    again = False
                    continue
                raise self._fault(error) from error
            finally:
                self._connection.watch.end()

    def _opened(self) -> psycopg.Connection[Any]:
        """The session, or a new one.

        Raises:
            Unavailable: there is none.
        """
        try:
            return self._connection.open()
        except StoreFault:
            raise
        except SmsgwError as fault:  # the server answers, and wants nothing of us
            raise Unavailable(fault.problem, fault.remedy) from fault

    def _begin_wait(self) -> None:
        self._connection.watch.begin((SILENCE + self._connection.wait).total_seconds())

    def _fault(self, error: psycopg.Error) -> StoreFault:
        """What *error* means; a session that leads nowhere is over."""
        if error.sqlstate in _ELSEWHERE:
            self._connection.drop()
        return fault_of(str(self._connection.server), error)


def fault_of(server: str, error: psycopg.Error) -> StoreFault:
    """What *error* means for what was asked."""
    said = " ".join(str(error).split()) or type(error).__name__
    match error:
        case errors.IntegrityError():
            # Its detail would name the phone.
            return Conflict(f"{server}: {error.diag.message_primary or said}")
        case errors.UndefinedTable() | errors.InsufficientPrivilege():
            return Unavailable(f"{server}: {said}", "are these the tables and rights of smsgw?")
        case errors.DivisionByZero():  # nothing divides but the last statement of a daemon's batch
            return replaced(server)
        case errors.DataError() | errors.ProgrammingError():
            return Unfit(f"{server}: {error.diag.message_primary or said}")
        case errors.LockNotAvailable():
            return Unavailable(f"{server}: another writer does not end", "see pg_stat_activity")
        case _:
            return Unavailable(f"{server}: {said}")


def milliseconds(wait: timedelta) -> int:
    return max(1, wait // timedelta(milliseconds=1))  # 0 would be: for ever
