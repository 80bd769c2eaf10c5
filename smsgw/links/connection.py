"""One TCP connection with its smpp.Session, from the bind request to the last octet.

Bytes and the loop's time go to the session; what it says goes to the owner, who says when to end.
Knows sockets and timers only; no queue, no desk, no reconnect.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from math import inf
from typing import Any, Protocol, assert_never, cast

from smsgw import clock
from smsgw.config import SmscSettings
from smsgw.leases import Tenure
from smsgw.links.backoff import Ending
from smsgw.links.connect import explain
from smsgw.logs import TRACE
from smsgw.model import Answer, Mo, Postponed, Receipt, Refused, SubmitResult, Taken, Unanswered
from smsgw.smpp.events import (
    BindRefused,
    Bound,
    Echo,
    Event,
    Lost,
    MoReceived,
    Odd,
    PeerUnbound,
    ReceiptReceived,
    TakenLate,
    Unbound,
    Watch,
)
from smsgw.smpp.session import Session
from smsgw.smpp.settings import SessionSettings
from smsgw.smpp.statuses import waits_long

log = logging.getLogger("smsgw.links")

#: Octets that a peer may leave unread before we stop reading from it.
WRITE_BUFFER_OCTETS = 256 * 1024
#: Time for the last octets of a connection that is being closed.
LINGER_SECONDS = 2.0
#: A timer of a session is late by this at most; and none can make the loop spin.
TIMER_GRAIN_SECONDS = 0.005


_GOODBYES: Mapping[type, str] = {PeerUnbound: "the SMSC unbound", Unbound: "stopped"}


class Owner(Protocol):
    """Who holds a connection: what it asks, and whom it tells."""

    @property
    def smsc(self) -> SmscSettings: ...

    @property
    def settings(self) -> SessionSettings: ...

    @property
    def watch(self) -> Watch | None:
        """Told by the session of each large PDU."""

    @property
    def tenure(self) -> Tenure | None:
        """While this lasts, something may be written; None: always."""

    def made(self, connection: "Connection") -> None:
        """The connection is open, and about to ask for its bind."""

    def bound(self, smsc_system_id: str) -> None:
        """The SMSC accepted the bind."""

    def ended(self, connection: "Connection", ending: Ending) -> None:
        """It is gone; what its session still knows is to be had by `session.abandon`."""

    def received(self, mo: Mo, ticket: int) -> Answer | None:
        """A text; what to answer at once, or None: an answer comes later."""

    def receipt(self, receipt: Receipt, ticket: int, session: int) -> Answer | None:
        """A delivery receipt; to be answered as a text is."""

    def settle(self, result: SubmitResult, now: float) -> None:
        """What the SMSC said to one submit_sm, or that it said nothing."""

    def taken_late(self, taken: Taken) -> None:
        """The SMSC took what had been given up as unanswered."""

    def odd(self, kind: str, count: int = 1, detail: str = "") -> None:
        """The SMSC did something against the standard."""

    def has_told(self) -> None:
        """All that was read has been told: now is the time to begin with it, and to `flush`."""

    def has_room(self) -> None:
        """The peer reads again what is written."""


class SessionIds:
    """Numbers that no session had before, also in an earlier life of the process, or on another
    node, whose clock may be a wrong one.

    Attributes:
        node: the number of this one, below 1,000; 0: there are no others.
    """

    node = 0
    _last = 0

    @classmethod
    def next(cls) -> int:
        cls._last = max(cls._last + 1, clock.stamp(clock.now()))
        return cls._last * 1000 + cls.node if cls.node else cls._last


class Connection(asyncio.Protocol):
    """One TCP connection with one session, from the bind request to the last octet."""

    session: Session  #: once the connection is made
    _transport: asyncio.Transport

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._tenure = owner.tenure
        self._loop = asyncio.get_running_loop()
        self.over: asyncio.Future[Ending] = self._loop.create_future()
        self._bound_at: float | None = None
        self._writable = True
        self._ending: Ending | None = None  # the first reason is the true one
        self._unbinding = False
        self._goes_on = False  # slices of what was read are still to be worked off
        self._lost = False
        self.says = Bound("")  #: what the SMSC said of itself when it accepted the bind
        self._round_trip: asyncio.Future[float | None] | None = None
        self._asked_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    # --- called by asyncio ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(high=WRITE_BUFFER_OCTETS)
        owner = self._owner
        trace = None
        if log.isEnabledFor(TRACE):
            trace = partial(log.log, TRACE, "%s: %s", owner)
        self.session = Session(
            owner.settings, SessionIds.next(), self._loop.time(), trace, owner.watch
        )
        owner.made(self)
        self.flush()

    def data_received(self, data: bytes) -> None:
        if not self._is_over():
            now = self._loop.time()
            self._handle(self.session.receive(data, now, in_slices=True), now)
            if self.session.is_behind and not self._goes_on:
                # A read of thousands of PDUs: others have their turn between two slices of it,
                # and nothing more is read meanwhile.
                self._goes_on = True
                self._transport.pause_reading()
                self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Work off the next slice of what was read."""
        if not self._is_over() or self._lost:
            self._handle(self.session.go_on(), self._loop.time())
        else:
            self.session.forget_rest()
        self._goes_on = self.session.is_behind
        if self._goes_on:
            self._loop.call_soon(self._go_on)
        elif self._lost:
            self._finish()
        elif self._writable:
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        # What the peer asks makes answers; who does not read those is not asked for more.
        self._writable = False
        self._transport.pause_reading()
        patience = self._owner.settings.response_timeout
        self._stall = self._loop.call_later(
            patience, self.drop, f"the SMSC reads nothing for {patience:g} s"
        )

    def resume_writing(self) -> None:
        self._writable = True
        if self._stall:
            self._stall.cancel()
        if not self.session.is_behind:
            self._transport.resume_reading()
        self._owner.has_room()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._timer, self._stall):
            if timer:
                timer.cancel()
        ending = self._ending = self._ending or self._because(exc)
        if self._bound_at is not None:
            self._ending = ending._replace(held=self._loop.time() - self._bound_at)
        self._writable = False
        self._lost = True
        if not self.session.is_behind:  # else what came before the end is worked off first
            self._finish()

    def _finish(self) -> None:
        ending = self._ending
        assert ending is not None  # noqa: S101 - the connection is lost
        try:
            self._owner.ended(self, ending)
        finally:  # whatever happens, the line goes on
            if not self.over.done():
                self.over.set_result(ending)
            self._come_back(None)

    def _because(self, exc: Exception | None) -> Ending:
        reason = explain(exc, self._owner.smsc) if exc else "the SMSC closed the connection"
        if self._bound_at is None:
            reason += " before it answered the bind"
            if self._owner.smsc.tls and exc is None:
                reason += "; does it refuse our certificate (tls_cert_file)?"
        return Ending(reason)

    # --- called by link and line ----------------------------------------------------------------

    @property
    def writable(self) -> bool:
        """Whether the peer reads what is written."""
        return self._writable

    @property
    def peer(self) -> Any:
        """The address at the other end, as a socket names it; None: nobody knows."""
        return self._transport.get_extra_info("peername")

    @property
    def was_bound(self) -> bool:
        """Whether the SMSC ever accepted the bind."""
        return self._bound_at is not None

    @property
    def bound_for(self) -> float:
        """Seconds since the SMSC accepted the bind; 0: it never did."""
        return self._loop.time() - self._bound_at if self._bound_at is not None else 0.0

    def flush(self) -> None:
        """Write everything that the session gathered, in one piece, and set its timer."""
        outgoing = self.session.take_outgoing()
        if self._transport.is_closing():
            return
        if outgoing:
            # Who was stopped for a while looks here before its first octet.
            tenure = self._tenure
            if tenure is not None and not tenure.may_act():
                tenure.lose()
                return
            self._transport.write(outgoing)
        deadline = self.session.next_deadline()
        if deadline == inf:
            return
        # Deadlines mostly move on with traffic. A timer that is too early costs one look when it
        # fires; a new timer with each PDU would cost more.
        if self._timer is None or deadline < self._timer.when() - TIMER_GRAIN_SECONDS:
            if self._timer:
                self._timer.cancel()
            soonest = self._loop.time() + TIMER_GRAIN_SECONDS
            self._timer = self._loop.call_at(max(deadline, soonest), self._tick)

    def round_trip(self) -> "asyncio.Future[float | None]":
        """Ask whether the SMSC is there: how many seconds its answer takes; None: the connection
        ended before. One is asked at a time."""
        if self._round_trip is None:
            self._round_trip = self._loop.create_future()
            self._asked_at = self._loop.time()
            if self._is_over() or not self.was_bound:
                self._round_trip.set_result(None)
                return self._round_trip
            self.session.enquire(self._asked_at)
            self.flush()
        return self._round_trip

    def _come_back(self, seconds: float | None) -> None:
        asked, self._round_trip = self._round_trip, None
        if asked is not None and not asked.done():
            asked.set_result(seconds)

    def follow_log(self) -> None:
        """Trace what goes over the wire, if the log wants it now."""
        trace = partial(log.log, TRACE, "%s: %s", self._owner)
        self.session.trace = trace if log.isEnabledFor(TRACE) else None

    def unbind(self) -> None:
        """Take leave; what still arrives is answered, and the end comes as `over`."""
        if self._unbinding:
            return
        self._unbinding = True
        if self._bound_at is None:
            self.close("stopped")
            return
        self.session.unbind(self._loop.time())
        self.flush()

    def close(self, reason: str, status: int | None = None) -> None:
        """End the connection once everything gathered is written.

        Args:
            status: with which the SMSC refused the bind.
        """
        stubborn = status is not None and waits_long(status)
        self._ending = self._ending or Ending(reason, stubborn, status=status)
        self.flush()
        self._transport.close()
        self._loop.call_later(LINGER_SECONDS, self._transport.abort)

    def drop(self, reason: str) -> None:
        """End the connection now."""
        self._ending = self._ending or Ending(reason)
        self._transport.abort()

    # --- events ---------------------------------------------------------------------------------

    def _is_over(self) -> bool:
        """Whether all that is left is `connection_lost`, which abandons the session."""
        return self._transport.is_closing() and self._ending is not None

    def _tick(self) -> None:
        self._timer = None
        if not self._is_over():
            now = self._loop.time()
            self._handle(self.session.tick(now), now)

    def _handle(self, events: Sequence[Event], now: float) -> None:
        try:
            for event in events:
                self._on_event(event, now)
        except Exception:
            # A fault of ours: the session may be in any state, the next one is not.
            log.exception("%s: a fault of the gateway ends the session", self._owner)
            self.drop("fault of the gateway; see the log")
            return
        if events:
            self._owner.has_told()
        else:
            self.flush()

    def _on_event(self, event: Event, now: float) -> None:
        # A chain and not one match: these two kinds are nearly all of the traffic, and a class
        # pattern costs more than an isinstance().
        if isinstance(event, MoReceived):
            mo, ticket = event
            refusal = self._owner.received(mo, ticket)
            if refusal is not None:
                self.session.answer(ticket, refusal)
            return
        if isinstance(event, Taken):
            self._owner.settle(event, now)
            return
        match event:
            case ReceiptReceived(receipt, ticket):
                refusal = self._owner.receipt(receipt, ticket, self.session.session_id)
                if refusal is not None:
                    self.session.answer(ticket, refusal)
            case Postponed() | Refused() | Unanswered():
                self._owner.settle(event, now)
            case TakenLate(taken):
                self._owner.taken_late(taken)
            case Bound(smsc_system_id):
                self._bound_at, self.says = now, event
                self._owner.bound(smsc_system_id)
            case Echo():
                self._come_back(now - self._asked_at)
            case Odd(kind, detail):
                self._owner.odd(kind, detail=detail)
            case BindRefused(status, reason):
                self.close(reason, status)
            case PeerUnbound() | Unbound():
                self.close(_GOODBYES[type(event)])
            case Lost(reason):
                self.flush()  # a generic_nack may say what was wrong
                self.drop(reason)
            case _:
                assert_never(event)
