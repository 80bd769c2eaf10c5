"""The desk between links and gateway: everything that came in since the last commit is one batch.

The store has one owner, a worker thread; the loop hands it a batch and goes on. What arrives while
a commit is being written waits here and is the next batch, so that a burst costs few commits and a
single text no delay. After the commit the answers go back to the sessions, the replies to the
links, and only then is anything written to a socket, once a link; meanwhile the store writes the
next batch.

    received, receipt, settled  ->  batch  ->  gateway.commit  ->  answer, send, flush
    ring, a timer, room         ->  gateway.claim              ->  send, flush

No coroutine waits for the store: what it has done comes back as a call (`_committed`, `_claimed`,
`_probed`), and `turn` is the one place that gives it something to do.

Waiting states: an MO that the store could not take is answered (try again later) and forgotten;
a settlement that it could not take waits and is offered again; a registration without a ready
password waits for the hashers, links and senders in turn, while its session lives; a copy of a text
that is not answered yet waits with the first. `StoreLost` ends the desk, and with it the process.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial, wraps
from math import inf
from typing import Any, NamedTuple, Protocol, TypeVar

from smsgw import clock
from smsgw.gateway import Batch, Claim, Done, Gateway
from smsgw.model import Answer, Mo, Mt, Outcome, Receipt, SubmitResult, from_tuple
from smsgw.passwords import Stock
from smsgw.store import StoreLost, StoreUnavailable
from smsgw.turns import Turns
from smsgw.worker import Worker

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Before a store that failed is tried again for what only we can repeat.
RETRY_SECONDS = 1.0
#: Who would wait longer than this for a password is told *later* at once.
LONGEST_WAIT_SECONDS = 5.0
#: A timer of the wall clock is looked at again by then, in case somebody set the clock.
LONGEST_SLEEP_SECONDS = 60.0
#: Two lines on texts in the log are at least this far apart.
SECONDS_BETWEEN_LINES = 0.1
#: More in one transaction would make the first wait for the last.
MAX_BATCH = 1000
#: Texts and receipts of one link that may wait for their answer, those of its earlier sessions
#: included. Past it the SMSC is told to slow down (ESME_RTHROTTLED), and nothing is kept.
MAX_WAITING = 2000
#: And their octets: a text may have 64 KiB.
MAX_WAITING_OCTETS = 4 * 1024 * 1024
#: Texts of one sender that may wait; parts of a long one are 255 at most. Further ones are wanted
#: later.
MAX_OF_SENDER = 300


class Port(Protocol):
    """What the desk needs of a link."""

    @property
    def name(self) -> str: ...

    @property
    def carrier(self) -> str:
        """Links of one carrier may bring a text once each, if its SMSC sends it again."""

    def holds(self, session: int) -> bool:
        """Whether that session of it still lives, and can be answered."""

    def answer(self, session: int, ticket: int, answer: Answer) -> None:
        """Answer an MO or receipt; of a session that is gone: nothing to do."""

    def room(self, *, replies: bool = False) -> int:
        """How many more MTs (or replies, which pass reminders) it can hold now; 0 while it cannot
        transmit."""

    def send(self, mts: Sequence[Mt]) -> None:
        """Send these, which are leased, as window and pace allow."""

    def odd(self, kind: str, count: int = 1) -> None:
        """Something of that kind was strange on this link, so often."""

    def flush(self) -> None:
        """Write what was gathered since the last time, in one piece."""


#: Whose text it is: the carrier, and the number as it writes it.
_Sender = tuple[str, str]


class _Arrival(NamedTuple):
    port: Port
    mo: Mo
    ticket: int
    sender: _Sender
    octets: int

    @property
    def link(self) -> str:
        return self.port.name

    @property
    def session(self) -> int:
        return self.mo.session


class _ReceiptArrival(NamedTuple):
    port: Port
    receipt: Receipt
    ticket: int
    session: int
    octets: int


@dataclass(slots=True)
class _Waiting:
    """What of one link waits for its answer."""

    texts: int = 0  #: receipts included, copies not
    octets: int = 0


class _AtWork(NamedTuple):
    """A batch that the store is writing."""

    batch: Batch
    arrivals: list[_Arrival]
    receipts: list[_ReceiptArrival]
    results: list[tuple[str, SubmitResult]]
    released: int  #: so many of the first arrivals had waited for a password, and have one
    started: float  #: loop time


class _Tale:
    """One line in the log for the texts of a batch; under load, for those of a tenth of a second.

    A line costs as much as the commit of a text, so that at thousands a second they would be what
    limits the gateway.
    """

    def __init__(self) -> None:
        self._links: set[str] = set()
        self._outcomes: Counter[Outcome] = Counter()
        self._longest = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, links: set[str], outcomes: Counter[Outcome], seconds: float) -> None:
        self._links |= links
        _count(self._outcomes, outcomes)
        self._longest = max(self._longest, seconds)
        if self._timer is None:
            self._tell()

    def _tell(self) -> None:
        self._timer = None
        if self._outcomes:
            counts = " ".join(f"{outcome}={n}" for outcome, n in self._outcomes.items())
            log.info("mo link=%s %s ms=%d", ",".join(self._links), counts, self._longest * 1000)
            self._links, self._outcomes, self._longest = set(), Counter(), 0.0
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(SECONDS_BETWEEN_LINES, self._tell)


def _must_not_fail(step: Callable[..., None]) -> Callable[..., None]:
    """What *step* of a desk raises ends it: nobody waits for a callback who would hear of it."""

    @wraps(step)
    def guarded(desk: "Desk", *args: Any) -> None:
        if not desk._end.done():  # noqa: SLF001  a method, written outside of its class
            try:
                step(desk, *args)
            except Exception as fault:
                desk._end.set_exception(fault)  # noqa: SLF001

    return guarded


class Desk:
    """Gathers what comes in, has it stored, and hands out what follows from it.

    Lives on the event loop; calls the gateway only on the store's thread.
    """

    def __init__(self, gateway: Gateway, worker: Worker, stock: Stock) -> None:
        self._gateway = gateway
        self._worker = worker
        self._stock = stock
        self._ports: dict[str, Port] = {}
        self._arrivals: list[_Arrival] = []
        self._parked: Turns[_Arrival] = Turns()  # registrations that wait for the hashers
        self._released = 0  # of those, how many stand in front of the arrivals again
        #: What is not answered yet: of each sender by fingerprint the copies that came meanwhile.
        self._texts: dict[_Sender, dict[int, list[_Arrival] | None]] = {}
        self._waiting: defaultdict[str, _Waiting] = defaultdict(_Waiting)  # by link
        self._receipts: list[_ReceiptArrival] = []
        self._results: list[tuple[str, SubmitResult]] = []
        self._due: dict[str, float] = {}  # link -> loop time at which to claim
        # link -> loop time from which replies, and not only reminders, wait for that
        self._owed: dict[str, float] = {}
        self._claiming: dict[str, bool] = {}  # link that the store claims for -> were replies owed
        self._at_work: _AtWork | None = None
        self._probing = False
        self._loop = asyncio.get_running_loop()
        self._end: asyncio.Future[None] = self._loop.create_future()
        self._turn_comes = False
        self._idle = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._told = _Tale()
        self._retry_at = 0.0  # loop time at which a store in trouble is tried again
        self.trouble: str | None = None  #: why the store takes nothing now
        self.outcomes: Counter[Outcome] = Counter()  #: since the start

    # --- from the links -----------------------------------------------------------------------

    def attach(self, port: Port) -> None:
        """A link is there. It rings when it can transmit."""
        self._ports[port.name] = port

    def detach(self, port: Port) -> None:
        self._ports.pop(port.name, None)

    def received(self, port: Port, mo: Mo, ticket: int) -> Answer | None:
        """Store *mo*, then answer it.

        A copy of a text that is not answered yet waits with the first and gets its answer; it is
        neither counted nor stored. Who keeps many copies waiting is stopped by the session, which
        has so many tickets.

        Returns:
            What to answer at once instead, as too much waits already; None: it is kept.
        """
        _, _, address, text, fingerprint, part, _ = mo
        sender = port.carrier, address.number
        texts = self._texts.get(sender)
        octets = len(text) if text is not None else len(part.octets) if part else 0
        arrival = from_tuple(_Arrival, (port, mo, ticket, sender, octets))
        if texts is not None:
            if fingerprint in texts:
                self._wait_with_first(arrival, texts)
                return None
            if len(texts) >= MAX_OF_SENDER:
                return Answer.LATER
        waiting = self._waiting[port.name]
        if waiting.texts >= MAX_WAITING or waiting.octets + octets > MAX_WAITING_OCTETS:
            return Answer.BUSY
        waiting.texts += 1
        waiting.octets += octets
        if texts is None:
            self._texts[sender] = {fingerprint: None}
        else:
            texts[fingerprint] = None
        self._arrivals.append(arrival)
        self._wake()
        return None

    def receipt(self, port: Port, receipt: Receipt, ticket: int, session: int) -> Answer | None:
        """Store a delivery receipt, then answer it.

        Returns:
            What to answer at once instead, as for a text.
        """
        octets = len(receipt.smsc_id) + len(receipt.reason)
        if receipt.text is not None:
            octets += len(receipt.text.text or "")
        waiting = self._waiting[port.name]
        if waiting.texts >= MAX_WAITING or waiting.octets + octets > MAX_WAITING_OCTETS:
            return Answer.BUSY
        waiting.texts += 1
        waiting.octets += octets
        self._receipts.append(_ReceiptArrival(port, receipt, ticket, session, octets))
        self._wake()
        return None

    def session_ended(self, session: int) -> None:
        """That session is gone: what of it waits for a password is dropped, as are its copies.

        The SMSC sends them again. What stands before the store's next batch is stored.
        """
        for texts in self._texts.values():
            for fingerprint, copies in texts.items():
                if copies:
                    left = [copy for copy in copies if copy.mo.session != session]
                    texts[fingerprint] = left or None
        if self._parked:
            self._parked.end(session, self._heir)
            self._stock.wanted(len(self._parked))

    def settled(self, result: SubmitResult, link: str) -> None:
        """Store what the SMSC of *link* said to a submit_sm."""
        self._results.append((link, result))
        self._wake()

    def ring(self, link: str | None = None, *, replies: bool = True) -> None:
        """Something may be due on *link* (None: on any), or it can transmit again.

        Args:
            replies: some may wait that the desk does not know of; new ones queue behind them.
        """
        now = self._loop.time()
        for name in self._ports if link is None else (link,):
            self._due[name] = now
            if replies:
                self._owed[name] = now
        self._wake()

    def passwords_ready(self) -> None:
        """The stock has passwords again for registrations that wait."""
        spare = len(self._stock) - self._released
        if self._at_work:  # those may not have taken theirs yet; its end looks again
            spare -= self._at_work.released
        if self._parked and spare > 0:
            released = self._parked.take(spare)
            self._arrivals[self._released : self._released] = released
            self._released += len(released)
            self._wake()

    def _wait_with_first(self, copy: _Arrival, texts: dict[int, list[_Arrival] | None]) -> None:
        copies = texts[copy.mo.fingerprint]
        if copies is None:
            copies = texts[copy.mo.fingerprint] = []
        # The octets are the first's, which may be many: kept once.
        copies.append(copy._replace(mo=copy.mo._replace(text=None, part=None)))

    def _heir(self, first: _Arrival) -> _Arrival | None:
        """Drop *first*, whose session is gone; the copy that takes its place."""
        texts = self._texts[first.sender]
        copies = texts[first.mo.fingerprint]
        if not copies:
            self._forget(first)
            return None
        self._count(first, -1)
        heir = copies.pop(0)
        mo = heir.mo._replace(text=first.mo.text, part=first.mo.part)
        heir = heir._replace(mo=mo, octets=first.octets)
        self._count(heir, 1)
        return heir

    def _forget(self, arrival: _Arrival) -> list[_Arrival] | None:
        """*arrival* waits no more; the copies that waited with it."""
        port, mo, _, sender, octets = arrival
        waiting = self._waiting[port.name]
        waiting.texts -= 1
        waiting.octets -= octets
        texts = self._texts[sender]
        copies = texts.pop(mo.fingerprint)
        if not texts:
            del self._texts[sender]
        return copies

    def _count(self, arrival: _Arrival | _ReceiptArrival, change: int) -> None:
        waiting = self._waiting[arrival.port.name]
        waiting.texts += change
        waiting.octets += change * arrival.octets

    async def run_in_store(self, function: Callable[..., T], *args: Any) -> T:
        """Any other work for the store, in its thread and in its turn."""
        return await self._worker.do(function, *args)

    # --- life ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            StoreLost: the disk cannot be trusted any more; nothing more may be answered.
        """
        try:
            self._wake()
            await self._end
        finally:
            self._end.cancel()
            if self._timer:
                self._timer.cancel()

    async def drain(self) -> None:
        """Wait until everything received is committed and answered.

        Nothing is waited for that the SMSC still has: what wants a password, or a store that
        takes nothing now.
        """
        while (self._busy or self._waits()) and not self.trouble:
            self._idle.clear()
            self._wake()
            await self._idle.wait()

    @property
    def _busy(self) -> bool:
        return bool(self._at_work or self._claiming or self._probing)

    def _waits(self) -> bool:
        return bool(self._arrivals or self._receipts or self._results)

    # --- turns --------------------------------------------------------------------------------

    def _wake(self) -> None:
        """Have a turn, once all that is being read now is here."""
        if not self._turn_comes:
            self._turn_comes = True
            self._loop.call_soon(self.turn)

    @_must_not_fail
    def turn(self) -> None:
        """Give the store what has come in and what is due, or wait for what will be.

        Comes by itself after the calls above. Who has told all that there is at the moment may
        call it, so that a lone text need not wait for the loop to come round.
        """
        self._turn_comes = False
        if not self._at_work:
            self._at_work = self._hand_over()
        if not self._at_work:  # else the end of that batch is a turn, too
            self._go_on(_past(self._due, self._loop.time()))

    def _go_on(self, due: Collection[str]) -> None:
        """What a turn does when no batch waits, or behind the next one."""
        if self.trouble:
            # No claim: what is settled, but not yet stored, would be sent again.
            self._probe()
        else:
            for link in due:
                self._claim(link)
        self._set_timer()
        if not self._busy:
            self._idle.set()

    # --- a batch ------------------------------------------------------------------------------

    def _hand_over(self, leaving: Sequence[Mt] = ()) -> "_AtWork | None":
        """Give the store what has come in; *leaving* are replies that links are yet to get."""
        if not self._waits():
            return None
        arrivals, self._arrivals = self._arrivals[:MAX_BATCH], self._arrivals[MAX_BATCH:]
        receipts, self._receipts = self._receipts, []
        results, self._results = self._results, []
        taken = Counter(mt.link for mt in leaving)
        behind = _past(self._owed, self._loop.time())  # new replies queue behind older ones
        batch = Batch(
            [arrival.mo for arrival in arrivals],
            [arrival.receipt for arrival in receipts],
            results,
            {
                name: port.room(replies=True) - taken[name]
                for name, port in self._ports.items()
                if name not in behind and not self._claiming.get(name)
            },
            # Who waits for a password comes before who has just come.
            self._released if self._parked else None,
        )
        released = min(self._released, len(arrivals))
        self._released -= released
        self._worker.call(self._committed, self._gateway.commit, batch, clock.now())
        return _AtWork(batch, arrivals, receipts, results, released, self._loop.time())

    @_must_not_fail
    def _committed(self, done: Done | None, fault: BaseException | None) -> None:
        """A batch is on the disk, or not: start the next one, and tell what became of this one.

        While the store writes that, the answers and replies of this one leave: the two take about
        as long, and need the interpreter in turns.
        """
        before, self._at_work = self._at_work, None
        assert before is not None  # noqa: S101 - it was handed over
        if done is None:
            done = self._explain(fault, before)
        self._keep(done, before)
        due = _past(self._due, self._loop.time())
        # What only we can repeat is tried again by the timer, not at once.
        if not (self.trouble and self._results):
            self._at_work = self._hand_over(done.replies)
        self._follow_up(done, before)
        self._go_on(due)

    def _explain(self, fault: BaseException | None, at_work: "_AtWork") -> Done:
        """What to do after *fault*: nothing is answered as stored, the next batch may fare better.

        Raises:
            StoreLost: nothing more may be answered.
        """
        if isinstance(fault, StoreLost):
            raise fault
        log.error("desk: a batch failed", exc_info=fault)
        return Done.later(at_work.batch, type(fault).__name__)

    def _keep(self, done: Done, at_work: "_AtWork") -> None:
        """Put back what has to wait, before the next batch is made up."""
        self._is_in(done.trouble)
        if not done.settled:
            self._results[:0] = at_work.results
        for link, at in done.due.items():
            self._note(self._due, link, at)
            self._note(self._owed, link, at)
        again = [
            (place, waits)
            for place, (arrival, answer) in enumerate(
                zip(at_work.arrivals, done.answers, strict=True)
            )
            if answer is None and (waits := self._living(arrival))
        ]
        if done.passwords_wanted:
            self._park(again, at_work.released)
        else:
            self._arrivals[:0] = [arrival for _, arrival in again]
            if not self._parked:
                self._stock.wanted(0)
        # The stock may have been filled since it had none for these, or got some back.
        self.passwords_ready()

    def _park(self, arrivals: Sequence[tuple[int, _Arrival]], released: int) -> None:
        """Let these, each with its place in the batch, wait for a password.

        The first *released* had their turn before. Who would wait too long, by place and by what
        the hashers do, is told at once: the SMSC sends it again, and others wait less.
        """
        self._parked.put_back([arrival for place, arrival in arrivals if place < released])
        for place, arrival in arrivals:
            if place >= released:
                self._parked.add(arrival)
        touched: set[Port] = set()
        for arrival in self._parked.shed(max(1, int(self._stock.rate * LONGEST_WAIT_SECONDS))):
            self._answer(arrival, Answer.LATER, touched)
        for port in touched:
            port.flush()
        self._stock.wanted(len(self._parked))

    def _living(self, arrival: _Arrival) -> _Arrival | None:
        """*arrival*, or who takes its place where its session is gone."""
        if arrival.port.holds(arrival.mo.session):
            return arrival
        return self._heir(arrival)

    def _is_in(self, trouble: str | None) -> None:
        """The store takes nothing because of *trouble*; None: it does."""
        if self.trouble and not trouble:
            log.warning("store: takes messages again")
        self.trouble = trouble
        self._retry_at = self._loop.time() + RETRY_SECONDS

    def _probe(self) -> None:
        """See whether a store in trouble writes again, so that nobody has to text to find out."""
        if not self._busy and self._loop.time() >= self._retry_at:
            self._probing = True
            self._worker.call(self._probed, self._gateway.probe, clock.now())

    @_must_not_fail
    def _probed(self, _: None, fault: BaseException | None) -> None:
        self._probing = False
        if fault is not None and not isinstance(fault, StoreUnavailable):
            raise fault
        self._is_in(None if fault is None else str(fault))
        self._wake()

    def _follow_up(self, done: Done, at_work: "_AtWork") -> None:
        """The commit is over: answers and replies leave, in one write a link."""
        touched: set[Port] = set()
        for arrival, answer in zip(at_work.arrivals, done.answers, strict=True):
            if answer is not None:
                self._answer(arrival, answer, touched)
        for receipt, answer in zip(at_work.receipts, done.receipts, strict=True):
            self._count(receipt, -1)
            receipt.port.answer(receipt.session, receipt.ticket, answer)
            touched.add(receipt.port)
        by_link: dict[str, list[Mt]] = {}
        for mt in done.replies:
            by_link.setdefault(mt.link, []).append(mt)
        for link, mts in by_link.items():
            if link in self._ports:
                self._ports[link].send(mts)
                touched.add(self._ports[link])
        for port in touched:
            port.flush()
        for (link, kind), count in done.oddities.items():
            if link in self._ports:
                self._ports[link].odd(kind, count)
        if done.outcomes:
            took = self._loop.time() - at_work.started
            _count(self.outcomes, done.outcomes)
            self._told.add({arrival.port.name for arrival in at_work.arrivals}, done.outcomes, took)

    def _answer(self, arrival: _Arrival, answer: Answer, touched: set[Port]) -> None:
        """Answer a text and its copies; the ports are to be flushed."""
        port, mo, ticket, *_ = arrival
        port.answer(mo.session, ticket, answer)
        touched.add(port)
        for copy in self._forget(arrival) or ():
            copy.port.answer(copy.mo.session, copy.ticket, answer)
            touched.add(copy.port)

    # --- what is due --------------------------------------------------------------------------

    def _claim(self, link: str) -> None:
        """Have what is due of *link* taken out of the outbox, as much as it has room for."""
        port = self._ports.get(link)
        owed = self._owed.get(link, inf) <= self._loop.time()
        room, for_replies = (port.room(), port.room(replies=True)) if port else (0, 0)
        if port and (for_replies if owed else room) > 0 and link not in self._claiming:
            del self._due[link]
            self._owed.pop(link, None)
            self._claiming[link] = owed
            then = partial(self._claimed, port)
            self._worker.call(then, self._gateway.claim, link, for_replies, clock.now(), room)

    @_must_not_fail
    def _claimed(self, port: Port, claim: Claim | None, fault: BaseException | None) -> None:
        link = port.name
        del self._claiming[link]
        if claim is not None:
            if claim.mts:
                port.send(claim.mts)
                port.flush()
            if claim.next_due is not None:
                self._note(self._due, link, claim.next_due)
            if claim.reply_due is not None:
                self._note(self._owed, link, claim.reply_due)
        elif isinstance(fault, StoreUnavailable):
            log.error("store: %s", fault)
            self._is_in(str(fault))
            self._due[link] = self._owed[link] = self._retry_at
        elif fault is not None:
            raise fault
        self._wake()

    def _note(self, times: dict[str, float], link: str, at: datetime) -> None:
        """Note in *times* the loop time of *at*, unless an earlier one stands there."""
        wait = (at - clock.now()).total_seconds()
        # Looked at early rather than late: somebody may set the clock meanwhile.
        time = self._loop.time() + min(max(wait, 0.0), LONGEST_SLEEP_SECONDS)
        times[link] = min(times.get(link, time), time)

    def _set_timer(self) -> None:
        """Wake when the next text falls due. A link without room rings when it has some."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._due or self.trouble:
            now = self._loop.time()
            times = [at for at in self._due.values() if at > now]
            if self.trouble and not self._busy:  # else the end of what is at work is a turn
                times.append(max(self._retry_at, now))
            if times:
                self._timer = self._loop.call_at(min(times), self._wake)


def _count(totals: Counter[Outcome], more: Counter[Outcome]) -> None:
    """`totals += more`, which looks at all of them for what is not above 0."""
    for outcome, n in more.items():
        totals[outcome] += n


def _past(times: dict[str, float], now: float) -> list[str]:
    """The links whose time has come."""
    return [link for link, at in times.items() if at <= now]
