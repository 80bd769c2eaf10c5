"""The desk between links and gateway: everything that came in since the last commit is one batch.

The store has one owner, a worker thread; the loop hands it a batch and goes on. What arrives while
a commit is being written waits here and is the next batch, so that a burst costs few commits and a
single text no delay. After the commit the answers go back to the sessions, the replies to the
links, and only then is anything written to a socket, once a link; meanwhile the store writes the
next batch.

    received, receipt, settled  ->  batch  ->  gateway.commit  ->  answer, send, flush
    ring, a timer, room         ->  gateway.claim              ->  send, flush

Waiting states: an MO that the store could not take is answered (try again later) and forgotten;
a settlement that it could not take waits and is offered again; a registration without a ready
password waits for the hashers. `StoreLost` ends the desk, and with it the process.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from math import inf
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, TypeVar

from smsgw import clock
from smsgw.gateway import Batch, Done, Gateway
from smsgw.model import Answer, Mo, Mt, Outcome, Receipt, SubmitResult, from_tuple
from smsgw.passwords import Stock
from smsgw.store import StoreLost, StoreUnavailable
from smsgw.worker import Worker

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Before a store that failed is tried again for what only we can repeat.
RETRY_SECONDS = 1.0
#: A timer of the wall clock is looked at again by then, in case somebody set the clock.
LONGEST_SLEEP_SECONDS = 60.0
#: Two lines on texts in the log are at least this far apart.
SECONDS_BETWEEN_LINES = 0.1
#: More in one transaction would make the first wait for the last.
MAX_BATCH = 1000


class Port(Protocol):
    """What the desk needs of a link."""

    @property
    def name(self) -> str: ...

    def answer(self, session: int, ticket: int, answer: Answer) -> None:
        """Answer an MO or receipt; of a session that is gone: nothing to do."""

    def room(self) -> int:
        """How many more MTs it can hold now; 0 while it cannot transmit."""

    def send(self, mts: Sequence[Mt]) -> None:
        """Send these, which are leased, as window and pace allow."""

    def flush(self) -> None:
        """Write what was gathered since the last time, in one piece."""


class _Arrival(NamedTuple):
    port: Port
    mo: Mo
    ticket: int
    number: int  #: the how manieth


class _ReceiptArrival(NamedTuple):
    port: Port
    receipt: Receipt
    ticket: int
    session: int


class _AtWork(NamedTuple):
    """A batch that the store is writing."""

    batch: Batch
    arrivals: list[_Arrival]
    receipts: list[_ReceiptArrival]
    results: list[tuple[str, SubmitResult]]
    started: float  #: loop time
    done: "asyncio.Future[Done]"


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
        self._outcomes += outcomes
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
        self._parked: list[_Arrival] = []  # registrations that wait for the hashers
        self._released = 0  # of those, how many stand in front of the arrivals again
        self._received = 0
        self._receipts: list[_ReceiptArrival] = []
        self._results: list[tuple[str, SubmitResult]] = []
        self._due: dict[str, float] = {}  # link -> loop time at which to claim
        self._wake = asyncio.Event()
        self._busy = False
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

    def received(self, port: Port, mo: Mo, ticket: int) -> None:
        """Store *mo*, then answer it."""
        self._received += 1
        self._arrivals.append(from_tuple(_Arrival, (port, mo, ticket, self._received)))
        self._wake.set()

    def receipt(self, port: Port, receipt: Receipt, ticket: int, session: int) -> None:
        """Store a delivery receipt, then answer it."""
        self._receipts.append(_ReceiptArrival(port, receipt, ticket, session))
        self._wake.set()

    def settled(self, result: SubmitResult, link: str) -> None:
        """Store what the SMSC of *link* said to a submit_sm."""
        self._results.append((link, result))
        self._wake.set()

    def ring(self, link: str | None = None) -> None:
        """Something may be due on *link* (None: on any), or it can transmit again."""
        now = asyncio.get_running_loop().time()
        for name in self._ports if link is None else (link,):
            self._due[name] = now
        self._wake.set()

    def passwords_ready(self) -> None:
        """The stock has passwords again for registrations that wait."""
        ready = len(self._stock)
        if self._parked and ready > self._released:
            released = self._parked[: ready - self._released]
            self._arrivals[self._released : self._released] = released
            self._released += len(released)
            del self._parked[: len(released)]
            self._wake.set()

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
            while True:
                await self._wake.wait()
                self._wake.clear()
                self._busy = True
                await self._commit_all()
                await self._probe()
                await self._claim()
                self._set_timer()
                self._busy = False
                self._idle.set()
        finally:
            if self._timer:
                self._timer.cancel()

    async def drain(self) -> None:
        """Wait until everything received is committed and answered.

        Nothing is waited for that the SMSC still has: what wants a password, or a store that
        takes nothing now.
        """
        while (self._busy or self._waits()) and not self.trouble:
            self._idle.clear()
            self._wake.set()
            await self._idle.wait()

    def _waits(self) -> bool:
        return bool(self._arrivals or self._receipts or self._results)

    # --- a batch ------------------------------------------------------------------------------

    async def _commit_all(self) -> None:
        """Have batch after batch committed, until nothing waits.

        While the store writes one, the answers and replies of the one before leave: the two take
        about as long, and need the interpreter in turns.
        """
        at_work = self._hand_over()
        while at_work:
            done = await self._outcome(at_work)
            self._keep(done, at_work)
            before, at_work = at_work, None
            # What only we can repeat is tried again by the timer, not at once.
            if not (self.trouble and self._results):
                at_work = self._hand_over(done.replies)
            self._follow_up(done, before)
            await self._claim()

    def _hand_over(self, leaving: Sequence[Mt] = ()) -> "_AtWork | None":
        """Give the store what has come in; *leaving* are replies that links are yet to get."""
        if not self._waits():
            return None
        loop = asyncio.get_running_loop()
        arrivals, self._arrivals = self._arrivals[:MAX_BATCH], self._arrivals[MAX_BATCH:]
        receipts, self._receipts = self._receipts, []
        results, self._results = self._results, []
        taken = Counter(mt.link for mt in leaving)
        batch = Batch(
            [arrival.mo for arrival in arrivals],
            [arrival.receipt for arrival in receipts],
            results,
            {
                name: port.room() - taken[name]
                for name, port in self._ports.items()
                if not self._has_due(name)
            },
            # Who waits for a password comes before who has just come.
            self._released if self._parked else None,
        )
        self._released = max(0, self._released - len(arrivals))
        future = self._worker.do(self._gateway.commit, batch, clock.now())
        return _AtWork(batch, arrivals, receipts, results, loop.time(), future)

    async def _outcome(self, at_work: "_AtWork") -> Done:
        try:
            return await at_work.done
        except StoreLost:
            raise
        except Exception as error:
            # A fault of ours: nothing is answered as stored, and the next batch may fare better.
            log.exception("desk: a batch failed")
            return Done.later(at_work.batch, type(error).__name__)

    def _keep(self, done: Done, at_work: "_AtWork") -> None:
        """Put back what has to wait, before the next batch is made up."""
        self._is_in(done.trouble)
        if not done.settled:
            self._results[:0] = at_work.results
        for link, at in done.due.items():
            self._falls_due(link, at)
        again = [
            arrival
            for arrival, answer in zip(at_work.arrivals, done.answers, strict=True)
            if answer is None
        ]
        if done.passwords_wanted:
            # In the order of arrival: a text that was sent again must not overtake the first,
            # which would then find the phone registered.
            self._parked = sorted(self._parked + again, key=attrgetter("number"))
            self._stock.wanted(len(self._parked))
        else:
            self._arrivals[:0] = again
            if not self._parked:
                self._stock.wanted(0)
        # The stock may have been filled since it had none for these, or got some back.
        self.passwords_ready()

    def _is_in(self, trouble: str | None) -> None:
        """The store takes nothing because of *trouble*; None: it does."""
        if self.trouble and not trouble:
            log.warning("store: takes messages again")
        self.trouble = trouble
        self._retry_at = asyncio.get_running_loop().time() + RETRY_SECONDS

    async def _probe(self) -> None:
        """See whether a store in trouble writes again, so that nobody has to text to find out."""
        if self.trouble and asyncio.get_running_loop().time() >= self._retry_at:
            try:
                await self.run_in_store(self._gateway.probe, clock.now())
            except StoreUnavailable as error:
                self._is_in(str(error))
            else:
                self._is_in(None)

    def _follow_up(self, done: Done, at_work: "_AtWork") -> None:
        """The commit is over: answers and replies leave, in one write a link."""
        touched: set[Port] = set()
        for (port, mo, ticket, _), answer in zip(at_work.arrivals, done.answers, strict=True):
            if answer is not None:
                port.answer(mo.session, ticket, answer)
                touched.add(port)
        for (port, _, ticket, session), answer in zip(at_work.receipts, done.receipts, strict=True):
            port.answer(session, ticket, answer)
            touched.add(port)
        by_link: dict[str, list[Mt]] = {}
        for mt in done.replies:
            by_link.setdefault(mt.link, []).append(mt)
        for link, mts in by_link.items():
            if link in self._ports:
                self._ports[link].send(mts)
                touched.add(self._ports[link])
        for port in touched:
            port.flush()
        if done.outcomes:
            self.outcomes += done.outcomes
            took = asyncio.get_running_loop().time() - at_work.started
            self._told.add({arrival.port.name for arrival in at_work.arrivals}, done.outcomes, took)

    # --- what is due --------------------------------------------------------------------------

    async def _claim(self) -> None:
        """Claim for each link that has something due, and room for it."""
        loop = asyncio.get_running_loop()
        if self.trouble:
            return  # what is settled, but not yet stored, would be sent again
        for link, at in list(self._due.items()):
            port = self._ports.get(link)
            room = port.room() if port else 0
            if port is None or room <= 0 or at > loop.time():
                continue
            del self._due[link]
            try:
                claim = await self.run_in_store(self._gateway.claim, link, room, clock.now())
            except StoreUnavailable as error:
                log.error("store: %s", error)
                self._is_in(str(error))
                self._due[link] = self._retry_at
                continue
            if claim.mts:
                port.send(claim.mts)
                port.flush()
            if claim.next_due is not None:
                self._falls_due(link, claim.next_due)
                if not claim.mts and self._has_due(link):
                    self._wake.set()  # all that was looked at was given up: no link will ring

    def _has_due(self, link: str) -> bool:
        """Whether older replies wait in the outbox: new ones queue behind them."""
        return self._due.get(link, inf) <= asyncio.get_running_loop().time()

    def _falls_due(self, link: str, at: datetime) -> None:
        loop = asyncio.get_running_loop()
        wait = (at - clock.now()).total_seconds()
        # Looked at early rather than late: somebody may set the clock meanwhile.
        due = loop.time() + min(max(wait, 0.0), LONGEST_SLEEP_SECONDS)
        self._due[link] = min(self._due.get(link, due), due)

    def _set_timer(self) -> None:
        """Wake when the next text falls due. A link without room rings when it has some."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        times = [at for at in self._due.values() if at > now]
        if self.trouble:
            times.append(max(self._retry_at, now))
        if self._timer:
            self._timer.cancel()
        self._timer = loop.call_at(min(times), self._wake.set) if times else None
