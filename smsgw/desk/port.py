"""What the desk needs of a link."""

from collections.abc import Sequence
from typing import Protocol

from smsgw.model import Answer, Mt


class Port(Protocol):
    """A link, as the desk sees it."""

    @property
    def name(self) -> str: ...

    @property
    def token(self) -> int | None:
        """Of the lease under which it runs here; None: links have none."""

    @property
    def carrier(self) -> str:
        """Links of one carrier may bring a text once each, if its SMSC sends it again."""

    def holds(self, session: int) -> bool:
        """Whether that session of the link still lives, and can be answered."""

    def answer(self, session: int, ticket: int, answer: Answer) -> None:
        """Answer an MO or receipt; of a session that is gone: nothing to do."""

    def room(self, *, replies: bool = False) -> int:
        """How many more MTs (or replies, which pass reminders) it can hold now; 0 while it cannot
        transmit."""

    def send(self, mts: Sequence[Mt]) -> None:
        """Send these, which are leased, as window and pace allow."""

    def odd(self, kind: str, count: int = 1) -> None:
        """An oddity of that kind was met on this link, so often."""

    def lose(self, token: int | None) -> None:
        """The store says that another node has it, which ran here with that token: drop its
        sessions, and send nothing more."""

    def flush(self) -> None:
        """Write what was gathered since the last time, in one piece."""
