"""The simulated SMSC as load generator, in its own process: `python -m bench.load`.

A line of JSON on standard input is a `Load` to run, a line on standard output is what happened:
`listening` (port), `bound` (at), `result`. Everything that is sent was made before the clock runs,
of what comes only the header is read. Times are CLOCK_MONOTONIC, the same in all processes.
"""

import asyncio
import gc
import json
import random
import sys
from array import array
from dataclasses import asdict
from time import monotonic, process_time

from bench import traffic
from bench.processes import Usage
from bench.traffic import HEADER, Load

# Names of a module are looked up faster than those of another one.
_unpack = HEADER.unpack_from
_pack = HEADER.pack
_DELIVER_SM_RESP, _SUBMIT_SM = traffic.DELIVER_SM_RESP, traffic.SUBMIT_SM
_SUBMIT_SM_RESP, _NUMBER_OCTETS = traffic.SUBMIT_SM_RESP, traffic.NUMBER_OCTETS
#: Answers that are still to come when the measured time is over.
_DRAIN_SECONDS = 60.0


def say(event: str, **values: object) -> None:
    print(json.dumps({"event": event, **values}), flush=True)


class Peer(asyncio.Protocol):
    """The one connection of the gateway under test."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.rest = b""
        self.run: Run | None = None
        self.next_id = 0
        self.offset = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        say("lost", at=monotonic())

    def data_received(self, data: bytes) -> None:
        now = monotonic()
        data = self.rest + data if self.rest else data
        at, size = 0, len(data)
        out: list[bytes] = []
        answered: list[int] = []
        replied: list[bytes] = []
        run = self.run
        last = len(run.frames) if run else 0
        receipts = run is not None and run.load.receipts
        while size - at >= 16:
            length, command, status, sequence = _unpack(data, at)
            if size - at < length:
                break
            if command == _DELIVER_SM_RESP:
                if sequence <= last:  # else of a receipt
                    answered.append(sequence)
                    if status and run:
                        run.refuse(sequence)
            elif command == _SUBMIT_SM:
                if not self.offset:
                    self.offset = traffic.destination_offset(data[at : at + length])
                self.next_id += 1
                message_id = b"%08x\0" % self.next_id
                out.append(_pack(25, _SUBMIT_SM_RESP, 0, sequence) + message_id)
                start = at + self.offset
                number = data[start : start + _NUMBER_OCTETS]
                replied.append(number)
                if run and receipts:
                    out.append(run.receipt(number, message_id[:-1]))
            else:
                self.control(command, sequence, now, out)
            at += length
        self.rest = data[at:]
        # The gateway does not wait for our book-keeping: what it is to get next leaves first.
        room = run.room(len(answered), len(replied)) if run else 0
        mos = run.next(room) if run and room > 0 else None
        if run and mos:
            out += run.frames[mos.start : mos.stop]
        left = monotonic()
        if out:
            self.transport.write(b"".join(out))
        if run:
            run.note(answered, replied, now)
            if mos is not None:
                run.note_sent(mos, left)

    def control(self, command: int, sequence: int, now: float, out: list[bytes]) -> None:
        if command == traffic.BIND_TRANSCEIVER:
            out.append(_pack(21, command | traffic.NACK, 0, sequence) + b"load\0")
            say("bound", at=now)
        elif command in (traffic.ENQUIRE_LINK, traffic.UNBIND):
            out.append(_pack(16, command | traffic.NACK, 0, sequence))
        elif command == traffic.ENQUIRE_LINK_RESP and self.run:
            self.run.enquiry_answered(now)


class Run:
    """One `Load` on its way."""

    def __init__(self, load: Load, peer: Peer) -> None:
        self.load = load
        self.peer = peer
        pairs = list(traffic.texts(load))
        self.numbers = [number for number, _ in pairs]
        self.frames = [frame for _, frame in pairs]
        del pairs
        self.endless = load.kind in ("syntax", "duplicate") and not load.rate
        self.sent = 0
        self.sent_at = array("d", bytes(8 * len(self.frames)))
        self.started: dict[bytes, float] = {}  # phone -> when its MO was sent
        self.to_answer, self.to_reply = array("d"), array("d")
        self.replied_at = array("d")  # moments that belong to `to_reply`
        self.reminders: list[float] = []
        self.open_answers = self.open_replies = 0
        self.answers = self.replies = self.refused = self.receipts = 0
        self.enquired: float | None = None
        self.enquiries = array("d")
        self.sending = False
        self.begin: tuple[float, int, int, Usage | None, float] | None = None
        self.end: tuple[float, int, int, Usage | None, float] | None = None
        self.over = asyncio.get_running_loop().create_future()

    # --- from the peer ----------------------------------------------------------------------

    def refuse(self, sequence: int) -> None:
        """The gateway did not take this MO: no reply will come."""
        self.refused += 1
        if self.started.pop(self.numbers[sequence - 1], None) is not None:
            self.open_replies -= 1

    def note(self, answered: list[int], replied: list[bytes], now: float) -> None:
        """Count answers and replies, and what they took."""
        self.answers += len(answered)
        self.open_answers -= len(answered)
        for sequence in answered:
            self.to_answer.append(now - self.sent_at[sequence - 1])
        for number in replied:
            started = self.started.pop(number, None)
            if started is None:
                self.reminders.append(now)
                continue
            self.replies += 1
            self.open_replies -= 1
            self.to_reply.append(now - started)
            self.replied_at.append(now)
        if not self.sending and self.end and not (self.open_answers or self.open_replies):
            self.finish()

    def receipt(self, number: bytes, message_id: bytes) -> bytes:
        self.receipts += 1
        return traffic.receipt(len(self.frames) + self.receipts, number, message_id)

    def enquiry_answered(self, now: float) -> None:
        if self.enquired is not None:
            self.enquiries.append(now - self.enquired)
            self.enquired = None

    # --- sending ----------------------------------------------------------------------------

    def room(self, answered: int, replied: int) -> int:
        """How many MOs the window of a closed loop has room for, with so many answers and replies
        that are not yet noted."""
        if not self.sending or self.load.rate:
            return 0
        return self.load.window - max(self.open_answers - answered, self.open_replies - replied)

    def next(self, count: int) -> range:
        """Which MOs come next, at most *count*; `note_sent` tells that they left."""
        first = self.sent % len(self.frames) if self.endless else self.sent
        return range(first, min(first + count, len(self.frames)))

    def note_sent(self, mos: range, now: float) -> None:
        """These left."""
        numbers, started, sent_at = self.numbers, self.started, self.sent_at
        for index in mos:
            started[numbers[index]] = sent_at[index] = now
        self.sent += len(mos)
        self.open_answers += len(mos)
        self.open_replies += len(mos)
        if not mos:  # nothing is left to send
            self.stop()

    def send(self, count: int) -> None:
        mos, now = self.next(count), monotonic()
        self.peer.transport.write(b"".join(self.frames[mos.start : mos.stop]))
        self.note_sent(mos, now)

    async def perform(self) -> dict[str, object]:
        loop = asyncio.get_running_loop()
        gc.collect()
        gc.freeze()
        self.sending = True
        self.peer.run = self
        begin = loop.time() + self.load.warmup
        timers = [
            loop.call_at(begin, self.mark_begin),
            loop.call_at(begin + self.load.seconds, self.stop),
        ]
        if self.load.enquire_every:
            timers.append(loop.call_later(self.load.enquire_every, self.enquire))
        if self.load.rate:
            await self.send_at_random(begin + self.load.seconds)
        else:
            self.send(self.load.window)
        try:
            async with asyncio.timeout(self.load.warmup + self.load.seconds + _DRAIN_SECONDS):
                await self.over
        except TimeoutError:
            say("stuck", answers=self.open_answers, replies=self.open_replies)
        finally:
            self.peer.run = None
            for timer in timers:
                timer.cancel()
        return self.result()

    async def send_at_random(self, until: float) -> None:
        """Open loop: moments of a Poisson process, whatever the answers."""
        loop = asyncio.get_running_loop()
        dice = random.Random(8188)  # noqa: S311
        due = loop.time()
        while self.sending and due < until:
            due += dice.expovariate(self.load.rate)
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
                if not self.sending:
                    return
            self.send(1)

    def enquire(self) -> None:
        loop = asyncio.get_running_loop()
        if self.enquired is None:
            self.enquired = monotonic()
            self.peer.transport.write(_pack(16, traffic.ENQUIRE_LINK, 0, 0x7FFFFFFF))
        if self.sending:
            loop.call_later(self.load.enquire_every, self.enquire)

    # --- the clock --------------------------------------------------------------------------

    def mark(self) -> tuple[float, int, int, Usage | None, float]:
        usage = Usage.of(self.load.pid) if self.load.pid else None
        return monotonic(), self.answers, self.replies, usage, process_time()

    def mark_begin(self) -> None:
        self.begin = self.mark()
        for values in (self.to_answer, self.to_reply, self.replied_at, self.enquiries):
            del values[:]

    def stop(self) -> None:
        """The measured time is over, or there is nothing left to send."""
        self.sending = False
        if self.end is None:
            self.end = self.mark()
        if not (self.open_answers or self.open_replies):
            self.finish()

    def finish(self) -> None:
        if not self.over.done():
            self.over.set_result(None)

    def beside_reminders(self) -> "array[float]":
        """What citizens waited for their MT from the first reminder to the last."""
        if not self.reminders:
            return array("d")
        first, last = self.reminders[0], self.reminders[-1]
        return array(
            "d",
            (
                waited
                for waited, at in zip(self.to_reply, self.replied_at, strict=True)
                if first <= at <= last or first <= at - waited <= last
            ),
        )

    def result(self) -> dict[str, object]:
        if self.begin is None or self.end is None or self.end[0] <= self.begin[0]:
            raise SystemExit("bench.load: ended before the clock began: more messages are needed")
        seconds = self.end[0] - self.begin[0]
        replies = self.end[2] - self.begin[2]
        spent = None
        if self.begin[3] and self.end[3]:
            spent = asdict(self.end[3].since(self.begin[3]))
        return {
            "seconds": seconds,
            "answers": self.end[1] - self.begin[1],
            "replies": replies,
            "rate": replies / seconds,
            "all": self.sent,
            "refused": self.refused,
            "lost": self.open_answers + self.open_replies,
            "reminders": len(self.reminders),
            "beside_reminders": quantiles(self.beside_reminders()),
            "to_answer": quantiles(self.to_answer),
            "to_reply": quantiles(self.to_reply),
            "enquire_link": quantiles(self.enquiries),
            "usage": spent,
            "load_us": (self.end[4] - self.begin[4]) / max(replies, 1) * 1e6,
        }


def quantiles(values: "array[float]") -> dict[str, float]:
    """Median and 99th percentile, in milliseconds, and how many there were."""
    ordered = sorted(values)
    count = len(ordered)
    if not count:
        return {"count": 0}
    return {
        "count": count,
        "p50": ordered[count // 2] * 1e3,
        "p99": ordered[min(count - 1, count * 99 // 100)] * 1e3,
        "max": ordered[-1] * 1e3,
    }


async def main() -> None:
    loop = asyncio.get_running_loop()
    peers: list[Peer] = []

    def accept() -> Peer:
        peers.append(Peer())
        return peers[-1]

    server = await loop.create_server(accept, "127.0.0.1", 0)
    say("listening", port=server.sockets[0].getsockname()[1])
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        load = Load(**json.loads(line))
        say("result", **await Run(load, peers[-1]).perform())


if __name__ == "__main__":
    asyncio.run(main())
