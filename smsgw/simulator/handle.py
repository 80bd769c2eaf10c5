"""A text that was handed to the gateway, and what became of it."""

from collections.abc import Callable
from typing import Protocol

from smsgw.simulator.smsc import Smsc
from smsgw.simulator.words import Delivery


class _Waits(Protocol):
    """Who can wait for something to happen at an SMSC."""

    def until(self, happened: Callable[[Smsc], bool], timeout: float, what: str) -> object: ...


class Handle:
    """One text, for code that blocks."""

    def __init__(self, thread: _Waits, delivery: Delivery) -> None:
        self._thread = thread
        self.delivery = delivery

    def __repr__(self) -> str:
        return repr(self.delivery)

    @property
    def statuses(self) -> list[int]:
        """The gateway's answers so far, over all tries."""
        return list(self.delivery.statuses)

    @property
    def tries(self) -> int:
        return self.delivery.tries

    def answer(self, timeout: float = 10) -> int:
        """The command_status of the gateway's first answer.

        Raises:
            TimeoutError: none in *timeout* seconds.
        """
        self._until(lambda: bool(self.delivery.statuses), timeout, "an answer")
        return self.delivery.statuses[0]

    def settled(self, timeout: float = 30) -> int:
        """The command_status after which the SMSC tries no more.

        Raises:
            TimeoutError: no such answer in *timeout* seconds, or tries ended without one.
        """
        self._until(lambda: self.delivery.done, timeout, "a final answer")
        if not self.delivery.statuses:
            raise TimeoutError("given up without an answer")
        return self.delivery.statuses[-1]

    def _until(self, happened: Callable[[], bool], timeout: float, what: str) -> None:
        self._thread.until(lambda _: happened(), timeout, f"{what} to {self.delivery}")
