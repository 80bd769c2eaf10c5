"""What verbs ask of an engine: it runs statements by their names, and binds lists in its own way.

Values are bound by name, or by position where there are many rows. What is no name is a statement's
own text. Knows no table.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from smsgw.clock import unstamp
from smsgw.store.rows import Row


class Engine:
    """One connection, used by one thread. Each engine says what these do."""

    def _forget(self) -> None:
        """Forget what is remembered of the database: it may never have happened."""

    # --- statements ---------------------------------------------------------------------------

    def _all(self, name: str, /, **values: Any) -> list[Any]:
        """All rows that it finds."""
        raise NotImplementedError

    def _one(self, name: str, /, **values: Any) -> Any:
        """The first row that it finds; None: there is none."""
        raise NotImplementedError

    def _run(self, name: str, /, **values: Any) -> None:
        """Let it happen; an engine that is far away may not wait for it before COMMIT."""
        raise NotImplementedError

    def _count(self, name: str, /, **values: Any) -> int:
        """Let it happen; how many rows it changed."""
        raise NotImplementedError

    def _execute(self, name: str, values: Sequence[Any]) -> None:
        """As `_run`, with values by position."""
        raise NotImplementedError

    def _many(self, name: str, rows: Iterable[Row]) -> None:
        """The same once for each of *rows*, in their order."""
        raise NotImplementedError

    def _add(self, name: str, rows: Sequence[Row]) -> None:
        """Add *rows* by a statement for one, many at a time; no row may need another."""
        raise NotImplementedError

    # --- lists --------------------------------------------------------------------------------

    def _ids(self, values: Iterable[int]) -> Any:
        """A list of numbers as one value."""
        raise NotImplementedError

    def _texts(self, values: Iterable[str]) -> Any:
        """The same for texts."""
        raise NotImplementedError

    def _pairs(self, values: Iterable[tuple[int, int]]) -> Any:
        """The same for pairs of numbers."""
        raise NotImplementedError


def moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else unstamp(microseconds)
