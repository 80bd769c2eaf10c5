"""How many texts a second the SMSC of a link took, over the last minutes.

The total is noted every few seconds, by who wakes then anyway: a text costs nothing, and the last
quarter of an hour is some 225 pairs of numbers a link. What is told is what was taken within
the span, over the span: nothing that decays, so that 60 texts a minute are 1.0 and then 0. Pure.
"""

from collections import deque

#: The spans that are told, in seconds.
SPANS = 60.0, 300.0, 900.0


class Rates:
    """Of one counter that only grows."""

    def __init__(self) -> None:
        self._notes: deque[tuple[float, int]] = deque()  # (when, total), oldest first

    def note(self, total: int, now: float) -> None:
        """The counter stands at *total* at *now* (monotonic seconds)."""
        notes = self._notes
        notes.append((now, total))
        while len(notes) > 1 and notes[1][0] <= now - SPANS[-1]:
            notes.popleft()

    def over(self, span: float, total: int, now: float) -> float:
        """How much it grew within *span* seconds before *now*, each second; before the first note
        it is taken not to have grown."""
        return max(0.0, (total - self._at(now - span, total)) / span)

    def _at(self, moment: float, total: int) -> float:
        """Where it stood at *moment*; between two notes, on the line between them."""
        later: tuple[float, float] | None = None
        for when, value in reversed(self._notes):
            if when <= moment:
                if later is None:
                    return value
                share = (moment - when) / (later[0] - when)
                return value + share * (later[1] - value)
            later = when, value
        return total if later is None else later[1]
