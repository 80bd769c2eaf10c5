"""THE wiring: settings -> store -> gateway -> desk -> links -> loop -> signals -> systemd.

Here everything is made, in the order in which it is needed, and ended in the opposite order; no
decision about a text or a PDU is taken here. What ends the daemon:

    SIGTERM, SIGINT      cleanly: links take no more, what was received is committed and answered,
                         answers to our submits are awaited, unbind. Exit status 0
    the same again       at once; what was not committed, the SMSC sends again
    SIGHUP               not at all: nothing is read again but by a restart
    StoreLost            the disk cannot be trusted: one line, exit status 1, systemd starts anew
    a fault at start     one line that says what and where, exit status 1
"""

import asyncio
import ctypes
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Collection, Iterable
from contextlib import AsyncExitStack, suppress
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

from smsgw import clock, control, copies
from smsgw.census import Census, Outbox
from smsgw.config import Settings
from smsgw.desk import Desk
from smsgw.errors import SmsgwError
from smsgw.gateway import By, Expired
from smsgw.hotline import Hotline
from smsgw.jobs import Jobs
from smsgw.links import Link
from smsgw.metrics import Measured, MetricsServer, Sample
from smsgw.model import LinkState, Outcome
from smsgw.passwords import OnDemand, Stock
from smsgw.store import (
    DaemonLock,
    Store,
    StoreLost,
    StoreUnavailable,
    keep_to_one_thread,
    open_store,
    sqlite_version,
)
from smsgw.suspects import Suspects
from smsgw.systemd_notify import notify, watchdog_interval
from smsgw.vault import Vault
from smsgw.verbs import Verbs
from smsgw.worker import Worker

log = logging.getLogger("smsgw.daemon")

#: When nobody registers.
PURGE_AT = time(3, 30)
HEARTBEAT = timedelta(hours=1)
#: How often data keys that are too old are looked for (see `datakeys.LIFE`).
RESEAL_INTERVAL = timedelta(minutes=1)
#: A start that takes longer than this says so to systemd again.
OPENING_SECONDS = 10.0
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
#: A reply that is due for so long without having left is a reason to look.
OVERDUE = timedelta(minutes=5)
#: A store that does not answer within this is not well.
STORE_PATIENCE_SECONDS = 3.0
#: Of the outbox, each time that monitoring asks: 10,000 texts, some 5 ms of the store's thread.
PIECES_AT_ONCE = 10
#: Commit of what was received, at the end; a disk that is slower loses nothing but our answer.
DRAIN_SECONDS = 30.0

PR_SET_DUMPABLE = 4


def run(settings: Settings) -> None:
    """Be the daemon of *settings* until SIGTERM or SIGINT.

    Raises:
        SmsgwError: it cannot start, or must not go on.
    """
    harden()
    keep_to_one_thread()
    # From the lock on commands may ring; until the loop listens, that means nothing. Neither does
    # a terminal or a script that hangs up.
    for number in (signal.SIGUSR1, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    lock = DaemonLock.acquire(settings.gateway.database)
    try:
        asyncio.run(Daemon(settings).run())
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the loop has given it back
        lock.release()


def harden() -> None:
    """Keep passwords out of core dumps, and other processes of this user out of our memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    # The store's thread runs long stretches of Python while it prepares a commit. A thread that
    # wants to run waits this long for its turn, and enquire_link and answers wait with the loop;
    # the default is 5 ms.
    sys.setswitchinterval(0.001)


class Daemon:
    """Everything that runs, from start to end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._links: list[Link] = []
        self._link_changed = asyncio.Event()
        self._told: dict[str, object] = {}  # the state of each link, as it is stored
        self._binds: dict[str, int] = {}  # of each link, after which what was held left again
        self._unable_since: dict[str, float] = {}  # links that cannot send, in the loop's time
        self._started = clock.now()
        self._received = -1  # texts, when the last walk for data keys was done

    async def run(self) -> None:
        """Run until a signal.

        Raises:
            SmsgwError: it cannot start, or must not go on.
        """
        self._loop = loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_fault)
        self._end: asyncio.Future[None] = loop.create_future()
        async with AsyncExitStack() as stack:
            await self._build(stack)
            desk = asyncio.create_task(self._desk.run(), name="desk")
            jobs = asyncio.create_task(self._jobs().run(), name="jobs")
            teller = asyncio.create_task(self._keep_telling(), name="teller")
            forever = {desk, jobs, teller}
            try:
                for link in self._links:
                    link.start()
                self._stock.start()  # hashing is slow, and binding need not wait for it
                gc.collect()
                # Rows and values of a batch die by their reference counts. The default of a look
                # each 700 values is one each 17 texts, a twentieth of all processor time. What
                # dies in circles, such as lost connections, is found once a tick.
                gc.set_threshold(100_000, 50, 1000)
                gc.freeze()  # what stands now stays: no need to look through it again and again
                self._feed_watchdog()
                notify("READY=1", f"STATUS={self._summary()}")
                await asyncio.wait({self._end, *forever}, return_when=asyncio.FIRST_COMPLETED)
                notify("STOPPING=1", "STATUS=ending")
                for end in (self._end, *forever):  # others end only by what must not be survived
                    if end.done():
                        end.result()
                jobs.cancel()
                teller.cancel()
                await self._stop(desk)
            finally:
                for task in forever:
                    task.cancel()
        log.info("ended")

    async def _build(self, stack: AsyncExitStack) -> None:
        """Make all parts, each with its way to end on *stack*."""
        settings, loop = self._settings, self._loop
        log.info(
            "starting pid=%d database=%s sqlite=%s",
            os.getpid(),
            settings.gateway.database,
            sqlite_version(),
        )
        worker = Worker("store")
        stack.callback(worker.close)
        store = await self._open_store(worker)
        stack.push_async_callback(worker.do, store.close)
        vault = Vault.open(settings.gateway.secret_key_file, create=True)
        self._stock = stock = Stock(
            settings.registration.password_stock,
            settings.registration.password_length,
            on_filled=lambda: self._soon(self._desk.passwords_ready),
        )
        stack.callback(stock.close)
        self._census = Census(store)
        self._outbox = Measured(self._count)
        self._gateway = await worker.do(Hotline, store, settings, vault, stock)
        self._desk = Desk(self._gateway, worker, stock)
        await self._desk.run_in_store(self._gateway.start, clock.now())
        verbs = Verbs(self._desk, self._gateway, self._links, self._expire_for, self._lost)
        orders = control.Daemon(
            settings.gateway.control_socket, settings.gateway.database, verbs.table
        )
        stack.push_async_callback(orders.close)
        await orders.start()
        if settings.metrics.listen:
            metrics = MetricsServer(self._samples, self._ailments)
            await metrics.start(*settings.metrics.listen)
            stack.push_async_callback(metrics.close)
        for number, action in (
            (signal.SIGTERM, self._on_end_signal),
            (signal.SIGINT, self._on_end_signal),
            (signal.SIGUSR1, self._desk.ring),
            (signal.SIGHUP, self._on_hang_up),
        ):
            loop.add_signal_handler(number, action)
        suspects = Suspects.open(settings.gateway.database)
        stack.callback(suspects.close)
        known = {link.name: link.oddities for link in await worker.do(store.links)}
        for smsc in settings.smsc:
            link = Link(
                smsc,
                settings.gateway.shortcode,
                self._desk,
                lambda _: self._link_changed.set(),
                suspects,
                known.get(smsc.name, {}),
            )
            self._links.append(link)

    async def _open_store(self, worker: Worker) -> Store:
        """The database, brought up to date; systemd waits as long as a copy takes."""
        opened = worker.do(
            partial(
                open_store,
                self._settings.gateway.database,
                own_thread=True,
                before_migration=lambda store: copies.before_migration(store, clock.now()),
            )
        )
        while not opened.done():
            notify(f"EXTEND_TIMEOUT_USEC={4 * OPENING_SECONDS * 10**6:.0f}")
            await asyncio.wait({opened}, timeout=OPENING_SECONDS)
        return opened.result()

    async def _stop(self, desk: "asyncio.Task[None]") -> None:
        """The clean end: nothing that was received is left without commit and answer."""
        log.info("ending: no new texts; waiting for the disk and the SMSCs")
        for link in self._links:
            link.quiesce()
        await self._drain(desk)
        await asyncio.gather(*(link.close() for link in self._links))
        await self._drain(desk)
        await self._tell()
        try:
            await self._desk.run_in_store(self._gateway.end_seals, clock.now())
        except SmsgwError as fault:
            log.warning("data keys stay until the next start: %s", fault)

    async def _drain(self, desk: "asyncio.Task[None]") -> None:
        """Wait until the desk has committed everything, and raise what it ends by."""
        drained = asyncio.create_task(self._desk.drain(), name="drain")
        done, _ = await asyncio.wait(
            {drained, desk}, timeout=DRAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        drained.cancel()
        if desk in done:
            desk.result()
        if drained not in done:
            log.error("the store is too slow: the SMSC will send again what was not committed")

    # --- signals and faults -----------------------------------------------------------------

    def _on_end_signal(self) -> None:
        if self._end.done():
            log.warning("second signal: ending at once")
            os._exit(1)
        self._end.set_result(None)

    def _lost(self, fault: StoreLost) -> None:
        """The disk cannot be trusted, says who else uses the store: end."""
        if not self._end.done():
            self._end.set_exception(fault)

    def _on_hang_up(self) -> None:
        log.warning("SIGHUP: nothing was read again; a restart takes a new configuration")

    def _soon(self, callback: Callable[[], None]) -> None:
        """Have the loop call *callback*, from another thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(callback)

    def _feed_watchdog(self) -> None:
        interval = watchdog_interval()
        if interval is not None:
            notify("WATCHDOG=1")
            self._loop.call_later(interval, self._feed_watchdog)

    # --- jobs -------------------------------------------------------------------------------

    def _jobs(self) -> Jobs:
        tick = self._settings.registration.tick_interval
        jobs = Jobs(fatal=(StoreLost,))
        jobs.every(tick, "expiry", self._expire)
        jobs.every(tick, "tidy", self._tidy)
        jobs.every(STAND_IN_EVERY, "stand-in", self._stand_in)
        jobs.every(RESEAL_INTERVAL, "seals", self._renew_seals)
        jobs.every(tick, "tell", self._tell)  # what could not be stored when it changed
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

    async def _expire_for(self, by: By, now: datetime) -> Expired:
        """One batch for a command, which will ask again while there are more."""
        done = await self._expire_some(now, by)
        if done.short:
            await self._hash_some(HASHED_AT_ONCE)
        return done

    async def _expire_some(self, now: datetime, by: By | None = None) -> Expired:
        limit = max(1, min(EXPIRED_AT_ONCE, len(self._stock) - self._reserve))
        done = await self._desk.run_in_store(self._gateway.expire, now, limit, by)
        for link in self._configured(done.links):
            self._desk.ring(link, replies=False)
        return done

    @property
    def _reserve(self) -> int:
        """A night's worth of reminders must not take all passwords from those who register."""
        return self._settings.registration.password_stock // 2

    async def _hash_some(self, count: int) -> None:
        issuer = OnDemand(self._settings.registration.password_length)
        self._stock.give_back(await asyncio.to_thread(issuer.take, count))

    def _configured(self, links: Collection[str]) -> list[str]:
        """Those of *links* that are there; what waits for another one waits for its carrier."""
        return [link.name for link in self._links if link.name in links]

    async def _collect_garbage(self) -> None:
        gc.collect()

    async def _tidy(self) -> None:
        more = True
        while more:  # a step at a time: traffic commits in between
            done = await self._desk.run_in_store(self._gateway.tidy, clock.now())
            more = done.more
            self._desk.outcomes += done.outcomes
            for link in self._configured(done.due):
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
            links, more = await self._desk.run_in_store(
                self._gateway.stand_in, able, spared, clock.now()
            )
            for link in links:
                self._desk.ring(link)

    async def _renew_seals(self) -> None:
        """Let data keys die; while nobody texts, empty the log of what they sealed, too."""
        while await self._desk.run_in_store(self._gateway.renew_seals, clock.now()):
            pass
        received, self._received = self._received, self._desk.outcomes.total()
        if received == self._received:
            await self._desk.run_in_store(self._gateway.store.truncate_log)

    async def _purge(self) -> None:
        database = self._settings.gateway.database
        await self._desk.run_in_store(copies.remove_old, database, clock.now())
        messages = accounts = 0
        more = True
        while more:  # a step at a time: traffic commits in between
            gone = await self._desk.run_in_store(self._gateway.purge, clock.now())
            messages, accounts, more = messages + gone.messages, accounts + gone.accounts, gone.more
        log.info("purge messages=%d accounts=%d", messages, accounts)

    async def _heartbeat(self) -> None:
        counts = [link.counts for link in self._links]
        log.info(
            "alive %s; since %s received=%d taken=%d passwords=%d",
            self._summary(),
            self._started.isoformat(timespec="minutes"),
            sum(count.mo for count in counts),
            sum(count.taken for count in counts),
            len(self._stock),
        )

    def _summary(self) -> str:
        bound = sum(link.status[0] is LinkState.BOUND for link in self._links)
        return f"{bound} of {len(self._links)} links bound"

    # --- what the links say -----------------------------------------------------------------

    async def _keep_telling(self) -> None:
        while True:
            await self._link_changed.wait()
            self._link_changed.clear()
            await self._tell()

    async def _release_held(self) -> None:
        """Let what is held for a link leave again that has bound since."""
        for link in self._links:
            binds = link.counts.binds
            if link.able and self._binds.get(link.name) != binds:
                more = True
                while more:  # a step at a time
                    try:
                        more = await self._desk.run_in_store(
                            self._gateway.release_held, link.name, clock.now()
                        )
                    except StoreUnavailable as fault:
                        log.warning("link %s: what is held stays so: %s", link.name, fault)
                        break
                    if more:
                        self._desk.ring(link.name)
                else:
                    self._binds[link.name] = binds

    async def _tell(self) -> None:
        """Store the state of each link where commands read it, unless it stands there.

        Raises:
            StoreLost: end the process.
        """
        notify(f"STATUS={self._summary()}")
        for link in self._links:
            state, reason = link.status
            oddities = dict(link.oddities)
            status = state, reason, oddities
            if status != self._told.get(link.name):
                try:
                    await self._desk.run_in_store(
                        self._gateway.link_changed, link.name, state, reason, clock.now(), oddities
                    )
                except StoreUnavailable as fault:
                    log.warning("link %s: its state cannot be stored: %s", link.name, fault)
                else:
                    self._told[link.name] = status
        await self._release_held()

    # --- what monitoring asks ---------------------------------------------------------------

    async def _count(self) -> Outbox | str:
        """What waits in the outbox, or why the store says nothing."""
        try:
            for _ in range(PIECES_AT_ONCE):  # in between, traffic commits
                async with asyncio.timeout(STORE_PATIENCE_SECONDS):
                    if await self._desk.run_in_store(self._census.step):
                        break
            return self._census.outbox
        except TimeoutError:
            return f"the store does not answer within {STORE_PATIENCE_SECONDS:g} s"
        except Exception as fault:
            return f"the store fails: {fault}"

    async def _ailments(self) -> list[str]:
        """What is wrong, in words; nothing if the gateway does its work."""
        reasons = []
        if not any(link.status[0] is LinkState.BOUND for link in self._links):
            states = (f"{link.name} {link.status[0]} ({link.status[1]})" for link in self._links)
            reasons.append(f"no link is bound: {', '.join(states)}")
        outbox = await self._outbox()
        if isinstance(outbox, str):
            reasons.append(outbox)
        elif outbox.oldest_queued and clock.now() - outbox.oldest_queued > OVERDUE:
            reasons.append(f"a reply waits since {outbox.oldest_queued:%Y-%m-%dT%H:%M:%SZ}")
        if self._desk.trouble:
            reasons.append(f"the store takes nothing: {self._desk.trouble}")
        return reasons

    async def _samples(self) -> Iterable[Sample]:
        """Everything that is counted, at this moment."""
        samples = [
            Sample("smsgw_passwords_ready", "Issued passwords hashed ahead.", len(self._stock)),
        ]
        outbox = await self._outbox()
        works = not isinstance(outbox, str) and not self._desk.trouble
        samples.append(Sample("smsgw_store_up", "1 while the store takes messages.", works))
        if not isinstance(outbox, str):
            samples += (
                Sample("smsgw_outbox_queued", "Replies that no SMSC has taken.", outbox.queued),
                Sample("smsgw_outbox_held", "Of these, what no SMSC answered.", outbox.held),
                Sample("smsgw_outbox_failed", "Replies given up.", outbox.failed),
            )
        for outcome in Outcome:
            count = self._desk.outcomes[outcome]
            help_text = "Texts of citizens decided and stored."
            samples.append(Sample("smsgw_mo_total", help_text, count, {"outcome": outcome}))
        for link in self._links:
            label = {"link": link.name}
            samples += (
                Sample(f"smsgw_link_{name}", help_text, value, label)
                for name, help_text, value in link.measure()
            )
            samples += (
                Sample(
                    "smsgw_link_oddities_total",
                    "What the SMSC did against the standard, by kind.",
                    value,
                    label | {"kind": kind.partition(" ")[0]},
                )
                for kind, value in link.oddities.items()
            )
        return samples


def _log_fault(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A callback raised: say so, and go on; each connection looks after itself."""
    log.error("%s", context.get("message"), exc_info=context.get("exception"))
