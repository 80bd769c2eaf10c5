"""What every request passes before a page sees it: its Host, its size, its time, who asks.

An ASGI application around the pages. A request arrives whole within 10 s and 16 KiB, or is refused;
whatever goes wrong behind it becomes a whole page. Each request gets an id without characters that
look alike, which the log and a page of trouble tell.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smsgw.config import PortalSettings
from smsgw.portal import addresses
from smsgw.portal.headers import completed
from smsgw.portal.wire import BUSY_SECONDS, REQUEST_SECONDS

log = logging.getLogger("smsgw.portal")

MOST_BODY_OCTETS = 16 * 1024
#: What is longer is read to its end and not kept, as far as this: who is cut off while sending does
#: not see the answer.
MOST_DRAINED_OCTETS = 4 * 1024 * 1024

_ID_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # without I, L, O, 0, 1
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = {"127.0.0.1", "[::1]", "localhost"}

#: (scope, status) -> the page that says so.
ErrorPage = Callable[[Scope, int], Response]


class _Refused(Exception):
    """The request is not read any further."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Guard:
    """
    Args:
        error: the page of a status, whole and with its headers.
    """

    def __init__(self, app: ASGIApp, settings: PortalSettings, error: ErrorPage) -> None:
        self._app = app
        self._error = error
        self._trusted = settings.trusted_proxies
        self._hosts = hosts_of(settings.public_url)
        self.answers: Counter[int] = Counter()  #: by status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # nothing here speaks WebSocket, and there is no lifespan
            return
        send = self._completing(send)
        state = scope["state"]
        state["id"] = new_id()
        headers = _Headers(scope)
        if not self._is_ours(headers.one(b"host"), scope["path"]):
            await PlainTextResponse("421\n", 421)(scope, receive, send)
            return
        peer = scope["client"][0] if scope["client"] else None
        forwarded = [value.decode("latin-1") for value in headers.all(b"x-forwarded-for")]
        state["address"] = addresses.client(peer, forwarded, self._trusted)
        await self._serve(scope, receive, send, headers)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, headers: "_Headers") -> None:
        began = False

        async def tell(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            now = asyncio.get_running_loop().time()
            body = await self._body(receive, headers, scope["state"].get("began", now))
            await self._app(scope, _Whole(body), tell)
        except _Refused as refused:
            await self._refuse(scope, receive, send, refused.status)
        except Exception:
            log.exception("request failed id=%s path=%s", scope["state"]["id"], _path(scope))
            if not began:
                await self._refuse(scope, receive, send, 500)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int) -> None:
        page = self._error(scope, status)
        if status == 503:
            page.headers["retry-after"] = str(BUSY_SECONDS)
        if status in (400, 408, 413):  # what is still on its way is not read
            page.headers["connection"] = "close"
        await page(scope, receive, send)

    async def _body(self, receive: Receive, headers: "_Headers", began: float) -> bytes:
        """The whole body.

        Args:
            began: when its head began to arrive, by the loop's clock.

        Raises:
            _Refused: it is too long, too slow, or its sender is gone.
        """
        announced = int(headers.one(b"content-length") or 0)  # h11 has read it as a number
        if announced > MOST_DRAINED_OCTETS:
            raise _Refused(413)
        body, size = b"", 0
        try:
            async with asyncio.timeout_at(began + REQUEST_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _Refused(400)
                    part: bytes = message.get("body", b"")
                    size += len(part)
                    body = body + part if size <= MOST_BODY_OCTETS else b""
                    more = message.get("more_body", False)
                    if size > MOST_DRAINED_OCTETS or (size > MOST_BODY_OCTETS and not more):
                        raise _Refused(413)
                    if not more:
                        return body
        except TimeoutError:
            raise _Refused(413 if size > MOST_BODY_OCTETS else 408) from None

    def _completing(self, send: Send) -> Send:
        """*send*, with the headers that every answer has."""

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answers[message["status"]] += 1
                message["headers"] = completed(message.get("headers", ()))
            await send(message)

        return complete

    def _is_ours(self, host: bytes | None, path: str) -> bool:
        name = (host or b"").decode("latin-1").lower()
        if name in self._hosts:
            return True
        if path == "/healthz":
            bare = name if name.endswith("]") else name.rpartition(":")[0] or name
            return bare in _LOOPBACK
        return False


def hosts_of(public_url: str) -> set[str]:
    """What may stand in Host: the name of *public_url*, its usual port written out or not."""
    url = urlsplit(public_url.lower())
    name = f"[{url.hostname}]" if ":" in (url.hostname or "") else str(url.hostname)
    usual = _DEFAULT_PORTS[url.scheme]
    port = url.port or usual
    return {f"{name}:{port}"} | ({name} if port == usual else set())


def new_id() -> str:
    """Such as "A7K-2QF": a citizen reads it to the hotline."""
    letters = "".join(secrets.choice(_ID_ALPHABET) for _ in range(6))
    return f"{letters[:3]}-{letters[3:]}"


def _path(scope: Scope) -> str:
    return str(scope["path"])[:100]


class _Headers:
    def __init__(self, scope: Scope) -> None:
        self._pairs: list[tuple[bytes, bytes]] = scope["headers"]

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self._pairs if key == name]

    def one(self, name: bytes) -> bytes | None:
        """The only one; None where there is none, or several."""
        found = self.all(name)
        return found[0] if len(found) == 1 else None


class _Whole:
    """Receives a request whose body is here already."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body

    async def __call__(self) -> dict[str, Any]:
        if self._body is None:
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}
