"""One line in the log for the texts of a batch; under load, for those of a tenth of a second."""

import asyncio
import logging
from collections import Counter

from smsgw.model import Outcome

log = logging.getLogger("smsgw.desk")

#: Two lines on texts in the log are at least this far apart.
SECONDS_BETWEEN_LINES = 0.1


class TrafficLog:
    """Gathers what became of texts until the next line.

    A line costs as much as the commit of a text, so that at thousands a second they would be what
    limits the gateway.
    """

    def __init__(self) -> None:
        self._links: set[str] = set()
        self._outcomes: Counter[Outcome] = Counter()
        self._longest = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, links: set[str], outcomes: Counter[Outcome], seconds: float) -> None:
        """A batch of these *links* had these *outcomes* after so many *seconds*."""
        self._links |= links
        add_up(self._outcomes, outcomes)
        self._longest = max(self._longest, seconds)
        if self._timer is None:
            self._write()

    def _write(self) -> None:
        self._timer = None
        if self._outcomes:
            counts = " ".join(f"{outcome}={n}" for outcome, n in self._outcomes.items())
            log.info("mo link=%s %s ms=%d", ",".join(self._links), counts, self._longest * 1000)
            self._links, self._outcomes, self._longest = set(), Counter(), 0.0
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(SECONDS_BETWEEN_LINES, self._write)


def add_up(totals: Counter[Outcome], more: Counter[Outcome]) -> None:
    """`totals += more`, which looks at all of them for what is not above 0."""
    for outcome, n in more.items():
        totals[outcome] += n
