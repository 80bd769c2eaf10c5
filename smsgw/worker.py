"""One thread that does one thing after another, for the event loop: the owner of the store.

Knows neither store nor gateway. An executor of the standard library would do as well; its futures
of two kinds and their locks cost a lone message some 20 µs more.
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
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def do(self, function: Callable[..., T], *args: Any) -> "asyncio.Future[T]":
        """Call *function* when all that was asked before is done; what is cancelled before its
        turn is not called.

        Raises:
            RuntimeError: the worker is closed.
        """
        if self._closed:
            raise RuntimeError("the worker is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put((future, function, args))
        return future

    def close(self) -> None:
        """Wait for what was asked, and end."""
        self._closed = True
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._do(*job)
            del job  # what a batch holds must not live until the next one comes

    def _do(
        self, future: "asyncio.Future[T]", function: Callable[..., T], args: tuple[Any, ...]
    ) -> None:
        if future.cancelled():
            return
        result: T | None = None
        fault: BaseException | None = None
        try:
            result = function(*args)
        except StopIteration as error:
            fault = RuntimeError(f"{function} raised StopIteration")  # no future takes one
            fault.__cause__ = error
        except BaseException as error:
            fault = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(_settle, future, result, fault)


def _settle(future: "asyncio.Future[Any]", result: Any, fault: BaseException | None) -> None:
    if future.done():  # cancelled meanwhile
        return
    if fault is None:
        future.set_result(result)
    else:
        future.set_exception(fault)
