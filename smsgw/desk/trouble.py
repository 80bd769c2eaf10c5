"""What is wrong with the store: said in the log when it changes, and once a minute meanwhile."""

import logging
from collections.abc import Callable
from math import inf

log = logging.getLogger("smsgw.desk")

REPEAT_SECONDS = 60.0
#: The same trouble that comes back within this was not over: a full disk takes a short row, too.
FLICKER_SECONDS = 10.0


class Trouble:
    """Of one store; times are those of the event loop."""

    def __init__(self) -> None:
        self.reason: str | None = None  #: why it takes nothing now
        self._since = 0.0
        self._over = -inf  # since when it is well
        self._said: str | None = None  # the trouble that was said last, ...
        self._said_at = -inf
        self._open = False  # ... and not yet that it is over
        self.on_change: Callable[[], None] = lambda: None  #: called when `reason` is another

    def is_in(self, reason: str | None, now: float) -> None:
        """It takes nothing because of *reason*; None: it does."""
        before, self.reason = self.reason, reason
        if reason is None:
            if before is not None:
                self._over = now
            if self._open:
                self._open = False
                log.warning("store: takes messages again")
        else:
            if before is None and now - self._over >= FLICKER_SECONDS:
                self._since, self._said = now, None
            if reason != self._said or now - self._said_at >= REPEAT_SECONDS:
                lasts = now - self._since
                how_long = f", for {lasts:.0f} s now" if lasts >= REPEAT_SECONDS else ""
                log.error("store: %s%s", reason, how_long)
                self._said, self._said_at, self._open = reason, now, True
        if before != reason:
            self.on_change()
