"""One thread that does one thing after another, for the event loop: the owner of the store.

Knows neither store nor gateway. An executor of the standard library would do as well; its futures
of two kinds, their locks and the loop's own way to be called from a thread cost a lone message some
40 µs more.
"""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

#: Called with the result, or with None and what was raised instead.
Then = Callable[[Any, BaseException | None], None]
_Job = tuple[Callable[..., Any], tuple[Any, ...], Then, "asyncio.Future[Any] | None"]


class Worker:
    """To be made, asked and closed on the event loop."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._done: deque[tuple[Then, Any, BaseException | None]] = deque()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._loop.add_reader(self._bell, self._deliver)
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def do(self, function: Callable[..., T], *args: Any) -> "asyncio.Future[T]":
        """Call *function* when all that was asked before is done; what is cancelled before its
        turn is not called.

        Raises:
            RuntimeError: the worker is closed.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self._ask((function, args, partial(_settle, future), future))
        return future

    def call(self, then: Then, function: Callable[..., Any], *args: Any) -> None:
        """The same for a caller that is no coroutine: *then* is called on the loop, with what came
        of it.

        Raises:
            RuntimeError: the worker is closed.
        """
        self._ask((function, args, then, None))

    def _ask(self, job: _Job) -> None:
        if self._closed:
            raise RuntimeError("the worker is closed")
        self._jobs.put(job)

    def close(self) -> None:
        """Wait for what was asked, and end."""
        self._closed = True
        self._jobs.put(None)
        self._thread.join()
        self._loop.remove_reader(self._bell)
        os.close(self._bell)
        if not self._loop.is_closed():
            self._loop.call_soon(self._hand_out)

    # --- in the thread ------------------------------------------------------------------------

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._do(*job)
            del job  # what a batch holds must not live until the next one comes

    def _do(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        then: Then,
        future: "asyncio.Future[Any] | None",
    ) -> None:
        if future is not None and future.cancelled():
            return
        result: Any = None
        fault: BaseException | None = None
        try:
            result = function(*args)
        except BaseException as error:
            fault = error
        self._done.append((then, result, fault))
        os.eventfd_write(self._bell, 1)

    # --- on the loop --------------------------------------------------------------------------

    def _deliver(self) -> None:
        os.eventfd_read(self._bell)
        self._hand_out()

    def _hand_out(self) -> None:
        while self._done:
            then, result, fault = self._done.popleft()
            try:
                then(result, fault)
            except Exception as error:  # who asked next must have their answer all the same
                context = {"message": f"{then} failed", "exception": error}
                self._loop.call_exception_handler(context)


def _settle(future: "asyncio.Future[Any]", result: Any, fault: BaseException | None) -> None:
    if future.done():  # cancelled meanwhile
        return
    if fault is None:
        future.set_result(result)
    elif isinstance(fault, StopIteration):  # no future takes one
        wrapped = RuntimeError("the job raised StopIteration")
        wrapped.__cause__ = fault
        future.set_exception(wrapped)
    else:
        future.set_exception(fault)
