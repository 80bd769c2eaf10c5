"""What leaves the store, one row each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from smsgw.model import Account, Address, Direction, Feed, MtState, Outcome, Part

#: What stands for a password wherever a text of ours is shown.
MASK = "********"
#: How long the daemon waits for another writer. Several such waits in a row still end before an
#: SMSC sends an MO again.
BUSY_TIMEOUT = timedelta(seconds=2)
#: due_at of a text that is held: its time never comes.
HELD = 2**62
#: A time or an id that is never reached.
NO_END = 2**63 - 1
#: Rows that one statement rewrites where there may be many thousands: others get their turn
#: between two steps.
STEP = 200


class AccountRow(NamedTuple):
    """An account with what only the gateway may see."""

    account: Account
    password_hash: str | None
    password_mt_id: int | None
    subscriber_id: int
    address: Address


class ClaimedRow(NamedTuple):
    id: int
    since: int  #: it was composed, or retried by hand
    to: Address
    sealed: bytes | None
    wording: str
    cmnd: str | None
    lapses: int | None  #: the password that it tells; None: it tells none that does


class PartRow(NamedTuple):
    part: Part
    created_at: int
    link: str
    session: int
    fingerprint: int
    sender: Address
    joined: bool


class SentText(NamedTuple):
    """A text that waits for its receipt."""

    id: int
    link: str
    smsc_id: str  #: as the SMSC gave it
    phone: str
    account_id: int | None  #: whose password it carries
    undelivered: int | None  #: texts of that account that reached nobody, in a row


class EarlyReceipt(NamedTuple):
    """A receipt that came before its text was known by that id."""

    id: int
    link: str
    smsc_id: str  #: as it came
    phone: str
    state: MtState
    reason: str


class Reservation(NamedTuple):
    """Who alone may register a CMND, and until when."""

    phone: str
    ends_at: datetime


class PartSeen(NamedTuple):
    """A part that is there, without what it says."""

    number: int
    total: int
    created_at: int  #: when the first part of its text came
    link: str
    session: int
    fingerprint: int  #: 0: what it said was wiped
    joined: bool  #: its text was decided on


class ReplyRow(NamedTuple):
    """What decides whether a reply may be retried or cancelled."""

    state: MtState
    account_id: int | None  #: whose password it carries
    password_is_current: bool
    wiped: bool  #: no password is in it, any more or ever
    ended_at: datetime | None  #: when it failed or was cancelled
    leased: bool  #: a link has it in memory, or the SMSC is being asked


class ProfileRow(NamedTuple):
    """What a citizen has answered."""

    answers: Mapping[str, Any]  #: plain values of JSON
    version: int  #: grows with each change
    consent_at: datetime | None  #: None: never confirmed
    consent_text: str | None
    consent_version: int | None


class CitizenRow(NamedTuple):
    """An account with all that the portal asks of it at once."""

    account: AccountRow
    renewed: tuple[str, str] | None  #: digest of a hash that was made anew, and the mark that stays
    sub: str | None
    active_number: int | None  #: in the order in which they first became active; None: never
    updated_at: datetime | None  #: what programs are told; None: nothing yet
    profile: ProfileRow | None


class LogIn(NamedTuple):
    at: datetime
    how: str  #: "page", or the name of a client
    address: str


class Disclosure(NamedTuple):
    """Data went to a client; told once a day."""

    at: datetime
    client: str  #: its name
    scopes: str


class Shut(NamedTuple):
    """A name at which too many wrong passwords came."""

    mark: str  #: of the password; "": there was none
    at: datetime


class FeedRow(NamedTuple):
    id: int
    at: datetime
    sub: str
    type: Feed


class ClientRow(NamedTuple):
    """A program that citizens come from, or that asks for itself."""

    id: int
    name: str
    client_id: str
    title: str
    redirect_uris: tuple[str, ...]
    post_logout_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    pkce: str
    national_claims: bool
    synthetic_email: str | None  #: a domain
    created_at: datetime
    revoked_at: datetime | None
    digests: tuple[bytes, ...]  #: SHA-256 of its secrets, the latest first


class Guesses(NamedTuple):
    """Wrong passwords in a row, at one password of one account."""

    password: str  #: a digest of its hash
    wrong: int
    at: datetime  #: of the last one


class Beat(NamedTuple):
    """That the daemon of a node lived at a moment, and that its store took it."""

    node: str
    pid: int
    version: str
    started_at: datetime
    at: datetime
    #: The same moment in microseconds of the machine's monotonic clock, which nobody sets.
    tick: int
    ended: bool  #: it was the last one: the daemon ended as it should
    # What a server tells besides.
    age: float | None = None  #: seconds, by its own clock
    ahead: float | None = None  #: so many seconds is the node's clock before the server's
    configuration: str | None = None  #: what must be the same on all nodes (`common_digest`)


class Standby(NamedTuple):
    """Whether another machine has what a server has committed."""

    seen: bool
    why: str  #: not, in words

    def told(self) -> str:
        return f"no synchronous standby is seen ({self.why})"


class LeaseRow(NamedTuple):
    """A lease as it stands in the database: which node has a link."""

    name: str
    owner: str | None  #: None: nobody
    token: int  #: grows whenever it is taken
    renewals: int
    wanted: str | None  #: the node that somebody wants to have it


class Stop(NamedTuple):
    """Somebody took a link down by hand."""

    at: datetime
    who: str
    reason: str | None

    def told(self, zone: tzinfo) -> str:
        """Who, when and why, for people; the time is that of *zone*."""
        by = f"by {self.who}, {self.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        return f"{by}: {self.reason}" if self.reason else by


class LinkCount(NamedTuple):
    """What some texts of the outbox are that wait for one link."""

    link: str
    queued: int
    held: int  #: of these, what an SMSC took and did not answer, again and again
    failed: int
    oldest_reply: datetime | None  #: when the oldest queued reply was made, which fell due then


# --- all that is kept of one person -------------------------------------------------------------


class Share(NamedTuple):
    """What of a phone's texts is one account's: those of a time, in microseconds since 1970."""

    subscriber: int
    phone: str
    begins: int = 0
    ends: int = NO_END  #: the first one that is not


class AccountFacts(NamedTuple):
    """What is kept of an account besides itself."""

    closed_at: datetime | None
    undelivered: int  #: texts in a row with its password that reached nobody
    wrong_passwords: int  #: in a row
    wrong_password_at: datetime | None  #: the last one


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A text, one way or the other, with what became of it; a password in it is masked."""

    id: int
    direction: Direction
    phone: str
    link: str
    text: str | None
    state: MtState | None
    outcome: Outcome | None
    created_at: datetime
    reason: str | None
    answers: int | None  #: the id of the text that this one answers
    smsc_id: str | None  #: what the SMSC calls it
    taken_at: datetime | None  #: by the SMSC
    final_at: datetime | None  #: its receipt came
    tries: int | None  #: of one that the SMSC has not taken


@dataclass(frozen=True, slots=True)
class KeptPart:
    """A part of a long text."""

    phone: str
    created_at: datetime
    link: str
    number: int
    total: int
    data_coding: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class KeptSurplus:
    """Texts beyond those that are kept: their number, within one hour."""

    phone: str
    last_at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """A receipt whose text is not known yet."""

    phone: str
    created_at: datetime
    link: str
    smsc_id: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class KeptReservation:
    """Who alone may register a CMND."""

    cmnd: str
    phone: str
    ends_at: datetime
