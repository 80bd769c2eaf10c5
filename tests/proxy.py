"""A bad network: a TCP proxy that delays, slices, cuts, resets and stalls octets.

Knows octets, and nothing of SMPP. It stands between a gateway and an SMSC; what it does to them
is switched while it runs, from any thread:

    with Proxy(smsc.host, smsc.port) as proxy:
        table = smsc.link(port=proxy.port)
        proxy.slices = 1                       # one octet in each segment
        proxy.delay = 0.05                     # seconds, each way, order kept
        proxy.stall(Way.TO_GATEWAY)            # nothing more in this direction, connection open
        proxy.cut_after(37, Way.TO_SMSC)       # 37 more octets, then the connection is closed
        proxy.cut(how="reset")                 # all connections, now
"""

import asyncio
import socket
import struct
import threading
from contextlib import suppress
from enum import Enum


class Way(Enum):
    TO_SMSC = "to the SMSC"
    TO_GATEWAY = "to the gateway"


class Proxy:
    """Listens on a free port of 127.0.0.1 and leads to *host*:*port*; a context manager."""

    def __init__(self, host, port):
        self.target = host, port
        self.delay = 0.0  #: seconds that each piece needs
        self.slices = 0  #: octets in a segment, at most; 0: as they come
        self.connections = 0  #: accepted, ever
        self.octets = dict.fromkeys(Way, 0)  #: passed on, ever
        self._open = set()
        self._cuts = {}
        self._flows = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self):
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(self, *exc):
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # --- what goes wrong ---

    def stall(self, *ways):
        """Pass nothing on in these directions, or in all; the connections stay open."""
        self._soon(lambda: [self._flows[way].clear() for way in ways or Way])

    def flow(self):
        """Go on with what was stalled."""
        self._soon(lambda: [flow.set() for flow in self._flows.values()])

    def cut(self, how="close"):
        """End every connection now: "close" (FIN) or "reset" (RST)."""
        self._soon(lambda: [pipe.end(how) for pipe in list(self._open)])

    def cut_after(self, octets, way, how="close"):
        """Pass on so many octets more in that direction, then end the connection; once."""
        self._soon(lambda: self._cuts.update({way: (octets, how)}))

    def refuse(self):
        """Accept no connection more, and end those that are; `accept` ends it."""
        self._call(self._stop_listening())
        self.cut("reset")

    def accept(self):
        self._call(self._start())

    # --- inside ---

    def _soon(self, action):
        async def run():
            action()

        self._call(run())

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self):
        if not self._flows:
            self._flows = {way: asyncio.Event() for way in Way}
            for flow in self._flows.values():
                flow.set()
        port = getattr(self, "port", 0)
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self):
        self._server.close()

    async def _stop(self):
        self._server.close()
        for pipe in list(self._open):
            pipe.end("close")
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader, writer):
        self.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        pipe = _Pipe(writer, far_writer)
        self._open.add(pipe)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, far_writer, Way.TO_SMSC, pipe))
                group.create_task(self._pass(far_reader, writer, Way.TO_GATEWAY, pipe))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            pipe.end("close")
            self._open.discard(pipe)

    async def _pass(self, reader, writer, way, pipe):
        while octets := await reader.read(65536):
            if self.delay:
                await asyncio.sleep(self.delay)
            while octets and not pipe.ended:
                await self._flows[way].wait()
                size = self.slices or len(octets)
                cut = self._cuts.get(way)
                if cut:
                    size = min(size, cut[0])
                    self._cuts[way] = cut[0] - size, cut[1]
                if size:
                    writer.write(octets[:size])
                    await writer.drain()
                    self.octets[way] += size
                    octets = octets[size:]
                if cut and cut[0] == size:
                    del self._cuts[way]
                    pipe.end(cut[1])
                    return
                if self.slices:
                    await asyncio.sleep(0)
        pipe.end("close")


class _Pipe:
    """The two halves of one connection."""

    def __init__(self, near, far):
        self._writers = near, far
        self.ended = False
        for writer in self._writers:
            link = writer.get_extra_info("socket")
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def end(self, how):
        if self.ended:
            return
        self.ended = True
        for writer in self._writers:
            if how == "reset":
                with suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                writer.transport.abort()
            else:
                writer.close()
