"""How things are printed: tables for people, JSON and CSV for machines.

Knows the width of the terminal, and how a kind of thing is shown once it is told by a `View`. Must
not know any such kind, the store or a command.

Machines get the attributes of a thing under their own names, times as ISO 8601 in UTC. People get
what they ask for at the telephone: local time, ages, and nothing that a peer could have written
to steer their terminal.
"""

import csv
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Generic, TypeVar

import click
from tabulate import MIN_PADDING, tabulate

from smsgw.harmless import csv_cell, harmless
from smsgw.records import record
from smsgw.words import Viewer

T = TypeVar("T")

#: Columns, where there is no terminal to ask.
WIDTH = 100
#: A table of more rows comes in pieces, so that a million accounts need no memory.
ROWS_AT_ONCE = 500
#: Narrower than this, a column of texts is not worth having.
NARROWEST_TEXT = 20


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
    _print_sheet([(head, cell) for head, cell in lines if cell])


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
    """One array, an element a line. ASCII only: valid, and harmless, wherever it is printed."""
    lead = "["
    for each in records:
        click.echo(f"{lead}\n  {json.dumps(each)}", nl=False)
        lead = ","
    click.echo("[]" if lead == "[" else "\n]")


def _print_csv(keys: Sequence[str], records: Iterator[dict[str, object]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(keys)
    writer.writerows(map(_csv_cell, each.values()) for each in records)


def _csv_cell(value: object) -> object:
    """*value* in CSV's terms."""
    if isinstance(value, bool | list | dict):
        value = json.dumps(value)
    return csv_cell(value) if isinstance(value, str) else value


def _print_table(view: View[T], things: Iterator[T], viewer: Viewer) -> None:
    heads = list(view.columns)
    rows = [view.cells(thing, viewer) for thing in islice(things, ROWS_AT_ONCE)]
    if not rows:
        click.echo(view.empty)
    while rows:
        click.echo(_table(heads, rows, view.wraps))
        if rows := [view.cells(thing, viewer) for thing in islice(things, ROWS_AT_ONCE)]:
            click.echo()


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], wraps: str) -> str:
    """A table of cells as they are; the column *wraps* gets what the others leave of the line."""
    padded = [head + " " * MIN_PADDING for head in heads]  # as tabulate does it
    widths = [max(map(len, column)) for column in zip(padded, *rows, strict=True)]
    limits: list[int | None] = [None] * len(heads)
    if wraps:
        at = heads.index(wraps)
        room = width() - (sum(widths) - widths[at]) - 2 * (len(heads) - 1)
        limits[at] = max(NARROWEST_TEXT, room)
    # Without disable_numparse a CMND would lose its leading zeros.
    return tabulate(rows, heads, tablefmt="simple", disable_numparse=True, maxcolwidths=limits)


def _print_sheet(lines: Sequence[tuple[str, str]]) -> None:
    """Headings and values, for people."""
    room = width() - max(len(head) for head, _ in lines) - 2
    limits = [None, max(NARROWEST_TEXT, room)]
    click.echo(tabulate(lines, tablefmt="plain", disable_numparse=True, maxcolwidths=limits))


def width() -> int:
    return shutil.get_terminal_size((WIDTH, 24)).columns
