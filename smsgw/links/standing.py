"""How a link stands: its state and why, since when, and how many texts a second leave by it."""

from collections.abc import Callable, Mapping
from datetime import datetime

from smsgw import clock
from smsgw.links.counts import Counts
from smsgw.links.rates import SPANS, Rates
from smsgw.model import LinkLive, LinkState

#: A link that is down is in one of these, in turn.
_TRYING = {LinkState.CONNECTING, LinkState.WAITING}


class Standing:
    """
    Args:
        on_change: called when `status` is another.
    """

    def __init__(self, counts: Counts, on_change: Callable[[], None]) -> None:
        self._counts = counts
        self._on_change = on_change
        self._status: tuple[LinkState, str | None] = (LinkState.STOPPED, None)
        self._since = clock.now()
        self._rates = Rates()

    @property
    def status(self) -> tuple[LinkState, str | None]:
        """The state, and in words why it is not bound, or of little use."""
        return self._status

    def show(self, state: LinkState, reason: str | None) -> None:
        """It is *state* now."""
        if self._status != (state, reason):
            if not {state, self._status[0]} <= _TRYING:
                self._since = clock.now()  # one that is down tries again and again
            self._status = (state, reason)
            self._on_change()

    def note_rate(self, now: float) -> None:
        """To be called every few seconds, with the loop's time."""
        self._rates.note(self._counts.taken, now)

    def live(self, now: float, next_try: datetime | None, oddities: Mapping[str, int]) -> LinkLive:
        """What one looks at to know how it is."""
        short, middle, long = (self._rates.over(span, self._counts.taken, now) for span in SPANS)
        waits = self._status[0] is LinkState.WAITING
        return LinkLive(
            *self._status,
            self._since,
            next_try if waits else None,
            (short, middle, long),
            oddities,
        )
