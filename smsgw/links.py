"""Links to SMSCs: sockets to sessions, sessions to the desk, and back again after each loss.

    Link         one [[smsc]] table: its queue of MTs, its pace, its state; the desk's Port
    Line         one bind of it, kept alive: connect, bind, hold, lose, wait, connect …
    Connection   one TCP connection with its smpp.Session

A link has one line (transceiver) or two (receiver and transmitter). What arrives is given to the
desk, which answers after its commit; what the desk sends waits here, in memory, until window and
pace let it go. When a session dies everything goes back to the desk as a result: sent and
unanswered, or not sent at all. This module knows bytes, time and queues, but no PDU, no account
and no SQL.
"""

import asyncio
import logging
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import partial
from math import inf
from types import MappingProxyType
from typing import NamedTuple, cast

from smsgw import clock
from smsgw.config import BindType, SmscSettings
from smsgw.connect import ConnectFault, Resolver, connect, explain, is_public
from smsgw.desk import Desk
from smsgw.logs import TRACE
from smsgw.model import (
    Address,
    Answer,
    LinkState,
    Mt,
    Oddity,
    Postponed,
    Refused,
    SubmitResult,
    Taken,
    Unanswered,
)
from smsgw.smpp.pace import BARRED_PAUSE, Pace
from smsgw.smpp.session import (
    BindMode,
    BindRefused,
    Bound,
    Event,
    Lost,
    MoReceived,
    Odd,
    PeerUnbound,
    ReceiptReceived,
    Session,
    SessionSettings,
    TakenLate,
    Unbound,
    Watch,
)
from smsgw.smpp.statuses import waits_long

log = logging.getLogger("smsgw.links")

#: An MT that could not leave within this goes back to the outbox, well before its lease ends.
MAX_HOLD_SECONDS = 30.0
#: Texts that are remembered as refused; more make no difference.
MAX_UNWANTED = 100
#: Octets that a peer may leave unread before we stop reading from it.
WRITE_BUFFER_OCTETS = 256 * 1024
#: Time for the last octets of a connection that is being closed.
LINGER_SECONDS = 2.0
#: An oddity is over when there was none of its kind for so long.
ODDITY_ENDS_SECONDS = 15 * 60.0
#: Two tales of what was odd, to who keeps it for commands, are at least this far apart.
ODDITIES_TOLD_SECONDS = 1.0
#: Kinds of oddities are ours and few; of inputs that are refused there may be many.
MAX_ODDITIES = 64
#: A timer of a session is late by this at most; and none can make the loop spin.
TIMER_GRAIN_SECONDS = 0.005

_LATER = Answer.LATER  # looking up an enum's member takes as long as several calls

MODES = {
    BindType.TRANSCEIVER: (BindMode.TRANSCEIVER,),
    BindType.RECEIVER_TRANSMITTER: (BindMode.RECEIVER, BindMode.TRANSMITTER),
}


class Ending(NamedTuple):
    """Why a connection is over."""

    reason: str
    stubborn: bool = False  #: trying again soon would not help
    held: float = 0.0  #: seconds that it was bound


def _counts(meaning: str) -> int:
    value: int = field(default=0, metadata={"help": meaning})
    return value


@dataclass(slots=True)
class Counts:
    """What happened on a link since the start; only ever grows."""

    mo: int = _counts("Texts received, parts and retransmissions included.")
    receipts: int = _counts("Delivery receipts received.")
    busy: int = _counts("Texts and receipts turned away because too many waited.")
    sent: int = _counts("submit_sm sent, each try counted.")
    taken: int = _counts("MTs that the SMSC took.")
    taken_late: int = _counts("MTs that the SMSC took after we had given up its answer.")
    postponed: int = _counts("MTs that the SMSC wants later.")
    throttled: int = _counts("MTs that the SMSC wants later because the link is too fast.")
    barred: int = _counts("MTs that the SMSC refused because they come from our short code.")
    refused: int = _counts("MTs that the SMSC will never take.")
    unanswered: int = _counts("MTs whose answer never came.")
    binds: int = _counts("Binds that the SMSC accepted.")
    losses: int = _counts("Bound sessions that ended without our wish.")


class Backoff:
    """How long to wait before the next try: longer each time, never all at the same moment."""

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most
        self._tries = 0
        self._last = 0.0

    def after(self, ending: Ending) -> float:
        """Seconds to wait after *ending*."""
        if ending.stubborn:
            return self._most
        # A bind that held longer than the wait before it was a good one: a line that works
        # comes back fast, one that only pretends to work does not.
        if ending.held > self._last:
            self._tries = 0
        ceiling = min(self._most, self._least * 2**self._tries)
        self._tries = min(self._tries + 1, 30)
        self._last = max(self._least, random.uniform(ceiling / 2, ceiling))  # noqa: S311
        return self._last


class _SessionIds:
    """Numbers that no session had before, also in an earlier life of the process."""

    _last = 0

    @classmethod
    def next(cls) -> int:
        cls._last = max(cls._last + 1, clock.stamp(clock.now()))
        return cls._last


class Connection(asyncio.Protocol):
    """One TCP connection with one session, from the bind request to the last octet."""

    session: Session
    _transport: asyncio.Transport

    def __init__(self, line: "Line") -> None:
        self.line = line
        self.link = line.link
        self.over: asyncio.Future[Ending] = line.loop.create_future()
        self.bound_at: float | None = None
        self.writable = True
        self._loop = line.loop
        self._ending: Ending | None = None  # the first reason is the true one
        self._unbinding = False
        self._lost = False
        self._timer: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    # --- called by asyncio ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(high=WRITE_BUFFER_OCTETS)
        self.session = Session(
            self.line.settings, _SessionIds.next(), self._loop.time(), watch=self.link.watch
        )
        if log.isEnabledFor(TRACE):
            self.session.trace = partial(log.log, TRACE, "%s: %s", self.line)
        self.link.sessions[self.session.session_id] = self
        self.line.connection = self
        self.flush()

    def data_received(self, data: bytes) -> None:
        if not self._is_over():
            now = self._loop.time()
            was_behind = self.session.is_behind
            self._handle(self.session.receive(data, now, in_slices=True), now)
            if self.session.is_behind and not was_behind:
                # A read of thousands of PDUs: others have their turn between two slices of it,
                # and nothing more is read meanwhile.
                self._transport.pause_reading()
                self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Work off the next slice of what was read."""
        if not self._is_over() or self._lost:
            self._handle(self.session.go_on(), self._loop.time())
        else:
            self.session.forget_rest()
        if self.session.is_behind:
            self._loop.call_soon(self._go_on)
        elif self._lost:
            self._finish()
        elif self.writable:
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        # What the peer asks makes answers; who does not read those is not asked for more.
        self.writable = False
        self._transport.pause_reading()
        patience = self.line.settings.response_timeout
        self._stall = self._loop.call_later(
            patience, self.drop, f"the SMSC reads nothing for {patience:g} s"
        )

    def resume_writing(self) -> None:
        self.writable = True
        if self._stall:
            self._stall.cancel()
        if not self.session.is_behind:
            self._transport.resume_reading()
        self.link.flush()
        self.link.desk.ring(self.link.name, replies=False)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._timer, self._stall):
            if timer:
                timer.cancel()
        ending = self._ending = self._ending or self._because(exc)
        if self.bound_at is not None:
            self._ending = ending._replace(held=self._loop.time() - self.bound_at)
        self.writable = False
        self._lost = True
        if not self.session.is_behind:  # else what came before the end is worked off first
            self._finish()

    def _finish(self) -> None:
        ending = self._ending
        assert ending is not None  # noqa: S101 - the connection is lost
        try:
            self.link.ended(self, ending)
        finally:  # whatever happens, the line goes on
            if not self.over.done():
                self.over.set_result(ending)

    def _because(self, exc: Exception | None) -> Ending:
        reason = explain(exc, self.link.smsc) if exc else "the SMSC closed the connection"
        if self.bound_at is None:
            reason += " before it answered the bind"
            if self.link.smsc.tls and exc is None:
                reason += "; does it refuse our certificate (tls_cert_file)?"
        return Ending(reason)

    # --- called by link and line ----------------------------------------------------------------

    def flush(self) -> None:
        """Write everything that the session gathered, in one piece, and set its timer."""
        outgoing = self.session.take_outgoing()
        if self._transport.is_closing():
            return
        if outgoing:
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

    def unbind(self) -> None:
        """Take leave; what still arrives is answered, and the end comes as `over`."""
        if self._unbinding:
            return
        self._unbinding = True
        if self.bound_at is None:
            self.close("stopped")
            return
        self.session.unbind(self._loop.time())
        self.flush()

    def close(self, reason: str, *, stubborn: bool = False) -> None:
        """End the connection once everything gathered is written."""
        self._ending = self._ending or Ending(reason, stubborn)
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
            log.exception("link %s: a fault of the gateway ends the session", self.link.name)
            self.drop("fault of the gateway; see the log")
            return
        if events:
            self.link.desk.turn()
            self.link.flush()  # an answer makes room for the next MT
        else:
            self.flush()

    def _on_event(self, event: Event, now: float) -> None:
        link = self.link
        # A chain and not one match: these two kinds are nearly all of the traffic, and a class
        # pattern costs an isinstance() each.
        if type(event) is MoReceived:
            mo, ticket = event
            refusal = _LATER if link.stopping else link.desk.received(link, mo, ticket)
            if refusal is None:
                link.counts.mo += 1
            else:
                self._refuse(ticket, refusal)
            return
        if type(event) is Taken:
            link.settle(event, now)
            return
        match event:
            case ReceiptReceived(receipt, ticket):
                session = self.session.session_id
                refusal = (
                    _LATER if link.stopping else link.desk.receipt(link, receipt, ticket, session)
                )
                if refusal is None:
                    link.counts.receipts += 1
                else:
                    self._refuse(ticket, refusal)
            case Postponed() | Refused() | Unanswered():
                link.settle(event, now)
            case TakenLate(taken):
                link.counts.taken_late += 1
                link.desk.settled(taken, link.name)
            case Bound(smsc_system_id):
                self.bound_at = now
                self.line.bound(smsc_system_id)
            case Odd(kind, detail):
                link.odd(kind, detail=detail)
            case BindRefused(status, reason):
                self.close(reason, stubborn=waits_long(status))
            case PeerUnbound():
                self.close("the SMSC unbound")
            case Unbound():
                self.close("stopped")
            case Lost(reason):
                self.flush()  # a generic_nack may say what was wrong
                self.drop(reason)

    def _refuse(self, ticket: int, answer: Answer) -> None:
        """The desk does not have it: it is answered here, and nothing is kept."""
        if not self.link.stopping:
            self.link.counts.busy += 1
            self.link.odd(Oddity.THROTTLED, detail="too many wait for their answer")
        self.session.answer(ticket, answer)


class Line:
    """One bind of a link, kept alive."""

    def __init__(self, link: "Link", mode: BindMode) -> None:
        self.link = link
        self.mode = mode
        self.loop = asyncio.get_running_loop()
        self.state = LinkState.CONNECTING
        self.reason: str | None = None
        self.connection: Connection | None = None
        smsc = link.smsc
        self.settings = SessionSettings(
            link=smsc.name,
            system_id=smsc.system_id,
            password=smsc.password.get_secret_value(),
            system_type=smsc.system_type,
            mode=mode,
            window=smsc.window,
            enquire_link_interval=smsc.enquire_link_interval.total_seconds(),
            response_timeout=smsc.response_timeout.total_seconds(),
            alphabet=smsc.default_alphabet,
            receipts=smsc.receipts,
            validity_period=smsc.validity_period,
            source=Address(link.shortcode, smsc.source_ton, smsc.source_npi),
        )
        self._resolver = Resolver()
        self._backoff = Backoff(
            smsc.reconnect_min.total_seconds(), smsc.reconnect_max.total_seconds()
        )

    @property
    def transmits(self) -> bool:
        return self.mode is not BindMode.RECEIVER

    async def keep(self) -> None:
        """Hold the bind until the link stops; never two connections at once."""
        while not self.link.stopping:
            self._change(LinkState.CONNECTING, self.reason)
            try:
                connection = await connect(self.link.smsc, lambda: Connection(self), self._resolver)
                self._warn_if_in_clear(connection)
                ending = await connection.over
            except ConnectFault as fault:
                ending = Ending(str(fault))
            except Exception:
                log.exception("%s: a fault of the gateway", self)
                ending = Ending("fault of the gateway; see the log")
            if self.link.stopping:
                return
            delay = self._backoff.after(ending)
            log.warning("%s: %s; next try in %.1f s", self, ending.reason, delay)
            self._change(LinkState.WAITING, ending.reason)
            await asyncio.sleep(delay)

    def bound(self, smsc_system_id: str) -> None:
        smsc = self.link.smsc
        log.info("%s: bound to %s:%d (%s)", self, smsc.host, smsc.port, smsc_system_id)
        self.link.counts.binds += 1
        self._change(LinkState.BOUND, None)

    def _change(self, state: LinkState, reason: str | None) -> None:
        self.state, self.reason = state, reason
        self.link.changed()

    def _warn_if_in_clear(self, connection: Connection) -> None:
        peer = connection._transport.get_extra_info("peername")  # noqa: SLF001  of this file
        if not self.link.smsc.tls and peer and is_public(peer[0]) and not self.link.warned:
            self.link.warned = True
            log.warning(
                "%s: bind password and texts cross the internet in clear to %s; "
                "set tls, or use a VPN",
                self,
                peer[0],
            )

    def __str__(self) -> str:
        kind = "" if self.mode is BindMode.TRANSCEIVER else f" {self.mode}"
        return f"link {self.link.name}{kind}"


@dataclass(slots=True)
class _OddSpell:
    """A time in which a kind of oddity came again and again."""

    since: float  #: loop time
    last: float
    count: int = 0


class Link:
    """One carrier; what the desk sees is its `desk.Port`."""

    def __init__(
        self,
        smsc: SmscSettings,
        shortcode: str,
        desk: Desk,
        on_change: Callable[["Link"], None],
        watch: Watch | None = None,
        oddities: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """
        Args:
            on_change: called when `status` is another, and soon after `oddities` are.
            watch: told by the sessions of each large PDU.
            oddities: what was counted before the start.
        """
        self.smsc = smsc
        self.name = smsc.name
        self.carrier = smsc.carrier
        self.shortcode = shortcode
        self.desk = desk
        self.counts = Counts()
        self.watch = watch
        self.oddities = Counter(oddities)  #: kind -> how often, ever
        self._odd_spells: dict[str, _OddSpell] = {}
        self._odd_timer: asyncio.TimerHandle | None = None  # only while something is odd
        self._odd_teller: asyncio.TimerHandle | None = None
        self.sessions: dict[int, Connection] = {}
        self.pace = Pace(smsc.max_per_second)
        self.stopping = False
        self.warned = False
        self.lines = [Line(self, mode) for mode in MODES[smsc.bind]]
        #: Why it takes no text of ours though it is bound; None: it does, as far as we know.
        self.fault: str | None = None
        #: The state, and in words why it is not bound, or of little use.
        self.status: tuple[LinkState, str | None] = (LinkState.STOPPED, None)
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[None]] = []
        # (held since, MT); replies to citizens go before reminders.
        self._replies: deque[tuple[float, Mt]] = deque()
        self._reminders: deque[tuple[float, Mt]] = deque()
        #: Ids of texts that the SMSC did not want when it was asked whether it takes some: others
        #: are asked with, if there are any.
        self._unwanted: deque[int] = deque(maxlen=MAX_UNWANTED)
        self._landed = asyncio.Event()
        self._landed.set()
        self._timer: asyncio.TimerHandle | None = None

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        self.desk.attach(self)
        self._tasks = [asyncio.create_task(line.keep(), name=str(line)) for line in self.lines]

    def quiesce(self) -> None:
        """First step of the end: take no more MOs, send no more MTs, start no connection."""
        self.stopping = True
        self._give_back("the gateway stops")
        if self.in_flight:
            self._landed.clear()
        for line, task in zip(self.lines, self._tasks, strict=True):
            if line.connection is None:
                task.cancel()

    async def close(self) -> None:
        """Last step: read the answers that are still to come, unbind, close. Takes up to twice
        the response_timeout. Call it after `quiesce` and the desk's drain."""
        patience = self.smsc.response_timeout.total_seconds()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._landed.wait()
        for connection in list(self.sessions.values()):
            connection.unbind()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience)
        for connection in list(self.sessions.values()):
            connection.drop("the SMSC did not answer our unbind")
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LINGER_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for timer in (self._timer, self._odd_timer, self._odd_teller):
            if timer:
                timer.cancel()
        self.desk.detach(self)
        self._show(LinkState.STOPPED, None)

    # --- Port: what the desk asks for -----------------------------------------------------------

    def answer(self, session: int, ticket: int, answer: Answer) -> None:
        """Answer an MO or receipt on the session that brought it, if that still lives."""
        connection = self.sessions.get(session)
        if connection:
            connection.session.answer(ticket, answer)

    def holds(self, session: int) -> bool:
        """Whether that session still lives."""
        return session in self.sessions

    def room(self, *, replies: bool = False) -> int:
        """How many more MTs are wanted now: enough to keep the window full, and no more than
        can leave before they would have to be given back.

        Args:
            replies: so many replies, which leave before all reminders that are held.
        """
        sender = self._sender()
        if sender is None or self.stopping or not sender.writable:
            return 0
        useful = 2 * self.smsc.window
        held = len(self._replies) if replies else self.held
        if not self.pace.allowance(self._loop.time()):
            if self.pace.probing and held < useful:
                # What was refused already makes room for another one to ask with.
                held -= self._held_unwanted(replies)
            useful = 1  # the next one, which wakes us when the pace allows it
        if self.smsc.max_per_second:
            useful = min(useful, max(1, int(self.smsc.max_per_second * MAX_HOLD_SECONDS / 2)))
        return max(0, useful - sender.session.in_flight - held)

    def send(self, mts: Sequence[Mt]) -> None:
        """Send *mts* as soon as window and pace allow; `flush` starts it."""
        now = self._loop.time()
        for mt in mts:
            (self._reminders if mt.reminder else self._replies).append((now, mt))

    def take_back(self, mt_id: int) -> Mt | None:
        """Take an MT out of what waits here for window or pace; None: it is not here, or on its
        way already."""
        for queue in (self._replies, self._reminders):
            for place, (_, mt) in enumerate(queue):
                if mt.id == mt_id:
                    del queue[place]
                    return mt
        return None

    def flush(self) -> None:
        """Write everything gathered since the last call."""
        self.pump(self._loop.time())
        for connection in list(self.sessions.values()):
            connection.flush()

    def odd(self, kind: str, count: int = 1, detail: str = "") -> None:
        """Count what the peer did against the standard; say so when it begins and when it ends."""
        if kind not in self.oddities and len(self.oddities) >= MAX_ODDITIES:
            kind = "other"
        self.oddities[kind] += count
        now = self._loop.time()
        spell = self._odd_spells.get(kind)
        if spell is None:
            self._odd_spells[kind] = spell = _OddSpell(now, now)
            said = f": {detail}" if detail else ""
            log.warning("odd link=%s kind=%s begins%s", self.name, kind, said)
            if self._odd_timer is None:
                self._odd_timer = self._loop.call_later(ODDITY_ENDS_SECONDS, self._end_oddities)
        spell.last = now
        spell.count += count
        if self._odd_teller is None:
            self._odd_teller = self._loop.call_later(ODDITIES_TOLD_SECONDS, self._tell_oddities)

    def _tell_oddities(self) -> None:
        self._odd_teller = None
        self._on_change(self)

    def _end_oddities(self) -> None:
        self._odd_timer = None
        now = self._loop.time()
        for kind, spell in list(self._odd_spells.items()):
            if spell.last + ODDITY_ENDS_SECONDS <= now:
                del self._odd_spells[kind]
                log.info(
                    "odd link=%s kind=%s ends: %d in %d s",
                    self.name, kind, spell.count, spell.last - spell.since,
                )  # fmt: skip
        if self._odd_spells:
            first = min(spell.last for spell in self._odd_spells.values())
            self._odd_timer = self._loop.call_at(first + ODDITY_ENDS_SECONDS, self._end_oddities)

    # --- MTs ------------------------------------------------------------------------------------

    @property
    def held(self) -> int:
        """MTs that wait here for window or pace."""
        return len(self._replies) + len(self._reminders)

    @property
    def in_flight(self) -> int:
        """submit_sm that await their answer."""
        return sum(connection.session.in_flight for connection in self.sessions.values())

    @property
    def able(self) -> bool:
        """Whether MTs can leave by this link now."""
        return self._sender() is not None and not self.stopping

    def _sender(self) -> Connection | None:
        """The connection by which MTs can leave, if one is bound."""
        for line in self.lines:
            if line.transmits and line.state is LinkState.BOUND:
                return line.connection
        return None

    def pump(self, now: float) -> None:
        """Hand MTs to the session, as many as window and pace allow; `flush` writes them."""
        if not (self._replies or self._reminders):
            return
        sender = self._sender()
        if sender is None or self.stopping:
            self._give_back("link lost")
            return
        count = 0
        if sender.writable:
            count = min(sender.session.room, self.pace.allowance(now), self.held)
            if count and self.pace.probing:
                self._choose_probe()
            for _ in range(count):
                _, mt = (self._replies or self._reminders).popleft()
                sender.session.submit(mt, now)
            self.counts.sent += count
            self.pace.sent(count, now)
        if self.held:
            self._set_timer(now, waits_for_pace=sender.writable and sender.session.room > 0)

    def settle(self, result: SubmitResult, now: float) -> None:
        """An MT that was sent has its answer, or never gets one."""
        counts = self.counts
        match result:
            case Taken():
                counts.taken += 1
                self.pace.accepted(now)
                if self._unwanted:
                    self._unwanted.clear()
                if self.fault and not self.pace.barred:
                    self._heal()
            case Postponed():
                counts.postponed += 1
                self._slow_down(result, now)
            case Refused():
                counts.refused += 1
                if not self.pace.barred:
                    self.pace.accepted(now)  # the link, though not the text
            case Unanswered():
                counts.unanswered += 1
        self.desk.settled(result, self.name)
        if self.stopping and not self.in_flight:
            self._landed.set()

    def _slow_down(self, result: Postponed, now: float) -> None:
        """What a refusal of one text says about the others."""
        if result.throttled:
            self.counts.throttled += 1
            self.pace.throttled(now)
        elif result.full_for:
            self.pace.full(result.full_for, now)
        elif result.barred:
            self.counts.barred += 1
            self.pace.source_refused(now)
            self._fall_ill(result.reason)
        else:
            return
        self._unwanted.append(result.mt_id)

    def _fall_ill(self, status: str) -> None:
        """The SMSC refuses our short code: somebody has to know."""
        smsc = self.smsc
        fault = (
            f"the carrier refuses our short code {self.shortcode}, {status}. Check source_ton and "
            f"source_npi of [[smsc]] {smsc.name}, and ask the carrier"
        )
        if fault != self.fault:
            self.fault = fault
            log.error(
                "link %s: %s; texts wait, one asks again each %d s", smsc.name, fault, BARRED_PAUSE
            )
            self.changed()

    def _heal(self) -> None:
        self.fault = None
        log.warning("link %s: the carrier takes our short code again", self.name)
        self.changed()

    def _choose_probe(self) -> None:
        """Put to the front what asks whether the SMSC takes texts: one that it did not refuse."""
        for queue in (self._replies, self._reminders):
            for at, (_, mt) in enumerate(queue):
                if mt.id not in self._unwanted:
                    chosen = queue[at]
                    del queue[at]
                    (self._replies or self._reminders or queue).appendleft(chosen)
                    return

    def _held_unwanted(self, replies: bool) -> int:
        queues = (self._replies,) if replies else (self._replies, self._reminders)
        return sum(mt.id in self._unwanted for queue in queues for _, mt in queue)

    def ended(self, connection: Connection, ending: Ending) -> None:
        """*connection* is gone: what it had in flight, and what waited for it, goes back."""
        session = connection.session.session_id
        self.sessions.pop(session, None)
        self.desk.session_ended(session)
        connection.line.connection = None
        now = self._loop.time()
        for result in connection.session.abandon(ending.reason):
            self.settle(result, now)
        if connection.bound_at is not None and not self.stopping:
            self.counts.losses += 1
        if connection.line.transmits:
            self._give_back("link lost")

    def _give_back(self, reason: str, since_before: float = inf) -> None:
        """Return MTs held since before that moment, so that nothing waits for its lease."""
        for queue in (self._replies, self._reminders):
            while queue and queue[0][0] < since_before:
                _, mt = queue.popleft()
                # Not the fault of this text: it is not counted as a try.
                self.desk.settled(Postponed(mt.id, reason, throttled=True), self.name)

    def _set_timer(self, now: float, waits_for_pace: bool) -> None:
        """Come back when the pace allows the next MT, or the oldest was held for too long."""
        fronts = [queue[0][0] for queue in (self._replies, self._reminders) if queue]
        at = min(fronts) + MAX_HOLD_SECONDS
        if waits_for_pace:
            at = min(at, self.pace.next_chance(now))
        at = max(at, now + TIMER_GRAIN_SECONDS)
        if self._timer is None or at < self._timer.when():
            if self._timer:
                self._timer.cancel()
            self._timer = self._loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._give_back(self.fault or "the link is too slow", self._loop.time() - MAX_HOLD_SECONDS)
        self.flush()
        self.desk.ring(self.name, replies=False)  # there may be room again

    # --- state ----------------------------------------------------------------------------------

    def changed(self) -> None:
        """A line came or went: the link is bound when all its lines are."""
        for state in (LinkState.WAITING, LinkState.CONNECTING, LinkState.BOUND):
            for line in self.lines:
                if line.state is state:
                    reason = line.reason
                    if reason and len(self.lines) > 1:
                        reason = f"{line.mode}: {reason}"
                    if state is LinkState.BOUND:
                        reason = self.fault
                    self._show(state, reason)
                    if self._sender():
                        self.desk.ring(self.name)
                    return

    def measure(self) -> Iterator[tuple[str, str, float]]:
        """Name, meaning and value of everything that is counted; totals only grow."""
        yield "bound", "1 while the link is bound.", self.status[0] is LinkState.BOUND
        yield "barred", "1 while the SMSC refuses our short code.", self.fault is not None
        yield "held", "MTs that wait for window or pace.", self.held
        yield "in_flight", "submit_sm that await their answer.", self.in_flight
        for count in fields(self.counts):
            yield f"{count.name}_total", count.metadata["help"], getattr(self.counts, count.name)

    def _show(self, state: LinkState, reason: str | None) -> None:
        if self.status != (state, reason):
            self.status = (state, reason)
            self._on_change(self)
