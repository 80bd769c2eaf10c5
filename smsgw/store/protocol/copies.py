"""What `copy` asks of a store: all that is in it, table by table."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from smsgw.store.rows import Row


class Table(NamedTuple):
    """A table, and what orders its rows."""

    name: str
    columns: tuple[str, ...]  #: by name, so that two engines have them in one order
    key: tuple[str, ...]


class Copies(Protocol):
    """Who carries everything from one engine to another."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Inside, all that is read is of one moment, whatever others write."""

    def tables(self) -> list[Table]:
        """All tables but those that are the engine's own, by name."""

    def count_rows(self, table: Table) -> int:
        """How many rows it has."""

    def rows_after(self, table: Table, key: Row | None, limit: int) -> list[Row]:
        """The next *limit* rows behind the one with that key (None: from the first), in order."""

    def last_key(self, table: Table) -> Row | None:
        """The key of the last row; None: there is none."""

    def load(self, table: Table, rows: Sequence[Row]) -> None:
        """Add *rows*, in a transaction of its own."""

    def replace(self, table: Table, rows: Sequence[Row]) -> None:
        """Let a small table have *rows* and no others."""

    def replace_last_ids(self, rows: Sequence[Row]) -> None:
        """Let ids be given out from there, and beyond those of all rows that there are."""
