"""THE wiring: settings -> store -> gateway -> desk -> links -> loop -> signals -> systemd.

Here everything is made, in the order in which it is needed, and ended in the opposite order; no
decision about a text or a PDU is taken here. What ends the daemon:

    SIGTERM, SIGINT      cleanly: links take no more, what was received is committed and answered,
                         answers to our submits are awaited, unbind. Exit status 0
    the same again       at once; what was not committed, the SMSC sends again
    SIGHUP               not at all: the configuration is read again, as by `reload`
    StoreLost            the disk cannot be trusted: one line, exit status 1, systemd starts anew
    a fault at start     one line that says what and where, exit status 1
"""

import asyncio
import errno
import faulthandler
import logging
import os
import signal
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Any

from smsgw import __version__, clock, control, tuning
from smsgw.config import Settings
from smsgw.database import Server
from smsgw.desk import Desk
from smsgw.errors import SmsgwError
from smsgw.followers import Followers
from smsgw.gateway import Gateway, Hotline, Rules
from smsgw.hardening import harden
from smsgw.herald import Herald
from smsgw.leases import Keeper
from smsgw.links import Links, SessionIds
from smsgw.metrics import MetricsServer
from smsgw.monitor import Monitor
from smsgw.neighbours import Neighbours
from smsgw.opening import open_database, open_vault
from smsgw.passwords import Stock
from smsgw.pulse import SERVER_BEAT_SECONDS, Pulse
from smsgw.reload import Reload
from smsgw.store import (
    Beat,
    DaemonLock,
    Store,
    StoreLost,
    keep_to_one_thread,
    open_leases,
    sqlite_version,
)
from smsgw.suspects import Suspects
from smsgw.systemd_notify import notify, watchdog_interval
from smsgw.upkeep import Upkeep
from smsgw.verbs import Verbs
from smsgw.worker import Worker

log = logging.getLogger("smsgw.daemon")

#: Commit of what was received, at the end; a disk that is slower loses nothing but our answer.
DRAIN_SECONDS = 30.0

#: Of the lease, after which a process that stands still is ended.
WATCHDOG_OF_LEASE = 0.8
#: What lasts is said once in this.
REPEAT_SECONDS = 60.0


def run(settings: Settings, file: Path, warnings: Iterable[str] = ()) -> None:
    """Be the daemon of *settings* until SIGTERM or SIGINT.

    Args:
        file: where they come from, to be read again.
        warnings: what is to be said of the configuration, behind the first line.

    Raises:
        SmsgwError: it cannot start, or must not go on.
    """
    harden()
    # systemd's watchdog ends what hangs by SIGABRT: then it is said where each thread stood.
    faulthandler.enable()
    keep_to_one_thread()
    tuning.take_turns_sooner()
    # From the lock on commands may ring; until the loop listens, that means nothing. Neither does
    # a terminal or a script that hangs up.
    for number in (signal.SIGUSR1, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    lock = DaemonLock.acquire(settings.gateway.files)
    try:
        log.info(
            "starting version=%s sqlite=%s pid=%d database=%s",
            __version__,
            sqlite_version(),
            os.getpid(),
            settings.gateway.database,
        )
        for warning in warnings:
            log.warning("%s", warning)
        asyncio.run(Daemon(settings, file.absolute()).run())
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the loop has given it back
        lock.release()


class Daemon:
    """Everything that runs, from start to end."""

    def __init__(self, settings: Settings, file: Path = Path("config.toml")) -> None:
        self._settings = settings
        self._file = file

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
            self._beating = asyncio.create_task(self._pulse.run(), name="pulse")
            others = {
                asyncio.create_task(self._upkeep.jobs().run(), name="jobs"),
                asyncio.create_task(self._publish_links(), name="publisher"),
                asyncio.create_task(self._herald.run(), name="herald"),
            }
            if self._neighbours:
                others.add(asyncio.create_task(self._neighbours.run(), name="neighbours"))
            forever = {desk, self._beating, *others}
            try:
                await self._links.configure(self._reload.settings)
                self._stock.start()  # hashing is slow, and binding need not wait for it
                tuning.collect_seldom()
                self._watchdog = self._bring_up_watchdog()
                self._feed_watchdog()
                notify("READY=1", f"STATUS={self._links.summary()}")
                self._herald.look()
                await asyncio.wait({self._end, *forever}, return_when=asyncio.FIRST_COMPLETED)
                notify("STOPPING=1", "STATUS=ending")
                for end in (self._end, *forever):  # others end only by what must not be survived
                    if end.done():
                        end.result()
                for task in others:
                    task.cancel()
                await self._stop(desk)
            finally:
                for task in forever:
                    task.cancel()
        log.info("ended")

    async def _build(self, stack: AsyncExitStack) -> None:
        """Make all parts, each with its way to end on *stack*."""
        settings = self._settings
        self._worker = worker = Worker("store")
        stack.callback(worker.close)
        store = await open_database(settings.gateway, worker)
        stack.push_async_callback(worker.do, store.close)
        vault = await open_vault(settings.gateway, store, worker)
        self._stock = stock = Stock(
            settings.registration.password_stock,
            settings.registration.password_length,
            on_filled=lambda: self._soon(self._desk.passwords_ready),
        )
        stack.callback(stock.close)
        self._gateway = await worker.do(Gateway, store, Rules.of(settings), vault, stock)
        self._desk = Desk(self._gateway, worker, stock)
        await worker.do(self._gateway.start, clock.now())
        suspects = Suspects.open(settings.gateway.files)
        stack.callback(suspects.close)
        known = {link.name: link.oddities for link in await worker.do(store.links)}
        hotline = Hotline(self._gateway, self._ring)
        stopped = await worker.do(hotline.stopped_links)
        self._links = Links(self._desk, self._gateway, worker, suspects, known, stopped=stopped)
        self._keeper = self._share(store)
        self._upkeep = Upkeep(settings, self._desk, self._gateway, worker, stock, self._links)
        monitor = self._watch(store)
        self._neighbours = await self._meet_neighbours(store, hotline)
        followers = Followers(
            self._file,
            self._gateway,
            worker,
            stock,
            self._links,
            self._upkeep,
            monitor=monitor,
            neighbours=self._neighbours,
        )
        self._reload = Reload(
            settings, self._file, followers.read, followers.rooms(), followers.note
        )
        await followers.start()
        await self._take_orders(stack, hotline, monitor)
        if settings.metrics.listen:
            metrics = MetricsServer(monitor.samples, monitor.report)
            await metrics.start(*settings.metrics.listen)
            stack.push_async_callback(metrics.close)

    async def _meet_neighbours(self, store: Store, hotline: Hotline) -> Neighbours | None:
        if not store.is_shared:
            return None
        neighbours = Neighbours(
            self._settings,
            store,
            self._worker,
            self._desk,
            woken=lambda: self._be_woken(hotline),
            changed=self._herald.look,
        )
        await neighbours.start()
        return neighbours

    async def _take_orders(self, stack: AsyncExitStack, hotline: Hotline, monitor: Monitor) -> None:
        """Listen to commands and signals."""
        gateway, loop = self._settings.gateway, self._loop
        verbs = Verbs(
            self._desk,
            hotline,
            self._worker,
            self._links,
            self._upkeep.expire_for,
            self._lost,
            file=self._file,
            reload=self._reload.again,
            pulse=self._pulse,
            monitor=monitor,
        )
        orders = control.Daemon(gateway.control_socket, gateway.files, verbs.table)
        stack.push_async_callback(orders.close)
        await orders.start()
        for number, action in (
            (signal.SIGTERM, self._on_end_signal),
            (signal.SIGINT, self._on_end_signal),
            (signal.SIGUSR1, self._desk.ring),
            (signal.SIGHUP, self._on_hang_up),
        ):
            loop.add_signal_handler(number, action)

    def _share(self, store: Store) -> Keeper | None:
        """Let other nodes have links of ours, where there may be some."""
        gateway = self._settings.gateway
        lease = gateway.lease.total_seconds()
        leases = open_leases(gateway.database, gateway.node, timedelta(seconds=lease / 4))
        if leases is None:
            return None
        SessionIds.node = store.number
        keeper = Keeper(leases, gateway.node, lease, succeeds=store.succeeds)
        self._links.here.share(keeper)
        return keeper

    def _watch(self, store: Store) -> Monitor:
        """Who looks how the gateway is, and tells systemd."""
        desk, links, worker, now = self._desk, self._links, self._worker, clock.now()
        birth = Beat(
            self._settings.gateway.node, os.getpid(), __version__, now, now, 0, ended=False
        )
        server = isinstance(self._settings.gateway.database, Server)
        self._pulse = Pulse(
            self._gateway,
            worker,
            desk,
            birth,
            on_beat=links.note_rates,
            every=SERVER_BEAT_SECONDS if server else None,
        )
        monitor = Monitor(
            self._settings, desk, store, worker, self._stock, links, pulse=self._pulse
        )
        self._herald = Herald(monitor.report, links.summary)
        desk.store.on_change = self._herald.look
        return monitor

    async def _stop(self, desk: "asyncio.Task[None]") -> None:
        """The clean end: nothing that was received is left without commit and answer."""
        log.info("ending: no new texts; waiting for the disk and the SMSCs")
        self._reload.end()
        self._links.quiesce()
        await self._drain(desk)
        await self._links.close()
        await self._drain(desk)
        await self._links.publish()
        alone = self._links.here.does_jobs
        if self._keeper is not None:
            await self._keeper.end()
        self._beating.cancel()
        await self._pulse.end()
        if not alone:
            return  # others go on with the keys
        try:
            await self._worker.do(self._gateway.end_seals, clock.now())
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

    async def _publish_links(self) -> None:
        """Tell commands of each change of a link, also those that look after the end.

        Raises:
            StoreLost: end the process.
        """
        while True:
            await self._links.change()
            self._herald.look()
            await self._links.publish()

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
        log.info("SIGHUP: the configuration is read again")
        self._reload.begin().add_done_callback(self._has_reloaded)

    def _has_reloaded(self, task: "asyncio.Task[Any]") -> None:
        fault = None if task.cancelled() else task.exception()
        if isinstance(fault, StoreLost):
            self._lost(fault)
        elif fault is not None:
            log.error("reload: a fault of the gateway", exc_info=fault)

    def _soon(self, callback: Callable[[], None]) -> None:
        """Have the loop call *callback*, from another thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(callback)

    def _ring(self) -> None:
        """A verb of the hotline let a text leave: on the store's thread, after its commit."""
        self._soon(self._desk.ring)

    async def _be_woken(self, hotline: Hotline) -> None:
        """Another process has left something in the database."""
        stopped = await self._worker.do(hotline.stopped_links)
        for name in self._links.stop(stopped):
            did = f"stopped {stopped[name]}" if name in stopped else "started"
            log.warning("link %s: %s", name, did)
        self._desk.ring()

    def _bring_up_watchdog(self) -> float | None:
        """How often systemd is told that we live. Where another node may take our links, a process
        that stands still has to be ended before that."""
        if not self._gateway.store.is_shared:
            return watchdog_interval()
        lease = self._settings.gateway.lease.total_seconds()
        interval = watchdog_interval(WATCHDOG_OF_LEASE * lease)
        if interval is None:
            log.warning("no watchdog ends this process where it stands still for gateway.lease")
        else:
            log.info("watchdog seconds=%g, gateway.lease seconds=%g", 2 * interval, lease)
        return interval

    def _feed_watchdog(self) -> None:
        if self._watchdog is not None:
            notify("WATCHDOG=1")
            self._loop.call_later(self._watchdog, self._feed_watchdog)


class _FaultLog:
    """A callback raised: say so, and go on; each connection looks after itself."""

    def __init__(self) -> None:
        self._said_at = -inf  # that there are no file descriptors

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        message, fault = context.get("message"), context.get("exception")
        if isinstance(fault, OSError) and fault.errno in (errno.EMFILE, errno.ENFILE):
            # asyncio says it a hundred times over, and listens again after a second.
            if loop.time() - self._said_at >= REPEAT_SECONDS:
                self._said_at = loop.time()
                log.error("%s: %s", message, fault.strerror)
            return
        log.error("%s", message, exc_info=fault)


_log_fault = _FaultLog()
