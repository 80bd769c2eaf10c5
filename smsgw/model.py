"""The words of the house: what passes between its rooms.

Plain values without behaviour that needs I/O, a clock or another module. What is made once a
message on the hot path is a NamedTuple (three times cheaper to build than a frozen dataclass);
what people look at is a frozen dataclass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum, StrEnum
from typing import NamedTuple

#: Makes a NamedTuple of a tuple, at a third of the price of calling its class.
from_tuple = tuple.__new__


class Word(StrEnum):
    """A word that is stored, shown and looked up by; hashed as the string that it is, since the
    hash of an Enum is a function in Python and these are keys on the hot path."""

    __hash__ = str.__hash__


class AccountState(Word):
    ISSUED = "issued"  #: waits for the citizen's own password
    ACTIVE = "active"  #: the citizen chose one
    CLOSED = "closed"  #: ended by an operator


class Outcome(Word):
    """What became of a citizen's text (MO)."""

    REGISTERED = "registered"
    SYNTAX_ERROR = "syntax_error"
    ALREADY_REGISTERED = "already_registered"
    RETRANSMISSION = "retransmission"
    IGNORED = "ignored"


class Ignored(Word):
    """Why a citizen's text was recorded and not answered."""

    SENDER = "sender"  #: no telephone number: a short code, a name
    COUNTRY = "country"  #: not one of limits.countries
    KIND_OF_NUMBER = "kind_of_number"  #: premium-rate, toll-free and the like
    PHONE_LIMIT = "phone_limit"  #: past the hourly limit of this phone
    GATEWAY_LIMIT = "gateway_limit"  #: past the hourly limit of the whole gateway
    OWN_WORDING = "own_wording"  #: it quotes a text of ours
    RECEIPT = "receipt"  #: reads like a delivery receipt, and is about no text of ours


class MtState(Word):
    """Where a text of ours (MT) stands."""

    QUEUED = "queued"
    SENT = "sent"  #: the SMSC took it
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class LinkState(Word):
    BOUND = "bound"
    CONNECTING = "connecting"
    WAITING = "waiting"  #: for its next try
    STOPPED = "stopped"


class Direction(Word):
    MO = "mo"
    MT = "mt"


class Reply(Word):
    """The texts that we send; the value is the key below `[messages]`."""

    REGISTERED = "registered"
    SYNTAX_ERROR = "syntax_error"
    ALREADY_REGISTERED = "already_registered"
    PHONE_REGISTERED = "phone_registered"
    REMINDER = "reminder"


class Feed(Word):
    """What programs that keep a copy are told of an account that was active once."""

    ACTIVATED = "account.activated"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - a word of the feed
    #: It was active, and has an issued one now.
    PASSWORD_RESET = "password.reset"  # noqa: S105 - a word of the feed
    PROFILE_CHANGED = "profile.changed"
    CLOSED = "account.closed"
    ERASED = "account.erased"


class Oddity(Word):
    """What a peer may do against the standard; counted by link, so the words are few and ours."""

    MALFORMED = "malformed"  #: a PDU whose fields cannot be read: refused
    STRAY_OCTETS = "stray_octets"  #: behind the fields, and no TLV: passed over
    DATA_CODING = "data_coding"  #: a registration in another alphabet than it declares: taken
    HEADER_LENGTH = "header_length"  #: a user data header of another length than it says: read
    LONG_PART = "long_part"  #: a part of a long text that no SMS could carry: refused
    UNREADABLE = "unreadable"  #: a text in no alphabet that we know: a syntax error
    THROTTLED = "throttled"  #: a text or receipt past what may wait: refused for now
    SUSPECT = "suspect"  #: an input that was being read when the gateway was killed: refused
    WRONG_STATE = "wrong_state"  #: a text on a session that is to bring none: refused
    UNKNOWN_COMMAND = "unknown_command"  #: a request that we do not serve: refused
    STRAY_ANSWER = "stray_answer"  #: an answer to nothing that we asked: passed over
    CUT_PDU = "cut_pdu"  #: a PDU that did not become whole in time: the session ends
    OUT_OF_STEP = "out_of_step"  #: a length that no PDU has: the session ends
    NOT_SMPP = "not_smpp"  #: a peer that speaks something else: the session ends


class Answer(Enum):
    """What the SMSC is told about an MO or a receipt."""

    OK = "ok"  #: committed; the SMSC may forget it
    LATER = "later"  #: could not be committed (ESME_RX_T_APPN)
    BUSY = "busy"  #: too many wait already (ESME_RTHROTTLED)


class Address(NamedTuple):
    """A telephone number, short code or name as the carrier writes it."""

    number: str
    ton: int  #: type of number, SMPP v3.4 §5.2.5
    npi: int  #: numbering plan indicator, SMPP v3.4 §5.2.6


class Part(NamedTuple):
    """One part of a long text; the parts are decoded together, once all are there."""

    ref: str  #: which long text of this sender; says too how it was numbered (UDH or sar_*)
    total: int
    number: int  #: 1 to total
    data_coding: int
    octets: bytes  #: without the user data header
    shift: tuple[int, int]  #: national language (single, locking) shift tables, 0: none


class Octets(NamedTuple):
    """What a text was on the wire, for one that may be written in another alphabet than it
    declares."""

    pieces: tuple[bytes, ...]  #: of each part, without its user data header
    fill: int = 0  #: bits before the first septet of each piece, if septets are packed


class Mo(NamedTuple):
    """A text from a citizen, or one part of it."""

    link: str
    session: int  #: which session brought it; never the same again, also after a restart
    sender: Address
    text: str | None  #: None: cannot be read, or is a part
    fingerprint: int  #: of the octets on the wire; fits SQLite's signed 64 bits
    part: Part | None = None
    #: None: plain enough that no other reading would say anything else.
    octets: Octets | None = None
    read_at: float = 0.0  #: monotonic seconds


class Mt(NamedTuple):
    """A text of ours on its way out; holds a password in clear, so never log it."""

    id: int
    link: str
    to: Address
    text: str
    reminder: bool  #: leaves after replies, and only in reminder hours
    valid_until: datetime | None = None  #: from then on it is worth nothing; None: nobody says
    #: When what it answers came, in monotonic seconds; None: nobody waits for it.
    asked_at: float | None = None


class Holder(NamedTuple):
    """The open account that has a phone or a CMND."""

    account_id: int
    state: AccountState
    birth_date: date
    link: str  #: by which it was registered
    ended: bool  #: its issued password was deleted and not replaced


class Taken(NamedTuple):
    """The SMSC has the text now."""

    mt_id: int
    smsc_id: str  #: opaque: some SMSCs answer in hexadecimal and report in decimal


class Postponed(NamedTuple):
    """The SMSC asks to try again later."""

    mt_id: int
    reason: str
    throttled: bool  #: the link as a whole is too fast; not this text's fault
    #: The recipient whose queue is full there, and nobody else's; "": that is not the reason.
    full_for: str = ""
    barred: bool = False  #: our short code is refused: the fault of the link, not of the text


class Refused(NamedTuple):
    """The SMSC will never take this text."""

    mt_id: int
    reason: str
    address: bool = False  #: it is the address that is refused: no text reaches this phone


class Unanswered(NamedTuple):
    """Sent, and no answer read: the SMSC may have it or not."""

    mt_id: int
    reason: str
    link_lost: bool  #: no answer can come any more; else a late one still may


SubmitResult = Taken | Postponed | Refused | Unanswered


class Receipt(NamedTuple):
    """A delivery receipt for a text that the SMSC took."""

    link: str
    smsc_id: str
    state: MtState | None  #: DELIVERED or FAILED; None: not final
    reason: str  #: in the carrier's words, such as "UNDELIV err:012"
    phone: Address  #: whose receipt it is
    #: The text itself, where only its words say that it is a receipt: a citizen's phone may have
    #: sent it. None: esm_class or a TLV says so.
    text: Mo | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """One citizen's account, as people and scripts see it."""

    id: int
    cmnd: str
    phone: str  #: E.164
    full_name: str
    birth_date: date
    state: AccountState
    link: str
    registered_at: datetime
    password_issued_at: datetime | None
    password_expires_at: datetime | None
    reminders: int

    @property
    def username(self) -> str:
        return self.cmnd


@dataclass(frozen=True, slots=True)
class Message:
    """An MO or MT, as people and scripts see it; a password in its text is masked."""

    id: int
    direction: Direction
    phone: str
    link: str
    text: str | None
    state: MtState | None  #: of an MT
    outcome: Outcome | None  #: of an MO
    created_at: datetime
    #: Why an MT failed, in the carrier's words; of an MO that is ignored: an `Ignored`.
    reason: str | None = None
    smsc_id: str | None = None  #: what the SMSC called the MT when it took it


@dataclass(frozen=True, slots=True)
class QueuedReply:
    """A text that the SMSC has not taken."""

    id: int
    phone: str
    link: str
    text: str
    state: MtState  #: queued, failed or cancelled
    created_at: datetime
    tries: int
    next_try: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who looked up, verified or changed what at the command line."""

    at: datetime
    who: str
    command: str
    account: str | None  #: masked; None: it was about no single one
    detail: str


@dataclass(frozen=True, slots=True)
class LinkStatus:
    name: str
    state: LinkState
    since: datetime
    reason: str | None
    mo: int  #: texts received, ever
    mt: int  #: texts that the SMSC took, ever
    #: What its peer did against the standard: `Oddity` -> how often, ever.
    oddities: Mapping[str, int] = field(default_factory=dict)
    next_try: datetime | None = None  #: to bind, where it waits for that


class LinkLive(NamedTuple):
    """A link as the daemon holds it."""

    state: LinkState
    reason: str | None  #: why it is not bound, or of little use
    since: datetime
    next_try: datetime | None  #: to bind, where it waits for that
    rates: tuple[float, float, float]  #: MTs a second that the SMSC took, over 1, 5 and 15 minutes
    oddities: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DayCount:
    """How often something happened on one local day."""

    day: date
    direction: Direction
    outcome: str  #: an Outcome of MO, an MtState of MT
    count: int
