"""One thread that does one thing after another, for the event loop: the owner of the store.

Knows neither store nor gateway. An executor of the standard library would do as well; its futures
of two kinds and their locks cost a lone message 30 µs more.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Job = tuple["asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


class Worker:
    """To be made, asked and closed on the event loop."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def do(self, function: Callable[..., T], *args: Any) -> "asyncio.Future[T]":
        """Call *function* when all that was asked before is done; what is cancelled before its
        turn is not called."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put((future, function, args))
        return future

    def close(self) -> None:
        """Wait for what was asked, and end."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, function, args = job
            if future.cancelled():
                continue
            result = fault = None
            try:
                result = function(*args)
            except BaseException as error:
                fault = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(_settle, future, result, fault)
            # What a batch holds must not live until the next one comes.
            del job, future, function, args, result, fault


def _settle(future: "asyncio.Future[T]", result: T, fault: BaseException | None) -> None:
    if future.done():  # cancelled meanwhile
        return
    if fault is None:
        future.set_result(result)
    else:
        future.set_exception(fault)
