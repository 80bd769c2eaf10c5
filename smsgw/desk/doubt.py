"""A batch of which nobody knows whether it is on the disk: the way to the database was lost in its
COMMIT.

Nothing is answered before that is known, and the store takes nothing else meanwhile: it is asked
again and again, by nobody else's leave, so that no traffic can keep it from telling.
"""

import asyncio
from collections.abc import Callable

from smsgw.gateway import Done, Gateway
from smsgw.store import StoreUnavailable
from smsgw.worker import Worker

#: Before a store that could not tell is asked again.
ASK_SECONDS = 1.0

#: Called with what became of the batch, or with what was raised instead.
Told = Callable[[Done | None, BaseException | None], None]


class Doubt:
    """Lives on the event loop; true while there is a batch in doubt."""

    def __init__(self, gateway: Gateway, worker: Worker) -> None:
        self._gateway = gateway
        self._worker = worker
        self._done: Done | None = None
        self._told: Told | None = None

    def __bool__(self) -> bool:
        return self._done is not None

    def begin(self, done: Done, told: Told) -> None:
        """Have *told* called once it is known what became of the batch that *done* tells of."""
        self._done, self._told = done, told
        self._ask()

    def _ask(self) -> None:
        self._worker.call(self._answered, self._gateway.resolve, self._done)

    def _answered(self, done: Done | None, fault: BaseException | None) -> None:
        if isinstance(fault, StoreUnavailable):
            asyncio.get_running_loop().call_later(ASK_SECONDS, self._ask)
            return
        told, self._done, self._told = self._told, None, None
        assert told is not None  # noqa: S101 - it was begun
        told(done, fault)
