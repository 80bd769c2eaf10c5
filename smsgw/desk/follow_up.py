"""What follows from a batch that is on the disk: answers and replies leave, in one write a link."""

import logging
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import NamedTuple

from smsgw.desk.pending import Arrival, Pending, ReceiptArrival
from smsgw.desk.port import Port
from smsgw.gateway import Batch, Done
from smsgw.histogram import Histogram
from smsgw.model import Answer, Mt, SubmitResult
from smsgw.store import StoreLost

log = logging.getLogger("smsgw.desk")


class AtWork(NamedTuple):
    """A batch that the store is writing."""

    batch: Batch
    arrivals: list[Arrival]
    receipts: list[ReceiptArrival]
    results: list[tuple[str, SubmitResult]]
    released: int  #: so many of the first arrivals had waited for a password, and have one
    started: float  #: loop time


def explain(fault: BaseException | None, at_work: AtWork) -> Done:
    """What to do after *fault*: nothing is answered as stored, the next batch may fare better.

    Raises:
        StoreLost: nothing more may be answered.
    """
    if isinstance(fault, StoreLost):
        raise fault
    log.error("desk: a batch failed", exc_info=fault)
    return Done.later(at_work.batch, type(fault).__name__)


class FollowUp:
    """
    Args:
        ports: by name, the links that there are; read at each call.
        answered: how long each text waited for its answer is added to it.
    """

    def __init__(self, ports: Mapping[str, Port], pending: Pending, answered: Histogram) -> None:
        self._ports = ports
        self._pending = pending
        self._answered = answered

    def hand_out(self, done: Done, at_work: AtWork) -> list[Mt]:
        """Answer what was stored and send what it led to; the replies whose link is gone."""
        touched: set[Port] = set()
        read_at: list[float] = []
        for arrival, answer in zip(at_work.arrivals, done.answers, strict=True):
            if answer is not None:
                self._answer(arrival, answer, touched)
                read_at.append(arrival.mo.read_at)
        for receipt, answer in zip(at_work.receipts, done.receipts, strict=True):
            self._answer_receipt(receipt, answer, touched)
        by_link: dict[str, list[Mt]] = {}
        for mt in done.replies:
            by_link.setdefault(mt.link, []).append(mt)
        homeless: list[Mt] = []
        for link, mts in by_link.items():
            if link in self._ports:
                self._ports[link].send(mts)
                touched.add(self._ports[link])
            else:
                homeless += mts
        for port in touched:
            port.flush()
        self._answered.add_since(read_at, monotonic())
        for (link, kind), count in done.oddities.items():
            if link in self._ports:
                self._ports[link].odd(kind, count)
        return homeless

    def answer_later(
        self, arrivals: Iterable[Arrival], receipts: Iterable[ReceiptArrival] = ()
    ) -> None:
        """Leave these, and their copies, to the SMSC, which sends them again."""
        touched: set[Port] = set()
        for arrival in arrivals:
            self._answer(arrival, Answer.LATER, touched)
        for receipt in receipts:
            self._answer_receipt(receipt, Answer.LATER, touched)
        for port in touched:
            port.flush()

    def _answer_receipt(self, receipt: ReceiptArrival, answer: Answer, touched: set[Port]) -> None:
        self._pending.forget_receipt(receipt)
        receipt.port.answer(receipt.session, receipt.ticket, answer)
        touched.add(receipt.port)

    def _answer(self, arrival: Arrival, answer: Answer, touched: set[Port]) -> None:
        """Answer a text and its copies; the ports are to be flushed."""
        port, mo, ticket, *_ = arrival
        port.answer(mo.session, ticket, answer)
        touched.add(port)
        for copy in self._pending.forget(arrival) or ():
            copy.port.answer(copy.mo.session, copy.ticket, answer)
            touched.add(copy.port)
