"""Carries everything from one store to another, of whatever engine.

    smsgw store copy   from a file to a server or back; cut off, it goes on where it was
    smsgw backup       from a server into a file

Rows go table by table in the order of their keys, so that what is there says where to go on. In the
end both are read again and compared, by number and by sum. A target that has rows is refused,
unless a copy of the same source was begun in it.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import NamedTuple

from smsgw.errors import SmsgwError
from smsgw.store.protocol import Store
from smsgw.store.protocol.copies import Table
from smsgw.store.rows import Row, storable

#: Rows of one transaction.
_AT_ONCE = 5000
#: The fact of a target that is not whole: from where it is copied.
_COPYING = "copying_from"
#: Not carried row by row: what was given out is known by more than the row says, and of data keys
#: there are more than those in the database.
_OTHERWISE = ("last_ids", "data_keys")
#: Rows that a new database has.
_BORN_WITH = {"facts": 1, "feed_start": 1}
#: Told of each step: rows that were carried or compared, of how many.
Told = Callable[[int, int], None]


class Sum(NamedTuple):
    """What is in a table."""

    rows: int
    sum: int


def copy(
    source: Store,
    target: Store,
    name: str,
    told: Told = lambda _done, _all: None,
    *,
    keys: Iterable[tuple[bytes, str, int, bytes]] = (),
) -> int:
    """Carry everything from *source*, which goes by *name*, to *target*; how many rows.

    Args:
        keys: data keys that lie beside the source; they go into the target, as into any copy.

    Raises:
        SmsgwError: the target is not empty, or not the same in the end.
        Unavailable: one of the two failed; called again, it goes on.
    """
    with source.snapshot():
        tables = source.tables()
        if tables != target.tables():
            raise SmsgwError(
                "the two have different tables",
                "let the daemon of this version open both once, or use it for both",
            )
        _begin(target, name, tables)
        steps = _Steps(
            2 * sum(source.count_rows(t) for t in tables if t.name not in _OTHERWISE), told
        )
        with target.transaction():
            target.add_data_keys({*keys, *source.data_keys()})
        for table in tables:
            if table.name not in _OTHERWISE:
                _carry(source, target, table, steps)
        [last_ids] = [table for table in tables if table.name == "last_ids"]
        target.replace_last_ids(source.rows_after(last_ids, None, 1))
        _end(target)
        return _compare(source, target, tables, steps)


class _Steps:
    """How far it is."""

    def __init__(self, whole: int, told: Told) -> None:
        self._whole, self._told, self._done = whole, told, 0

    def take(self, rows: int) -> None:
        self._done += rows
        self._told(self._done, self._whole)


def _begin(target: Store, name: str, tables: list[Table]) -> None:
    """See that *target* is empty, or what is in it came by a copy from *name*."""
    begun = target.fact(_COPYING)
    if begun is not None and begun != name:
        raise SmsgwError(
            f"a copy of {begun} was begun in the target", "go on with it, or empty the target"
        )
    if begun is None:
        for table in tables:
            born_with = _BORN_WITH.get(table.name, 0)
            if table.name not in _OTHERWISE and target.count_rows(table) > born_with:
                raise SmsgwError(
                    f"the target is not empty ({table.name} has rows)", "name one that is"
                )
        with target.transaction():
            target.set_fact(_COPYING, name)


def _carry(source: Store, target: Store, table: Table, steps: _Steps) -> None:
    key_of = _key_of(table)
    born_full = table.name in _BORN_WITH  # a handful, and not all from here
    key = None if born_full else target.last_key(table)
    if key is not None:
        steps.take(target.count_rows(table))
    while rows := _next(source, table, key):
        if table.name == "facts":  # among those of the target is one of our own
            with target.transaction():
                for row in rows:
                    fact = dict(zip(table.columns, row, strict=True))
                    target.set_fact(fact["name"], fact["value"])
        elif born_full:
            target.replace(table, rows)
        else:
            target.load(table, rows)
        key = key_of(rows[-1])
        steps.take(len(rows))


def _end(target: Store) -> None:
    with target.transaction():
        target.forget_fact(_COPYING)


def _compare(source: Store, target: Store, tables: list[Table], steps: _Steps) -> int:
    """How many rows both have.

    Raises:
        SmsgwError: they differ.
    """
    rows = 0
    for table in tables:
        if table.name in _OTHERWISE:
            continue
        ours, theirs = _sum(source, table, steps), _sum(target, table, None)
        if ours != theirs:
            raise SmsgwError(
                f"{table.name} is not the same in both ({ours.rows} and {theirs.rows} rows)",
                "did the source change meanwhile? Empty the target, and copy again",
            )
        rows += ours.rows
    return rows


def _sum(store: Store, table: Table, steps: _Steps | None) -> Sum:
    count = total = 0
    for rows in _pages(store, table):
        count += len(rows)
        total += sum(zlib.crc32(repr(row).encode()) for row in rows)
        if steps is not None:
            steps.take(len(rows))
    return Sum(count, total)


def _pages(store: Store, table: Table) -> Iterator[list[Row]]:
    key_of, key = _key_of(table), None
    while rows := _next(store, table, key):
        yield rows
        key = key_of(rows[-1])


def _next(store: Store, table: Table, key: Row | None) -> list[Row]:
    """The next rows, as every engine keeps them."""
    return [
        tuple(storable(value) if isinstance(value, str) else value for value in row)
        for row in store.rows_after(table, key, _AT_ONCE)
    ]


def _key_of(table: Table) -> Callable[[Row], Row]:
    places = [table.columns.index(name) for name in table.key]
    if len(places) == 1:
        return lambda row: (row[places[0]],)
    return itemgetter(*places)
