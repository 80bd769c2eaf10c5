"""The rows in a file beside the gateway's, `portal.db`. One thread of the portal owns it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from smsgw.errors import SmsgwError
from smsgw.portal.short.engine import Engine
from smsgw.portal.short.sql import sqlite as sql
from smsgw.store import Unavailable
from smsgw.store.sqlite.engine import dbapi

BUSY_SECONDS = 2.0


class File(Engine):
    """To be used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.portal = secrets.randbits(31)
        self._path = path
        self._db: Any = None
        self._identity: tuple[int, int] | None = None

    @classmethod
    def open(cls, path: Path, *, make: bool) -> Self | None:
        """The file at *path*; None where there is none of ours and none is to be made.

        Raises:
            SmsgwError: it cannot be made, or opened.
        """
        file = cls(path)
        if make:
            file._make()
            return file
        if not path.exists():
            return None
        try:
            file._connect()
            if file._version() == sql.VERSION:
                return file
        except dbapi.OperationalError as error:
            file.close()
            raise SmsgwError(
                f"{path} cannot be opened ({error})",
                "call it as the service user: sudo -u smsgw smsgw ...",
            ) from error
        except dbapi.DatabaseError:
            pass  # a damaged one, which the portal makes anew
        file.close()
        return None

    def look_around(self) -> None:
        """There is one clock."""

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

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
    def transaction(self) -> Iterator[None]:
        self._look_after_file()
        with _as_unavailable(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def run(self, statement: str, **values: object) -> list[Any]:
        found: list[Any] = self._db.execute(statement, values).fetchall()
        return found

    def alone(self, statement: str, **values: object) -> list[Any]:
        self._look_after_file()
        with _as_unavailable(self._path):
            return self.run(statement, **values)


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
