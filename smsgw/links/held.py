"""MTs that wait in a link for window or pace: replies to citizens before reminders."""

from collections import deque
from collections.abc import Iterator, Sequence
from math import inf

from smsgw.model import Mt

#: Texts that are remembered as refused; more make no difference.
MAX_UNWANTED = 100


class Held:
    """Two queues, oldest first, and which of it the SMSC did not want.

    Attributes:
        replies, reminders: since when (in the loop's time) it is held, and the MT. To be read.
    """

    def __init__(self) -> None:
        self.replies: deque[tuple[float, Mt]] = deque()
        self.reminders: deque[tuple[float, Mt]] = deque()
        # Ids of texts that the SMSC did not want when it was asked whether it takes some: others
        # are asked with, if there are any.
        self._unwanted: deque[int] = deque(maxlen=MAX_UNWANTED)

    def __len__(self) -> int:
        return len(self.replies) + len(self.reminders)

    def add(self, mts: Sequence[Mt], now: float) -> None:
        """Hold *mts* from now on."""
        for mt in mts:
            (self.reminders if mt.reminder else self.replies).append((now, mt))

    def take(self, count: int) -> list[Mt]:
        """The next *count*, which must be here."""
        return [(self.replies or self.reminders).popleft()[1] for _ in range(count)]

    def take_one(self, mt_id: int) -> Mt | None:
        """The one with that id, if it is here."""
        for queue in (self.replies, self.reminders):
            for place, (_, mt) in enumerate(queue):
                if mt.id == mt_id:
                    del queue[place]
                    return mt
        return None

    def take_older(self, than: float = inf) -> Iterator[Mt]:
        """Those held since before that moment."""
        for queue in (self.replies, self.reminders):
            while queue and queue[0][0] < than:
                yield queue.popleft()[1]

    def oldest(self) -> float:
        """Since when the oldest is held; there must be one."""
        return min(queue[0][0] for queue in (self.replies, self.reminders) if queue)

    # --- what the SMSC did not want ---

    def note_unwanted(self, mt_id: int) -> None:
        """The SMSC refused that one for now."""
        self._unwanted.append(mt_id)

    def forget_unwanted(self) -> None:
        """The SMSC takes texts again."""
        if self._unwanted:
            self._unwanted.clear()

    def unwanted(self, *, replies: bool) -> int:
        """How many of those held (or of the replies) it did not want."""
        queues = (self.replies,) if replies else (self.replies, self.reminders)
        return sum(mt.id in self._unwanted for queue in queues for _, mt in queue)

    def choose_probe(self) -> None:
        """Put to the front what asks whether the SMSC takes texts: one that it did not refuse."""
        for queue in (self.replies, self.reminders):
            for at, (_, mt) in enumerate(queue):
                if mt.id not in self._unwanted:
                    chosen = queue[at]
                    del queue[at]
                    (self.replies or self.reminders or queue).appendleft(chosen)
                    return
