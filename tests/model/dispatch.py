"""The rules of the service as a citizen may expect them, written a second time and naively.

What the stateful test holds the gateway against. Knows texts, accounts and time; no database, no
SMSC, nothing of how the gateway does it. Its heart is `Dispatch.decide`.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product

from smsgw.model import AccountState, Outcome

RETRANSMITTED_WITHIN = timedelta(minutes=15)
PARTS_WITHIN = timedelta(minutes=10)
RESETS_A_DAY = 3
RESERVED_FOR = timedelta(days=7)

# --- what people text ---------------------------------------------------------------------------

CMNDS = ("201234567", "201999999", "048090001234")
BORN = ("01.02.1990", "03.04.1985")
#: Ways of writing the same; the middle two are cut where long texts are.
WRITINGS = (
    ("TK,Nguyen Van An,", "{cmnd}", ",{born}"),
    ("tk; Nguyễn Văn An ;", " {cmnd}", " ; {born}."),
    ("TK,NGUYEN VAN AN;", "{cmnd}", ";{born}"),
)
MALFORMED = ("hallo", "", "TK Nguyen Van An", "TK,An,201234567,31.02.1990", None)


@dataclass(frozen=True)
class Request:
    cmnd: str
    born: str


def _write(writing, cmnd, born):
    return tuple(piece.format(cmnd=cmnd, born=born) for piece in writing)


#: Every valid text, in three pieces.
PIECES = {
    _write(writing, cmnd, born): Request(cmnd, born)
    for writing, cmnd, born in product(WRITINGS, CMNDS, BORN)
}
#: Also with head and tail of different writings, as parts of two long texts may be mixed up.
VALID = {
    a + b + c: Request(cmnd, born)
    for cmnd, born in product(CMNDS, BORN)
    for a, b, c in product(*zip(*(_write(w, cmnd, born) for w in WRITINGS), strict=True))
}

#: What our own texts say, forwarded: whole, cut, in capitals, with more around it.
OWN_WORDING = (
    "TK: 201234567, MK: k7mzq4wp la tai khoan su dung HT Chinh quyen dien tu. De nghi anh chi doi"
    " mat khau trong vong 03 ngay de bao mat. Cam on!",
    "FW: MAT KHAU CU DA HET HAN. TK: 201234567, MK MOI: K7MZQ4WP LA TAI KHOAN SU DUNG HT",
    "So CMND da duoc su dung de dang ky tai khoan tren he thong Chinh quyen dien tu",
)


# --- accounts -----------------------------------------------------------------------------------


@dataclass
class Account:
    phone: str
    cmnd: str
    born: str
    carrier: str  #: of the link by which it was registered
    state: AccountState = AccountState.ISSUED
    password: str | None = None  #: the living one
    mt: int | None = None  #: the text that tells it
    issued_at: object = None
    lapses: bool = True  #: a time is set at which the password ends
    reminders: int = 0
    undelivered: int = 0  #: texts with a password that reached nobody, in a row
    resets: list = field(default_factory=list)
    closed_at: object = None

    @property
    def is_open(self):
        return self.state is not AccountState.CLOSED

    @property
    def has_ended(self):
        """Its issued password was deleted, and nothing replaced it."""
        is_new = self.issued_at is None  # of the batch that is being looked at
        return self.state is AccountState.ISSUED and self.password is None and not is_new

    def issued(self, mt, password, now, *, asked=True):
        """A text of ours tells a new password; the one before is dead."""
        self.state, self.password, self.mt = AccountState.ISSUED, password, mt
        self.issued_at, self.lapses = now, True
        if asked:  # whoever asks counts anew
            self.reminders = self.undelivered = 0

    def end_password(self):
        self.password, self.mt, self.lapses = None, None, False

    def reported(self, delivered, most):
        """A receipt had the last word on a text with a password; whether that was one too many."""
        self.undelivered = 0 if delivered else self.undelivered + 1
        living = self.state is AccountState.ISSUED and self.password is not None
        return living and 0 < most <= self.undelivered


class Dispatch:
    """One phone: one account; one CMND: one account."""

    def __init__(self, *, repeat, max_reminders, undelivered, ttl):
        self.repeat, self.max_reminders, self.ttl = repeat, max_reminders, ttl
        self.undelivered = undelivered
        self.accounts = []
        self.reserved = {}  # CMND -> (the only phone that may register it, until when)

    def holder(self, **key):
        ((name, value),) = key.items()
        return next((a for a in self.accounts if a.is_open and getattr(a, name) == value), None)

    def may_register(self, phone, cmnd, now):
        heir, until = self.reserved.get(cmnd, (phone, now))
        return heir == phone or until <= now

    def decide(self, phone, request, carrier, now):
        """(outcome, account that gets a new password or None) of a text; changes nothing.

        Nobody's account is opened by what another carrier says.
        """
        if request is None:
            return Outcome.SYNTAX_ERROR, None
        mine, its = self.holder(phone=phone), self.holder(cmnd=request.cmnd)
        if mine is None and its is None:
            if not self.may_register(phone, request.cmnd, now):
                return Outcome.ALREADY_REGISTERED, None
            return Outcome.REGISTERED, Account(phone, request.cmnd, request.born, carrier)
        own = mine is its and mine.born == request.born and mine.carrier == carrier
        if own and (self.repeat or mine.has_ended):
            today = [at for at in mine.resets if at > now - timedelta(days=1)]
            if len(today) < RESETS_A_DAY:
                return Outcome.REGISTERED, mine
        return Outcome.ALREADY_REGISTERED, None

    def lapsed(self, now):
        """Accounts whose issued password is due, and those of them that get no other."""
        due = [
            account
            for account in self.accounts
            if account.state is AccountState.ISSUED
            and account.lapses
            and account.issued_at + self.ttl <= now
        ]
        return due, [a for a in due if 0 < self.max_reminders <= a.reminders]


# --- retransmissions and long texts -------------------------------------------------------------


def _quarter(moment):
    return moment.timestamp() // RETRANSMITTED_WITHIN.total_seconds()


class Seen:
    """The same octets of the same phone by the same carrier, on another session."""

    def __init__(self):
        self._texts = {}  # (phone, carrier, octets) -> [(at, session)]

    def again(self, phone, carrier, octets, session, now):
        since = now - RETRANSMITTED_WITHIN
        texts = self._texts.get((phone, carrier, octets), ())
        # Of a quarter of an hour that is still to come the clock knew before it was set right.
        recent = [text for text in texts if text[0] > since and _quarter(text[0]) <= _quarter(now)]
        if not recent:
            return False
        return max(recent, key=lambda text: text[0])[1] != session

    def add(self, phone, carrier, octets, session, now):
        self._texts.setdefault((phone, carrier, octets), []).append((now, session))


@dataclass
class LongText:
    total: int
    started: object
    parts: dict = field(default_factory=dict)  #: number -> (octets, text, session)
    joined: bool = False

    @property
    def in_order(self):
        return [self.parts[number] for number in sorted(self.parts)]

    @property
    def octets(self):
        return tuple(octets for octets, *_ in self.in_order)

    @property
    def text(self):
        return "".join(text for _, text, *_ in self.in_order)
