"""A carrier's SMSC, as seen from a gateway: TCP, SMPP v3.4, and everything that goes wrong there.

It checks binds, hands on citizens' texts (deliver_sm) and sends again what was not answered,
takes submit_sm, and writes delivery receipts. What it does other than by the book is switched
while it runs: `Manners` for how it is, and the verbs of `Smsc` for what happens once. Everything
that happened is recorded, in order, and can be awaited.

Knows SMPP and asyncio. Knows no account, no rule of the service and nothing of the gateway;
all methods must be called in the loop's thread (`SmscThread` does so for others).
"""

import asyncio
import itertools
import socket
import ssl
import struct
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple, TypeVar

from smsgw import clock
from smsgw.model import Address
from smsgw.simulator import receipts
from smsgw.simulator.receipts import DIALECTS, Dialect
from smsgw.smpp import alphabets, codec
from smsgw.smpp.alphabets import Alphabet
from smsgw.smpp.pdu import (
    BadPdu,
    Bind,
    BindResp,
    Command,
    DataSm,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    StreamLost,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
    Unknown,
)

T = TypeVar("T")


class Status(IntEnum):
    """The command_status values that this SMSC speaks of, SMPP v3.4 §5.1.3."""

    ROK = 0x00
    RINVCMDID = 0x03
    RINVBNDSTS = 0x04
    RALYBND = 0x05
    RSYSERR = 0x08
    RBINDFAIL = 0x0D
    RINVPASWD = 0x0E
    RINVSYSID = 0x0F
    RMSGQFUL = 0x14
    RSUBMITFAIL = 0x45
    RTHROTTLED = 0x58
    RX_T_APPN = 0x64
    RX_P_APPN = 0x65
    RX_R_APPN = 0x66


#: What a gateway answers when it wants the same message again.
TEMPORARY = frozenset({Status.RSYSERR, Status.RMSGQFUL, Status.RTHROTTLED, Status.RX_T_APPN})


class Silence(StrEnum):
    """What is left unanswered."""

    BINDS = "binds"
    SUBMITS = "submits"
    ENQUIRE_LINKS = "enquire_links"
    UNBINDS = "unbinds"
    ALL = "all"


class Point(StrEnum):
    """A moment in a message's way at which something can be made to happen (`Smsc.at`)."""

    BIND = "bind"  #: a bind came in, not answered yet
    DELIVER_SENT = "deliver sent"  #: the deliver_sm is out, its answer cannot be here yet
    ANSWER_LOST = "answer lost"  #: the deliver_sm_resp came; if the link drops now, it counts not
    ANSWERED = "answered"  #: the deliver_sm_resp came and counts
    SUBMIT_TAKEN = "submit taken"  #: the submit_sm is taken, its answer not written
    SUBMIT_ANSWERED = "submit answered"  #: the submit_sm_resp is out


@dataclass
class Manners:
    """How this SMSC is. Every field may be changed while it runs; times are in seconds."""

    system_id: str = "SMSC"
    accounts: dict[str, str] | None = None  #: system_id -> password; None: everybody may bind
    one_bind: bool = False  #: ESME_RALYBND for a second bind of the same system_id
    enquire_before_bind_resp: bool = False
    enquire_link_interval: float | None = None
    redeliver: bool = True  #: what was not answered, or answered with a temporary error
    response_timeout: float = 10.0  #: for the answer to a deliver_sm
    retry_delay: float = 1.0  #: after a temporary error
    deliver_window: int = 0  #: deliver_sm of a session that await their answer; 0: no bound
    id_form: str = "hex"  #: message ids in submit_sm_resp, one of `receipts.ID_FORMS`
    receipts: Dialect | None = field(default_factory=lambda: DIALECTS["standard"])
    receipt_state: str = "DELIVRD"
    answer_delay: float = 0.0  #: before a submit_sm_resp
    default_alphabet: Alphabet = Alphabet.GSM7  #: what data_coding 0 means
    silent: frozenset[Silence] = frozenset()


class Submit(NamedTuple):
    """A text of the gateway (MT), as it came in."""

    at: float  #: monotonic seconds
    session: int
    sequence: int
    source: Address
    destination: Address
    text: str | None  #: None: cannot be read in its coding
    octets: bytes
    data_coding: int
    esm_class: int
    registered_delivery: int
    tlvs: Mapping[int, bytes]
    number: int  #: of the message; its id is this in `Manners.id_form`
    status: int | None  #: what it is answered with; None: nothing


class What(StrEnum):
    """Kinds of `Record`."""

    CONNECTED = "connected"
    BOUND = "bound"
    REFUSED = "refused"  #: a bind
    CLOSED = "closed"  #: by whom, and why, is in the note
    RECEIVED = "received"
    SENT = "sent"
    BAD = "bad"  #: octets that are no PDU


class Record(NamedTuple):
    """One thing that happened."""

    at: float  #: monotonic seconds
    session: int
    what: What
    pdu: Pdu | None
    note: str = ""


class Delivery:
    """One deliver_sm on its way to the gateway, over all its tries."""

    def __init__(self, pdu: DeliverSm, session: int | None, *, redeliver: bool) -> None:
        self.pdu = pdu
        self._frame = codec.encode(pdu)  # built once: what differs between tries is four octets
        self.session = session  #: where it must go, or went at last
        self.redeliver = redeliver
        self.tries = 0
        self.statuses: list[int] = []  #: every answer, in order
        self.done = False  #: no further try follows

    def frame(self, sequence: int) -> bytes:
        return self._frame[:12] + sequence.to_bytes(4, "big") + self._frame[16:]

    def __repr__(self) -> str:
        return (
            f"<Delivery to session {self.session}: {self.tries} tries, answers {self.statuses},"
            f" {'done' if self.done else 'open'}>"
        )


class Session(asyncio.Protocol):
    """One connection of a gateway."""

    def __init__(self, smsc: "Smsc", number: int) -> None:
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
        self.smsc._joined(self)

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
                self._handle(pdu)

    def connection_lost(self, exc: Exception | None) -> None:
        self._over(str(exc) if exc else "closed by the gateway")

    def _handle(self, pdu: Pdu) -> None:
        silent = self.smsc.manners.silent
        match pdu:
            case SubmitSm():
                self._on_submit(pdu)
            case DeliverSmResp():
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
        if smsc._happens(Point.BIND, self) or Silence.BINDS in smsc.manners.silent:
            return
        status = smsc._check(self, pdu)
        if smsc.manners.enquire_before_bind_resp:
            self.send(EnquireLink(next(self._sequence)))
        self.send(BindResp(pdu.command, pdu.sequence, status, smsc.manners.system_id))
        if status:
            self.note(What.REFUSED, pdu, f"status 0x{status:08X}")
            return
        self.bind = pdu
        self.note(What.BOUND, pdu)
        if interval := smsc.manners.enquire_link_interval:
            self._enquirer = smsc._loop.call_later(interval, self._enquire, interval)
        smsc._pump()

    def _enquire(self, interval: float) -> None:
        self.send(EnquireLink(next(self._sequence)))
        self._enquirer = self.smsc._loop.call_later(interval, self._enquire, interval)

    def _on_submit(self, pdu: SubmitSm) -> None:
        if not self.may_submit:
            self.send(SubmitSmResp(pdu.sequence, Status.RINVBNDSTS, ""))
            return
        smsc = self.smsc
        submit = smsc._take(self, pdu)
        if smsc._happens(Point.SUBMIT_TAKEN, self) or submit.status is None:
            return
        if delay := smsc.manners.answer_delay:
            smsc._loop.call_later(delay, self._answer_submit, submit)
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
        if smsc._happens(Point.SUBMIT_ANSWERED, self):
            return
        if dialect and not submit.status:
            if dialect.delay:
                smsc._loop.call_later(dialect.delay, smsc.receipt, submit)
            else:
                smsc.receipt(submit)

    def _on_answer(self, sequence: int, status: int) -> None:
        if sequence not in self.in_flight:
            return  # late: it was sent again under another number meanwhile
        if self.smsc._happens(Point.ANSWER_LOST, self):
            return
        delivery, timer = self.in_flight.pop(sequence)
        timer.cancel()
        self.smsc._answered(delivery, status)
        self.smsc._happens(Point.ANSWERED, self)

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

    def send(self, pdu: Pdu) -> None:
        """Write *pdu*."""
        if not self.closed:
            self.note(What.SENT, pdu)
            self.send_raw(codec.encode(pdu))

    def send_raw(self, octets: bytes) -> None:
        """Write *octets* as they are; those of one turn of the loop leave in one piece."""
        if not self._outgoing:
            self.smsc._loop.call_soon(self._flush)
        self._outgoing.append(octets)

    def deliver(self, delivery: Delivery) -> None:
        """Send a deliver_sm, and expect its answer."""
        manners = self.smsc.manners
        sequence = next(self._sequence)
        delivery.session = self.id
        delivery.tries += 1
        timer = self.smsc._loop.call_later(manners.response_timeout, self._patience_ends, sequence)
        self.in_flight[sequence] = delivery, timer
        self.note(What.SENT, delivery.pdu._replace(sequence=sequence))
        self.send_raw(delivery.frame(sequence))
        self.smsc._happens(Point.DELIVER_SENT, self)

    def ask(self, pdu_type: type[EnquireLink] | type[Unbind]) -> "asyncio.Future[Pdu]":
        """Send a request whose answer somebody waits for."""
        sequence = next(self._sequence)
        waiter = self.asked[sequence] = self.smsc._loop.create_future()
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

    def stall(self, stalled: bool) -> None:
        """Stop reading from the socket, or go on: what the gateway writes piles up."""
        if stalled:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def note(self, what: What, pdu: Pdu | None = None, note: str = "") -> None:
        self.smsc._note(Record(self.smsc._loop.time(), self.id, what, pdu, note))

    def _patience_ends(self, sequence: int) -> None:
        delivery, _ = self.in_flight.pop(sequence)
        self.smsc._unanswered(delivery)

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
        self.smsc._left(self, why)


Action = Callable[[Session], None]


class Smsc:
    """The SMSC: one listening socket, any number of sessions."""

    def __init__(
        self,
        manners: Manners | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.manners = manners or Manners()
        self.host = host
        self.port = port  #: 0 until `start`: any free one
        self.tls = tls
        self.sessions: dict[int, Session] = {}  #: connected now, bound or not
        self.records: list[Record] = []
        self.submits: list[Submit] = []
        self.deliveries: list[Delivery] = []
        self.binds = 0  #: accepted, ever
        self.on_record: Callable[[Record], None] | None = None
        self.on_submit: Callable[[Submit], None] | None = None
        self._server: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop
        self._session_numbers = itertools.count(1)
        self._message_numbers = itertools.count(clock.stamp(clock.now()))
        self._waiting: deque[Delivery] = deque()  #: for a session that may take them
        self._waiters: list[tuple[Callable[[], object], asyncio.Future[object]]] = []
        self._points: dict[Point, deque[Action]] = {point: deque() for point in Point}
        self._stalled = False
        # What submit_sm is answered with, other than "taken":
        self._next_statuses: deque[int] = deque()
        self._statuses_to: dict[str, int] = {}
        self._rate: tuple[float, int] | None = None
        self._rate_times: deque[float] = deque()
        self._unseen = 0  #: submits before this index were all returned by `next_submit`
        self._seen: set[int] = set()

    # --- listening ---

    async def start(self) -> None:
        """Listen; `port` says where.

        Raises:
            OSError: the address cannot be had.
        """
        self._loop = asyncio.get_running_loop()
        self._server = await self._loop.create_server(
            lambda: Session(self, next(self._session_numbers)),
            self.host,
            self.port,
            ssl=self.tls,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self, how: str = "close") -> None:
        """Listen no more and drop every connection; `start` comes back on the same port."""
        if self._server:
            self._server.close()
            self._server = None
        for session in list(self.sessions.values()):
            session.drop(how)
        await asyncio.sleep(0)  # lets the transports close their sockets

    # --- citizens' texts and receipts ---

    def deliver(
        self, pdu: DeliverSm, *, session: int | None = None, redeliver: bool | None = None
    ) -> Delivery:
        """Hand *pdu* to the gateway: at once, or as soon as a session can take it.

        Args:
            session: the only session that may carry the first try.
            redeliver: other than `Manners.redeliver`.

        Raises:
            Unsendable: a field does not fit.
        """
        again = self.manners.redeliver if redeliver is None else redeliver
        delivery = Delivery(pdu, session, redeliver=again)
        self.deliveries.append(delivery)
        self._waiting.append(delivery)
        self._pump()
        return delivery

    def receipt(
        self,
        submit: Submit,
        *,
        state: str | None = None,
        error: str = "000",
        dialect: Dialect | None = None,
        session: int | None = None,
    ) -> Delivery:
        """Send the delivery receipt for *submit*, in *dialect* or the one of `manners`."""
        now = clock.now()
        pdu = receipts.write(
            dialect or self.manners.receipts or DIALECTS["standard"],
            submit.number,
            source=submit.destination,
            destination=submit.source,
            submitted=now,
            done=now,
            state=state or self.manners.receipt_state,
            error=error,
            text=submit.text or "",
        )
        return self.deliver(pdu, session=session)

    # --- switches ---

    def answer_next(self, *statuses: int) -> None:
        """Answer the next submit_sm with these statuses, one each."""
        self._next_statuses.extend(statuses)

    def answer_to(self, number: str, status: int | None) -> None:
        """Answer every submit_sm to *number* with *status*; None: as any other."""
        if status is None:
            self._statuses_to.pop(number, None)
        else:
            self._statuses_to[number] = status

    def throttle(
        self,
        count: int = 0,
        *,
        per_second: float | None = None,
        status: int = Status.RTHROTTLED,
    ) -> None:
        """Answer *status* to the next *count* submits, or to all beyond *per_second*.

        `throttle()` ends it.
        """
        self._next_statuses.clear()
        self._next_statuses.extend([status] * count)
        self._rate = (per_second, status) if per_second else None
        self._rate_times.clear()

    def silence(self, *kinds: Silence | str) -> None:
        """Leave these unanswered from now on; `silence()` ends it."""
        self.manners.silent = frozenset(map(Silence, kinds))

    def stall(self, stalled: bool = True) -> None:
        """Read nothing from any socket, or go on."""
        self._stalled = stalled
        for session in self.sessions.values():
            session.stall(stalled)

    def at(self, point: Point, action: Action, times: int = 1) -> None:
        """Run *action* when a message is at *point*, the next *times* it is."""
        self._points[point].extend([action] * times)

    def drop_at(self, point: Point, times: int = 1, how: str = "close") -> None:
        """Drop the connection at *point*, the next *times* a message is there."""
        self.at(point, lambda session: session.drop(how), times)

    def drop(self, how: str = "close") -> None:
        """Drop every connection without a word: "close" (FIN) or "reset" (RST)."""
        for session in list(self.sessions.values()):
            session.drop(how)

    def send_raw(self, octets: bytes, session: int | None = None) -> None:
        """Write octets that need not be SMPP, on one session or all."""
        for chosen in self.chosen(session):
            chosen.send_raw(octets)

    async def unbind(self, session: int | None = None, timeout: float = 10) -> None:
        """Unbind one session or all as before maintenance: ask, wait for the answer, close.

        Raises:
            TimeoutError: the gateway did not answer in *timeout* seconds.
        """
        for chosen in self.chosen(session):
            with suppress(ConnectionError):  # closed instead of answered: gone all the same
                await asyncio.wait_for(chosen.ask(Unbind), timeout)
            chosen.close("unbound by the SMSC")

    async def enquire_link(self, session: int | None = None, timeout: float = 10) -> float:
        """Ask whether a session is alive; the seconds that its answer took.

        Raises:
            TimeoutError: no answer in *timeout* seconds.
            ConnectionError: the connection ended first.
        """
        begin = self._loop.time()
        for chosen in self.chosen(session):
            await asyncio.wait_for(chosen.ask(EnquireLink), timeout)
        return self._loop.time() - begin

    # --- looking and waiting ---

    @property
    def bound(self) -> list[Session]:
        """The sessions that are bound now, oldest first."""
        return [session for session in self.sessions.values() if session.bind]

    def chosen(self, session: int | None) -> list[Session]:
        """The session of that number, or all that are bound."""
        return self.bound if session is None else [self.sessions[session]]

    async def until(
        self, happened: Callable[[], T | None], timeout: float = 10, what: str = "what was expected"
    ) -> T:
        """Wait until *happened* returns something true, and return it.

        It is asked now and after everything that is recorded.

        Raises:
            TimeoutError: not within *timeout* seconds; says what happened last.
        """
        if result := happened():
            return result
        waiter = self._loop.create_future()
        entry = happened, waiter
        self._waiters.append(entry)
        try:
            return await asyncio.wait_for(waiter, timeout)
        except TimeoutError:
            raise TimeoutError(f"not within {timeout:g} s: {what}\n{self.recently()}") from None
        finally:
            if entry in self._waiters:
                self._waiters.remove(entry)

    async def next_submit(
        self, timeout: float = 10, *, to: str | None = None, text: str | None = None
    ) -> Submit:
        """The oldest submit_sm that this has not returned before; waits for one.

        Args:
            to: only to this destination, as it was written on the wire.
            text: only with this in its text.

        Raises:
            TimeoutError: none within *timeout* seconds.
        """
        looked = self._unseen

        def found() -> Submit | None:
            nonlocal looked
            while looked < len(self.submits):
                index, submit = looked, self.submits[looked]
                looked += 1
                if (
                    index not in self._seen
                    and (to is None or submit.destination.number == to)
                    and (text is None or text in (submit.text or ""))
                ):
                    self._seen.add(index)
                    while self._unseen in self._seen:
                        self._seen.remove(self._unseen)
                        self._unseen += 1
                    return submit
            return None

        about = f" to {to}" if to else ""
        return await self.until(found, timeout, f"a submit_sm{about}")

    def recently(self, count: int = 12) -> str:
        """The last records, for a person who wonders."""
        lines = [f"{len(self.submits)} submits, sessions {list(self.sessions)}; at last:"]
        for record in self.records[-count:]:
            lines.append(
                f"  {record.at:.3f} session {record.session} {record.what} "
                f"{record.pdu or ''} {record.note}"
            )
        return "\n".join(lines)

    def forget(self) -> None:
        """Drop all records, submits and finished deliveries: for runs of many hours."""
        self.records.clear()
        self.submits.clear()
        self._seen.clear()
        self._unseen = 0
        self.deliveries = [delivery for delivery in self.deliveries if not delivery.done]

    # --- what sessions tell ---

    def _joined(self, session: Session) -> None:
        self.sessions[session.id] = session
        session.note(What.CONNECTED)
        if self._stalled:
            session.stall(True)

    def _left(self, session: Session, why: str) -> None:
        self.sessions.pop(session.id, None)
        for delivery, timer in reversed(session.in_flight.values()):
            timer.cancel()
            self._unanswered(delivery, first=True)
        session.in_flight.clear()
        session.note(What.CLOSED, note=why)

    def _check(self, session: Session, pdu: Bind) -> int:
        accounts = self.manners.accounts
        if session.bind:
            return Status.RALYBND
        if accounts is not None:
            if pdu.system_id not in accounts:
                return Status.RINVSYSID
            if accounts[pdu.system_id] != pdu.password:
                return Status.RINVPASWD
        if self.manners.one_bind and any(
            other.bind and other.bind.system_id == pdu.system_id for other in self.bound
        ):
            return Status.RALYBND
        self.binds += 1
        return Status.ROK

    def _take(self, session: Session, pdu: SubmitSm) -> Submit:
        submit = Submit(
            at=self._loop.time(),
            session=session.id,
            sequence=pdu.sequence,
            source=pdu.source,
            destination=pdu.destination,
            text=alphabets.decode(pdu.octets, pdu.data_coding, self.manners.default_alphabet),
            octets=pdu.octets,
            data_coding=pdu.data_coding,
            esm_class=pdu.esm_class,
            registered_delivery=pdu.registered_delivery,
            tlvs=pdu.tlvs,
            number=next(self._message_numbers),
            status=self._verdict(pdu),
        )
        self.submits.append(submit)
        if self.on_submit:
            self.on_submit(submit)
        self._tell()
        return submit

    def _verdict(self, pdu: SubmitSm) -> int | None:
        if Silence.SUBMITS in self.manners.silent:
            return None
        if pdu.destination.number in self._statuses_to:
            return self._statuses_to[pdu.destination.number]
        if self._next_statuses:
            return self._next_statuses.popleft()
        if self._rate:
            per_second, status = self._rate
            now = self._loop.time()
            while self._rate_times and self._rate_times[0] <= now - 1:
                self._rate_times.popleft()
            if len(self._rate_times) >= per_second:
                return status
            self._rate_times.append(now)
        return Status.ROK

    def _answered(self, delivery: Delivery, status: int) -> None:
        delivery.statuses.append(status)
        if status in TEMPORARY and delivery.redeliver:
            self._loop.call_later(self.manners.retry_delay, self._again, delivery)
        else:
            delivery.done = True
        self._tell()
        if self._waiting:
            self._pump()

    def _unanswered(self, delivery: Delivery, first: bool = False) -> None:
        if delivery.redeliver:
            self._again(delivery, first)
        else:
            delivery.done = True
            self._tell()

    def _again(self, delivery: Delivery, first: bool = False) -> None:
        delivery.session = None  # any session will do now
        if first:
            self._waiting.appendleft(delivery)
        else:
            self._waiting.append(delivery)
        self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        """Send what waits, each on the least busy session that may take it."""
        window = self.manners.deliver_window
        still: list[Delivery] = []
        while self._waiting:
            takers = [
                session
                for session in self.sessions.values()
                if session.may_deliver and (not window or len(session.in_flight) < window)
            ]
            if not takers:
                break
            delivery = self._waiting.popleft()
            if delivery.session is None:
                min(takers, key=lambda session: len(session.in_flight)).deliver(delivery)
            elif chosen := [one for one in takers if one.id == delivery.session]:
                chosen[0].deliver(delivery)
            elif delivery.session in self.sessions:
                still.append(delivery)  # that session is busy, or not bound yet
            else:
                delivery.session = None
                self._waiting.appendleft(delivery)
        self._waiting.extendleft(reversed(still))

    def _happens(self, point: Point, session: Session) -> bool:
        """Run what was ordered for *point*; True if the connection is gone since."""
        if actions := self._points[point]:
            actions.popleft()(session)
        return session.closed

    def _note(self, record: Record) -> None:
        self.records.append(record)
        if self.on_record:
            self.on_record(record)
        self._tell()

    def _tell(self) -> None:
        for entry in self._waiters[:]:
            happened, waiter = entry
            if waiter.done():
                continue
            try:
                result = happened()
            except Exception as exc:
                waiter.set_exception(exc)
            else:
                if not result:
                    continue
                waiter.set_result(result)
            self._waiters.remove(entry)


def sent(records: Iterable[Record], kind: type[T]) -> list[T]:
    """The PDUs of *kind* that the SMSC sent."""
    return [r.pdu for r in records if r.what is What.SENT and isinstance(r.pdu, kind)]


def received(records: Iterable[Record], kind: type[T]) -> list[T]:
    """The PDUs of *kind* that the gateway sent."""
    return [r.pdu for r in records if r.what is What.RECEIVED and isinstance(r.pdu, kind)]
