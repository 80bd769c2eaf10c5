"""What the daemon does by the clock: expiry, tidying, standing in, seals, purge, a line in the log.

Each job asks the gateway, on the store's thread and a step at a time, and rings for what falls due.
"""

import asyncio
import logging
from collections.abc import Collection
from datetime import datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from smsgw import clock, copies, tuning
from smsgw.config import Settings
from smsgw.desk import Desk
from smsgw.gateway import By, Expired, Gateway
from smsgw.heartbeat import EVERY, Heartbeat
from smsgw.jobs import Jobs, Work
from smsgw.links import Links
from smsgw.passwords import OnDemand, Stock
from smsgw.store import StoreLost, StoreUnavailable
from smsgw.worker import Worker

log = logging.getLogger("smsgw.daemon")

#: When nobody registers.
PURGE_AT = time(3, 30)
ALIVE = timedelta(hours=1)
#: How often data keys that are too old are looked for (see `datakeys.LIFE`).
RESEAL_INTERVAL = timedelta(minutes=1)
#: Accounts of one expiry step, which is one transaction: a text that comes in meanwhile waits 3 ms.
EXPIRED_AT_ONCE = 50
#: Between two such steps. Some 1,900 reminders a second leave then; without a rest they would
#: leave at all the speed that there is, and who texts meanwhile would wait behind each.
REST_SECONDS = 0.025
#: Passwords that are made at once for a command that lacks some.
HASHED_AT_ONCE = 10
#: In which the hashers make some more passwords.
REFILL_SECONDS = 1.0
#: What waits for a link that cannot send is looked for so often ...
STAND_IN_EVERY = timedelta(seconds=5)
#: ... and leaves by another of its carrier once that link was down for so long.
STAND_IN_AFTER_SECONDS = 10.0
#: A store that has not answered by then is no sign of life.
STORE_PATIENCE_SECONDS = 10.0


class Upkeep:
    """Gives `Jobs` its work."""

    def __init__(
        self,
        settings: Settings,
        desk: Desk,
        gateway: Gateway,
        worker: Worker,
        stock: Stock,
        links: Links,
    ) -> None:
        self._settings = settings
        self._outside = Heartbeat(settings.heartbeat.url, self._why_silent)
        self._desk = desk
        self._gateway = gateway
        self._worker = worker
        self._stock = stock
        self._links = links
        self._loop = asyncio.get_running_loop()
        self._unable_since: dict[str, float] = {}  # links that cannot send, in the loop's time
        self._started = clock.now()
        self._jobs = Jobs(fatal=(StoreLost,))
        self._plan(self._jobs)
        self._received = -1  # texts, when the last walk for data keys was done

    def jobs(self) -> Jobs:
        """What is done at which time, to be run."""
        return self._jobs

    def take_over(self, settings: Settings) -> None:
        """From now on, these settings."""
        before, self._settings = self._settings, settings
        self._outside.take_over(settings.heartbeat.url)
        # A new page is asked at once, so that whoever names it sees that it is.
        if (self._times(before), before.heartbeat) != (self._times(settings), settings.heartbeat):
            self._jobs.plan_anew(self._plan)

    @staticmethod
    def _times(settings: Settings) -> tuple[timedelta, ZoneInfo]:
        return settings.registration.tick_interval, settings.gateway.timezone

    def _plan(self, jobs: Jobs) -> None:
        tick, zone = self._times(self._settings)
        jobs.every(tick, "expiry", self._by_one(self._expire))
        jobs.every(tick, "tidy", self._tidy)
        jobs.every(STAND_IN_EVERY, "stand-in", self._stand_in)
        jobs.every(RESEAL_INTERVAL, "seals", self._by_one(self._renew_seals))
        jobs.every(tick, "tell", self._links.publish)  # what could not be stored when it changed
        jobs.every(tick, "garbage", self._collect_garbage)
        jobs.every(EVERY, "heartbeat.url", self._outside.beat)
        jobs.every(ALIVE, "alive", self._say_alive, at_start=False)
        jobs.daily(PURGE_AT, zone, "purge", self._purge)

    def _by_one(self, work: Work) -> Work:
        """Of several nodes one does it."""

        async def do() -> None:
            if self._links.here.does_jobs:
                await work()

        return do

    async def _expire(self) -> None:
        """Replace what has lapsed, in batches between which traffic commits."""
        while True:
            done = await self._expire_some(clock.now())
            if not (done.more or done.short):
                return
            if not self._settings.registration.password_stock:  # nothing is hashed ahead
                await self._hash_some(1)
            elif len(self._stock) <= self._reserve:
                await asyncio.sleep(REFILL_SECONDS)
            else:
                await asyncio.sleep(REST_SECONDS)

    async def expire_for(self, by: By, now: datetime) -> Expired:
        """One batch for a command, which will ask again while there are more."""
        done = await self._expire_some(now, by)
        if done.short:
            await self._hash_some(HASHED_AT_ONCE)
        return done

    async def _expire_some(self, now: datetime, by: By | None = None) -> Expired:
        limit = max(1, min(EXPIRED_AT_ONCE, len(self._stock) - self._reserve))
        done = await self._worker.do(self._gateway.expire, now, limit, by)
        await self._ring(done.links, replies=False)
        return done

    async def _ring(self, links: Collection[str], *, replies: bool = True) -> None:
        """Something of these links may be due; they may be another node's."""
        here = self._links.named(links)
        for link in here:
            self._desk.ring(link, replies=replies)
        if len(here) < len(links):
            await self._worker.do(self._gateway.wake_nodes)

    @property
    def _reserve(self) -> int:
        """A night's worth of reminders must not take all passwords from those who register."""
        return self._settings.registration.password_stock // 2

    async def _hash_some(self, count: int) -> None:
        issuer = OnDemand(self._settings.registration.password_length)
        self._stock.give_back(await asyncio.to_thread(issuer.take, count))

    async def _collect_garbage(self) -> None:
        tuning.collect_now()

    async def _tidy(self) -> None:
        more = True
        while more:  # a step at a time: traffic commits in between
            tidy = partial(self._gateway.tidy, for_all=self._links.here.does_jobs)
            done = await self._worker.do(tidy, clock.now())
            more = done.more
            self._desk.outcomes += done.outcomes
            await self._ring(done.due)

    async def _stand_in(self) -> None:
        """Let links that can send carry what waits for others of their carrier."""
        now = self._loop.time()
        able = {link.name for link in self._links if link.able}
        self._unable_since = {
            link.name: self._unable_since.get(link.name, now)
            for link in self._links
            if link.name not in able
        }
        if self._desk.trouble or not able:
            return
        spared = {
            name
            for name, since in self._unable_since.items()
            if now - since < STAND_IN_AFTER_SECONDS
        }
        more = True
        while more:  # a step at a time: traffic commits in between
            links, more = await self._worker.do(self._gateway.stand_in, able, spared, clock.now())
            await self._ring(links)

    async def _renew_seals(self) -> None:
        """Let data keys die; while nobody texts, empty the log of what they sealed, too."""
        while await self._worker.do(self._gateway.renew_seals, clock.now()):
            pass
        received, self._received = self._received, self._desk.outcomes.total()
        if received == self._received:
            await self._worker.do(self._gateway.store.truncate_log)

    async def _purge(self) -> None:
        database = self._settings.gateway.files
        await self._worker.do(copies.remove_old, database, clock.now())
        if not self._links.here.does_jobs:
            return
        messages = accounts = unused = 0
        more = True
        while more:  # a step at a time: traffic commits in between
            gone = await self._worker.do(self._gateway.purge, clock.now())
            messages, accounts, more = messages + gone.messages, accounts + gone.accounts, gone.more
            unused += gone.unused
        log.info("purge messages=%d accounts=%d unused=%d", messages, accounts, unused)

    async def _why_silent(self) -> str | None:
        """Why nobody outside shall be told that we live; None: the store takes what we write."""
        try:
            async with asyncio.timeout(STORE_PATIENCE_SECONDS):
                await self._worker.do(self._gateway.probe, clock.now())
        except TimeoutError:
            return f"the store does not answer within {STORE_PATIENCE_SECONDS:g} s"
        except StoreUnavailable as fault:
            return f"the store takes nothing: {fault}"
        return None

    async def _say_alive(self) -> None:
        log.info(
            "alive %s; since %s received=%d taken=%d passwords=%d",
            self._links.summary(),
            self._started.isoformat(timespec="minutes"),
            self._links.total(lambda counts: counts.mo),
            self._links.total(lambda counts: counts.taken),
            len(self._stock),
        )
