"""Tells systemd how the gateway is: its STATUS is what is not well, by the judgement of all others.

Knows who judges and who counts links; decides nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from smsgw.health import Report
from smsgw.systemd_notify import notify

log = logging.getLogger(__name__)

#: Told anew so often where nobody has said that something changed.
REPEAT_SECONDS = 60.0
#: Changes within this are told once: a link that comes and goes is not a datagram each time.
GATHER_SECONDS = 0.2


class Herald:
    """
    Args:
        report: what is not well.
        summary: how many links are bound, in words.
    """

    def __init__(self, report: Callable[[], Awaitable[Report]], summary: Callable[[], str]) -> None:
        self._report = report
        self._summary = summary
        self._changed = asyncio.Event()

    def look(self) -> None:
        """Something may be another than it was."""
        self._changed.set()

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(REPEAT_SECONDS):
                    await self._changed.wait()
            self._changed.clear()
            try:
                notify(f"STATUS={await self.words()}")
            except Exception:  # what is only told must not end the daemon
                log.exception("STATUS cannot be told")
            await asyncio.sleep(GATHER_SECONDS)

    async def words(self) -> str:
        """One line: how many links are bound, and each problem."""
        problems = [" ".join(problem.text.split()) for problem in (await self._report()).problems]
        return "; ".join([self._summary(), *problems])
