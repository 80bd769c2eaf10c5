"""Runs one statement after another on one connection; what SQLite raises becomes a fault of ours.

The base of all groups of verbs. Knows no table.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any

from smsgw.store.faults import Conflict, Lost, StoreFault, Unavailable, Unfit
from smsgw.store.rows import Row
from smsgw.store.sqlite.engine import dbapi
from smsgw.store.sqlite.sql import STATEMENTS, repeated
from smsgw.store.verbs.engine import Engine

#: Rows that one statement adds, at most. After each statement, or row that it gives, Python takes
#: its lock anew; more rows at once win no more.
_ROWS_AT_ONCE = 32
#: After these nobody knows what is on the disk.
UNTRUSTED = (dbapi.SQLITE_IOERR, dbapi.SQLITE_CORRUPT, dbapi.SQLITE_NOTADB)


class Interrupted(Unavailable):
    """It took longer than it may."""


class Statements(Engine):
    """One connection, used by one thread."""

    _db: dbapi.Connection
    _path: Path | None

    def _all(self, name: str, /, **values: Any) -> list[Any]:
        try:
            return self._db.execute(STATEMENTS.get(name, name), values).fetchall()
        except dbapi.Error as error:
            raise fault_of(self._path, error) from error

    def _one(self, name: str, /, **values: Any) -> Any:
        try:
            return self._db.execute(STATEMENTS.get(name, name), values).fetchone()
        except dbapi.Error as error:
            raise fault_of(self._path, error) from error

    def _run(self, name: str, /, **values: Any) -> None:
        self._count(name, **values)

    def _count(self, name: str, /, **values: Any) -> int:
        try:
            return self._db.execute(STATEMENTS.get(name, name), values).rowcount
        except dbapi.Error as error:
            raise fault_of(self._path, error) from error

    def _execute(self, name: str, values: Sequence[Any]) -> None:
        try:
            self._db.execute(STATEMENTS.get(name, name), values)
        except dbapi.Error as error:
            raise fault_of(self._path, error) from error

    def _by_place(self, statement: str, values: Sequence[Any]) -> list[Any]:
        """All rows that it finds, with values by position."""
        try:
            return self._db.execute(statement, values).fetchall()
        except dbapi.Error as error:
            raise fault_of(self._path, error) from error

    def _many(self, name: str, rows: Iterable[Row]) -> None:
        try:
            self._db.executemany(STATEMENTS.get(name, name), rows)
        except dbapi.Error as error:
            raise fault_of(self._path, error) from error

    def _add(self, name: str, rows: Sequence[Row]) -> None:
        statement = STATEMENTS.get(name, name)
        try:
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                some = rows[start : start + _ROWS_AT_ONCE]
                values = tuple(chain.from_iterable(some))
                self._db.execute(repeated(statement, len(some)), values)
        except dbapi.Error as error:
            raise fault_of(self._path, error) from error

    # A list is bound as one JSON array, so that a statement is prepared once whatever its length.

    # As json.dumps has it, at a third of the price, or half of it.

    def _ids(self, values: Iterable[int]) -> str:
        return f"[{','.join(map(str, values))}]"

    def _texts(self, values: Iterable[str]) -> str:
        return f"[{','.join(map(encode_basestring_ascii, values))}]"

    def _pairs(self, values: Iterable[tuple[int, int]]) -> str:
        return f"[{','.join([f'[{one},{other}]' for one, other in values])}]"


def code_of(error: BaseException | None) -> int:
    """SQLite's primary result code."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def fault_of(path: Path | None, error: dbapi.Error) -> StoreFault:
    """What *error* means where nothing was to be written."""
    problem = f"{path}: {error}"
    if isinstance(error, dbapi.IntegrityError):
        return Conflict(problem)
    if isinstance(error, dbapi.ProgrammingError | dbapi.DataError):
        return Unfit(problem)
    if code_of(error) == dbapi.SQLITE_INTERRUPT:
        return Interrupted(problem)
    return Unavailable(problem)


def write_fault_of(path: Path | None, error: dbapi.Error) -> StoreFault:
    """What *error* means inside a transaction."""
    if code_of(error) in UNTRUSTED:
        return Lost(f"{path}: {error}", "check the disk; the service must start again")
    found = fault_of(path, error)
    if isinstance(found, Unavailable):
        return Unavailable(found.problem, "nothing was written; the next try may succeed")
    return found
