"""A gateway that does nothing: answers each MO and sends a fixed text. `python -m bench.echo PORT`.

Against it the load generator shows how much it can do itself: the ceiling of every figure.
"""

import asyncio
import sys

from bench.traffic import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    DELIVER_SM_RESP,
    HEADER,
    NUMBER_OCTETS,
    SHORTCODE,
    SUBMIT_SM,
)

TEXT = b"x" * 140
_HEAD = b"\0\3\0" + SHORTCODE + b"\0\1\1"
_TAIL = b"\0" + bytes(9) + bytes((len(TEXT),)) + TEXT
_LENGTH = 16 + len(_HEAD) + NUMBER_OCTETS + len(_TAIL)
_NUMBER = 16 + 3  # where it stands in a deliver_sm of the bench


class Echo(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self) -> None:
        self.rest = b""
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        body = b"bench\0bench\0\0\x34\0\0\0"
        transport.write(HEADER.pack(16 + len(body), BIND_TRANSCEIVER, 0, 1) + body)

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set_result(None)

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        at, size = 0, len(data)
        out = []
        while size - at >= 16:
            length, command, _, sequence = HEADER.unpack_from(data, at)
            if size - at < length:
                break
            if command == DELIVER_SM:
                number = data[at + _NUMBER : at + _NUMBER + NUMBER_OCTETS]
                out.append(HEADER.pack(17, DELIVER_SM_RESP, 0, sequence) + b"\0")
                out.append(HEADER.pack(_LENGTH, SUBMIT_SM, 0, sequence) + _HEAD + number + _TAIL)
            at += length
        self.rest = data[at:]
        if out:
            self.transport.write(b"".join(out))


async def main() -> None:
    loop = asyncio.get_running_loop()
    _, echo = await loop.create_connection(Echo, "127.0.0.1", int(sys.argv[1]))
    await echo.over


if __name__ == "__main__":
    asyncio.run(main())
