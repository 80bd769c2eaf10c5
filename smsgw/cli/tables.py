"""How things are printed: tables for people, JSON and CSV for machines.

Knows how to print what a `View` describes. Must not know any kind of thing, the store or a command.

Machines get the attributes of a thing under their own names, times as ISO 8601 in UTC. People get
what they ask for at the telephone: local time, ages, and nothing that a peer could have written to
steer their terminal. At a terminal a table is no wider than that: one column is wrapped, and if
that is not enough, the least important ones are left out. In a pipe nothing is wrapped or left out.
"""

import csv
import io
import json
import re
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice, zip_longest
from typing import Generic, TypeVar

import click

from smsgw.cli import terminal
from smsgw.harmless import csv_cell, harmless, harmless_json
from smsgw.records import record
from smsgw.speech import say
from smsgw.words import Viewer

T = TypeVar("T")

#: A table of more rows comes in pieces, so that a million accounts need no memory.
ROWS_AT_ONCE = 500
#: Narrower than this, a column of texts is not worth having.
NARROWEST_TEXT = 14
_GAP = "  "  # between two columns


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True)  # with slots, a generic one cannot be made on Python 3.11
class View(Generic[T]):
    """How one kind of thing is shown."""

    keys: tuple[str, ...]  #: attributes of T: JSON's keys and CSV's header, in order
    columns: Mapping[str, Callable[[T, Viewer], str]]  #: a table's headings and cells
    empty: str = ""  #: what people read where there is nothing
    wraps: str = ""  #: the column that is wrapped where the line would be too long
    spare: tuple[str, ...] = ()  #: columns that a narrow terminal does not get, the first one first
    zoned: str = ""  #: the column whose heading says in which zone the times are
    numbers: tuple[str, ...] = ()  #: columns that stand at the right

    def record(self, thing: T) -> dict[str, object]:
        """*thing* as machines see it."""
        return record(thing, self.keys)

    def cells(self, thing: T, viewer: Viewer) -> list[str]:
        """*thing* as people see it."""
        return [harmless(cell(thing, viewer)) for cell in self.columns.values()]


def show(view: View[T], things: Iterable[T], form: str, viewer: Viewer) -> None:
    """Print *things*, one a line, as they come."""
    match Format(form):
        case Format.JSON:
            _print_json(map(view.record, things))
        case Format.CSV:
            _print_csv(view.keys, map(view.record, things))
        case Format.TABLE:
            _print_table(view, iter(things), viewer)


def show_one(view: View[T], thing: T, form: str, viewer: Viewer) -> None:
    """Print one thing: for people each column is a line, and an empty one is left out."""
    if form != Format.TABLE:
        show(view, [thing], form, viewer)
        return
    lines = zip(view.columns, view.cells(thing, viewer), strict=True)
    told = [(say(head), cell) for head, cell in lines if cell]
    if view.zoned and say(view.zoned) in dict(told):
        told.append((say("times"), viewer.zone_in_words()))
    _print_sheet(told)


def show_each(view: View[T], things: Sequence[T], form: str, viewer: Viewer) -> None:
    """Print a few things: for people each like one alone."""
    if form != Format.TABLE:
        show(view, things, form, viewer)
        return
    for number, thing in enumerate(things):
        if number:
            click.echo()
        show_one(view, thing, form, viewer)


def _print_json(records: Iterator[dict[str, object]]) -> None:
    """One array, an element a line; what could steer a terminal stands there as JSON writes it."""
    _speak_utf_8()
    lead = "["
    for each in records:
        document = harmless_json(json.dumps(each, ensure_ascii=False))
        click.echo(f"{lead}\n  {document}", nl=False)
        lead = ","
    click.echo("[]" if lead == "[" else "\n]")


def _print_csv(keys: Sequence[str], records: Iterator[dict[str, object]]) -> None:
    _speak_utf_8()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(keys)
    writer.writerows(map(_csv_cell, each.values()) for each in records)


def _speak_utf_8() -> None:
    """What programs read is UTF-8, whatever the locale says of people's terminals."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(encoding="utf-8")


def _csv_cell(value: object) -> object:
    """*value* in CSV's terms."""
    if isinstance(value, bool | list | dict):
        value = json.dumps(value, ensure_ascii=False)
    return csv_cell(value) if isinstance(value, str) else value


def _print_table(view: View[T], things: Iterator[T], viewer: Viewer) -> None:
    rows = [view.cells(thing, viewer) for thing in islice(things, ROWS_AT_ONCE)]
    if not rows:
        click.echo(say(view.empty))
    while rows:
        click.echo(_table(view, rows, viewer))
        if rows := [view.cells(thing, viewer) for thing in islice(things, ROWS_AT_ONCE)]:
            click.echo()


@dataclass(slots=True)
class _Column:
    """One column of a table, as it is to be printed."""

    key: str  #: its heading in the view
    head: str  #: may have several lines
    cells: Sequence[str]
    room: int  #: how wide it is

    def natural(self) -> int:
        heads = self.head.splitlines() or [""]
        return max(map(columns_of, (*heads, *self.cells)))


def _table(view: View[T], rows: Sequence[Sequence[str]], viewer: Viewer) -> str:
    """A table of cells as they are, no wider than the terminal if that can be."""
    bound = terminal.width()
    columns = [
        _Column(key, _head(view, key, viewer, narrow=bound is not None), cells, 0)
        for key, cells in zip(view.columns, zip(*rows, strict=True), strict=True)
    ]
    for column in columns:
        column.room = column.natural()
    if bound is not None:
        columns = _fitted(columns, view, bound)
    heads = [column.head.splitlines() for column in columns]
    highest = max(map(len, heads))
    heads = [[""] * (highest - len(head)) + head for head in heads]
    lines = [*_lines(heads, columns, view.numbers)]
    lines.append(_GAP.join("-" * column.room for column in columns))
    for cells in zip(*(column.cells for column in columns), strict=True):
        wrapped = [_wrapped(cell, c.room) for cell, c in zip(cells, columns, strict=True)]
        lines += _lines(wrapped, columns, view.numbers)
    return "\n".join(lines)


def _head(view: View[T], key: str, viewer: Viewer, *, narrow: bool) -> str:
    head = say(key)
    if key and key == view.zoned:
        return f"{head} ({viewer.zone()})"
    return head.replace(" ", "\n") if narrow and key in view.numbers else head


def _fitted(columns: list[_Column], view: View[T], bound: int) -> list[_Column]:
    """Those of *columns* that fit, the one that wraps being as narrow as it must."""
    left = list(columns)
    for gone in (None, *view.spare):
        left = [column for column in left if column.key != gone]
        wraps = next((c for c in left if view.wraps and c.key == view.wraps), None)
        others = sum(c.room for c in left if c is not wraps) + len(_GAP) * (len(left) - 1)
        if wraps is None:
            if others <= bound:
                break
        elif others + min(wraps.room, NARROWEST_TEXT) <= bound:
            wraps.room = min(wraps.room, bound - others)
            break
    return left


def _lines(
    cells: Sequence[Sequence[str]], columns: Sequence[_Column], numbers: Sequence[str]
) -> Iterator[str]:
    """One row of a table: a line, or several where a cell has several."""
    for pieces in zip_longest(*cells, fillvalue=""):
        padded = (
            " " * (c.room - columns_of(piece)) + piece
            if c.key in numbers
            else piece + " " * (c.room - columns_of(piece))
            for piece, c in zip(pieces, columns, strict=True)
        )
        yield _GAP.join(padded).rstrip()


def _wrapped(cell: str, room: int) -> list[str]:
    return [cell] if columns_of(cell) <= room else wrapped(cell, room)


class _Wrapper(textwrap.TextWrapper):
    """Begins a new line at blanks, and behind what parts a registration."""

    wordsep_re = re.compile(r"(\s+)|(?<=[,;])")


def wrapped(text: str, room: int) -> list[str]:
    """*text* in lines of *room* columns."""
    return _Wrapper(room).wrap(text) or [""]


def _print_sheet(lines: Sequence[tuple[str, str]]) -> None:
    """Headings and values, for people."""
    indent = max(columns_of(head) for head, _ in lines) + len(_GAP)
    bound = terminal.width()
    for head, cell in lines:
        room = None if bound is None else max(NARROWEST_TEXT, bound - indent)
        pieces = [cell] if room is None else _wrapped(cell, room)
        for number, piece in enumerate(pieces):
            left = "" if number else head
            click.echo(left + " " * (indent - columns_of(left)) + piece)


def columns_of(text: str) -> int:
    """How many columns of a terminal *text* takes."""
    if text.isascii():
        return len(text)
    return sum(map(_columns_of_letter, text))


def _columns_of_letter(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
