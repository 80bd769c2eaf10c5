"""The heartbeat: each few seconds a row by the store's thread, and how long that thread is silent.

One row says three things at once: the event loop turns, the store's thread works, the disk takes a
commit. Who reads its age sees a daemon that was killed, stopped or stands still, without asking it.
The loop itself looks how long the thread has not answered, which nobody else could tell.

Knows the desk, which is told what is wrong with the store, and the gateway's verb; no socket.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from smsgw import clock
from smsgw.desk import Desk
from smsgw.gateway import Gateway
from smsgw.store import Beat, StoreLost, StoreUnavailable
from smsgw.worker import Worker

log = logging.getLogger(__name__)

#: Between two beats. By `health.SILENT` one may fail and the next be slow before anybody is woken.
BEAT_SECONDS = 4.0
#: The same on a server, where whoever would be the same node looks for five seconds whether it is.
SERVER_BEAT_SECONDS = 2.0
#: A store's thread that has not answered for so long is said to be silent.
SILENT_SECONDS = 10.0


class Pulse:
    """
    Args:
        birth: the daemon's own first beat: node, pid, version, start.
        on_beat: called before each.
        every: seconds between two; None: `BEAT_SECONDS`.
    """

    def __init__(
        self,
        gateway: Gateway,
        worker: Worker,
        desk: Desk,
        birth: Beat,
        on_beat: Callable[[], None] = lambda: None,
        *,
        every: float | None = None,
    ) -> None:
        self._gateway = gateway
        self._worker = worker
        self._desk = desk
        self._birth = birth
        self._on_beat = on_beat
        self._every = every
        self._loop = asyncio.get_running_loop()
        self._wanted = asyncio.Event()
        self._asked = 0.0  # loop time, of the beat that is under way
        self._answered: asyncio.Future[None] = self._loop.create_future()
        self._good = self._loop.time()  # when the store last took one

    @property
    def birth(self) -> Beat:
        """Who lives here, and since when."""
        return self._birth

    @property
    def age(self) -> float:
        """Seconds since the store last took a beat, or since the start."""
        return self._loop.time() - self._good

    async def run(self) -> None:
        """Beat until cancelled.

        Raises:
            StoreLost: end the process.
        """
        while True:
            self._wanted.clear()
            self._on_beat()
            await self._beat()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every or BEAT_SECONDS):
                    await self._wanted.wait()

    async def answers(self, patience: float) -> float:
        """Have the store take a beat now: 0 once it has answered, well or badly; else the seconds
        for which it has not, *patience* or more."""
        answered = self._answered
        self._wanted.set()
        try:
            async with asyncio.timeout(patience):
                await asyncio.shield(answered)
        except TimeoutError:
            return self._loop.time() - self._asked
        return 0.0

    async def end(self) -> None:
        """Write down that the daemon ends as it should."""
        with suppress(StoreUnavailable):
            await self._worker.do(self._gateway.beat, self._now(ended=True))

    async def _beat(self) -> None:
        self._asked = self._loop.time()
        beat = self._worker.do(self._gateway.beat, self._now())
        while not beat.done():
            await asyncio.wait({beat}, timeout=SILENT_SECONDS)
            if not beat.done():
                self._desk.store_is_in(f"it has not answered for {SILENT_SECONDS:.0f} s")
        try:
            beat.result()
        except StoreLost:
            raise
        except StoreUnavailable as fault:
            self._desk.store_is_in(str(fault))
        except Exception as fault:
            log.exception("heartbeat failed")
            self._desk.store_is_in(f"a fault of the gateway ({type(fault).__name__})")
        else:
            # That it takes a beat does not say that it takes a batch: the desk finds that out.
            self._good = self._loop.time()
        answered, self._answered = self._answered, self._loop.create_future()
        answered.set_result(None)

    def _now(self, *, ended: bool = False) -> Beat:
        return self._birth._replace(at=clock.now(), tick=clock.tick(), ended=ended)
