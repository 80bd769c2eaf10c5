"""What monitoring asks of the running daemon: its health, and everything that is counted.

On the event loop; what the store knows is looked at on its own thread, once a second at most and a
piece at a time, so that traffic is held up by nobody who watches.
"""

import asyncio
import os
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from smsgw import clock, health
from smsgw.census import Census, Outbox
from smsgw.config import Settings
from smsgw.database import Database, Server
from smsgw.desk import Desk
from smsgw.health import Condition, Disk, LinkHealth, Report
from smsgw.limits import CEILING_FACT
from smsgw.links import Links
from smsgw.metrics import Measured, Sample
from smsgw.model import Outcome
from smsgw.passwords import Stock
from smsgw.store import Store
from smsgw.worker import Worker

#: A store that does not answer within this is not well.
STORE_PATIENCE_SECONDS = 3.0
#: Of the outbox, each time that monitoring asks: 10,000 texts, some 5 ms of the store's thread.
PIECES_AT_ONCE = 10


class _Seen(NamedTuple):
    """What the store's thread has seen."""

    outbox: Outbox
    silent_until: datetime
    disk: Disk | None  #: None: it is a server's


class Monitor:
    """Reads what others count."""

    def __init__(
        self,
        settings: Settings,
        desk: Desk,
        store: Store,
        worker: Worker,
        stock: Stock,
        links: Links,
    ) -> None:
        self._settings = settings
        self._desk = desk
        self._store = store
        self._worker = worker
        self._stock = stock
        self._links = links
        self._census = Census(store)
        self._measured = Measured(self._measure)

    async def report(self) -> Report:
        """What is not well, and whether anybody can be served all the same."""
        return health.report(await self._condition())

    async def _condition(self) -> Condition:
        seen = await self._measured()
        faults = [seen] if isinstance(seen, str) else []
        if self._desk.trouble:
            faults.append(f"the store takes nothing: {self._desk.trouble}")
        found = None if isinstance(seen, str) else seen
        gateway = self._settings.gateway
        return Condition(
            at=clock.now().astimezone(gateway.timezone),
            database=str(gateway.database),
            store_faults=faults,
            daemon_runs=True,
            links=[LinkHealth(name, *status) for name, status in self._links.states().items()],
            held=found.outbox.held if found else None,
            oldest_queued=found.outbox.oldest_queued if found else None,
            replies_per_hour=self._settings.limits.replies_per_hour,
            silent_until=found.silent_until if found else None,
            disk=found.disk if found else None,
        )

    async def _measure(self) -> _Seen | str:
        """What the store's thread sees, or why it sees nothing."""
        try:
            for _ in range(PIECES_AT_ONCE):  # in between, traffic commits
                async with asyncio.timeout(STORE_PATIENCE_SECONDS):
                    if await self._worker.do(self._census.step):
                        break
            async with asyncio.timeout(STORE_PATIENCE_SECONDS):
                return await self._worker.do(self._look)
        except TimeoutError:
            return f"the store does not answer within {STORE_PATIENCE_SECONDS:g} s"
        except Exception as fault:
            return f"the store fails: {fault}"

    def _look(self) -> _Seen:
        """On the store's thread: a disk that hangs may hold it up, but never the event loop."""
        disk = _disk(self._settings.gateway.database)
        return _Seen(
            self._census.outbox,
            clock.unstamp(int(self._store.fact(CEILING_FACT) or 0)),
            disk,
        )

    async def samples(self) -> Iterable[Sample]:
        """Everything that is counted, at this moment."""
        samples = [
            Sample("smsgw_passwords_ready", "Issued passwords hashed ahead.", len(self._stock)),
        ]
        seen = await self._measured()
        works = not isinstance(seen, str) and not self._desk.trouble
        samples.append(Sample("smsgw_store_up", "1 while the store takes messages.", works))
        if not isinstance(seen, str):
            outbox = seen.outbox
            samples += (
                Sample("smsgw_outbox_queued", "Replies that no SMSC has taken.", outbox.queued),
                Sample("smsgw_outbox_held", "Of these, what no SMSC answered.", outbox.held),
                Sample("smsgw_outbox_failed", "Replies given up.", outbox.failed),
            )
        for outcome in Outcome:
            count = self._desk.outcomes[outcome]
            help_text = "Texts of citizens decided and stored."
            samples.append(Sample("smsgw_mo_total", help_text, count, {"outcome": outcome}))
        samples += (
            Sample(f"smsgw_link_{name}", meaning, value, labels)
            for name, meaning, value, labels in self._links.measure()
        )
        return samples


def _disk(database: Database) -> Disk | None:
    """The disk of a database file; that of a server is its own business."""
    if isinstance(database, Server):
        return None
    disk = os.statvfs(database.parent)
    return Disk(disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize)
