"""The rules of dispatch 1232: what an account can go through, and what a text leads to.

`TRANSITIONS` is the dispatch as a table. Pure: no clock, no database, no password; what the store
knows is passed in, what shall happen comes back as a value.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import ClassVar, NamedTuple

from smsgw.model import AccountState, Feed, Holder, Outcome, Reply, from_tuple
from smsgw.registration.syntax import Request, SyntaxFault

State = AccountState | None  #: None: there is no account, or only closed ones


class Event:
    """Something that happens to an account. The class says it all; there are no instances."""

    word: ClassVar[str]  #: what the account's history calls it


class Registration(Event):
    """A citizen's valid text, with the account's phone or CMND."""

    word = "registered"


class Reset(Event):
    """The citizen repeated the registration: the password is forgotten, or has ended."""

    word = "reset"


class Lapse(Event):
    """The time to live of the issued password is over."""

    word = "lapsed"


class LastLapse(Event):
    """The same, after as many reminders as the configuration allows."""

    word = "ended"


class Undeliverable(Event):
    """Several texts in a row reached nobody, as many as the configuration allows."""

    word = "undeliverable"


class OwnPassword(Event):
    """The citizen chose a password."""

    word = "own password"


class NewPassword(Event):
    """The hotline issues a new password."""

    word = "new password"


class Close(Event):
    """The account ends: by the hotline, or since nobody ever used it."""

    word = "closed"


class Password(Enum):
    """What becomes of the account's password."""

    KEEP = "kept"
    NEW = "newly issued"  #: the one before is deleted, the time to live starts again
    CITIZENS = "the citizen's own"
    NONE = "deleted"


class Step(NamedTuple):
    """One row of the table."""

    to: AccountState
    password: Password
    reply: Reply | None  #: the text that goes to the account's phone
    #: What programs with a copy are told, where the account was active once; ACTIVATED is said
    #: the first time alone, and is PASSWORD_CHANGED from then on.
    tells: Feed | None = None


class ImpossibleEvent(Exception):
    """An event that cannot happen in this state: a defect of ours, not of what came in."""

    def __init__(self, state: State, event: type[Event]) -> None:
        super().__init__(f"{event.__name__} cannot happen to {state or 'no account'}")


_ISSUED, _ACTIVE, _CLOSED = AccountState.ISSUED, AccountState.ACTIVE, AccountState.CLOSED

# A pair that is not here cannot happen. A closed account is history: its phone and CMND start
# again from None.
TRANSITIONS: Mapping[tuple[State, type[Event]], Step] = {
    # from     event          to       password           reply             tells
    (None, Registration): Step(_ISSUED, Password.NEW, Reply.REGISTERED),
    (_ISSUED, Registration): Step(_ISSUED, Password.KEEP, Reply.ALREADY_REGISTERED),
    (_ACTIVE, Registration): Step(_ACTIVE, Password.KEEP, Reply.ALREADY_REGISTERED),
    (_ISSUED, Reset): Step(_ISSUED, Password.NEW, Reply.REGISTERED),
    (_ACTIVE, Reset): Step(_ISSUED, Password.NEW, Reply.REGISTERED, Feed.PASSWORD_RESET),
    (_ISSUED, Lapse): Step(_ISSUED, Password.NEW, Reply.REMINDER),
    (_ISSUED, LastLapse): Step(_ISSUED, Password.NONE, None),
    (_ISSUED, Undeliverable): Step(_ISSUED, Password.NONE, None),
    (_ISSUED, OwnPassword): Step(_ACTIVE, Password.CITIZENS, None, Feed.ACTIVATED),
    (_ACTIVE, OwnPassword): Step(_ACTIVE, Password.CITIZENS, None, Feed.ACTIVATED),
    (_ISSUED, NewPassword): Step(_ISSUED, Password.NEW, Reply.REGISTERED),
    (_ACTIVE, NewPassword): Step(_ISSUED, Password.NEW, Reply.REGISTERED, Feed.PASSWORD_RESET),
    (_ISSUED, Close): Step(_CLOSED, Password.NONE, None, Feed.CLOSED),
    (_ACTIVE, Close): Step(_CLOSED, Password.NONE, None, Feed.CLOSED),
}


def step(state: State, event: type[Event]) -> Step:
    """What *event* does to an account in *state*.

    Raises:
        ImpossibleEvent: the table has no such row.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ImpossibleEvent(state, event) from None


def lapse(reminders: int, max_reminders: int) -> type[Event]:
    """The event when a password lapses after *reminders* reminders; 0 allowed: no end."""
    return LastLapse if 0 < max_reminders <= reminders else Lapse


class Repeat(StrEnum):
    """What becomes of a citizen who sends the registration again."""

    REFUSE = "refuse"
    RESET = "reset"


class Decision(NamedTuple):
    """What a citizen's text leads to."""

    outcome: Outcome
    reply: Reply
    event: type[Event] | None  #: Registration or Reset; None: nothing happens to any account
    account_id: int | None  #: which account the text is about, if it is about one that exists


_SYNTAX_ERROR = Decision(Outcome.SYNTAX_ERROR, Reply.SYNTAX_ERROR, None, None)
_REGISTERED = Decision(Outcome.REGISTERED, Reply.REGISTERED, Registration, None)
_ALREADY_REGISTERED = Outcome.ALREADY_REGISTERED
_CMND_KNOWN, _PHONE_KNOWN = Reply.ALREADY_REGISTERED, Reply.PHONE_REGISTERED
#: Instead of a registration, where the hotline keeps the CMND for another phone: its words, as if
#: the owner had it already.
RESERVED = Decision(_ALREADY_REGISTERED, _CMND_KNOWN, None, None)


def decide(
    request: Request | SyntaxFault,
    *,
    phone_holder: Holder | None,
    cmnd_holder: Holder | None,
    repeat: Repeat = Repeat.REFUSE,
    resets_left: int = 0,
    own_carrier: bool = True,
) -> Decision:
    """What *request* leads to, given the open accounts that have its phone and its CMND.

    Args:
        repeat: whether a citizen who sends the own registration again gets a new password. One
            whose password has ended does in any case.
        resets_left: how many of those the account of *cmnd_holder* may still get today.
        own_carrier: the text came by a link of that account's carrier. Another carrier's word for
            who has sent it opens nobody's account.
    """
    if isinstance(request, SyntaxFault):
        return _SYNTAX_ERROR
    holder = cmnd_holder or phone_holder
    if holder is None:
        return _REGISTERED
    if resets_left > 0 and own_carrier and may_reset(request, phone_holder, cmnd_holder, repeat):
        return Decision(Outcome.REGISTERED, Reply.REGISTERED, Reset, holder.account_id)
    reply = _CMND_KNOWN if cmnd_holder else _PHONE_KNOWN
    return from_tuple(Decision, (_ALREADY_REGISTERED, reply, None, holder.account_id))


def may_reset(
    request: Request,
    phone_holder: Holder | None,
    cmnd_holder: Holder | None,
    repeat: Repeat,
) -> bool:
    """Whether *request* is the account's own registration once more, and that gives it a new
    password: as it is configured, or since the one before has ended."""
    return (
        phone_holder is not None
        and cmnd_holder is not None
        and phone_holder.account_id == cmnd_holder.account_id
        and request.birth_date == cmnd_holder.birth_date
        and (repeat is Repeat.RESET or cmnd_holder.ended)
    )


def mermaid() -> str:
    """The table as a diagram in Mermaid's words, for the documents."""

    def name(state: State) -> str:
        return state.value if state else "[*]"

    lines = ["stateDiagram-v2"]
    for (state, event), (to, password, reply, _) in TRANSITIONS.items():
        effects = [f"password {password.value}"]
        if reply:
            effects.append(f"text {reply.value}")
        lines.append(f"    {name(state)} --> {name(to)}: {event.__name__} ({', '.join(effects)})")
    lines.append(f"    {name(_CLOSED)} --> [*]")
    return "\n".join(lines) + "\n"
