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
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from smsgw import clock
from smsgw.simulator import receipts
from smsgw.simulator.receipts import DIALECTS, Dialect
from smsgw.simulator.records import Records
from smsgw.simulator.session import Action, Session
from smsgw.simulator.verdicts import Verdicts
from smsgw.simulator.words import (
    TEMPORARY,
    Delivery,
    Manners,
    Point,
    Silence,
    Submit,
    What,
)
from smsgw.smpp import alphabets
from smsgw.smpp.pdu import Bind, DataSm, DeliverSm, EnquireLink, SubmitSm, Unbind
from smsgw.smpp.statuses import Status


class Smsc(Records, Verdicts):
    """The SMSC: one listening socket, any number of sessions."""

    def __init__(
        self,
        manners: Manners | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        Records.__init__(self)
        Verdicts.__init__(self)
        self.manners = manners or Manners()
        self.host = host
        self.port = port  #: 0 until `start`: any free one
        self.tls = tls
        self.sessions: dict[int, Session] = {}  #: connected now, bound or not
        self.deliveries: list[Delivery] = []
        self.binds = 0  #: accepted, ever
        self.on_submit: Callable[[Submit], None] | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[Session] = set()  #: also those that are being closed
        self.loop: asyncio.AbstractEventLoop
        self._session_numbers = itertools.count(1)
        self._message_numbers = itertools.count(clock.stamp(clock.now()))
        self._waiting: deque[Delivery] = deque()  #: for a session that may take them
        self._points: dict[Point, deque[Action]] = {point: deque() for point in Point}
        self._stalled = False

    # --- listening ---

    async def start(self) -> None:
        """Listen; `port` says where.

        Raises:
            OSError: the address cannot be had.
        """
        self.loop = asyncio.get_running_loop()
        self._server = await self.loop.create_server(
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
        with suppress(TimeoutError):
            await self.until(lambda: not self._connections, 0.5)
        for session in self._connections:  # the peer does not read, or is slow to end TLS
            session.abort()
        await asyncio.sleep(0)  # lets the transports close their sockets

    # --- citizens' texts and receipts ---

    def deliver(
        self,
        pdu: DeliverSm | DataSm,
        *,
        session: int | None = None,
        redeliver: bool | None = None,
        tail: bytes = b"",
    ) -> Delivery:
        """Hand *pdu* to the gateway: at once, or as soon as a session can take it.

        Args:
            session: the only session that may carry the first try.
            redeliver: other than `Manners.redeliver`.
            tail: octets behind its last field.

        Raises:
            Unsendable: a field does not fit.
        """
        again = self.manners.redeliver if redeliver is None else redeliver
        delivery = Delivery(pdu, session, redeliver=again, tail=tail)
        self.deliveries.append(delivery)
        self._waiting.append(delivery)
        self.pump()
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

    def _status_for(self, pdu: SubmitSm) -> int | None:
        """What *pdu* is answered with; None: nothing."""
        if Silence.SUBMITS in self.manners.silent:
            return None
        return self._verdict(pdu, self.loop.time())

    def swallow(self, swallows: bool = True) -> None:
        """Take every submit_sm and never answer it, while everything else goes on."""
        silent = self.manners.silent - {Silence.SUBMITS}
        self.manners.silent = silent | {Silence.SUBMITS} if swallows else silent

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
        begin = self.loop.time()
        for chosen in self.chosen(session):
            await asyncio.wait_for(chosen.ask(EnquireLink), timeout)
        return self.loop.time() - begin

    # --- looking and waiting ---

    @property
    def bound(self) -> list[Session]:
        """The sessions that are bound now, oldest first."""
        return [session for session in self.sessions.values() if session.bind]

    def chosen(self, session: int | None) -> list[Session]:
        """The session of that number, or all that are bound."""
        return self.bound if session is None else [self.sessions[session]]

    # --- what sessions tell ---

    def joined(self, session: Session) -> None:
        self._connections.add(session)
        self.sessions[session.id] = session
        session.note(What.CONNECTED)
        if self._stalled:
            session.stall(True)

    def left(self, session: Session, why: str) -> None:
        self.sessions.pop(session.id, None)
        for delivery, timer in reversed(session.in_flight.values()):
            timer.cancel()
            self.unanswered(delivery, first=True)
        session.in_flight.clear()
        session.note(What.CLOSED, note=why)

    def parted(self, session: Session) -> None:
        self._connections.discard(session)
        self._tell()

    def check_bind(self, session: Session, pdu: Bind) -> int:
        accounts = self.manners.accounts
        if self.manners.bind_status:
            return self.manners.bind_status
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

    def take(self, session: Session, pdu: SubmitSm, validity_period: str = "") -> Submit:
        submit = Submit(
            at=self.loop.time(),
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
            status=self._status_for(pdu),
            validity_period=validity_period,
        )
        self.submits.append(submit)
        if self.on_submit:
            self.on_submit(submit)
        self._tell()
        return submit

    def answered(self, delivery: Delivery, status: int) -> None:
        delivery.statuses.append(status)
        if status in TEMPORARY and delivery.redeliver:
            self.loop.call_later(self.manners.retry_delay, self._again, delivery)
        else:
            delivery.done = True
        self._tell()
        if self._waiting:
            self.pump()

    def unanswered(self, delivery: Delivery, first: bool = False) -> None:
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
        self.loop.call_soon(self.pump)

    def pump(self) -> None:
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

    def happens(self, point: Point, session: Session) -> bool:
        """Run what was ordered for *point*; True if the connection is gone since."""
        if actions := self._points[point]:
            actions.popleft()(session)
        return session.closed
