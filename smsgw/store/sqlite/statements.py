"""Runs one statement after another on one connection; what SQLite raises becomes a fault of ours.

The base of all groups of verbs. Knows no table.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any

from smsgw.clock import unstamp
from smsgw.store.faults import Conflict, Lost, StoreFault, Unavailable, Unfit
from smsgw.store.rows import Row
from smsgw.store.sqlite.engine import dbapi
from smsgw.store.sqlite.sql import repeated

#: Rows that one statement adds, at most. After each statement, or row that it gives, Python takes
#: its lock anew; more rows at once win no more.
_ROWS_AT_ONCE = 32
#: After these nobody knows what is on the disk.
UNTRUSTED = (dbapi.SQLITE_IOERR, dbapi.SQLITE_CORRUPT, dbapi.SQLITE_NOTADB)


class Interrupted(Unavailable):
    """It took longer than it may."""


class Statements:
    """One connection, used by one thread."""

    _db: dbapi.Connection
    _path: Path | None

    def _forget(self) -> None:
        """Forget what is remembered of the database: it may never have happened."""

    def _all(self, statement: str, **values: Any) -> list[Any]:
        try:
            return self._db.execute(statement, values).fetchall()
        except dbapi.Error as error:
            raise fault_of(self._path, error) from error

    def _one(self, statement: str, **values: Any) -> Any:
        try:
            return self._db.execute(statement, values).fetchone()
        except dbapi.Error as error:
            raise fault_of(self._path, error) from error

    def _run(self, statement: str, **values: Any) -> int:
        """How many rows it changed."""
        try:
            return self._db.execute(statement, values).rowcount
        except dbapi.Error as error:
            raise fault_of(self._path, error) from error

    def _execute(self, statement: str, values: Sequence[Any] | dict[str, Any] = ()) -> dbapi.Cursor:
        """The same by position."""
        try:
            return self._db.execute(statement, values)
        except dbapi.Error as error:
            raise fault_of(self._path, error) from error

    def _many(self, statement: str, rows: Iterable[Row]) -> None:
        try:
            self._db.executemany(statement, rows)
        except dbapi.Error as error:
            raise fault_of(self._path, error) from error

    def _add(self, statement: str, rows: Sequence[Row]) -> None:
        """Add *rows* by *statement*, which adds one."""
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[start : start + _ROWS_AT_ONCE]
            self._execute(repeated(statement, len(some)), tuple(chain.from_iterable(some)))


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


def as_json(values: Iterable[Any]) -> str:
    return json.dumps(list(values))


def as_json_of_texts(values: Iterable[str]) -> str:
    """The same for texts, at half the price."""
    return f"[{','.join(map(encode_basestring_ascii, values))}]"


def as_json_of_numbers(values: Iterable[int]) -> str:
    """The same for whole numbers, at a third."""
    return f"[{','.join(map(str, values))}]"


def as_json_of_pairs(values: Iterable[tuple[int, int]]) -> str:
    """The same for pairs of whole numbers, at a third."""
    return f"[{','.join([f'[{one},{other}]' for one, other in values])}]"


def moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else unstamp(microseconds)
