"""The desk between links and gateway: everything that came in since the last commit is one batch.

The store has one owner, a worker thread; the loop hands it a batch and goes on. What arrives while
a commit is being written waits here and is the next batch, so that a burst costs few commits and a
single text no delay. After the commit the answers go back to the sessions, the replies to the
links, and only then is anything written to a socket, once a link; meanwhile the store writes the
next batch.

    received, receipt, settled  ->  batch  ->  gateway.commit  ->  answer, send, flush
    ring, a timer, room         ->  gateway.claim              ->  send, flush

No coroutine waits for the store: what it has done comes back as a call, and `turn` is the one place
that gives it something to do.

Waiting states: an MO that the store could not take is answered (try again later) and forgotten; a
settlement waits and is offered again; a registration without a ready password waits for the
hashers, links and senders in turn, while its session lives; a copy of a text that is not answered
yet waits with the first. `StoreLost` ends the desk, and with it the process.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial

from smsgw import clock
from smsgw.desk.doubt import Doubt
from smsgw.desk.follow_up import AtWork, FollowUp, explain
from smsgw.desk.must_not_fail import must_not_fail
from smsgw.desk.parking import Parking
from smsgw.desk.pending import Arrival, Pending, ReceiptArrival
from smsgw.desk.port import Port
from smsgw.desk.results import Results
from smsgw.desk.share import MAX_RECEIPTS, share
from smsgw.desk.timetable import Timetable
from smsgw.desk.traffic import TrafficLog, add_up
from smsgw.desk.trouble import Trouble
from smsgw.gateway import Batch, Claim, Done, Gateway
from smsgw.histogram import Histogram
from smsgw.model import Answer, Mo, Mt, Outcome, Postponed, Receipt, SubmitResult
from smsgw.passwords import Stock
from smsgw.store import StoreUnavailable
from smsgw.worker import Worker

log = logging.getLogger("smsgw.desk")

#: Before a store that failed is tried again for what only we can repeat.
RETRY_SECONDS = 1.0


class Desk:
    """Gathers what comes in, has it stored, and hands out what follows from it.

    Lives on the event loop; calls the gateway only on the store's thread.
    """

    def __init__(self, gateway: Gateway, worker: Worker, stock: Stock) -> None:
        self._gateway = gateway
        self._worker = worker
        self._ports: dict[str, Port] = {}
        self._arrivals: list[Arrival] = []
        self._parked = Parking(stock)
        self._released = 0  # of those, how many stand in front of the arrivals again
        self._pending = Pending()
        self._receipts: list[ReceiptArrival] = []
        self.results = Results(leased=gateway.store.is_shared)  #: that are not stored yet
        self._timetable = Timetable(asyncio.get_running_loop())
        self._claiming: dict[str, bool] = {}  # link that the store claims for -> were replies owed
        self._at_work: AtWork | None = None
        self._doubt = Doubt(gateway, worker)  # about the batch at work
        self._probing = False
        self._loop = asyncio.get_running_loop()
        self._end: asyncio.Future[None] = self._loop.create_future()
        self._turn_comes = False
        self._idle = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._traffic = TrafficLog()
        self._retry_at = 0.0  # loop time at which a store in trouble is tried again
        self.store = Trouble()
        self.takes_texts = True  #: False: the SMSC is to send them again
        self.outcomes: Counter[Outcome] = Counter()  #: since the start
        self.answered = Histogram()  #: from a text to our answer, since the start
        self._follow_up = FollowUp(self._ports, self._pending, self.answered)

    # --- from the links -----------------------------------------------------------------------

    def attach(self, port: Port) -> None:
        """A link is there. It rings when it can transmit."""
        self._ports[port.name] = port
        self.results.attach(port)

    def detach(self, port: Port) -> None:
        """A link has ended. What is leased to it comes back by `settled`."""
        if self._ports.get(port.name) is port:
            del self._ports[port.name]
            self._timetable.looked(port.name)

    def received(self, port: Port, mo: Mo, ticket: int) -> Answer | None:
        """Store *mo*, then answer it.

        A copy of a text that is not answered yet waits with the first and gets its answer; it is
        neither counted nor stored. Whoever keeps many copies waiting is stopped by the session,
        whose tickets are limited.

        Returns:
            What to answer at once instead, as too much waits already; None: it is kept.
        """
        admitted = self._pending.admit(port, mo, ticket)
        if admitted is None or isinstance(admitted, Answer):
            return admitted
        if self._doubt or not self.takes_texts:
            self._pending.forget(admitted)
            return Answer.LATER
        self._arrivals.append(admitted)
        self._wake()
        return None

    def receipt(self, port: Port, receipt: Receipt, ticket: int, session: int) -> Answer | None:
        """Store a delivery receipt, then answer it; or what to answer at once, as for a text."""
        admitted = self._pending.admit_receipt(port, receipt, ticket, session)
        if isinstance(admitted, Answer):
            return admitted
        if self._doubt:
            self._pending.forget_receipt(admitted)
            return Answer.LATER
        self._receipts.append(admitted)
        self._wake()
        return None

    def session_ended(self, session: int) -> None:
        """That session is gone: what of it waits for a password is dropped, as are its copies; the
        SMSC sends them again. What stands before the store's next batch is stored."""
        self._pending.drop_copies(session)
        self._parked.end(session, self._pending.heir)

    def settled(self, result: SubmitResult, link: str) -> None:
        """Store what the SMSC of *link* said to a submit_sm."""
        self.results.add(link, result)
        self._wake()

    def ring(self, link: str | None = None, *, replies: bool = True) -> None:
        """Something may be due on *link* (None: on any), or it can transmit again; with *replies*
        some may wait that the desk does not know of, and new ones queue behind them."""
        for name in self._ports if link is None else (link,):
            self._timetable.is_due(name, replies=replies)
        self._wake()

    def passwords_ready(self) -> None:
        """The stock has passwords again for registrations that wait."""
        promised = self._released
        if self._at_work:  # those may not have taken theirs yet; its end looks again
            promised += self._at_work.released
        if released := self._parked.release(promised):
            self._arrivals[self._released : self._released] = released
            self._released += len(released)
            self._wake()

    @property
    def trouble(self) -> str | None:
        """Why the store takes nothing now."""
        return self.store.reason

    def store_is_in(self, trouble: str) -> None:
        """Somebody else found that the store takes nothing, and why."""
        self._is_in(trouble)
        self._wake()

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
            self._traffic.close()
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
        return bool(self._arrivals or self._receipts or self.results)

    # --- turns --------------------------------------------------------------------------------

    def _wake(self) -> None:
        """Have a turn, once all that is being read now is here."""
        if not self._turn_comes:
            self._turn_comes = True
            self._loop.call_soon(self.turn)

    @must_not_fail
    def turn(self) -> None:
        """Give the store what has come in and what is due, or wait for what will be.

        Comes by itself after the calls above. Who has told all that there is at the moment may
        call it, so that a lone text need not wait for the loop to come round.
        """
        self._turn_comes = False
        if not self._at_work:
            self._at_work = self._hand_over()
        if not self._at_work:  # else the end of that batch is a turn, too
            self._go_on(self._timetable.due())

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

    def _hand_over(self, leaving: Sequence[Mt] = ()) -> AtWork | None:
        """Give the store what has come in; *leaving* are replies that links are yet to get."""
        if not self._waits():
            return None
        arrivals, self._arrivals = share(self._arrivals, self._released)
        receipts, self._receipts = self._receipts[:MAX_RECEIPTS], self._receipts[MAX_RECEIPTS:]
        results = self.results.take()
        taken = Counter(mt.link for mt in leaving)
        behind = self._timetable.owed()  # new replies queue behind older ones
        batch = Batch(
            [arrival.mo for arrival in arrivals],
            [arrival.receipt for arrival in receipts],
            results,
            {
                name: port.room(replies=True) - taken[name]
                for name, port in self._ports.items()
                if name not in behind and not self._claiming.get(name)
            },
            # A text that waits for a password comes before one that has just come.
            self._released if self._parked else None,
            self.results.tokens,
        )
        released = min(self._released, len(arrivals))
        self._released -= released
        self._worker.call(self._committed, self._gateway.commit, batch, clock.now())
        return AtWork(batch, arrivals, receipts, results, released, self._loop.time())

    @must_not_fail
    def _committed(self, done: Done | None, fault: BaseException | None) -> None:
        """A batch is on the disk, or not: start the next one, and tell what became of this one.

        While the store writes that, the answers and replies of this one leave: the two take about
        as long, and need the interpreter in turns.
        """
        if done is not None and done.otherwise is not None:
            self._hold(done)
            return
        before, self._at_work = self._at_work, None
        assert before is not None  # noqa: S101 - it was handed over
        done = done or explain(fault, before)
        for port in [self._ports[link] for link in done.lost & self._ports.keys()]:
            port.lose((before.batch.tokens or {}).get(port.name))
        self._keep(done, before)
        due = self._timetable.due()
        # What only we can repeat is tried again by the timer, not at once.
        if not (self.trouble and self.results):
            self._at_work = self._hand_over(done.replies)
        for mt in self._follow_up.hand_out(done, before):
            # Its link has ended meanwhile: nothing waits for the end of a lease.
            self.settled(Postponed(mt.id, "link ended", throttled=True), mt.link)
        if done.outcomes:
            add_up(self.outcomes, done.outcomes)
        self._traffic.add(done, before, self._loop.time() - before.started)
        self._go_on(due)

    def _keep(self, done: Done, at_work: AtWork) -> None:
        """Put back what has to wait, before the next batch is made up."""
        self._is_in(done.trouble)
        if not done.settled:
            self.results.put_back(at_work.results, at_work.batch.tokens)
        self.results.batch_ends()
        for link, at in done.due.items():
            self._timetable.note_due(link, at)
            self._timetable.note_owed(link, at)
        again = [
            (place, waits)
            for place, (arrival, answer) in enumerate(
                zip(at_work.arrivals, done.answers, strict=True)
            )
            if answer is None and (waits := self._living(arrival))
        ]
        if done.passwords_wanted:
            self._follow_up.answer_later(self._parked.park(again, at_work.released))
        else:
            self._arrivals[:0] = [arrival for _, arrival in again]
            self._parked.no_more_come()
        # The stock may have been filled since it had none for these, or got some back.
        self.passwords_ready()

    def _living(self, arrival: Arrival) -> Arrival | None:
        """*arrival*, or who takes its place where its session is gone."""
        if arrival.port.holds(arrival.mo.session):
            return arrival
        return self._pending.heir(arrival)

    def _is_in(self, trouble: str | None) -> None:
        """The store takes nothing because of *trouble*; None: it does."""
        now = self._loop.time()
        self._retry_at = now + RETRY_SECONDS
        self.store.is_in(trouble, now)

    def _probe(self) -> None:
        """See whether a store in trouble writes again, so that nobody has to text to find out."""
        if not self._busy and self._loop.time() >= self._retry_at:
            self._probing = True
            self._worker.call(self._probed, self._gateway.probe, clock.now())

    @must_not_fail
    def _probed(self, _: None, fault: BaseException | None) -> None:
        self._probing = False
        if not isinstance(fault, StoreUnavailable | None):
            raise fault
        self._is_in(None if fault is None else str(fault))
        self._wake()

    def _hold(self, done: Done) -> None:
        """Tell nothing of the batch at work, and take nothing else, until the store knows whether
        it has it: the SMSC sends again what comes meanwhile."""
        self._follow_up.answer_later(self._arrivals, self._receipts)
        self._arrivals, self._receipts, self._released = [], [], 0
        self._is_in(done.trouble)
        self._doubt.begin(done, self._committed)
        self._idle.set()

    # --- what is due --------------------------------------------------------------------------

    def _claim(self, link: str) -> None:
        """Have what is due of *link* taken out of the outbox, as much as it has room for."""
        port = self._ports.get(link)
        owed = self._timetable.owes(link)
        room, for_replies = (port.room(), port.room(replies=True)) if port else (0, 0)
        if port and (for_replies if owed else room) > 0 and link not in self._claiming:
            self._timetable.looked(link)
            self._claiming[link] = owed
            then = partial(self._claimed, port)
            wanted = link, for_replies, clock.now(), room, port.token
            self._worker.call(then, self._gateway.claim, *wanted)

    @must_not_fail
    def _claimed(self, port: Port, claim: Claim | None, fault: BaseException | None) -> None:
        link = port.name
        del self._claiming[link]
        if claim is not None:
            if claim.lost:
                port.lose(port.token)
            if claim.mts:
                port.send(claim.mts)
                port.flush()
            if claim.next_due is not None:
                self._timetable.note_due(link, claim.next_due)
            if claim.reply_due is not None:
                self._timetable.note_owed(link, claim.reply_due)
        elif isinstance(fault, StoreUnavailable):
            self._is_in(str(fault))
            self._timetable.put_off(link, self._retry_at)
        elif fault is not None:
            raise fault
        self._wake()

    def _set_timer(self) -> None:
        """Wake when the next text falls due. A link without room rings when it has some."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._timetable or self.trouble:
            times = self._timetable.to_come()
            if self.trouble and not self._busy:  # else the end of what is at work is a turn
                times.append(max(self._retry_at, self._loop.time()))
            if times:
                self._timer = self._loop.call_at(min(times), self._wake)
