"""A flood of log-ins, in a process of its own: `python -m tests.campaigns.flooder PORT`.

On standard input a line of JSON: `{"seconds": 4, "rate": 5000}`; on standard output one that tells
how many were sent, and how many answers came by status. All requests are made before the clock
runs; of what comes, status and length are read. They come from thousands of addresses, as a proxy
tells them, and try thousands of names, few of which exist.
"""

import asyncio
import gc
import json
import random
import re
import sys
from collections import Counter
from urllib.parse import urlencode

from bench import traffic
from tests.portal.browser import Browser

#: More than the portal serves at a time, so that it always has as many as it takes.
CONNECTIONS = 700
REQUESTS = 20_000
NAMES = 5_000
TICK_SECONDS = 0.002
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


def requests(port: int, known: int) -> list[bytes]:
    """Log-ins as one attacker makes them: a form fetched once, sent again and again."""
    browser = Browser(port)
    token = browser.get("/dang-nhap").token
    cookie = "; ".join(f"{name}={value}" for name, value in browser.jar.items())
    dice = random.Random(8188)
    made = []
    for number in range(REQUESTS):
        name = dice.randrange(NAMES)
        citizen = name if name % 10 == 0 and name < known else traffic.SPACE - 1 - name
        address = f"100.{dice.randrange(64, 128)}.{number // 250 % 256}.{number % 250 + 1}"
        body = urlencode(
            {"token": token, "username": traffic.cmnd(citizen).decode(), "password": "sai roi"}
        )
        made.append(
            (
                f"POST /dang-nhap HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n"
                f"X-Forwarded-For: {address}\r\nContent-Length: {len(body)}\r\n"
                f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}"
            ).encode()
        )
    return made


class Visitor(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    transport: asyncio.Transport

    def __init__(self, flood: "Flood") -> None:
        self._flood = flood
        self._head = b""
        self._left = 0  #: octets of the body that are still to come

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._flood.idle.append(self)

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            found = _LENGTH.search(self._head, 0, end)
            self._flood.answers[self._head[9:12].decode()] += 1
            self._left = (int(found[1]) if found else 0) - (len(self._head) - end - 4)
        if self._left <= 0:
            self._head, self._left = b"", 0
            self._flood.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._flood.lost(self)


class Flood:
    """So many log-ins a second as there are connections for."""

    def __init__(self, port: int, made: list[bytes]) -> None:
        self._port = port
        self._made = made
        self._next = 0
        self._opening: set[asyncio.Task[object]] = set()
        self.idle: list[Visitor] = []
        self.answers: Counter[str] = Counter()

    def lost(self, visitor: Visitor) -> None:
        if visitor in self.idle:
            self.idle.remove(visitor)
        self.answers["lost"] += 1
        self._open()

    def _open(self) -> None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(
            loop.create_connection(lambda: Visitor(self), "127.0.0.1", self._port)
        )
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def run(self, seconds: float, rate: float) -> dict[str, object]:
        loop = asyncio.get_running_loop()
        if not self.idle:
            for _ in range(CONNECTIONS):
                self._open()
            await asyncio.gather(*self._opening)
        self.answers.clear()
        sent, offered, begin = 0, 0.0, loop.time()
        while (now := loop.time()) < begin + seconds:
            due = int(rate * (now - begin) - offered)
            offered += due
            for _ in range(min(due, len(self.idle))):
                self._next = (self._next + 1) % len(self._made)
                self.idle.pop(0).transport.write(self._made[self._next])
                sent += 1
            await asyncio.sleep(TICK_SECONDS)
        told = {"offered": offered, "sent": sent, "answers": dict(self.answers)}
        return told | {"seconds": loop.time() - begin}


async def main() -> None:
    port, known = int(sys.argv[1]), int(sys.argv[2])
    flood = Flood(port, requests(port, known))
    gc.freeze()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        asked = json.loads(line)
        print(json.dumps(await flood.run(asked["seconds"], asked["rate"])), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
