"""First contact with a carrier on a link that the daemon has: its own try, then some round trips.

No second bind: what is bound is asked on the session that it has, and what waits for its next try
begins it now.
"""

import asyncio
from contextlib import suppress

from smsgw.links.connection import Connection
from smsgw.links.link import Link
from smsgw.links.report import Report, Step

ROUND_TRIPS = 3
#: For a try, look-up, connection and bind together, whatever its response_timeout.
PATIENCE_SECONDS = 45.0


class Trial:
    """One test of a link; `run` it, and look at `steps` meanwhile."""

    def __init__(self, link: Link) -> None:
        self._reports = link.try_now()
        self._link = link
        self._trips: list[Step] = []
        self.over = False  #: nothing more will come
        self._task: asyncio.Task[None] | None = None

    @property
    def steps(self) -> list[Step]:
        """What there is so far."""
        return [step for report in self._reports for step in report.steps] + self._trips

    def start(self) -> None:
        """Let it run by itself."""
        self._task = asyncio.create_task(self._run(), name=f"test of link {self._link.name}")

    async def _run(self) -> None:
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    for report in self._reports:
                        await report.over.wait()
            for report in self._reports:
                report.fails(f"not over after {PATIENCE_SECONDS:g} s")
            for session, connection in self._link.connections:
                if connection is not None and connection.was_bound:
                    self._trips.append(await measure_round_trips(session, connection))
        finally:
            self.over = True


async def measure_round_trips(session: str, connection: Connection) -> Step:
    """How long the SMSC takes to say that it is there."""
    loop = asyncio.get_running_loop()
    report = Report(session, loop.time)
    report.begins("enquire_link")
    taken: list[float] = []
    for _ in range(ROUND_TRIPS):
        seconds = await asyncio.shield(connection.round_trip())
        if seconds is None:
            ending = connection.over.result() if connection.over.done() else None
            report.fails(ending.reason if ending else "the connection ended")
            break
        taken.append(seconds)
    else:
        each = ", ".join(f"{1000 * seconds:.1f}" for seconds in taken)
        held = f"; bound for {connection.bound_for:.0f} s"
        report.done(f"{ROUND_TRIPS} round trips of {each} ms{held}")
    return report.steps[-1]
