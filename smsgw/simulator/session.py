"""One connection of a gateway, as the SMSC sees it: PDUs in, answers out, requests of our own.

Knows what is in flight here. What is decided for the SMSC as a whole (who may bind, what a
submit_sm is answered with, what is delivered where) is asked of the `Carrier`.
"""

import asyncio
import itertools
import socket
import struct
from collections.abc import Callable
from typing import Protocol

from smsgw.simulator import receipts
from smsgw.simulator.words import Delivery, Manners, Point, Record, Silence, Submit, What
from smsgw.smpp import codec
from smsgw.smpp.pdu import (
    BadPdu,
    Bind,
    BindResp,
    Command,
    DataSm,
    DataSmResp,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    StreamLost,
    SubmitSm,
    SubmitSmResp,
    Tlv,
    Unbind,
    UnbindResp,
    Unknown,
)
from smsgw.smpp.statuses import Status


class Carrier(Protocol):
    """What a session asks of the SMSC as a whole."""

    manners: Manners
    loop: asyncio.AbstractEventLoop

    def joined(self, session: "Session") -> None: ...
    def left(self, session: "Session", why: str) -> None: ...
    def parted(self, session: "Session") -> None: ...
    def check_bind(self, session: "Session", pdu: Bind) -> int: ...
    def take(self, session: "Session", pdu: SubmitSm, validity_period: str) -> Submit: ...
    def receipt(self, submit: Submit) -> Delivery: ...
    def answered(self, delivery: Delivery, status: int) -> None: ...
    def unanswered(self, delivery: Delivery) -> None: ...
    def pump(self) -> None: ...
    def happens(self, point: Point, session: "Session") -> bool: ...
    def note(self, record: Record) -> None: ...


class Session(asyncio.Protocol):
    """One connection of a gateway."""

    def __init__(self, smsc: Carrier, number: int) -> None:
        self.smsc = smsc
        self.id = number
        self.bind: Bind | None = None
        self.in_flight: dict[int, tuple[Delivery, asyncio.TimerHandle]] = {}
        self.asked: dict[int, asyncio.Future[Pdu]] = {}  #: enquire_link and unbind of ours
        self.closed = False
        self._reader = codec.FrameReader()
        self._sequence = itertools.count(1)
        self._outgoing: list[bytes] = []
        self._enquirer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    # --- what the other side does ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  asyncio's own promise
        self._transport = transport
        self.smsc.joined(self)

    def data_received(self, data: bytes) -> None:
        try:
            frames = self._reader.feed(data)
        except StreamLost as lost:
            self.note(What.BAD, note=str(lost))
            self.close(f"stream lost: {lost}")
            return
        for frame in frames:
            if self.closed:
                return
            try:
                pdu = codec.decode(frame)
            except BadPdu as bad:
                self.note(What.BAD, note=frame.hex())
                self.send(GenericNack(bad.sequence, bad.status))
                continue
            self.note(What.RECEIVED, pdu)
            if Silence.ALL not in self.smsc.manners.silent:
                self._handle(pdu, frame)

    def connection_lost(self, exc: Exception | None) -> None:
        self._over(str(exc) if exc else "closed by the gateway")
        self.smsc.parted(self)

    def _handle(self, pdu: Pdu, frame: bytes) -> None:
        silent = self.smsc.manners.silent
        match pdu:
            case SubmitSm():
                self._on_submit(pdu, codec.validity_period(frame))
            case DeliverSmResp() | DataSmResp():
                self._on_answer(pdu.sequence, pdu.status)
            case EnquireLink():
                if Silence.ENQUIRE_LINKS not in silent:
                    self.send(EnquireLinkResp(pdu.sequence))
            case EnquireLinkResp() | UnbindResp():
                self._on_response(pdu)
            case Bind():
                self._on_bind(pdu)
            case Unbind():
                if Silence.UNBINDS not in silent:
                    self.send(UnbindResp(pdu.sequence))
                    self.close("unbound by the gateway")
            case GenericNack():
                if pdu.sequence in self.in_flight:
                    self._on_answer(pdu.sequence, pdu.status or Status.RSYSERR)
                else:
                    self._on_response(pdu)
            case DataSm() | Unknown(is_answer=False):
                self.send(GenericNack(pdu.sequence, Status.RINVCMDID))
            case _:
                pass  # an answer to nothing

    def _on_bind(self, pdu: Bind) -> None:
        smsc = self.smsc
        if smsc.happens(Point.BIND, self) or Silence.BINDS in smsc.manners.silent:
            return
        status = smsc.check_bind(self, pdu)
        if smsc.manners.enquire_before_bind_resp:
            self.send(EnquireLink(next(self._sequence)))
        version = smsc.manners.interface_version
        tlvs = {} if version is None else {int(Tlv.SC_INTERFACE_VERSION): bytes([version])}
        self.send(BindResp(pdu.command, pdu.sequence, status, smsc.manners.system_id, tlvs))
        if status:
            self.note(What.REFUSED, pdu, f"status 0x{status:08X}")
            return
        self.bind = pdu
        self.note(What.BOUND, pdu)
        if interval := smsc.manners.enquire_link_interval:
            self._enquirer = smsc.loop.call_later(interval, self._enquire, interval)
        smsc.pump()

    def _enquire(self, interval: float) -> None:
        self.send(EnquireLink(next(self._sequence)))
        self._enquirer = self.smsc.loop.call_later(interval, self._enquire, interval)

    def _on_submit(self, pdu: SubmitSm, validity_period: str) -> None:
        if not self.may_submit:
            self.send(SubmitSmResp(pdu.sequence, Status.RINVBNDSTS, ""))
            return
        smsc = self.smsc
        submit = smsc.take(self, pdu, validity_period)
        if smsc.happens(Point.SUBMIT_TAKEN, self) or submit.status is None:
            return
        if delay := smsc.manners.answer_delay:
            smsc.loop.call_later(delay, self._answer_submit, submit)
        else:
            self._answer_submit(submit)

    def _answer_submit(self, submit: Submit) -> None:
        if self.closed or submit.status is None:
            return
        smsc = self.smsc
        dialect = smsc.manners.receipts if submit.registered_delivery & 0b11 else None
        if dialect and dialect.before_answer and not submit.status:
            smsc.receipt(submit)
            dialect = None
        name = receipts.message_id(submit.number, smsc.manners.id_form)
        self.send(SubmitSmResp(submit.sequence, submit.status, "" if submit.status else name))
        if smsc.happens(Point.SUBMIT_ANSWERED, self):
            return
        if dialect and not submit.status:
            if dialect.delay:
                smsc.loop.call_later(dialect.delay, smsc.receipt, submit)
            else:
                smsc.receipt(submit)

    def _on_answer(self, sequence: int, status: int) -> None:
        if sequence not in self.in_flight:
            return  # late: it was sent again under another number meanwhile
        if self.smsc.happens(Point.ANSWER_LOST, self):
            return
        delivery, timer = self.in_flight.pop(sequence)
        timer.cancel()
        self.smsc.answered(delivery, status)
        self.smsc.happens(Point.ANSWERED, self)

    def _on_response(self, pdu: Pdu) -> None:
        waiter = self.asked.pop(pdu.sequence, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(pdu)

    # --- what this side does ---

    @property
    def may_submit(self) -> bool:
        """The gateway may send on this session: it is bound, and not as a receiver."""
        return self.bind is not None and self.bind.command != Command.BIND_RECEIVER

    @property
    def may_deliver(self) -> bool:
        """The gateway wants citizens' texts on this session: bound, not as a transmitter."""
        return self.bind is not None and self.bind.command != Command.BIND_TRANSMITTER

    @property
    def backlog(self) -> int:
        """Octets that are written and that the gateway has not read."""
        return self._transport.get_write_buffer_size() + sum(map(len, self._outgoing))

    def send(self, pdu: Pdu) -> None:
        """Write *pdu*."""
        if not self.closed:
            self.note(What.SENT, pdu)
            self.send_raw(codec.encode(pdu))

    def send_raw(self, octets: bytes) -> None:
        """Write *octets* as they are; those of one turn of the loop leave in one piece."""
        if not self._outgoing:
            self.smsc.loop.call_soon(self._flush)
        self._outgoing.append(octets)

    def deliver(self, delivery: Delivery) -> None:
        """Send a deliver_sm, and expect its answer."""
        manners = self.smsc.manners
        sequence = next(self._sequence)
        delivery.session = self.id
        delivery.tries += 1
        timer = self.smsc.loop.call_later(manners.response_timeout, self._patience_ends, sequence)
        self.in_flight[sequence] = delivery, timer
        self.note(What.SENT, delivery.pdu._replace(sequence=sequence))
        self.send_raw(delivery.frame(sequence))
        self.smsc.happens(Point.DELIVER_SENT, self)

    def ask(self, pdu_type: type[EnquireLink] | type[Unbind]) -> "asyncio.Future[Pdu]":
        """Send a request whose answer somebody waits for."""
        sequence = next(self._sequence)
        waiter = self.asked[sequence] = self.smsc.loop.create_future()
        self.send(pdu_type(sequence))
        return waiter

    def drop(self, how: str = "close") -> None:
        """End the connection without a word: "close" (FIN) or "reset" (RST)."""
        if self.closed:
            return
        self._flush()
        if how == "reset":
            link = self._transport.get_extra_info("socket")
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()
        self._over(f"dropped by the SMSC ({how})")

    def close(self, why: str) -> None:
        """Write what is left, then end the connection."""
        if not self.closed:
            self._flush()
            self._transport.close()
            self._over(why)

    def abort(self) -> None:
        """Close the socket whatever is left to write."""
        self._transport.abort()

    def stall(self, stalled: bool) -> None:
        """Stop reading from the socket, or go on: what the gateway writes piles up."""
        if stalled:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def note(self, what: What, pdu: Pdu | None = None, note: str = "") -> None:
        self.smsc.note(Record(self.smsc.loop.time(), self.id, what, pdu, note))

    def _patience_ends(self, sequence: int) -> None:
        delivery, _ = self.in_flight.pop(sequence)
        self.smsc.unanswered(delivery)

    def _flush(self) -> None:
        octets = b"".join(self._outgoing)
        self._outgoing.clear()
        if octets and not self._transport.is_closing():
            self._transport.write(octets)

    def _over(self, why: str) -> None:
        if self.closed:
            return
        self.closed = True
        if self._enquirer:
            self._enquirer.cancel()
        for waiter in self.asked.values():
            if not waiter.done():
                waiter.set_exception(ConnectionError(why))
        self.asked.clear()
        self.smsc.left(self, why)


Action = Callable[[Session], None]  #: something to do to a session at a `Point`
