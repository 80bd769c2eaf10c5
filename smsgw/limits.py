"""Counts of the running hour, in memory: what heavy senders sent, and what the gateway answered.

Only senders of several texts an hour are kept here, so that a text of theirs needs no look at those
before it. Of everybody else the store counts the few texts that there are. What a batch adds counts
only after its commit, and what is not known here is read from the store again. Pure: times are
microseconds since 1970 and passed in.
"""

from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Iterable

HOUR = 3_600_000_000  # microseconds
_SECOND = 1_000_000
#: A fact in the store: until when nobody is answered because the ceiling is reached.
CEILING_FACT = "replies_per_hour_reached_until"
#: Of what a sender is not answered for, so much is recorded in an hour with all else of it;
#: beyond that only the number. What is answered is always recorded.
RECORDED_PER_HOUR = 100
#: Whoever sent more, with what a batch brings, is a heavy sender.
FEW = 5
_MOST_SENDERS = 10_000
#: Moments that are kept in all, where the limit of each sender is high.
_MOST_MOMENTS = 1_000_000


class Recent:
    """What one sender sent in the last hour."""

    __slots__ = ("_answered", "_hour", "_kept")

    def __init__(self, texts: Iterable[tuple[int, bool]] = (), now: int = 0) -> None:
        """
        Args:
            texts: when, and whether it was answered.
        """
        texts = list(texts)
        self._answered = sorted(at for at, answered in texts if answered)
        self._hour = now // HOUR
        self._kept = sum(at // HOUR == self._hour for at, _ in texts)

    def answered(self, now: int) -> int:
        """How many of its texts were answered in the hour before *now*.

        Those beyond the next hour are of a clock that was ahead, and count for nothing.
        """
        times = self._answered
        return bisect_right(times, now + HOUR) - bisect_right(times, now - HOUR)

    def kept(self, now: int) -> int:
        """How many of its texts were recorded in the hour that the clock shows at *now*."""
        return self._kept if now // HOUR == self._hour else 0

    def add(self, at: int, answered: int, kept: int, limit: int) -> None:
        """So many texts more at *at*; no more than *limit* moments of answers are of use."""
        self._kept, self._hour = self.kept(at) + kept, at // HOUR
        if limit:
            self._answered += [at] * answered
            self._answered.sort()  # in order already, but for a clock that was set back
            del self._answered[: max(0, len(self._answered) - limit)]


class HeavySenders:
    """The last hour of the senders of many texts, those that were quiet longest forgotten first.

    Args:
        limit: replies an hour that each may get; 0: no limit.
    """

    def __init__(self, limit: int) -> None:
        self._known: OrderedDict[str, Recent] = OrderedDict()
        self._limit = limit
        self._most = max(100, min(_MOST_SENDERS, _MOST_MOMENTS // (limit or 1)))
        #: More texts than these, and a sender is one.
        self.few = min(limit, FEW) if limit else FEW
        #: So many texts of a sender say all about its last hour, also where it and the quarter
        #: before have a part in three hours of the clock.
        self.most = 3 * (limit + RECORDED_PER_HOUR)

    def get(self, number: str) -> Recent | None:
        return self._known.get(number)

    def add(self, number: str, recent: Recent, at: int, answered: int, kept: int) -> None:
        """What a batch that was committed added to *recent*, which stands for *number*."""
        recent.add(at, answered, kept, self._limit)
        self._known[number] = recent
        self._known.move_to_end(number)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def forget(self) -> None:
        """What was committed is not known, so all is read again."""
        self._known.clear()


class Ceiling:
    """Answers of the whole gateway in the last hour, to the second.

    Args:
        seconds: (second since 1970, answers in it) of the last hour, oldest first.
    """

    def __init__(self, limit: int, seconds: Iterable[tuple[int, int]]) -> None:
        self.limit = limit
        self._seconds = deque(seconds)
        self._sum = sum(number for _, number in self._seconds)

    def left(self, now: int) -> int:
        """How many texts may still be answered at *now*."""
        past = (now - HOUR) // _SECOND
        while self._seconds and self._seconds[0][0] <= past:
            self._sum -= self._seconds.popleft()[1]
        return max(0, self.limit - self._sum)

    def add(self, at: int, answers: int) -> None:
        second = at // _SECOND
        if self._seconds and self._seconds[-1][0] >= second:
            second, before = self._seconds.pop()
            self._seconds.append((second, before + answers))
        else:
            self._seconds.append((second, answers))
        self._sum += answers

    def more_at(self, now: int) -> int:
        """The moment from which there is room again, where none is left at *now*."""
        return (self._seconds[0][0] * _SECOND if self._seconds else now) + HOUR
