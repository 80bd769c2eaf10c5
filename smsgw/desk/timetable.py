"""When something of each link falls due; all times are the loop's."""

import asyncio
from datetime import datetime
from math import inf

from smsgw import clock

#: A timer of the wall clock is looked at again by then, in case somebody set the clock.
LONGEST_SLEEP_SECONDS = 60.0


class Timetable:
    """When to look into the outbox for a link, and from when on replies wait there for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: dict[str, float] = {}
        self._owed: dict[str, float] = {}  # replies, and not only reminders

    def __bool__(self) -> bool:
        return bool(self._due)

    def is_due(self, link: str, *, replies: bool) -> None:
        """Something of *link* may be due now."""
        now = self._loop.time()
        self._due[link] = now
        if replies:
            self._owed[link] = now

    def put_off(self, link: str, until: float) -> None:
        """Look again at that time of the loop."""
        self._due[link] = self._owed[link] = until

    def note_due(self, link: str, at: datetime) -> None:
        """Something of *link* falls due at that time of the wall clock."""
        self._note(self._due, link, at)

    def note_owed(self, link: str, at: datetime) -> None:
        """A reply of *link* falls due at that time of the wall clock."""
        self._note(self._owed, link, at)

    def looked(self, link: str) -> None:
        """Somebody looks for what is due of *link*, and will say when to look again."""
        self._due.pop(link, None)
        self._owed.pop(link, None)

    def due(self) -> list[str]:
        """The links of which something is due."""
        now = self._loop.time()
        return [link for link, at in self._due.items() if at <= now]

    def owed(self) -> list[str]:
        """The links of which a reply is due."""
        now = self._loop.time()
        return [link for link, at in self._owed.items() if at <= now]

    def owes(self, link: str) -> bool:
        """Whether a reply of *link* is due."""
        return self._owed.get(link, inf) <= self._loop.time()

    def to_come(self) -> list[float]:
        """The times at which more falls due."""
        now = self._loop.time()
        return [at for at in self._due.values() if at > now]

    def _note(self, times: dict[str, float], link: str, at: datetime) -> None:
        wait = (at - clock.now()).total_seconds()
        # Looked at early rather than late: somebody may set the clock meanwhile.
        time = self._loop.time() + min(max(wait, 0.0), LONGEST_SLEEP_SECONDS)
        times[link] = min(times.get(link, time), time)
