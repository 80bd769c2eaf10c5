"""A link's stay on this node."""

from collections.abc import Callable
from time import CLOCK_BOOTTIME, clock_gettime

#: What is done by the clock has a lease of its own; no link can have that name.
JOBS = ":jobs"


def boottime() -> float:
    """Seconds of a clock that nobody sets, and that goes on while the machine sleeps."""
    return clock_gettime(CLOCK_BOOTTIME)


class Tenure:
    """From the moment at which this node has taken a link until it gives it back or may no longer
    act; another stay is another tenure, with a higher token.

    Args:
        on_lost: called on the event loop by who finds that it may not act any more.

    Attributes:
        until: so long, by `boottime`, it may act. The keeper's thread moves it on.
    """

    __slots__ = ("_on_lost", "_over", "name", "token", "until")

    def __init__(
        self,
        name: str,
        token: int,
        until: float,
        on_lost: Callable[["Tenure"], None] = lambda _: None,
    ) -> None:
        self.name = name
        self.token = token
        self.until = until
        self._on_lost = on_lost
        self._over = False

    def may_act(self) -> bool:
        """Whether anything may leave for it now; once it may not, it never may again."""
        if boottime() >= self.until:
            self._over = True
        return not self._over

    def end(self) -> None:
        """It may not act any more."""
        self._over = True

    def lose(self) -> None:
        """Somebody has found that it may not act any more."""
        self._over = True
        self._on_lost(self)

    @property
    def over(self) -> bool:
        """Whether it has ended, or somebody has found that it may not act any more."""
        return self._over
