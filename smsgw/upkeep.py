"""What the daemon does by the clock: expiry, tidying, standing in, seals, purge, a line in the log.

Each job asks the gateway, on the store's thread and a step at a time, and rings for what falls due.
"""

import asyncio
import logging
from datetime import datetime, time, timedelta

from smsgw import clock, copies, tuning
from smsgw.config import Settings
from smsgw.desk import Desk
from smsgw.gateway import By, Expired, Gateway
from smsgw.jobs import Jobs
from smsgw.links import Links
from smsgw.passwords import OnDemand, Stock
from smsgw.store import StoreLost
from smsgw.worker import Worker

log = logging.getLogger("smsgw.daemon")

#: When nobody registers.
PURGE_AT = time(3, 30)
HEARTBEAT = timedelta(hours=1)
#: How often data keys that are too old are looked for (see `datakeys.LIFE`).
RESEAL_INTERVAL = timedelta(minutes=1)
#: Accounts of one expiry step, which is one transaction: a text that comes in meanwhile waits 3 ms.
EXPIRED_AT_ONCE = 50
#: Passwords that are made at once for a command that lacks some.
HASHED_AT_ONCE = 10
#: In which the hashers make some more passwords.
REFILL_SECONDS = 1.0
#: What waits for a link that cannot send is looked for so often ...
STAND_IN_EVERY = timedelta(seconds=5)
#: ... and leaves by another of its carrier once that link was down for so long.
STAND_IN_AFTER_SECONDS = 10.0


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
        self._desk = desk
        self._gateway = gateway
        self._worker = worker
        self._stock = stock
        self._links = links
        self._loop = asyncio.get_running_loop()
        self._unable_since: dict[str, float] = {}  # links that cannot send, in the loop's time
        self._started = clock.now()
        self._received = -1  # texts, when the last walk for data keys was done

    def jobs(self) -> Jobs:
        tick = self._settings.registration.tick_interval
        jobs = Jobs(fatal=(StoreLost,))
        jobs.every(tick, "expiry", self._expire)
        jobs.every(tick, "tidy", self._tidy)
        jobs.every(STAND_IN_EVERY, "stand-in", self._stand_in)
        jobs.every(RESEAL_INTERVAL, "seals", self._renew_seals)
        jobs.every(tick, "tell", self._links.publish)  # what could not be stored when it changed
        jobs.every(tick, "garbage", self._collect_garbage)
        jobs.every(HEARTBEAT, "heartbeat", self._heartbeat, at_start=False)
        jobs.daily(PURGE_AT, self._settings.gateway.timezone, "purge", self._purge)
        return jobs

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

    async def expire_for(self, by: By, now: datetime) -> Expired:
        """One batch for a command, which will ask again while there are more."""
        done = await self._expire_some(now, by)
        if done.short:
            await self._hash_some(HASHED_AT_ONCE)
        return done

    async def _expire_some(self, now: datetime, by: By | None = None) -> Expired:
        limit = max(1, min(EXPIRED_AT_ONCE, len(self._stock) - self._reserve))
        done = await self._worker.do(self._gateway.expire, now, limit, by)
        for link in self._links.named(done.links):
            self._desk.ring(link, replies=False)
        return done

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
            done = await self._worker.do(self._gateway.tidy, clock.now())
            more = done.more
            self._desk.outcomes += done.outcomes
            for link in self._links.named(done.due):
                self._desk.ring(link)

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
            for link in links:
                self._desk.ring(link)

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
        messages = accounts = 0
        more = True
        while more:  # a step at a time: traffic commits in between
            gone = await self._worker.do(self._gateway.purge, clock.now())
            messages, accounts, more = messages + gone.messages, accounts + gone.accounts, gone.more
        log.info("purge messages=%d accounts=%d", messages, accounts)

    async def _heartbeat(self) -> None:
        log.info(
            "alive %s; since %s received=%d taken=%d passwords=%d",
            self._links.summary(),
            self._started.isoformat(timespec="minutes"),
            self._links.total(lambda counts: counts.mo),
            self._links.total(lambda counts: counts.taken),
            len(self._stock),
        )
