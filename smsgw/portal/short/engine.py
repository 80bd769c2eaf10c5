"""What the verbs ask of an engine: it runs their statements."""

from contextlib import AbstractContextManager
from typing import Any, Protocol


class Engine(Protocol):
    """One connection, used by one thread at a time.

    Attributes:
        portal: whose tries are reserved here: a number that no other process has.

    Raises everywhere:
        Unavailable: it does not answer. Of what was to be written nothing happened, or, where the
            connection was lost in the end (`InDoubt`), all of it may have.
    """

    portal: int

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing. A row that is changed inside is nobody else's until the end."""

    def run(self, statement: str, **values: object) -> list[Any]:
        """Do one statement inside a transaction; its rows."""

    def alone(self, statement: str, **values: object) -> list[Any]:
        """The same as a transaction of its own. It may be done twice where the connection is lost:
        the second time must change nothing more."""

    def look_around(self) -> None:
        """What is to be seen to now and then: whether this portal's clock is that of the others."""

    def close(self) -> None:
        """End the connection."""
