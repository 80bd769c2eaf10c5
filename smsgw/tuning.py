"""What we ask of CPython, glibc and SQLite for speed alone, each with its figure.

Nothing here changes what the gateway does: leave a call out, and it is slower, or heavier, by what
the docstring says. A library or platform that does not know what is asked goes on as it would
without it. Knows no other room.

One more stands beside the values that it makes: `model.from_tuple`.
"""

import ctypes
import gc
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

# --- SQLite -------------------------------------------------------------------------------------

_CONFIG_MULTITHREAD, _CONFIG_MEMORY_STATISTICS = 2, 9  # SQLITE_CONFIG_*


def keep_to_one_thread(extension: str) -> None:
    """Have SQLite take no lock on a connection, in a process whose connections are never shared.

    By default it takes one for each value that is bound, in case several threads use a connection,
    and one to count each piece of memory: together some 4 % of a registration. To be called before
    the first connection is opened.

    Args:
        extension: file of the module that SQLite came with.

    Take out: the call in `daemon.run`.
    Source: https://www.sqlite.org/threadsafe.html
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(extension)
        library.sqlite3_shutdown()
        library.sqlite3_config(_CONFIG_MULTITHREAD)
        library.sqlite3_config(_CONFIG_MEMORY_STATISTICS, 0)
        library.sqlite3_initialize()


def bind_none_sooner(register_adapter: Callable[[type, Callable[[Any], Any]], None]) -> None:
    """Have None bound to a statement without a search for how it could be adapted.

    Numbers and texts are bound as they are; for None the module asks four places first, each time.
    With pysqlite3 0.7 µs a value, with Python's own 0.13; a row of ours has two of them.

    Take out: the call in `store.sqlite.engine`.
    """
    register_adapter(type(None), {}.get)  # a function in C that gives None for None


# --- CPython ------------------------------------------------------------------------------------


def take_turns_sooner() -> None:
    """Have a thread wait for 1 ms at most while another one is running Python.

    The store's thread runs long stretches of Python while it prepares a commit; the event loop, and
    with it answers and enquire_link, waited for the default of 5 ms each time.

    Take out: the call in `daemon.run`.
    """
    sys.setswitchinterval(0.001)


def collect_seldom(after: int = 100_000) -> None:
    """Look for circles of garbage seldom, and never again among what there is now.

    Args:
        after: so many more values than have died; until then garbage takes its place.

    Rows and values of a batch die by their reference counts. The default of a look each 700 values
    is one each 17 texts, and a twentieth of all processor time. To be called when everything
    stands; what dies in circles later, such as lost connections, is for `collect_now`.

    Take out: the call in `Daemon.run`, and the job that calls `collect_now`.
    """
    gc.collect()
    gc.set_threshold(after, 50, 1000)
    gc.freeze()


def collect_now() -> None:
    """Find what died in circles; to be called now and then after `collect_seldom`."""
    gc.collect()


def log_without_callers() -> None:
    """Have logging look neither for the caller of each line nor for its thread and process.

    No line of ours shows them, and to find them is a third of what a line costs: 3.0 instead of
    4.5 µs.

    Take out: the call in `logs.configure`.
    Source: Logging HOWTO, "Optimization"
    """
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001  documented there


# --- glibc --------------------------------------------------------------------------------------

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LIBC = ctypes.CDLL(None)
#: Bounds in octets. A hash uses 19 MiB, which is below the first two.
_MAPPED_FROM, _KEPT_BELOW, _KEPT_AT_REST = 32 << 20, 64 << 20, 1 << 20


def keep_memory_of_hashes() -> None:
    """Have glibc keep what a hash used for the next hash of the same thread.

    It would return the 19 MiB at once, and each hash would take half as long again, for page
    faults. Kept for ever, every hasher weighs 19 MiB at rest: see `give_memory_back`.

    Take out: both calls in `passwords.Stock`.
    Source: mallopt(3)
    """
    with suppress(AttributeError):  # only glibc has it
        _LIBC.mallopt(_M_MMAP_THRESHOLD, _MAPPED_FROM)
        _LIBC.mallopt(_M_TRIM_THRESHOLD, _KEPT_BELOW)


def give_memory_back() -> None:
    """Return what the last hash of this thread used."""
    with suppress(AttributeError):
        _LIBC.mallopt(_M_TRIM_THRESHOLD, _KEPT_AT_REST)
        # glibc looks at the bound when a piece above 64 KiB is freed.
        _LIBC.malloc.restype = ctypes.c_void_p
        _LIBC.free(ctypes.c_void_p(_LIBC.malloc(128 << 10)))
        _LIBC.mallopt(_M_TRIM_THRESHOLD, _KEPT_BELOW)
