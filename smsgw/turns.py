"""Who waits for a password, in turn: links in turn, and within a link senders in turn.

So no link and no number that floods the gateway makes others wait behind all of its texts. Pure:
knows no clock, no password and no link. Every step costs the same however many wait, except to drop
what a session leaves behind when it ends.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar


class Waits(Protocol):
    """What waits here."""

    @property
    def link(self) -> str: ...

    @property
    def sender(self) -> Hashable: ...

    @property
    def session(self) -> int: ...


T = TypeVar("T", bound=Waits)


class _Senders(Generic[T]):
    """What waits of one link: in each round one text of each sender, in the order they came."""

    def __init__(self) -> None:
        self.size = 0
        self._rounds: deque[deque[T]] = deque([deque()])
        self._number = 0  # of the first round, which is being served
        #: The last round in which a sender has a text, if not the first; it has one in each before.
        self._last: dict[Hashable, int] = {}

    def add(self, item: T) -> None:
        # A newcomer stands behind the round that is being served: else newcomers could keep the
        # second text of a sender waiting for ever.
        number = self._last.get(item.sender, self._number) + 1
        self._last[item.sender] = number
        if number - self._number == len(self._rounds):
            self._rounds.append(deque())
        self._rounds[number - self._number].append(item)
        self.size += 1

    def put_back(self, item: T) -> None:
        self._rounds[0].appendleft(item)
        self.size += 1

    def take(self) -> T:
        while not self._rounds[0]:
            self._rounds.popleft()
            self._number += 1
        item = self._rounds[0].popleft()
        self.size -= 1
        if self._last.get(item.sender) == self._number:
            del self._last[item.sender]
        return item

    def drop_last(self) -> T:
        """Remove the one whose turn would come last: the last text of whoever has most."""
        while not self._rounds[-1]:
            self._rounds.pop()
        item = self._rounds[-1].pop()
        self.size -= 1
        before = self._number + len(self._rounds) - 2
        if before > self._number:
            self._last[item.sender] = before
        else:
            self._last.pop(item.sender, None)
        return item

    def __iter__(self) -> Iterator[T]:
        for round_ in self._rounds:
            yield from round_


class Turns(Generic[T]):
    """Texts that wait, each with its link, its sender and its session."""

    def __init__(self) -> None:
        self._links: OrderedDict[str, _Senders[T]] = OrderedDict()  # whose turn is next is first
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, item: T) -> None:
        """Let *item* wait behind what its link and its sender have here already."""
        senders = self._links.get(item.link)
        if senders is None:
            senders = self._links[item.link] = _Senders()
        senders.add(item)
        self._size += 1

    def put_back(self, items: Sequence[T]) -> None:
        """Return *items*, which were taken and not served after all, before all others."""
        for item in reversed(items):
            self._links.setdefault(item.link, _Senders()).put_back(item)
            self._links.move_to_end(item.link, last=False)
        self._size += len(items)

    def take(self, n: int) -> list[T]:
        """The next ones, at most *n*."""
        taken: list[T] = []
        while len(taken) < n and self._links:
            link, senders = next(iter(self._links.items()))
            taken.append(senders.take())
            if senders.size:
                self._links.move_to_end(link)
            else:
                del self._links[link]
        self._size -= len(taken)
        return taken

    def shed(self, most: int) -> list[T]:
        """Remove all but *most*: those whose turn is last, of the link that has most."""
        shed: list[T] = []
        while self._size > most:
            link, senders = max(self._links.items(), key=lambda pair: pair[1].size)
            shed.append(senders.drop_last())
            if not senders.size:
                del self._links[link]
            self._size -= 1
        return shed

    def end(self, session: int, heir: Callable[[T], T | None]) -> None:
        """Let *heir* say who takes the place of each that came by *session*; None: nobody."""
        strangers: list[T] = []
        for link, senders in list(self._links.items()):
            if not any(item.session == session for item in senders):
                continue
            left: _Senders[T] = _Senders()
            for item in senders:
                stays = heir(item) if item.session == session else item
                if stays is not None and stays.link == link:
                    left.add(stays)
                elif stays is not None:
                    strangers.append(stays)
            self._size += left.size - senders.size
            if left.size:
                self._links[link] = left
            else:
                del self._links[link]
        for stranger in strangers:
            self.add(stranger)
