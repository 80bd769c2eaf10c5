"""One citizen as the portal sees them: proof, mark, answers; how changed answers are kept."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from smsgw.model import Account, AccountState, Feed
from smsgw.registration import own_password, profile
from smsgw.registration.own_password import Person
from smsgw.registration.profile import Answers, Question, Texted
from smsgw.store import CitizenRow, LogIn, ProfileRow, Shut, Store

#: So long a name is shut that has no password, as if it were somebody's.
SHUT_FOR = timedelta(days=30)


class Proof(NamedTuple):
    """What a password is judged against."""

    account: int | None  #: None: no open account has that name
    hash: str | None  #: None: nothing opens it (unknown, closed, ended): hash a dummy all the same
    state: AccountState | None
    mark: str  #: of the password; the same as long as the password is; "": there is none
    usable_until: datetime | None  #: an issued one is replaced then; None: it does not lapse
    shut: bool  #: 100 wrong in a row: nothing is judged until the password is a new one


class LoggedIn(NamedTuple):
    """A log-in was written down."""

    before: LogIn | None  #: the one before it


@dataclass(frozen=True, slots=True)
class Consent:
    at: datetime
    text: str  #: which version of the policy was agreed to
    version: int  #: of the answers that were confirmed


@dataclass(frozen=True, slots=True)
class Citizen:
    """An open account with what its citizen has told."""

    account: Account
    mark: str
    answers: Answers
    version: int  #: of the answers; grows with each change
    consent: Consent | None
    sub: str | None  #: None: nobody has needed one

    @property
    def must_change(self) -> bool:
        """The issued password is still to be changed for an own one."""
        return self.account.state is AccountState.ISSUED

    @property
    def must_complete(self) -> bool:
        """Something is still to be answered or confirmed."""
        return self.consent is None or not profile.is_complete(self.answers)

    @property
    def first_open(self) -> Question | None:
        """The first question without an answer."""
        return profile.first_open(self.answers)

    @property
    def person(self) -> Person:
        """What a new password must not be made of."""
        return own_password.person(self.account)

    @property
    def texted(self) -> Texted:
        """What answers are judged against."""
        account = self.account
        return Texted(account.full_name, account.cmnd, account.birth_date)


def citizen_of(row: CitizenRow) -> Citizen:
    """What a row of the store says."""
    found = row.profile or ProfileRow({}, 0, None, None, None)
    consent = None
    if found.consent_at is not None:
        consent = Consent(found.consent_at, found.consent_text or "", found.consent_version or 0)
    answers = Answers.from_json(found.answers)
    return Citizen(row.account.account, mark_of(row), answers, found.version, consent, row.sub)


def mark_of(row: CitizenRow) -> str:
    """What a password is known by; "" where nothing opens the account."""
    hash_ = row.account.password_hash
    if hash_ is None:
        return ""
    digest = digest_of(hash_)
    return row.renewed[1] if row.renewed and row.renewed[0] == digest else digest


def digest_of(hash_: str) -> str:
    """Of a hash with its salt, so that no two passwords have the same."""
    return blake2b(hash_.encode(), digest_size=16).hexdigest()


def is_shut(shut: Shut | None, mark: str, now: datetime) -> bool:
    """Whether what was *shut* is the password of that *mark*: a new one opens the name, whoever
    made it."""
    if shut is None or shut.mark != mark:
        return False
    return bool(mark) or now < shut.at + SHUT_FOR


def corrected(store: Store, account: int, now: datetime, *, name: bool) -> None:
    """What was texted was put right by the hotline, in the same transaction: programs are told, and
    after another *name* the citizen is asked for its diacritics again."""
    row = store.citizen(account)
    if row is None or row.profile is None:
        return
    citizen = citizen_of(row)
    if name and citizen.answers.full_name is not None:
        answers = replace(citizen.answers, full_name=None)
        store.set_answers(account, answers.to_json(), citizen.version + 1)
    if citizen.consent is not None:
        store.tell(account, Feed.PROFILE_CHANGED, now)


def keep(store: Store, citizen: Citizen, answers: Answers, who: str, now: datetime) -> None:
    """Put *answers* in the place of the citizen's, inside a transaction; those that were confirmed
    stay so, and programs are told."""
    if answers == citizen.answers:
        return
    account = citizen.account.id
    store.set_answers(account, answers.to_json(), citizen.version + 1)
    changed = profile.changes(citizen.answers, answers)
    if citizen.consent is None or not changed or not profile.is_complete(answers):
        return  # nothing is told yet; a province without its commune changes nothing
    store.add_profile_change(account, "data changed", " ".join(changed), who, now)
    store.tell(account, Feed.PROFILE_CHANGED, now)
