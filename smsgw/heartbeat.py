"""`heartbeat.url`: somebody elsewhere is told each minute that we live, and rings when nobody does.

Each time in a thread of its own, so that neither name servers nor a server that dawdles hold up the
event loop or the end of the process. Of the answer its first line is read. Whoever has the URL can
say that we live when we do not: the log names its host alone. Knows HTTP; what living means it is
told.
"""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from time import monotonic

import smsgw
from smsgw.config import Url

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)
#: For all of it, but the look-up of the name, which the system ends.
PATIENCE_SECONDS = 10.0
#: Of an answer's first line.
MAX_LINE_OCTETS = 1024

#: Why we do not live; None: we do.
Alive = Callable[[], Awaitable[str | None]]


class Heartbeat:
    """
    Args:
        url: None: nobody is told.
    """

    def __init__(self, url: Url | None, alive: Alive) -> None:
        self._url = url
        self._alive = alive
        self._fault: str | None = None
        self._asking = False  # in a thread, which may be slow

    def take_over(self, url: Url | None) -> None:
        """From now on, tell *url*."""
        if url != self._url:
            self._url, self._fault = url, None

    async def beat(self) -> None:
        """Tell it that we live, if we do; to be called each minute."""
        url = self._url
        if url is None:
            return
        fault = await self._alive()
        if fault is not None:
            fault = f"is not asked: {fault}"
        elif self._asking:
            fault = "has not answered yet"
        else:
            fault = await self._ask(url)
        if fault and not self._fault:
            log.warning("heartbeat.url %s %s; tried again each minute", url, fault)
        elif self._fault and not fault:
            log.warning("heartbeat.url %s answers again", url)
        self._fault = fault

    async def _ask(self, url: Url) -> str | None:
        """What is wrong with it; None: it heard us."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str | None] = loop.create_future()

        def run() -> None:
            fault = ask(url)
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(settle, fault)

        def settle(fault: str | None) -> None:
            self._asking = False
            if not answer.done():
                answer.set_result(fault)

        self._asking = True
        threading.Thread(target=run, name="heartbeat.url", daemon=True).start()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS + 1):
                return await answer
        except TimeoutError:
            return f"does not answer within {PATIENCE_SECONDS:g} s"


def ask(url: Url) -> str | None:
    """GET *url*, and wait for the first line of the answer.

    Returns:
        What is wrong, in words that hold nothing of the URL; None: it answered with 2xx.
    """
    left = partial(_left, monotonic() + PATIENCE_SECONDS)
    try:
        with socket.create_connection((url.host, url.port), left()) as plain:
            plain.settimeout(left())
            if not url.tls:
                return _talk(plain, url, left)
            context = ssl.create_default_context()
            with context.wrap_socket(plain, server_hostname=url.host) as secure:
                return _talk(secure, url, left)
    except TimeoutError:
        return f"does not answer within {PATIENCE_SECONDS:g} s"
    except ssl.SSLCertVerificationError as fault:
        return f"cannot be trusted: {fault.verify_message}"
    except ssl.SSLError as fault:
        return f"speaks no TLS that we know: {fault.reason}"
    except OSError as fault:
        return f"cannot be reached: {fault.strerror or type(fault).__name__}"
    except Exception as fault:  # its words may quote what we asked
        return f"cannot be asked: {type(fault).__name__}"


def _talk(server: socket.socket, url: Url, left: Callable[[], float]) -> str | None:
    head = (
        f"GET {url.target} HTTP/1.1",
        f"Host: {url.authority}",
        f"User-Agent: smsgw/{smsgw.__version__}",
        "Accept: */*",
        "Connection: close",
    )
    server.sendall("".join(f"{line}\r\n" for line in (*head, "")).encode())
    line = b""
    while b"\n" not in line and len(line) < MAX_LINE_OCTETS:
        server.settimeout(left())
        octets = server.recv(MAX_LINE_OCTETS)
        if not octets:
            break
        line += octets
    match line.split(b"\r\n", 1)[0].split(b" ", 2):
        case [version, status, *_] if version.startswith(b"HTTP/1.") and status.isdigit():
            number = int(status[:3])
            if number // 100 == 3:
                return f"leads elsewhere (status {number}): name the address that it leads to"
            return None if number // 100 == 2 else f"answers with status {number}"
    return "does not speak HTTP"


def _left(end: float) -> float:
    """Seconds until *end*.

    Raises:
        TimeoutError: there are none.
    """
    seconds = end - monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
