"""What waits for its answer: copies of one text together, and no more than a link or sender may.

Lives on the event loop; knows no store and no password.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from smsgw.desk.port import Port
from smsgw.model import Answer, Mo, Receipt, from_tuple

#: Texts and receipts of one link that may wait for their answer, those of its earlier sessions
#: included. Past it the SMSC is told to slow down (ESME_RTHROTTLED), and nothing is kept.
MAX_WAITING = 2000
#: And their octets: a text may have 64 KiB.
MAX_WAITING_OCTETS = 4 * 1024 * 1024
#: Texts of one sender that may wait; parts of a long one are 255 at most. Further ones are wanted
#: later.
MAX_OF_SENDER = 300

#: Whose text it is: the carrier, and the number as it writes it.
Sender = tuple[str, str]


class Arrival(NamedTuple):
    """A citizen's text that is not answered yet."""

    port: Port
    mo: Mo
    ticket: int
    sender: Sender
    octets: int

    @property
    def link(self) -> str:
        return self.port.name

    @property
    def session(self) -> int:
        return self.mo.session


class ReceiptArrival(NamedTuple):
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


class Pending:
    """Everything that the SMSCs wait for an answer to."""

    def __init__(self) -> None:
        #: Of each sender by fingerprint the copies that came meanwhile.
        self._texts: dict[Sender, dict[int, list[Arrival] | None]] = {}
        self._waiting: defaultdict[str, _Waiting] = defaultdict(_Waiting)  # by link

    def admit(self, port: Port, mo: Mo, ticket: int) -> Arrival | Answer | None:
        """Let *mo* wait: as an arrival of its own, or (None) with the first of which it is a copy;
        or the answer that it gets instead, as too much waits already."""
        _, _, address, text, fingerprint, part, _, _ = mo
        sender = port.carrier, address.number
        texts = self._texts.get(sender)
        octets = len(text) if text is not None else len(part.octets) if part else 0
        arrival = from_tuple(Arrival, (port, mo, ticket, sender, octets))
        if texts is not None:
            if fingerprint in texts:
                _wait_with_first(arrival, texts)
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
        return arrival

    def admit_receipt(
        self, port: Port, receipt: Receipt, ticket: int, session: int
    ) -> ReceiptArrival | Answer:
        """The same for a receipt, of which each is one of its own."""
        octets = len(receipt.smsc_id) + len(receipt.reason)
        if receipt.text is not None:
            octets += len(receipt.text.text or "")
        waiting = self._waiting[port.name]
        if waiting.texts >= MAX_WAITING or waiting.octets + octets > MAX_WAITING_OCTETS:
            return Answer.BUSY
        waiting.texts += 1
        waiting.octets += octets
        return ReceiptArrival(port, receipt, ticket, session, octets)

    def forget(self, arrival: Arrival) -> list[Arrival] | None:
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

    def forget_receipt(self, arrival: ReceiptArrival) -> None:
        self._count(arrival, -1)

    def heir(self, first: Arrival) -> Arrival | None:
        """Drop *first*, whose session is gone; the copy that takes its place."""
        texts = self._texts[first.sender]
        copies = texts[first.mo.fingerprint]
        if not copies:
            self.forget(first)
            return None
        self._count(first, -1)
        heir = copies.pop(0)
        mo = heir.mo._replace(text=first.mo.text, part=first.mo.part)
        heir = heir._replace(mo=mo, octets=first.octets)
        self._count(heir, 1)
        return heir

    def drop_copies(self, session: int) -> None:
        """Forget the copies that came by *session*, which is gone."""
        for texts in self._texts.values():
            for fingerprint, copies in texts.items():
                if copies:
                    left = [copy for copy in copies if copy.mo.session != session]
                    texts[fingerprint] = left or None

    def _count(self, arrival: Arrival | ReceiptArrival, change: int) -> None:
        waiting = self._waiting[arrival.port.name]
        waiting.texts += change
        waiting.octets += change * arrival.octets


def _wait_with_first(copy: Arrival, texts: dict[int, list[Arrival] | None]) -> None:
    copies = texts[copy.mo.fingerprint]
    if copies is None:
        copies = texts[copy.mo.fingerprint] = []
    # The octets are the first's, which may be many: kept once.
    copies.append(copy._replace(mo=copy.mo._replace(text=None, part=None)))
