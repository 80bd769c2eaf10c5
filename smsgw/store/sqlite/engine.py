"""Which SQLite runs: that of `pysqlite3`, which brings its own, else that of Python.

Both have one API. Exceptions and connections are those of the module that is chosen here, once;
sqlite-utils chooses in the same way. A process never opens one file with both: each would drop the
locks of the other when it closes it (https://www.sqlite.org/howtocorrupt.html, 2.2.1).
"""

from importlib import import_module
from typing import TYPE_CHECKING

from smsgw import tuning

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

tuning.bind_none_sooner(dbapi.register_adapter)


def keep_to_one_thread() -> None:
    """Tell SQLite that no connection is shared; each may still have a thread of its own."""
    name = "_sqlite3" if dbapi.__name__.startswith("sqlite3") else "pysqlite3._sqlite3"
    file = getattr(import_module(name), "__file__", None)
    if file is not None:  # else it was built into Python
        tuning.keep_to_one_thread(file)
