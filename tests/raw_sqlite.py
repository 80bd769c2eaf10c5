"""A gateway's SQLite file as tests look into it, and change it, behind the gateway's back.

All by the SQLite that the gateway has: a process that opens one file with two of them loses the
locks of one when the other closes it.
"""

import ctypes
from functools import partial
from importlib import import_module

from smsgw.store import open_store
from smsgw.store.sqlite.engine import dbapi
from smsgw.store.verbs import accounts


def connect(path, **options):
    """A connection of a test's own."""
    return dbapi.connect(path, **options)


def read_only(path):
    return dbapi.connect(f"file:{path}?mode=ro", uri=True)


def input_output_error():
    """What SQLite says when fsync fails."""
    error = dbapi.OperationalError("disk I/O error")
    error.sqlite_errorcode = dbapi.SQLITE_IOERR | 4 << 8  # SQLITE_IOERR_FSYNC
    return error


def before_commit(step):
    """From now on, take *step* before each COMMIT of this process."""

    class Stepping(dbapi.Connection):
        def execute(self, statement, *values):
            if statement == "COMMIT":
                step()
            return super().execute(statement, *values)

    setattr(dbapi, "connect", partial(dbapi.connect, factory=Stepping))


def memory_used():
    """Octets that SQLite counts as its own; 0 where it does not count."""
    ours = dbapi.__name__.startswith("pysqlite3")
    library = ctypes.CDLL(import_module("pysqlite3._sqlite3" if ours else "_sqlite3").__file__)
    library.sqlite3_memory_used.restype = ctypes.c_int64
    return library.sqlite3_memory_used()


class Sqlite:
    """The engine, for the tests of all engines."""

    @staticmethod
    def gateway(folder):
        """The section of the configuration that names it."""
        return {"database": str(folder / "smsgw.db")}

    @staticmethod
    def open(folder, **options):
        return open_store(folder / "smsgw.db", **options)

    @staticmethod
    def read_in_pieces_of(rows, monkeypatch):
        monkeypatch.setattr(accounts, "_ACCOUNTS_AT_ONCE", rows)

    @staticmethod
    def hours_known(store):
        """Of how many hours the first id is known."""
        return store._one("SELECT count(*) FROM hours")[0]

    @staticmethod
    def break_reading(store):
        """Tables are not there any more."""
        store._db.execute("DROP TABLE facts")
        store._db.execute("DROP TABLE outbox")
