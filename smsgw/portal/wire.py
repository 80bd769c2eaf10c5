"""HTTP on the wire: uvicorn's protocol with bounds to its connections and to their time.

uvicorn waits for ever for a head that comes octet by octet, and for whoever asks and takes no
answer. What it cannot read, it answers with a line of text; ours is a whole page. The body's time
and size are the guard's affair.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: A whole request is here by then: its head by the clock of this module, its body by the guard's.
REQUEST_SECONDS = 10.0
#: Whoever leaves its answers lying for so long, loses the connection and with it its place.
TAKING_SECONDS = 30.0
#: Of a head; a request line and headers of a browser are some 2 KiB.
MOST_HEAD_OCTETS = 16 * 1024
#: At a time, with a request or without; each takes some 40 KB. More than that many are told to come
#: again. A proxy needs one for each request that is under way, and some that it keeps.
MOST_CONNECTIONS = 256
BUSY_SECONDS = 5
#: Read at a time. A chunk of one octet costs as much as one of a thousand, and all chunks that are
#: there are worked off before anybody else has a turn.
MOST_READ_OCTETS = 8 * 1024

#: (headers, body) of a page that needs no request.
Page = tuple[list[tuple[bytes, bytes]], bytes]
#: (status) -> the page that says so.
ErrorPage = Callable[[int], Page]


def protocol(page: ErrorPage) -> type[H11Protocol]:
    """The protocol whose errors are *page*."""

    class BoundProtocol(_BoundProtocol):
        error_page = staticmethod(page)

    return BoundProtocol


class _BoundProtocol(H11Protocol):
    error_page: ErrorPage

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head_due: asyncio.TimerHandle | None = None
        self._taking_due: asyncio.TimerHandle | None = None
        self.app_state = dict(self.app_state)  # of this connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.max_size = MOST_READ_OCTETS  # type: ignore[attr-defined] # asyncio's has 256 KiB
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self._refuse(503)
        else:
            self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self._is_between_requests():
            if self._head_due is None:
                self._expect_head()
            if not self.conn.trailing_data[0]:
                self.app_state["began"] = self.loop.time()
        super().data_received(data)
        if not self._is_between_requests():
            self._forget_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        self._forget_taking()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._taking_due = self.loop.call_later(TAKING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._forget_taking()
        super().resume_writing()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # What was pipelined behind it may be half a head.
        if self.conn.trailing_data[0] and self._is_between_requests():
            self._expect_head()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400)

    def _is_between_requests(self) -> bool:
        return self.conn.their_state is h11.IDLE

    def _expect_head(self) -> None:
        self._forget_head()
        self._head_due = self.loop.call_later(REQUEST_SECONDS, self._head_is_late)

    def _forget_head(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _forget_taking(self) -> None:
        if self._taking_due is not None:
            self._taking_due.cancel()
            self._taking_due = None

    def _head_is_late(self) -> None:
        self._head_due = None
        if self.transport.is_closing():
            return
        if self.conn.trailing_data[0]:  # somebody who sent nothing asked nothing
            self._refuse(408)
        else:
            self.transport.close()

    def _refuse(self, status: int) -> None:
        self._forget_head()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        headers, body = self.error_page(status)
        headers = [*headers, (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        if status == 503:
            headers.append((b"retry-after", b"%d" % BUSY_SECONDS))
        for event in (
            h11.Response(status_code=status, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            octets = self.conn.send(event)
            if octets:
                self.transport.write(octets)
        self.transport.close()
