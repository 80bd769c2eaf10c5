"""A file where a database is to be: made for its owner alone, and never that of another program."""

import os
from contextlib import closing
from pathlib import Path

from smsgw.errors import SmsgwError
from smsgw.store.sqlite.engine import dbapi
from smsgw.store.sqlite.schema import APPLICATION_ID
from smsgw.store.sqlite.sql import file as sql
from smsgw.store.sqlite.statements import code_of

_HEADER_OCTETS = 100  # of an SQLite file


def identity(path: str | Path | None) -> tuple[int, int] | None:
    """Which file is at *path* now; quicker where that is a text."""
    if path is None:
        return None
    try:
        found = os.stat(path)  # noqa: PTH116 - twice as quick as Path.stat, twice a batch
    except OSError:  # not there, or its folder is not for us
        return None
    return found.st_dev, found.st_ino


def make_file(path: Path) -> None:
    """Make it with mode 0600, unless it is there.

    Raises:
        SmsgwError: it cannot be made.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise SmsgwError(
            f"{path} cannot be made ({error.strerror})",
            f"is {path.parent} a folder that the service user may write to?",
        ) from error


def refuse_stranger(path: Path) -> None:
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
        with closing(dbapi.connect(uri, uri=True)) as db:
            (tables,) = db.execute(sql.COUNT_TABLES).fetchone()
            (known,) = db.execute(sql.COUNT_MIGRATIONS_TABLE).fetchone()
            if known:
                (sets,) = db.execute(sql.COUNT_OUR_MIGRATIONS).fetchone()
        if tables:
            break
    return tables, sets


def open_fault(path: Path, error: dbapi.Error) -> SmsgwError:
    """Why it cannot be opened, in words."""
    if code_of(error) == dbapi.SQLITE_NOTADB:
        return SmsgwError(f"{path} is not a database", "is gateway.database the right file?")
    return SmsgwError(f"{path} cannot be opened ({error})", "check that the file may be written")
