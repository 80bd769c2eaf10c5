"""Why a connection is over, and how long to wait before the next try."""

import random
from typing import NamedTuple


class Ending(NamedTuple):
    """Why a connection is over."""

    reason: str
    stubborn: bool = False  #: trying again soon would not help
    held: float = 0.0  #: seconds that it was bound
    status: int | None = None  #: with which the SMSC refused the bind


class Backoff:
    """How long to wait before the next try: longer each time, never all at the same moment."""

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most
        self._tries = 0
        self._last = 0.0

    def after(self, ending: Ending) -> float:
        """Seconds to wait after *ending*."""
        if ending.stubborn:
            return self._most
        # A bind that held longer than the wait before it was a good one: a line that works
        # comes back fast, one that only pretends to work does not.
        if ending.held > self._last:
            self._tries = 0
        ceiling = min(self._most, self._least * 2**self._tries)
        self._tries = min(self._tries + 1, 30)
        self._last = max(self._least, random.uniform(ceiling / 2, ceiling))  # noqa: S311
        return self._last
