"""The simulator's words: how an SMSC is, what came to it, what happened there.

Plain values, and PDUs inside them; no socket, no loop.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeVar

from smsgw.model import Address
from smsgw.simulator.receipts import DIALECTS, Dialect
from smsgw.smpp import codec
from smsgw.smpp.alphabets import Alphabet
from smsgw.smpp.pdu import DataSm, DeliverSm, Pdu
from smsgw.smpp.statuses import Status

T = TypeVar("T")


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
    interface_version: int | None = 0x34  #: told in the bind_resp; None: nothing is
    accounts: dict[str, str] | None = None  #: system_id -> password; None: everybody may bind
    bind_status: int = 0  #: that every bind is answered with; 0: as accounts and one_bind say
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
    validity_period: str = ""  #: SMPP v3.4 §7.1.1


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
    """One deliver_sm (or data_sm) on its way to the gateway, over all its tries."""

    def __init__(
        self,
        pdu: DeliverSm | DataSm,
        session: int | None,
        *,
        redeliver: bool,
        tail: bytes = b"",
    ) -> None:
        """*tail* stands behind the last field, and the PDU's length counts it."""
        self.pdu = pdu
        frame = codec.encode(pdu)  # built once: what differs between tries is four octets
        self._frame = (len(frame) + len(tail)).to_bytes(4, "big") + frame[4:] + tail
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


def sent(records: Iterable[Record], kind: type[T]) -> list[T]:
    """The PDUs of *kind* that the SMSC sent."""
    return [r.pdu for r in records if r.what is What.SENT and isinstance(r.pdu, kind)]


def received(records: Iterable[Record], kind: type[T]) -> list[T]:
    """The PDUs of *kind* that the gateway sent."""
    return [r.pdu for r in records if r.what is What.RECEIVED and isinstance(r.pdu, kind)]
