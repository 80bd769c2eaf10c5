"""What monitoring asks of the running daemon: its health, and everything that is counted.

On the event loop; what the store knows is looked at on its own thread, for programs once a second
at most and a piece at a time, so that traffic is held up by nobody who watches.
"""

import asyncio
import platform
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import smsgw
from smsgw import clock, overview
from smsgw.census import Census, Outbox
from smsgw.config import Settings
from smsgw.desk import Desk
from smsgw.health import Disk, Kind, Report
from smsgw.links import Links
from smsgw.metrics import Measured, Sample
from smsgw.model import Outcome
from smsgw.overview import Node, Overview, Sight, Stored
from smsgw.passwords import Stock
from smsgw.pulse import Pulse
from smsgw.store import Store, sqlite_version
from smsgw.worker import Worker

#: A store that does not answer within this is not well; `status` has to tell within five seconds.
STORE_PATIENCE_SECONDS = 1.5
#: Of the outbox, each time that monitoring asks: 10,000 texts, some 5 ms of the store's thread.
PIECES_AT_ONCE = 10


class _Seen(NamedTuple):
    """What the store's thread has seen."""

    outbox: Outbox
    stored: Stored
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
        *,
        pulse: Pulse,
    ) -> None:
        self._settings = settings
        self._desk = desk
        self._store = store
        self._worker = worker
        self._stock = stock
        self._links = links
        self._pulse = pulse
        self._census = Census(store)
        self._measured = Measured(self._measure)
        self._last: Stored | None = None  # what the store said last, for what it cannot say now

    def take_over(self, settings: Settings) -> None:
        """From now on, these settings."""
        self._settings = settings

    async def report(self) -> Report:
        """What is not well, and whether anybody can be served all the same."""
        return overview.report(await self._sight())

    async def overview(self) -> Overview:
        """Everything that one looks at, judged: as it is now, for who has just done something."""
        return overview.overview(await self._sight(anew=True))

    async def _sight(self, *, anew: bool = False) -> Sight:
        seen = await self._measured(anew=anew)
        faults = [seen] if isinstance(seen, str) else []
        if self._desk.trouble:
            faults = [f"the store takes nothing: {self._desk.trouble}"]
        found = None if isinstance(seen, str) else seen
        birth = self._pulse.birth
        age = round(self._pulse.age, 1)
        return Sight(
            at=clock.now(),
            settings=self._settings,
            version=birth.version,
            faults=faults,
            daemon=Node(birth.node, birth.pid, birth.version, birth.started_at, age),
            stored=found.stored if found else self._last,
            outbox=found.outbox if found else None,
            live=self._links.live(),
            disk=found.disk if found else None,
        )

    async def _measure(self) -> _Seen | str:
        """What the store's thread sees, or why it sees nothing."""
        try:
            async with asyncio.timeout(STORE_PATIENCE_SECONDS):
                for _ in range(PIECES_AT_ONCE):  # in between, traffic commits
                    if await self._worker.do(self._census.step):
                        break
                return await self._worker.do(self._look)
        except TimeoutError:
            return f"the store does not answer within {STORE_PATIENCE_SECONDS:g} s"
        except Exception as fault:
            return f"the store fails: {fault}"

    def _look(self) -> _Seen:
        """On the store's thread: a disk that hangs may hold it up, but never the event loop."""
        disk = overview.look_at_disk(self._settings.gateway.database)
        self._last = overview.read(self._store)
        return _Seen(self._census.outbox, self._last, disk)

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

    def _of_process(self) -> Iterator[Sample]:
        labels = {
            "version": smsgw.__version__,
            "python": platform.python_version(),
            "sqlite": sqlite_version(),
        }
        yield Sample("smsgw_build_info", "Which version runs; always 1.", 1, labels)
        name = "smsgw_start_time_seconds"
        yield Sample(name, "When the daemon started.", self._pulse.birth.started_at.timestamp())
        name = "smsgw_heartbeat_age_seconds"
        yield Sample(name, "Since the database took a heartbeat.", self._pulse.age)
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
        if disk:
            yield Sample("smsgw_disk_free_bytes", "Room on the disk of the database.", disk.free)
            yield Sample("smsgw_disk_size_bytes", "Size of the disk of the database.", disk.total)
        stored, started = seen.stored, self._pulse.birth.started_at
        backup = stored.last_backup_at.timestamp() if stored.last_backup_at else 0
        name = "smsgw_last_backup_timestamp_seconds"
        yield Sample(name, "When the last checked backup was made; 0: never.", backup)
        # What was refused before the start is of no account any more: the start read the file.
        last, ok = started, True
        if stored.last_reload_at and stored.last_reload_at > started:
            last, ok = stored.last_reload_at, stored.last_reload_ok is not False
        name = "smsgw_config_last_reload_successful"
        yield Sample(name, "0 if the configuration was refused when it was last read.", ok)
        name = "smsgw_config_last_reload_timestamp_seconds"
        meaning = "When the configuration was last read, taken over or not."
        yield Sample(name, meaning, last.timestamp())
