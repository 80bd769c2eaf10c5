"""All that is in a file, table by table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from smsgw.store.protocol.copies import Table
from smsgw.store.rows import Row
from smsgw.store.sqlite.file import File
from smsgw.store.sqlite.sql import copies as sql


class Copies(File):
    """What a copy asks of a file."""

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self._execute("BEGIN DEFERRED", ())
        try:
            yield
        finally:
            self._execute("ROLLBACK", ())

    def tables(self) -> list[Table]:
        found = []
        for (name,) in self._all(sql.TABLES):
            columns = self._all(sql.COLUMNS, name=name)
            key = [column for column, place in sorted(columns, key=lambda c: c[1]) if place]
            found.append(Table(name, tuple(column for column, _ in columns), tuple(key)))
        return found

    def count_rows(self, table: Table) -> int:
        count: int = self._one(sql.count(table.name))[0]
        return count

    def rows_after(self, table: Table, key: Row | None, limit: int) -> list[Row]:
        statement = sql.rows(*table, after=key is not None)
        return self._by_place(statement, (*(key or ()), limit))

    def last_key(self, table: Table) -> Row | None:
        found = self._by_place(sql.last_key(table.name, table.key), ())
        return found[0] if found else None

    def load(self, table: Table, rows: Sequence[Row]) -> None:
        with self.transaction():
            self._many(sql.add(table.name, table.columns), rows)

    def replace(self, table: Table, rows: Sequence[Row]) -> None:
        with self.transaction():
            self._execute(sql.empty(table.name), ())
            self._many(sql.add(table.name, table.columns), rows)

    def replace_last_ids(self, rows: Sequence[Row]) -> None:
        # Those of rows that are there it finds by itself.
        [table] = [table for table in self.tables() if table.name == "last_ids"]
        self.replace(table, rows)
