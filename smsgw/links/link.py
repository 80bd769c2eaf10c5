"""One carrier: its queue of MTs, its pace, its state; what the desk sees is its `desk.Port`.

A link has one line (transceiver) or two (receiver and transmitter). What arrives is given to the
desk, which answers after its commit; what the desk sends waits here, in memory, until window and
pace let it go. When a session dies everything goes back to the desk as a result: sent and
unanswered, or not sent at all. Knows time and queues, but no socket, no PDU, no account and no SQL.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from smsgw.config import BindType, SmscSettings
from smsgw.desk import Desk
from smsgw.histogram import Histogram
from smsgw.leases import Tenure
from smsgw.links.backoff import Ending
from smsgw.links.connect import is_public
from smsgw.links.connection import LINGER_SECONDS, Connection
from smsgw.links.counts import Counts
from smsgw.links.line import Line
from smsgw.links.oddities import Oddities
from smsgw.links.report import Report
from smsgw.links.sending import Sending
from smsgw.links.standing import Standing
from smsgw.model import Answer, LinkLive, LinkState, Mo, Oddity, Receipt, Taken
from smsgw.smpp.events import Watch
from smsgw.smpp.settings import BindMode

log = logging.getLogger("smsgw.links")

_LATER = Answer.LATER  # looking up an enum's member takes as long as several calls

MODES = {
    BindType.TRANSCEIVER: (BindMode.TRANSCEIVER,),
    BindType.RECEIVER_TRANSMITTER: (BindMode.RECEIVER, BindMode.TRANSMITTER),
}


class Link:
    """One carrier, from `start` to `close`.

    Attributes:
        carrier, shortcode, watch, counts, tenure: what it was made with; to be read.
    """

    def __init__(
        self,
        smsc: SmscSettings,
        shortcode: str,
        desk: Desk,
        on_change: Callable[["Link"], None],
        watch: Watch | None = None,
        *,
        oddities: Mapping[str, int] = MappingProxyType({}),
        counts: Counts | None = None,
        tenure: Tenure | None = None,
    ) -> None:
        """
        Args:
            on_change: called when `status` is another, and soon after `oddities` are.
            watch: told by the sessions of each large PDU.
            oddities: what was counted before the start.
            counts: of an earlier link of this name, which go on; None: it is the first.
            tenure: while this lasts, it may run here; None: it is nobody else's.
        """
        self._smsc = smsc
        self._name = smsc.name
        self.carrier = smsc.carrier
        self.shortcode = shortcode
        self._desk = desk
        self.watch = watch
        self.counts = counts or Counts()
        self._oddities = Oddities(smsc.name, oddities, lambda: on_change(self))
        self._sessions: dict[int, Connection] = {}
        self.tenure = tenure
        self._stopping = self._gone = False
        self._warned = False
        self._standing = Standing(self.counts, lambda: on_change(self))
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self._sending = Sending(
            smsc,
            shortcode,
            desk,
            self.counts,
            sender=self._sender,
            on_room=self.has_room,
            on_fault=self.changed,
            on_settled=self._look_whether_quiet,
        )
        # Nothing of its own to do here: a text costs enough. `send` waits for the next `flush`.
        self.settle, self.room = self._sending.settle, self._sending.room
        self.send, self.take_back = self._sending.send, self._sending.take_back
        self.odd = self._oddities.add
        self._landed = asyncio.Event()  # nothing awaits an answer of the SMSC, ...
        self._answered = asyncio.Event()  # ... or one of ours; both only while it ends
        self._lines = [Line(self, mode) for mode in MODES[smsc.bind]]

    # --- what it is -----------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._name

    @property
    def smsc(self) -> SmscSettings:
        return self._smsc

    @property
    def token(self) -> int | None:
        return None if self.tenure is None else self.tenure.token

    @property
    def oddities(self) -> Mapping[str, int]:
        """What the peer did against the standard: kind -> how often, ever."""
        return self._oddities.counts

    @property
    def status(self) -> tuple[LinkState, str | None]:
        """The state, and in words why it is not bound, or of little use."""
        return self._standing.status

    @property
    def sessions(self) -> Mapping[int, Connection]:
        """The connections that there are, by the number of their session."""
        return self._sessions

    @property
    def held(self) -> int:
        """MTs that wait here for window or pace."""
        return len(self._sending)

    @property
    def in_flight(self) -> int:
        """submit_sm that await their answer."""
        return sum(connection.session.in_flight for connection in self._sessions.values())

    @property
    def able(self) -> bool:
        """Whether MTs can leave by this link now."""
        return self._sender() is not None and not self._stopping

    def live(self) -> LinkLive:
        """What one looks at to know how it is."""
        tries = [line.next_try for line in self._lines if line.next_try]
        return self._standing.live(self._loop.time(), min(tries, default=None), self.oddities)

    def note_rate(self) -> None:
        """To be called every few seconds."""
        self._standing.note_rate(self._loop.time())

    def measure(self) -> Iterator[tuple[str, str, float | Histogram]]:
        """Name, meaning and value of everything that is counted; totals only grow."""
        yield "bound", "1 while the link is bound.", self.status[0] is LinkState.BOUND
        yield "barred", "1 while the SMSC refuses our short code.", self._sending.fault is not None
        yield "held", "MTs that wait for window or pace.", self.held
        yield "in_flight", "submit_sm that await their answer.", self.in_flight
        yield from self.counts.measure()

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        self._desk.attach(self)
        self._tasks = [line.start() for line in self._lines]

    def rest(self, told: str) -> None:
        """Instead of `start`: stay down. *told* says by whose wish."""
        self._standing.show(LinkState.STOPPED, told)

    @property
    def rests(self) -> bool:
        """Whether it was never started: nothing of it has to end."""
        return not self._tasks

    def discard(self) -> None:
        """Forget one that rests."""
        self._sending.close()
        self._oddities.close()

    def try_now(self) -> list[Report]:
        """What the try for each bind comes to that there is, or was; one that waits begins now."""
        return [line.try_now() for line in self._lines]

    @property
    def connections(self) -> list[tuple[BindMode, Connection | None]]:
        """The connection of each bind, where there is one."""
        return [(line.mode, line.connection) for line in self._lines]

    def follow_log(self) -> None:
        """Trace what goes over the wire, if the log wants it now."""
        for connection in self._sessions.values():
            connection.follow_log()

    def becomes(self, smsc: SmscSettings, shortcode: str) -> bool:
        """Take over what is new in *smsc* if that needs no bind; whether it needs none."""
        pace_aside = smsc.model_copy(update={"max_per_second": self._smsc.max_per_second})
        if shortcode != self.shortcode or pace_aside != self._smsc:
            return False
        if smsc.max_per_second != self._smsc.max_per_second:
            self._smsc = smsc
            self._sending.keep_to(smsc)
            self.has_room()
        return True

    def quiesce(self, reason: str = "the gateway stops") -> None:
        """First step of the end: take no more MOs, send no more MTs, start no connection."""
        if self._stopping:
            return
        self._stopping = True
        self._sending.stop(reason)
        self._look_whether_quiet()
        for line in self._lines:
            line.stop()

    def vanish(self) -> "asyncio.Future[Any]":
        """Another node may have it: end at once and without a word. What it holds is forgotten.
        Done with its last connection."""
        self._gone = self._stopping = True
        self._sending.forget()
        for line in self._lines:
            line.stop()
        for connection in list(self._sessions.values()):
            connection.drop("another node may have the link")
        self._sending.close()
        self._oddities.close()
        self._desk.detach(self)
        return asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Last step: read the answers that are still to come, unbind, close. Takes up to twice
        the response_timeout. Call it after `quiesce` and the desk's drain."""
        await self._close(self._landed)

    async def end(self) -> None:
        """Both steps, while others go on: what was received is answered before the unbind."""
        self.quiesce("the link ends")
        await self._close(self._landed, self._answered)

    async def _close(self, *quiet: asyncio.Event) -> None:
        patience = self._smsc.response_timeout.total_seconds()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                for event in quiet:
                    await event.wait()
        for connection in list(self._sessions.values()):
            connection.unbind()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience)
        for connection in list(self._sessions.values()):
            connection.drop("the SMSC did not answer our unbind")
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LINGER_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._sending.close()
        self._oddities.close()
        self._desk.detach(self)
        if not self.rests:
            self._standing.show(LinkState.STOPPED, None)

    def _look_whether_quiet(self) -> None:
        if not self.in_flight:
            self._landed.set()
        if not any(connection.session.unanswered for connection in self._sessions.values()):
            self._answered.set()

    # --- Port: what the desk asks for -----------------------------------------------------------

    def answer(self, session: int, ticket: int, answer: Answer) -> None:
        """Answer an MO or receipt on the session that brought it, if that still lives."""
        connection = self._sessions.get(session)
        if connection:
            connection.session.answer(ticket, answer)

    def holds(self, session: int) -> bool:
        """Whether that session still lives."""
        return session in self._sessions and not self._gone

    def lose(self, token: int | None) -> None:
        """The store says that another node has it, which ran here with that token."""
        if self.tenure is not None and self.tenure.token == token:
            self.tenure.lose()

    def flush(self) -> None:
        """Write everything gathered since the last call."""
        self._sending.pump(self._loop.time())
        for connection in list(self._sessions.values()):
            connection.flush()
        if self._stopping:
            self._look_whether_quiet()

    # --- what connections and lines tell --------------------------------------------------------

    def received(self, mo: Mo, ticket: int) -> Answer | None:
        """A text came; what to answer at once, or None: the desk has it."""
        if self._stopping:
            return _LATER
        refusal = self._desk.received(self, mo, ticket)
        if refusal is None:
            self.counts.mo += 1
        else:
            self._count_refusal()
        return refusal

    def receipt(self, receipt: Receipt, ticket: int, session: int) -> Answer | None:
        """A delivery receipt came; what to answer at once, or None: the desk has it."""
        if self._stopping:
            return _LATER
        refusal = self._desk.receipt(self, receipt, ticket, session)
        if refusal is None:
            self.counts.receipts += 1
        else:
            self._count_refusal()
        return refusal

    def _count_refusal(self) -> None:
        self.counts.busy += 1
        self.odd(Oddity.THROTTLED, detail="too many wait for their answer")

    def taken_late(self, taken: Taken) -> None:
        """The SMSC took what had been given up as unanswered."""
        self.counts.taken_late += 1
        self._desk.settled(taken, self._name)

    def has_told(self) -> None:
        """All that was read has been told: the desk may begin, and an answer makes room."""
        self._desk.turn()
        self.flush()

    def has_room(self) -> None:
        """More can leave than before."""
        self.flush()
        self._desk.ring(self._name, replies=False)

    def joined(self, connection: Connection) -> None:
        """A connection is open."""
        self._sessions[connection.session.session_id] = connection

    def left(self, connection: Connection, ending: Ending) -> None:
        """*connection* is gone: what it had in flight, and what waited for it, goes back."""
        session = connection.session
        self._sessions.pop(session.session_id, None)
        self._desk.session_ended(session.session_id)
        if self._gone:
            return
        now = self._loop.time()
        for result in session.abandon(ending.reason):
            self.settle(result, now)
        if connection.was_bound and not self._stopping:
            self.counts.losses += 1
        if session.settings.mode.transmits:
            self._sending.give_back("link lost")
        if self._stopping:
            self._look_whether_quiet()

    def bound(self) -> None:
        """The SMSC accepted a bind."""
        self.counts.binds += 1

    def connected_to(self, line: Line, peer: Any) -> None:
        """Warn once where everything crosses the internet in clear."""
        if not self._smsc.tls and peer and is_public(peer[0]) and not self._warned:
            self._warned = True
            log.warning(
                "%s: bind password and texts cross the internet in clear to %s; "
                "set tls, or use a VPN",
                line,
                peer[0],
            )

    def _sender(self) -> Connection | None:
        """The connection by which MTs can leave, if one is bound."""
        for line in self._lines:
            if (sender := line.sender) is not None:
                return sender
        return None

    # --- state ----------------------------------------------------------------------------------

    def changed(self) -> None:
        """A line came or went: the link is bound when all its lines are."""
        for state in (LinkState.WAITING, LinkState.CONNECTING, LinkState.BOUND):
            for line in self._lines:
                if line.state is state:
                    reason = line.reason
                    if reason and len(self._lines) > 1:
                        reason = f"{line.mode}: {reason}"
                    if state is LinkState.BOUND:
                        reason = self._sending.fault
                    self._standing.show(state, reason)
                    if self._sender():
                        self._desk.ring(self._name)
                    return
