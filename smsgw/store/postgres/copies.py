"""All that is in a database, table by table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

from smsgw.store.postgres.sql import copies as sql
from smsgw.store.postgres.sql import server
from smsgw.store.postgres.transactions import Transactions
from smsgw.store.protocol.copies import Table
from smsgw.store.rows import Row


class Copies(Transactions):
    """What a copy asks of a database."""

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self._session = session = self._opened()
        try:
            session.execute(sql.BEGIN_SNAPSHOT.encode())
            session.execute(sql.BE_PATIENT.encode())
            yield
        except psycopg.Error as error:
            raise self._fault(error) from error
        finally:
            self._end_transaction()

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
        session = self._opened()
        try:
            with session.transaction():
                session.execute(server.LOCK.encode())
                statement = sql.load(table.name, table.columns).encode()
                with session.cursor() as cursor, cursor.copy(statement) as writer:
                    for row in rows:
                        writer.write_row(row)
        except psycopg.Error as error:
            raise self._fault(error) from error

    def replace(self, table: Table, rows: Sequence[Row]) -> None:
        with self.transaction():
            self._execute(sql.empty(table.name), ())
        self.load(table, rows)

    def replace_last_ids(self, rows: Sequence[Row]) -> None:
        [table] = [table for table in self.tables() if table.name == "last_ids"]
        self.replace(table, rows)
        with self.transaction():
            self._run("upkeep.KEEP_LAST_IDS")
            for name, column in self._all(sql.COLUMNS_THAT_COUNT):
                self._one(sql.count_on(name, column))
