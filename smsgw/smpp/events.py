"""What comes out of a session, what it refuses, and what its callers may do wrong.

The link matches every event; a new one is a line here and a case there, which mypy asks for.
"""

from typing import NamedTuple, Protocol

from smsgw.model import Mo, Receipt, SubmitResult, Taken


class Bound(NamedTuple):
    """The SMSC accepted us."""

    smsc_system_id: str
    interface_version: int | None = None  #: such as 0x34; None: it does not say


class Echo(NamedTuple):
    """The SMSC answered an enquire_link."""


class BindRefused(NamedTuple):
    """The SMSC did not accept us; `statuses.waits_long` says how soon to try again."""

    status: int
    reason: str  #: for the operator, with advice


class MoReceived(NamedTuple):
    """A citizen's text; the SMSC keeps it until `Session.answer` is called with *ticket*."""

    mo: Mo
    ticket: int


class ReceiptReceived(NamedTuple):
    """A delivery receipt, to be answered as `MoReceived` is."""

    receipt: Receipt
    ticket: int


class TakenLate(NamedTuple):
    """An answer to a submit_sm that was reported as `Unanswered` before.

    Only of those that the SMSC took; others are tried again anyway.
    """

    taken: Taken


class PeerUnbound(NamedTuple):
    """The SMSC ended the session, and was answered: flush, close, bind afresh."""


class Unbound(NamedTuple):
    """Our unbind was answered: close."""


class Lost(NamedTuple):
    """Nothing more can be done with this connection: drop it."""

    reason: str


class Odd(NamedTuple):
    """The SMSC did something against the standard, and was refused or understood all the same."""

    kind: str  #: an `Oddity`, of SUSPECT with the fingerprint of the input behind it
    detail: str  #: for the log, without a word of a citizen's


Event = (
    Bound
    | Echo
    | BindRefused
    | MoReceived
    | ReceiptReceived
    | SubmitResult
    | TakenLate
    | PeerUnbound
    | Unbound
    | Lost
    | Odd
)


class Watch(Protocol):
    """Who remembers which input was being read when the process was killed."""

    def begins(self, octets: bytes) -> str | None:
        """*octets* are being read from now on; or the fingerprint of what must not be read."""

    def ends(self) -> None:
        """They were read."""


class Refusal(NamedTuple):
    """Why a request of the SMSC is not served."""

    kind: str  #: an `Oddity`
    status: int
    why: str


class NotBound(Exception):
    """The session cannot transmit; claim nothing until `Bound`."""


class WindowFull(Exception):
    """Too many answers are awaited; ask `room` before claiming."""
