"""How many texts wait in the outbox, for people and programs that watch the gateway.

They are counted a piece at a time, so that an outbox of 100,000 texts holds up nobody: a small one
is one piece, a large one is known some seconds later. Used on the store's thread.
"""

from datetime import datetime
from typing import NamedTuple

from smsgw.store import Store

#: Rows of one piece: half a millisecond.
PIECE = 1000


class Outbox(NamedTuple):
    queued: int = 0
    held: int = 0  #: of these, what an SMSC took and did not answer, again and again
    failed: int = 0
    #: When the oldest reply that the SMSC has not taken was made.
    oldest_queued: datetime | None = None


class Census:
    """Goes through the outbox of *store* again and again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._after = 0
        self._so_far = Outbox()
        self._whole: Outbox | None = None

    @property
    def outbox(self) -> Outbox:
        """What was found when the outbox was last gone through; the first time: so far."""
        return self._whole or self._so_far

    def step(self) -> bool:
        """Count the next piece; whether it was the last."""
        queued, held, failed, oldest, last = self._store.count_outbox(self._after, PIECE)
        found = self._so_far
        self._so_far = Outbox(
            found.queued + queued,
            found.held + held,
            found.failed + failed,
            found.oldest_queued or oldest,
        )
        if last is not None:
            self._after = last
            return False
        self._whole, self._so_far, self._after = self._so_far, Outbox(), 0
        return True
