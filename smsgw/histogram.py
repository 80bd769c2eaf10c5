"""How long something took, counted by size: plain lists, to be read when somebody asks.

One count costs a search among few bounds and an addition. Knows no name, no label, no format.
"""

from bisect import bisect_left
from collections.abc import Iterable

#: Seconds. A registration takes milliseconds, a reply that waits for a link hours.
BOUNDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0),
)


class Histogram:
    """Counts of times, by the first of `BOUNDS` that is not shorter.

    Attributes:
        total: the sum of all, in seconds.
    """

    __slots__ = ("_counts", "total")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Something took so long."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def add_since(self, moments: Iterable[float], now: float) -> None:
        """What began at each of *moments* took until *now*, by the same clock."""
        counts, total = self._counts, 0.0
        for moment in moments:
            seconds = now - moment
            counts[bisect_left(BOUNDS, seconds)] += 1
            total += seconds
        self.total += total

    def up_to(self) -> list[tuple[str, int]]:
        """For each bound, and for all, how many took that long at most."""
        found, so_far = [], 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self._counts, strict=True):
            so_far += count
            found.append((bound, so_far))
        return found
