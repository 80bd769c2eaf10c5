"""What can go wrong, in words that tell what happened and, where they can, what to do.

A `Refusal` answers a person who asked for something: its type says why it was not done, and holds
the facts. What can be done about it differs from place to place, so its words name no command: the
command line adds its remedy (`cli/refusals.py`), another interface makes a status of the type.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


class SmsgwError(Exception):
    """Something could not be done; shown as one line, exit status 1.

    Args:
        problem: which thing, and what happened to it.
        remedy: what the operator can do about it.
    """

    def __init__(self, problem: str, remedy: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}: {self.remedy}" if self.remedy else self.problem


class Refusal(SmsgwError):
    """What was asked for is not done, and nothing was changed.

    Each is a dataclass of its facts, which are plain values of JSON: a refusal crosses the control
    socket as its name and its facts.
    """

    WORDS: ClassVar[str] = ""  #: a format of its facts
    _named: ClassVar[dict[str, type["Refusal"]]] = {}

    def __init_subclass__(cls) -> None:
        cls._named[cls.__name__] = cls

    def __init__(self) -> None:
        """Of one without facts; a dataclass has its own."""
        self.__post_init__()

    def __post_init__(self) -> None:
        self.facts: dict[str, Any] = dict(vars(self))
        super().__init__(self.WORDS.format(**self.facts))

    @classmethod
    def told(cls, name: object, facts: object) -> "Refusal | None":
        """The refusal that came by the control socket; None if this version does not know it."""
        kind = cls._named.get(name) if isinstance(name, str) else None
        if kind is None or not isinstance(facts, Mapping):
            return None
        try:
            return kind(**facts)
        except TypeError:
            return None


class NotFound(Refusal):
    """Nothing answers to what was asked for."""


@dataclass(eq=False)
class NoAccount(NotFound):
    """Nobody ever had an account by that key."""

    key: str
    WORDS = "no account {key!r}"


@dataclass(eq=False)
class NoReply(NotFound):
    """The outbox has no such text."""

    mt_id: int
    WORDS = "no reply {mt_id} in the outbox"


@dataclass(eq=False)
class NoLink(NotFound):
    """The configuration has no such link."""

    name: str
    known: str  #: those that it has
    WORDS = "no link {name!r}; there are: {known}"


@dataclass(eq=False)
class NoDatabase(Refusal):
    """No gateway ever ran here."""

    path: str
    WORDS = "no database at {path}"


@dataclass(eq=False)
class Ambiguous(Refusal):
    """A key fits one account by phone and another by CMND, and something is to be changed."""

    key: str
    phone: str  #: E.164, of the one
    cmnd: str  #: of the other
    WORDS = "{key!r} is the phone of one account and the CMND of another"


@dataclass(eq=False)
class Closed(Refusal):
    """The account was ended."""

    username: str
    WORDS = "account {username} is closed"


@dataclass(eq=False)
class StillOpen(Refusal):
    """The account was not ended, and only one that was can be erased."""

    username: str
    WORDS = "account {username} is not closed"


@dataclass(eq=False)
class UnknownLink(Refusal):
    """The configuration has no such link."""

    link: str
    links: list[str]  #: those that it has
    WORDS = "no link {link!r}"


@dataclass(eq=False)
class Contradiction(Refusal):
    """A 12-digit number tells another year of birth, or century."""

    username: str
    birth_date: str  #: yyyy-mm-dd
    WORDS = "the personal number {username} contradicts the date of birth {birth_date}"


@dataclass(eq=False)
class Stale(Refusal):
    """The account is not any more what somebody saw before they decided."""

    username: str
    WORDS = "account {username} has changed since it was looked up, and nothing was set"


class SecretReplaced(Refusal):
    """The password that was proved is not the account's any more, or the account has ended."""

    WORDS = "the password was replaced meanwhile, and nothing was changed"


class MustChange(Refusal):
    """An issued password opens nothing but its own change."""

    WORDS = "the issued password is still to be changed"


class NoSubject(NotFound):
    """A program asks for an account that never was, or was erased."""

    WORDS = "no such account"


class NoProfile(Refusal):
    """A program changes data of a citizen who has not confirmed any, or whose account is shut."""

    WORDS = "the account has no profile"


class NotTheVersion(Refusal):
    """A program changes an account that is another by now than the one that it read."""

    WORDS = "the account has changed since it was read"


class NoSuchCursor(Refusal):
    """A program goes on from a place that never was one of that list."""

    WORDS = "no such cursor"


class CursorTooOld(Refusal):
    """A program goes on from a place behind which something was removed."""

    WORDS = "the cursor is too old: what followed it is not kept any more"


@dataclass(eq=False)
class NoClient(NotFound):
    """There never was a client of that name."""

    name: str
    WORDS = "no client {name!r}"


@dataclass(eq=False)
class ClientExists(Refusal):
    """A client's name is never given again, as it stands in citizens' histories."""

    name: str
    WORDS = "there is a client {name} already"


@dataclass(eq=False)
class ClientRevoked(Refusal):
    """It is worth nothing any more."""

    name: str
    WORDS = "client {name} is revoked"


@dataclass(eq=False)
class UnfitClient(Refusal):
    """Something about a new client cannot be taken."""

    what: str  #: which part, as it was given
    why: str
    WORDS = "{what}: {why}"


@dataclass(eq=False)
class TwoSecrets(Refusal):
    """Both secrets of a client may be in use."""

    name: str
    WORDS = "client {name} has two secrets already"


@dataclass(eq=False)
class OneSecret(Refusal):
    """There is no older secret to end."""

    name: str
    WORDS = "client {name} has one secret only"


@dataclass(eq=False)
class UnfitPassword(Refusal):
    """A citizen's own password breaks a rule."""

    reason: str  #: the word of `registration.own_password.Reason`
    rule: str
    WORDS = "this password cannot be taken: {rule} ({reason})"


@dataclass(eq=False)
class NoPhone(Refusal):
    """What should be a telephone number is none."""

    text: str
    WORDS = "{text!r} is not a telephone number"


@dataclass(eq=False)
class NeverAnswered(Refusal):
    """A text of this phone is answered by nobody."""

    phone: str  #: E.164
    why: str
    WORDS = "{phone} could never register it: {why}"


@dataclass(eq=False)
class NeverTexted(Refusal):
    """No text of ours goes to this phone."""

    why: str
    WORDS = "this phone is never texted: {why}"


@dataclass(eq=False)
class PasswordReplaced(Refusal):
    """A text tells a password that opens nothing any more."""

    mt_id: int
    WORDS = "reply {mt_id} tells a password that is no longer valid"


@dataclass(eq=False)
class PasswordWiped(Refusal):
    """A text ended so long ago that the password in it was deleted."""

    mt_id: int
    WORDS = "reply {mt_id} has no password any more: it ended more than 24 hours ago"


@dataclass(eq=False)
class OnItsWay(Refusal):
    """The SMSC may have the text already."""

    mt_id: int
    WORDS = "reply {mt_id} is on its way"


@dataclass(eq=False)
class AlreadyCancelled(Refusal):
    """It was cancelled before."""

    mt_id: int
    WORDS = "reply {mt_id} is cancelled already"


class WrongKey(Refusal):
    """What is sealed here, the daemon could not open."""

    WORDS = "this is not the secret key that the daemon uses"
