"""Do something in a child process, for so long and no longer.

A process that reads a disk which stands still cannot be ended, not even by a signal: who must
answer in time leaves the reading to a child, and that one behind.
"""

import os
import pickle
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TypeVar

from smsgw.errors import SmsgwError

T = TypeVar("T")

_left_behind: list[int] = []  # children that had not ended when they were last looked at


def apart(function: Callable[[], T], seconds: float) -> T | None:
    """What *function* returns, called in a child of this process; None: not within *seconds*. To be
    called while there is one thread.

    Raises:
        SmsgwError: the child failed.
    """
    _reap()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(ours)
            with open(theirs, "wb") as pipe:  # noqa: PTH123 - a descriptor
                pickle.dump(_outcome(function), pipe)
        finally:
            os._exit(0)  # what the parent has buffered is not ours to write
    _left_behind.append(child)
    os.close(theirs)
    try:
        octets = _read(ours, monotonic() + seconds)
    finally:
        os.close(ours)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _reap()
    if octets is None:
        return None
    try:
        result: T
        fault: str
        result, fault = pickle.loads(octets)  # noqa: S301 - from our own child
    except (EOFError, pickle.UnpicklingError):
        fault = "its process was killed"
    if fault:
        raise SmsgwError(f"the database cannot be looked at: {fault}")
    return result


def _outcome(function: Callable[[], T]) -> tuple[T | None, str]:
    """What it returns, and what is told of a fault: no more than its kind."""
    try:
        return function(), ""
    except Exception as fault:
        return None, type(fault).__name__


def _read(pipe: int, deadline: float) -> bytes | None:
    octets = b""
    while True:
        ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - monotonic()))
        if not ready:
            return None
        some = os.read(pipe, 1024 * 1024)
        if not some:
            return octets
        octets += some


def _reap() -> None:
    for child in list(_left_behind):
        with suppress(ChildProcessError):
            if os.waitpid(child, os.WNOHANG) == (0, 0):
                continue
        _left_behind.remove(child)
