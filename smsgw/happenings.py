"""What happens to a citizen: the entries of which a story is made.

Plain values, put together where the store is read, told where people look, and stored nowhere.
"""

from dataclasses import dataclass
from datetime import datetime

from smsgw.model import AccountState, MtState, Outcome


@dataclass(frozen=True, slots=True)
class Changed:
    """Something happened to an account."""

    at: datetime
    event: str  #: such as "registered", "lapsed", "closed", "corrected: name from A to B"
    old: AccountState | None  #: None: there was none before
    new: AccountState
    actor: str | None = None  #: who did it at the command line
    reason: str | None = None
    username: str | None = None  #: whose story this is part of; None: of a phone without an account

    @property
    def what(self) -> str:
        """What happened, in a word or two."""
        return self.event.partition(": ")[0]

    @property
    def detail(self) -> str | None:
        """What was changed, where the word alone does not say it."""
        return self.event.partition(": ")[2] or None


@dataclass(frozen=True, slots=True)
class TextCame:
    """A citizen's text came."""

    at: datetime
    outcome: Outcome
    text: str | None  #: None: it could not be read
    reason: str | None  #: why it was ignored
    username: str | None = None
    mo_id: int = 0  #: an answer to it has the next number


@dataclass(frozen=True, slots=True)
class TextsCounted:
    """Texts of a citizen that were only counted, within one hour."""

    at: datetime  #: of the last one
    number: int
    username: str | None = None


@dataclass(frozen=True, slots=True)
class TextMade:
    """A text of ours was made."""

    at: datetime
    reply: str  #: the key of its wording below [messages]
    text: str  #: without its password
    username: str | None = None
    mt_id: int = 0


@dataclass(frozen=True, slots=True)
class TextMoved:
    """What became of a text of ours: where it stands, or that the SMSC took it."""

    at: datetime
    mt_id: int
    state: MtState
    reason: str | None = None
    username: str | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that left the account's state as it was: a log-in, data confirmed, disclosed."""

    at: datetime
    what: str
    detail: str
    actor: str | None = None
    username: str | None = None


#: One line of a citizen's story.
HistoryEntry = Changed | Noted | TextCame | TextsCounted | TextMade | TextMoved
