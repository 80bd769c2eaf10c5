"""What monitoring asks of the running daemon: its health, and everything that is counted.

On the event loop; what the store knows is looked at on its own thread, once a second at most and a
piece at a time, so that traffic is held up by nobody who watches.
"""

import asyncio
import os
import platform
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import smsgw
from smsgw import clock, copies, health
from smsgw.census import Census, Outbox
from smsgw.config import Settings
from smsgw.desk import Desk
from smsgw.health import Condition, Disk, Kind, LinkHealth, Report
from smsgw.limits import CEILING_FACT
from smsgw.links import Links
from smsgw.metrics import Measured, Sample
from smsgw.model import Outcome
from smsgw.passwords import Stock
from smsgw.store import Store, sqlite_version
from smsgw.worker import Worker

#: A store that does not answer within this is not well.
STORE_PATIENCE_SECONDS = 3.0
#: Of the outbox, each time that monitoring asks: 10,000 texts, some 5 ms of the store's thread.
PIECES_AT_ONCE = 10
#: The facts that say when the configuration was last read again, and whether it was taken over.
_RELOAD_AT, _RELOAD_OK = "last_reload_at", "last_reload_ok"


class _Seen(NamedTuple):
    """What the store's thread has seen."""

    outbox: Outbox
    silent_until: datetime
    disk: Disk
    last_backup: datetime | None  #: None: there was none
    last_reload: datetime | None
    reload_ok: bool


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
        self._started = clock.now()
        self._loop = asyncio.get_running_loop()
        self._good = self._loop.time()  # when the store last answered

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
                seen = await self._worker.do(self._look)
        except TimeoutError:
            return f"the store does not answer within {STORE_PATIENCE_SECONDS:g} s"
        except Exception as fault:
            return f"the store fails: {fault}"
        self._good = self._loop.time()
        return seen

    def _look(self) -> _Seen:
        """On the store's thread: a disk that hangs may hold it up, but never the event loop."""
        disk = os.statvfs(self._settings.gateway.database.parent)
        return _Seen(
            self._census.outbox,
            self._time(CEILING_FACT) or clock.EPOCH,
            Disk(disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize),
            self._time(copies.LAST_BACKUP),
            self._time(_RELOAD_AT),
            self._store.fact(_RELOAD_OK) != "0",
        )

    def _time(self, fact: str) -> datetime | None:
        stamp = self._store.fact(fact)
        return clock.unstamp(int(stamp)) if stamp else None

    async def samples(self) -> Iterable[Sample]:
        """Everything that is counted, at this moment."""
        seen = await self._measured()
        samples = [*self._of_process(), *self._of_texts()]
        if not isinstance(seen, str):
            samples += self._of_store(seen)
        kinds = Counter(problem.kind for problem in (await self.report()).problems)
        meaning = "What is not well, as `status` judges it, by kind."
        samples += (Sample("smsgw_problems", meaning, kinds[kind], {"kind": kind}) for kind in Kind)
        works = not isinstance(seen, str) and not self._desk.trouble
        samples.append(Sample("smsgw_store_up", "1 while the store takes messages.", works))
        samples += (
            Sample(f"smsgw_link_{name}", meaning, value, labels)
            for name, meaning, value, labels in self._links.measure()
        )
        return samples

    @property
    def heartbeat_age(self) -> float:
        """Seconds since the store last took a heartbeat."""
        return self._loop.time() - self._good

    def _of_process(self) -> Iterator[Sample]:
        labels = {
            "version": smsgw.__version__,
            "python": platform.python_version(),
            "sqlite": sqlite_version(),
        }
        yield Sample("smsgw_build_info", "Which version runs; always 1.", 1, labels)
        name = "smsgw_start_time_seconds"
        yield Sample(name, "When the daemon started.", self._started.timestamp())
        name = "smsgw_heartbeat_age_seconds"
        yield Sample(name, "Since the database took a heartbeat.", self.heartbeat_age)
        ready = len(self._stock)
        yield Sample("smsgw_passwords_ready", "Issued passwords hashed ahead.", ready)

    def _of_texts(self) -> Iterator[Sample]:
        meaning = "Texts of citizens decided and stored."
        for outcome in Outcome:
            count = self._desk.outcomes[outcome]
            yield Sample("smsgw_mo_total", meaning, count, {"outcome": outcome})
        meaning = "From a citizen's text to our answer to the SMSC, behind the commit."
        yield Sample("smsgw_mo_answer_seconds", meaning, self._desk.answered)

    def _of_store(self, seen: _Seen) -> Iterator[Sample]:
        outbox, disk = seen.outbox, seen.disk
        yield Sample("smsgw_outbox_queued", "Replies that no SMSC has taken.", outbox.queued)
        yield Sample("smsgw_outbox_held", "Of these, what no SMSC answered.", outbox.held)
        yield Sample("smsgw_outbox_failed", "Replies given up.", outbox.failed)
        for link in self._links:
            found = outbox.links.get(link.name)
            queued, labels = found.queued if found else 0, {"link": link.name}
            yield Sample("smsgw_link_queued", "Replies that wait for that link.", queued, labels)
        yield Sample("smsgw_disk_free_bytes", "Room on the disk of the database.", disk.free)
        yield Sample("smsgw_disk_size_bytes", "Size of the disk of the database.", disk.total)
        backup = seen.last_backup.timestamp() if seen.last_backup else 0
        name = "smsgw_last_backup_timestamp_seconds"
        yield Sample(name, "When the last checked backup was made; 0: never.", backup)
        # What was refused before the start is of no account any more: the start read the file.
        last, ok = self._started, True
        if seen.last_reload and seen.last_reload > self._started:
            last, ok = seen.last_reload, seen.reload_ok
        name = "smsgw_config_last_reload_successful"
        yield Sample(name, "0 if the configuration was refused when it was last read.", ok)
        name = "smsgw_config_last_reload_timestamp_seconds"
        meaning = "When the configuration was last read, taken over or not."
        yield Sample(name, meaning, last.timestamp())
