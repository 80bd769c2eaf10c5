"""The process of `smsgw portal`: how it starts and ends. What it is made of stands in `portal`.

SIGTERM, SIGINT   cleanly: who is being answered gets the answer. Exit status 0
the same again    at once
a fault at start  one line that says what and where, exit status 1
"""

import asyncio
import logging
import os
import signal
import socket
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext, suppress
from pathlib import Path

import uvicorn

from smsgw import tuning
from smsgw.config import ConfigError, Fault, Listen, Settings
from smsgw.errors import SmsgwError
from smsgw.hardening import harden
from smsgw.portal import app, guard, wire
from smsgw.portal.figures import Figures
from smsgw.portal.portal import Portal
from smsgw.store import DaemonLock
from smsgw.systemd_notify import notify, watchdog_interval

log = logging.getLogger("smsgw.portal")

ENDING_SECONDS = 10
KEEP_ALIVE_SECONDS = 15
BACKLOG = 1024
SOCKET_MODE = 0o660


def run(settings: Settings, config_file: Path) -> None:
    """Be the portal of *settings* until SIGTERM or SIGINT.

    Raises:
        SmsgwError: it cannot start.
    """
    if settings.portal is None:
        raise ConfigError(config_file, [Fault("portal", "is missing", "write [portal]")])
    harden()
    tuning.take_turns_sooner()
    lock = DaemonLock.acquire(settings.gateway.files.with_name("portal.db"), "portal")
    try:
        asyncio.run(_serve(Portal(settings, settings.portal)))
    finally:
        lock.release()


async def _serve(portal: Portal) -> None:
    try:
        await portal.open()
        place = portal.options.listen
        listening = _listen(place)
        try:
            await _answer(portal, listening)
        finally:
            listening.close()
            if isinstance(place, Path):
                with suppress(OSError):
                    place.unlink()
    finally:
        await portal.close()
    log.info("ended")


async def _answer(portal: Portal, listening: socket.socket) -> None:
    guarded = app.make(portal)

    def error(status: int) -> wire.Page:
        guarded.answers[status] += 1
        return portal.pages.bare_error(status, guard.new_id())

    config = uvicorn.Config(
        guarded,
        http=wire.protocol(error),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=ENDING_SECONDS,
        h11_max_incomplete_event_size=wire.MOST_HEAD_OCTETS,
    )
    for name in ("uvicorn", "uvicorn.error"):  # what it says of starts, ends and bad requests
        logging.getLogger(name).setLevel(logging.CRITICAL)
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.end)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    log.info("starting pid=%d listen=%s", os.getpid(), portal.options.listen)
    tuning.collect_seldom(after=5_000)  # each connection leaves some
    async with AsyncExitStack() as stack:
        if portal.options.metrics:
            metrics = Figures(portal, guarded.answers).server()
            await metrics.start(*portal.options.metrics)
            stack.push_async_callback(metrics.close)
        await server.serve([listening])


class _Server(uvicorn.Server):
    """uvicorn's, with our signals and systemd's words."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()  # ours are installed

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._feed_watchdog()
        notify("READY=1", "STATUS=serving")
        log.info("serving")

    def end(self) -> None:
        if self.should_exit:
            log.warning("second signal: ending at once")
            os._exit(1)
        notify("STOPPING=1", "STATUS=ending")
        log.info("ending: waiting for those who are being answered")
        self.should_exit = True

    def _feed_watchdog(self) -> None:
        interval = watchdog_interval()
        if interval is not None:
            notify("WATCHDOG=1")
            asyncio.get_running_loop().call_later(interval, self._feed_watchdog)


def _listen(place: Listen | Path) -> socket.socket:
    """
    Raises:
        SmsgwError: somebody listens there, or it cannot be.
    """
    try:
        return _unix(place) if isinstance(place, Path) else _tcp(place)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise SmsgwError(
            f"cannot listen at {place} ({why})", "see portal.listen; does another portal run?"
        ) from error


def _tcp(place: Listen) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _unix(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            if path.is_socket():  # of a portal that was killed: the lock says that none runs
                path.unlink()
        listening.bind(str(path))
        path.chmod(SOCKET_MODE)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
