"""Passwords are hashed here: a few threads, a short queue, and no more.

A hash takes a core for some 20 ms. Who comes when the queue is full is told so before anything of
the try is counted: ask for a place first (`place`), hash in it, leave it.
"""

import asyncio
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

from smsgw import passwords, tuning

log = logging.getLogger("smsgw.portal")

T = TypeVar("T")

#: So many wait for a hasher, beside those who have one.
QUEUE = 64
#: A hasher that rested so long gives the memory of its hashes back.
QUIET_SECONDS = 1.0
CLOSE_SECONDS = 2.0


class Full(Exception):
    """Nobody else is taken now."""


class _Job(NamedTuple):
    work: Callable[[], Any]
    future: "asyncio.Future[Any]"


class Hashers:
    """To be made, asked and closed on the event loop."""

    def __init__(self, threads: int | None = None, queued: int = QUEUE) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        count = threads or max(1, _cores() - 1)
        self.most = count + queued  #: places that there are
        self.taken = 0  #: places, of those who hash and of those who wait
        self._dummy = passwords.hash_password("")
        self._threads = [
            threading.Thread(target=self._work, name=f"hasher-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the queue, for as long as a try takes.

        Raises:
            Full: there is none.
        """
        if self.taken >= self.most:
            raise Full
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def verify(self, hash_: str | None, password: str) -> bool:
        """Whether *password* is the one behind *hash_*; no hash costs as much as a wrong one."""
        return await self._do(partial(self._verify, hash_, password))

    async def hash(self, password: str) -> str:
        """The argon2id hash of *password*."""
        return await self._do(partial(passwords.hash_password, password))

    def close(self) -> None:
        """Let what was asked be done, and end."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(CLOSE_SECONDS)

    async def _do(self, work: Callable[[], T]) -> T:
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Job(work, future))
        return await future

    def _verify(self, hash_: str | None, password: str) -> bool:
        right = passwords.verify(hash_ or self._dummy, password)
        return right and hash_ is not None

    # --- in a thread ----------------------------------------------------------------------------

    def _work(self) -> None:
        tuning.keep_memory_of_hashes()
        while (job := self._next()) is not None:
            result: Any = None
            fault: BaseException | None = None
            try:
                result = job.work()
            except BaseException as error:
                fault = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(_settle, job.future, result, fault)
            del job

    def _next(self) -> _Job | None:
        try:
            return self._jobs.get(timeout=QUIET_SECONDS)
        except queue.Empty:
            tuning.give_memory_back()
            return self._jobs.get()


def _settle(future: "asyncio.Future[Any]", result: Any, fault: BaseException | None) -> None:
    if future.done():
        return
    if fault is not None:
        future.set_exception(fault)
    else:
        future.set_result(result)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
