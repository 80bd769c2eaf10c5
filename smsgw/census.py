"""How many texts wait in the outbox, for people and programs that watch the gateway.

They are counted a piece at a time, so that an outbox of 100,000 texts holds up nobody: a small one
is one piece, a large one is known some seconds later. Used on the store's thread.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from smsgw.store import LinkCount, Store

#: Rows of one piece: half a millisecond.
PIECE = 1000


@dataclass(frozen=True, slots=True)
class Outbox:
    """What is in it; of each link, and in all."""

    links: Mapping[str, LinkCount] = field(default_factory=dict)

    @property
    def queued(self) -> int:
        return sum(count.queued for count in self.links.values())

    @property
    def held(self) -> int:
        """Of these, what an SMSC took and did not answer, again and again."""
        return sum(count.held for count in self.links.values())

    @property
    def failed(self) -> int:
        return sum(count.failed for count in self.links.values())

    @property
    def oldest_queued(self) -> datetime | None:
        """When the oldest reply that the SMSC has not taken was made."""
        return min(
            (count.oldest_reply for count in self.links.values() if count.oldest_reply),
            default=None,
        )

    def with_more(self, counts: list[LinkCount]) -> "Outbox":
        """This and what was found behind it."""
        links = dict(self.links)
        for new in counts:
            old = links.get(new.link)
            links[new.link] = new if old is None else _sum(old, new)
        return Outbox(links)


def _sum(old: LinkCount, new: LinkCount) -> LinkCount:
    return LinkCount(
        old.link,
        old.queued + new.queued,
        old.held + new.held,
        old.failed + new.failed,
        min(filter(None, (old.oldest_reply, new.oldest_reply)), default=None),
    )


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
        counts, last = self._store.count_outbox(self._after, PIECE)
        self._so_far = self._so_far.with_more(counts)
        if last is not None:
            self._after = last
            return False
        self._whole, self._so_far, self._after = self._so_far, Outbox(), 0
        return True


def count_all(store: Store) -> Outbox:
    """The whole of it at once, for who holds up nobody."""
    census = Census(store)
    while not census.step():
        pass
    return census.outbox
