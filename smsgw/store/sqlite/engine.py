"""Which SQLite runs: that of `pysqlite3`, which brings its own, else that of Python.

Both have one API. Exceptions and connections are those of the module that is chosen here, once;
sqlite-utils chooses in the same way. A process never opens one file with both: each would drop the
locks of the other when it closes it (https://www.sqlite.org/howtocorrupt.html, 2.2.1).
"""

import ctypes
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite3 import dbapi2 as dbapi
else:
    try:
        from pysqlite3 import dbapi2 as dbapi
    except ImportError:  # no wheel for this machine
        from sqlite3 import dbapi2 as dbapi

__all__ = ["SOUND", "VERSION", "dbapi", "keep_to_one_thread"]

VERSION: str = dbapi.sqlite_version
#: Before 3.51.3, a connection that copies the log can lose committed rows when another one begins
#: the log anew (https://www.sqlite.org/wal.html#walresetbug).
SOUND = dbapi.sqlite_version_info >= (3, 51, 3)


def keep_to_one_thread() -> None:
    """Have SQLite take no lock on a connection, in a process whose connections are never shared.

    By default it takes one for each value that is bound, in case several threads use a connection,
    and one to count each piece of memory: together some 4 % of a registration. Each connection may
    still have a thread of its own. To be called before the first one is opened; where SQLite
    cannot be reached so, it goes on as before.

    Source: https://www.sqlite.org/threadsafe.html
    """
    multithread, memory_statistics = 2, 9  # SQLITE_CONFIG_*
    name = "_sqlite3" if dbapi.__name__.startswith("sqlite3") else "pysqlite3._sqlite3"
    with suppress(ImportError, OSError, AttributeError):
        library = ctypes.CDLL(import_module(name).__file__)
        library.sqlite3_shutdown()
        library.sqlite3_config(multithread)
        library.sqlite3_config(memory_statistics, 0)
        library.sqlite3_initialize()
