"""How things look: tables for people, JSON and CSV for machines. All of it stands here.

Knows the words of `model`, a time zone and the width of the terminal. Must not know the store,
the gateway or a command.

Machines get the attributes of a thing under their own names, times as ISO 8601 in UTC. People get
what they ask for at the telephone: local time, ages, and nothing that a peer could have written
to steer their terminal.
"""

import csv
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import Enum, StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar, assert_never

import click
from tabulate import MIN_PADDING, tabulate

from smsgw.harmless import csv_cell, harmless
from smsgw.model import (
    Account,
    AccountState,
    AuditEntry,
    Changed,
    DayCount,
    Direction,
    HistoryEntry,
    LinkState,
    Message,
    MtState,
    Outcome,
    QueuedReply,
    TextCame,
    TextMade,
    TextMoved,
    TextsCounted,
)

if TYPE_CHECKING:
    from smsgw.gateway import Purged, Trial

T = TypeVar("T")

#: Columns, where there is no terminal to ask.
WIDTH = 100
#: A table of more rows comes in pieces, so that a million accounts need no memory.
ROWS_AT_ONCE = 500
#: Characters by which our texts can be told apart.
GIST = 32
#: Narrower than this, a column of texts is not worth having.
NARROWEST_TEXT = 20


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


# --- words for people ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Eye:
    """Who looks, and when: turns moments into what a person reads."""

    timezone: tzinfo
    now: datetime

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.timezone)

    def time(self, moment: datetime | None) -> str:
        """Local date and time, to the second."""
        return f"{self.local(moment):%Y-%m-%d %H:%M:%S}" if moment else "-"

    def minute(self, moment: datetime | None) -> str:
        """Local date and time, to the minute."""
        return f"{self.local(moment):%Y-%m-%d %H:%M}" if moment else "-"

    def short(self, moment: datetime) -> str:
        """Local date and time, where a line has much to say."""
        return f"{self.local(moment):{'%d %b %H:%M' if _is_near(moment, self.now) else '%Y-%m-%d'}}"

    def age(self, moment: datetime | None) -> str:
        """How long ago, or in how long."""
        if moment is None:
            return "-"
        if moment > self.now:
            return f"in {span(moment - self.now)}"
        return f"{span(self.now - moment)} ago"

    def both(self, moment: datetime | None) -> str:
        """Local time and age."""
        return f"{self.time(moment)} ({self.age(moment)})" if moment else "-"


def _is_near(moment: datetime, now: datetime) -> bool:
    """Whether day and month say which year is meant."""
    return abs(now - moment) < timedelta(days=180)


def span(duration: timedelta) -> str:
    """*duration* in the one unit in which a person would say it."""
    seconds = duration.total_seconds()
    if seconds < 60:
        return f"{seconds:.0f} s"
    for unit, size in (("d", 86400), ("h", 3600)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 60:.0f} min"


def octets(number: int) -> str:
    """*number* octets as a disk's size is said."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number / 1e3:.0f} kB"


def gist(text: str) -> str:
    """The beginning of a text of ours, which everybody knows."""
    return text if len(text) <= GIST else text[: GIST - 1] + "…"


def count(number: int, thing: str) -> str:
    """*number* things, in words."""
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"


# --- tables, JSON, CSV --------------------------------------------------------------------------


@dataclass(frozen=True)  # with slots, a generic one cannot be made on Python 3.11
class View(Generic[T]):
    """How one kind of thing is shown."""

    keys: tuple[str, ...]  #: attributes of T: JSON's keys and CSV's header, in order
    columns: Mapping[str, Callable[[T, Eye], str]]  #: a table's headings and cells
    empty: str = ""  #: what people read where there is nothing
    wraps: str = ""  #: the column that is wrapped where the line would be too long

    def record(self, thing: T) -> dict[str, object]:
        """*thing* as machines see it."""
        return {key: _plain(getattr(thing, key)) for key in self.keys}

    def cells(self, thing: T, eye: Eye) -> list[str]:
        """*thing* as people see it."""
        return [harmless(cell(thing, eye)) for cell in self.columns.values()]


def show(view: View[T], things: Iterable[T], form: str, eye: Eye) -> None:
    """Print *things*, one a line, as they come."""
    match Format(form):
        case Format.JSON:
            _print_json(map(view.record, things))
        case Format.CSV:
            _print_csv(view.keys, map(view.record, things))
        case Format.TABLE:
            _print_table(view, iter(things), eye)


def show_one(view: View[T], thing: T, form: str, eye: Eye) -> None:
    """Print one thing: for people each column is a line, and an empty one is left out."""
    if form != Format.TABLE:
        show(view, [thing], form, eye)
        return
    lines = zip(view.columns, view.cells(thing, eye), strict=True)
    _print_sheet([(head, cell) for head, cell in lines if cell])


def show_each(view: View[T], things: Sequence[T], form: str, eye: Eye) -> None:
    """Print a few things: for people each like one alone."""
    if form != Format.TABLE:
        show(view, things, form, eye)
        return
    for number, thing in enumerate(things):
        if number:
            click.echo()
        show_one(view, thing, form, eye)


def _plain(value: object) -> object:
    """*value* in JSON's terms."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value


def _print_json(records: Iterator[dict[str, object]]) -> None:
    """One array, an element a line. ASCII only: valid, and harmless, wherever it is printed."""
    lead = "["
    for record in records:
        click.echo(f"{lead}\n  {json.dumps(record)}", nl=False)
        lead = ","
    click.echo("[]" if lead == "[" else "\n]")


def _print_csv(keys: Sequence[str], records: Iterator[dict[str, object]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(keys)
    writer.writerows(map(_csv_cell, record.values()) for record in records)


def _csv_cell(value: object) -> object:
    """*value* in CSV's terms."""
    if isinstance(value, bool | list | dict):
        value = json.dumps(value)
    return csv_cell(value) if isinstance(value, str) else value


def _print_table(view: View[T], things: Iterator[T], eye: Eye) -> None:
    heads = list(view.columns)
    rows = [view.cells(thing, eye) for thing in islice(things, ROWS_AT_ONCE)]
    if not rows:
        click.echo(view.empty)
    while rows:
        click.echo(_table(heads, rows, view.wraps))
        if rows := [view.cells(thing, eye) for thing in islice(things, ROWS_AT_ONCE)]:
            click.echo()


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], wraps: str) -> str:
    """A table of cells as they are; the column *wraps* gets what the others leave of the line."""
    padded = [head + " " * MIN_PADDING for head in heads]  # as tabulate does it
    widths = [max(map(len, column)) for column in zip(padded, *rows, strict=True)]
    limits: list[int | None] = [None] * len(heads)
    if wraps:
        at = heads.index(wraps)
        room = _width() - (sum(widths) - widths[at]) - 2 * (len(heads) - 1)
        limits[at] = max(NARROWEST_TEXT, room)
    # Without disable_numparse a CMND would lose its leading zeros.
    return tabulate(rows, heads, tablefmt="simple", disable_numparse=True, maxcolwidths=limits)


def _print_sheet(lines: Sequence[tuple[str, str]]) -> None:
    """Headings and values, for people."""
    room = _width() - max(len(head) for head, _ in lines) - 2
    limits = [None, max(NARROWEST_TEXT, room)]
    click.echo(tabulate(lines, tablefmt="plain", disable_numparse=True, maxcolwidths=limits))


def _width() -> int:
    return shutil.get_terminal_size((WIDTH, 24)).columns


# --- what there is to see -----------------------------------------------------------------------


def _password(account: Account, eye: Eye) -> str:
    if account.state != AccountState.ISSUED:
        return "own" if account.state == AccountState.ACTIVE else "-"
    expires = account.password_expires_at
    if expires is None:
        return "deleted"
    return f"{'expires' if expires > eye.now else 'expired'} {eye.age(expires)}"


_ACCOUNT_KEYS = (
    "username",
    "phone",
    "cmnd",
    "full_name",
    "birth_date",
    "state",
    "registered_at",
    "password_issued_at",
    "password_expires_at",
    "reminders",
    "link",
)

ACCOUNTS = View[Account](
    keys=_ACCOUNT_KEYS,
    columns={
        "user name": lambda a, _: a.username,
        "phone": lambda a, _: a.phone,
        "name": lambda a, _: a.full_name,
        "state": lambda a, _: a.state,
        "registered": lambda a, eye: eye.minute(a.registered_at),
        "password": _password,
        "link": lambda a, _: a.link,
    },
    empty="No such accounts.",
    wraps="name",
)

ACCOUNT = View[Account](
    keys=_ACCOUNT_KEYS,
    columns={
        "user name": lambda a, _: a.username,
        "phone": lambda a, _: a.phone,
        "CMND": lambda a, _: a.cmnd,
        "name": lambda a, _: a.full_name,
        "born": lambda a, _: a.birth_date.isoformat(),
        "state": lambda a, _: a.state,
        "registered": lambda a, eye: eye.both(a.registered_at),
        "password": _password,
        "issued": lambda a, eye: eye.both(a.password_issued_at),
        "expires": lambda a, eye: eye.both(a.password_expires_at),
        "reminders": lambda a, _: str(a.reminders),
        "link": lambda a, _: a.link,
    },
)


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One line of a citizen's story, in words."""

    at: datetime
    what: str  #: such as "mo", "mt", "registered", "lapsed", "closed"
    detail: str
    actor: str | None = None  #: who did it at the command line
    reason: str | None = None
    username: str | None = None  #: whose story it is; None: of a phone without an account


def story_line(entry: HistoryEntry) -> StoryLine:
    """*entry* in words."""
    actor = reason = None
    match entry:
        case Changed():
            what, actor, reason = entry.event, entry.actor, entry.reason
            moved = entry.old not in (None, entry.new)
            detail = f"{entry.old} -> {entry.new}" if moved else str(entry.new)
        case TextCame():
            text = "(could not be read)" if entry.text is None else entry.text
            what, detail, reason = "mo", f"{entry.outcome}: {text}", entry.reason
        case TextsCounted():
            what = "mo"
            more = f"{entry.number} more within the hour, which were only counted"
            detail = f"{Outcome.IGNORED}: {more}"
        case TextMade():
            what, detail = "mt", f"{entry.reply}: {entry.text}"
        case TextMoved():
            what, detail = f"mt {entry.state}", f"message {entry.mt_id}"
            reason = entry.reason
        case _:
            assert_never(entry)
    return StoryLine(entry.at, what, detail, actor, reason, entry.username)


HISTORY = View[StoryLine](
    keys=("at", "what", "detail", "actor", "reason"),
    columns={
        "time": lambda h, eye: eye.time(h.at),
        "what": lambda h, _: h.what,
        "detail": lambda h, _: f"{h.detail} ({h.reason})" if h.reason else h.detail,
        "by": lambda h, _: h.actor or "",
    },
    empty="Nothing has happened.",
    wraps="detail",
)


#: Of two citizens, where a key is the phone of one and the CMND of the other.
HISTORIES = replace(HISTORY, keys=(*HISTORY.keys, "username"))

AUDIT = View[AuditEntry](
    keys=("at", "who", "command", "account", "detail"),
    columns={
        "time": lambda a, eye: eye.time(a.at),
        "who": lambda a, _: a.who,
        "command": lambda a, _: a.command,
        "account": lambda a, _: a.account or "",
        "detail": lambda a, _: a.detail,
    },
    empty="Nothing was looked up or changed.",
    wraps="detail",
)


def _text(message: Message) -> str:
    if message.text is None:
        return "(could not be read)"
    if message.direction == Direction.MO:
        return message.text
    failed = message.state == MtState.FAILED and message.reason
    return f"{gist(message.text)} [{message.reason}]" if failed else gist(message.text)


MESSAGES = View[Message](
    keys=(
        "id",
        "direction",
        "phone",
        "link",
        "text",
        "state",
        "outcome",
        "created_at",
        "reason",
    ),
    columns={
        "id": lambda m, _: str(m.id),
        "time": lambda m, eye: eye.short(m.created_at),
        "": lambda m, _: m.direction.upper(),
        "phone": lambda m, _: m.phone,
        "link": lambda m, _: m.link,
        "outcome": lambda m, _: m.outcome or m.state or "-",
        "text": lambda m, _: _text(m),
    },
    empty="No such messages.",
    wraps="text",
)


def _next_try(reply: QueuedReply, eye: Eye) -> str:
    if reply.next_try is None:
        return "held" if reply.state == MtState.QUEUED else "-"
    return eye.age(reply.next_try) if reply.next_try > eye.now else "now"


OUTBOX = View[QueuedReply](
    keys=("id", "phone", "link", "text", "state", "created_at", "tries", "next_try", "reason"),
    columns={
        "id": lambda q, _: str(q.id),
        "phone": lambda q, _: q.phone,
        "link": lambda q, _: q.link,
        "state": lambda q, _: q.state,
        "made": lambda q, eye: eye.age(q.created_at),
        "tries": lambda q, _: str(q.tries),
        "next try": _next_try,
        "text": lambda q, _: f"{gist(q.text)} [{q.reason}]" if q.reason else gist(q.text),
    },
    empty="The outbox is empty: no reply waits for an SMSC.",
    wraps="text",
)


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link of the configuration, or one that the store remembers."""

    name: str
    state: LinkState
    since: datetime | None  #: None: nobody knows
    reason: str | None
    mo: int
    mt: int
    carrier: str
    oddities: Mapping[str, int] = field(default_factory=dict)


LINKS = View[LinkRow](
    keys=("name", "state", "since", "reason", "mo", "mt", "carrier", "oddities"),
    columns={
        "link": lambda row, _: row.name,
        "state": lambda row, _: row.state,
        "since": lambda row, eye: eye.both(row.since),
        "MO": lambda row, _: str(row.mo),
        "MT": lambda row, _: str(row.mt),
        "odd": lambda row, _: str(sum(row.oddities.values())),
        "reason": lambda row, _: row.reason or "",
    },
    empty="No links.",
    wraps="reason",
)


def show_stats(counts: Sequence[DayCount], form: str, eye: Eye) -> None:
    """Print counts: for people a line a day, with a column for each thing that happened."""
    if form != Format.TABLE or not counts:
        show(_STATS, counts, form, eye)
        return
    kinds = sorted({(c.direction, c.outcome) for c in counts})
    days: dict[date, dict[tuple[Direction, str], int]] = {}
    for c in counts:
        days.setdefault(c.day, {})[c.direction, c.outcome] = c.count
    heads = [f"{direction.upper()} {outcome}".replace("_", " ") for direction, outcome in kinds]
    rows = [[day, *map(found.get, kinds)] for day, found in sorted(days.items())]
    click.echo(tabulate(rows, ["day", *heads], tablefmt="simple", missingval="-"))


_STATS = View[DayCount](
    keys=("day", "direction", "outcome", "count"), columns={}, empty="Nothing came or went."
)

TRIAL: "View[Trial]" = View(
    keys=("outcome", "reply", "detail"),
    columns={
        "outcome": lambda t, _: t.outcome,
        "reply": lambda t, _: "(none)" if t.reply is None else t.reply,
        "detail": lambda t, _: t.detail,
    },
)


@dataclass(frozen=True, slots=True)
class Expiry:
    """What a pass over the expired passwords did."""

    replaced: int
    ended: int  #: deleted and not replaced, after registration.max_reminders
    waiting: int
    waits_until: datetime | None


EXPIRY = View[Expiry](
    keys=("replaced", "ended", "waiting", "waits_until"),
    columns={
        "replaced": lambda e, _: count(e.replaced, "password"),
        "deleted": lambda e, _: f"{count(e.ended, 'password')}, not replaced" if e.ended else "",
        "waiting": lambda e, eye: (
            f"{count(e.waiting, 'password')}, until {eye.minute(e.waits_until)}:"
            " citizens are not reminded at this hour"
            if e.waiting
            else ""
        ),
    },
)

PURGED: "View[Purged]" = View(
    keys=("messages", "accounts"),
    columns={
        "removed": lambda p, _: (
            f"{count(p.messages, 'message')}, {count(p.accounts, 'closed account')}"
        ),
    },
)


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One thing that is wrong with the configuration."""

    file: str
    key: str
    problem: str
    remedy: str | None


CONFIG_FAULTS = View[ConfigFault](keys=("file", "key", "problem", "remedy"), columns={})


# --- one screen ---------------------------------------------------------------------------------

#: What the store says of the gateway's health.
HEALTH_KEYS = (
    "queued",
    "held",
    "failed",
    "oldest_queued",
    "last_mo",
    "last_mt",
    "mo_last_hour",
    "mt_last_hour",
)


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether it is working, and what one looks at to know. None: cannot be known."""

    shortcode: str
    database: str
    problems: tuple[str, ...]
    daemon_pid: int | None
    links: tuple[LinkRow, ...]
    queued: int | None
    held: int | None
    failed: int | None
    oldest_queued: datetime | None  #: when the oldest reply that waits was made
    last_mo: datetime | None
    last_mt: datetime | None
    mo_last_hour: int | None
    mt_last_hour: int | None
    disk_free: int | None  #: octets
    disk_total: int | None
    sqlite: str  #: its version, here; the daemon's first line says which one it has

    @property
    def ok(self) -> bool:
        return not self.problems


def _outbox(condition: Condition, eye: Eye) -> str:
    if condition.queued is None:
        return ""
    held = f" ({condition.held} held)" if condition.held else ""
    texts = f"{condition.queued} queued{held}, {condition.failed} failed"
    oldest = condition.oldest_queued
    return f"{texts}; the oldest reply was made {eye.age(oldest)}" if oldest else texts


def _oddities(condition: Condition) -> str:
    """What peers did against the standard, ever; empty where all keep to it."""
    return "; ".join(
        f"{link.name} {', '.join(f'{kind} {n}' for kind, n in link.oddities.items())}"
        for link in condition.links
        if link.oddities
    )


def _disk(condition: Condition) -> str:
    free, total = condition.disk_free, condition.disk_total
    return f"{octets(free)} free ({100 * free / total:.0f} %)" if free and total else ""


CONDITION = View[Condition](
    keys=(
        "ok",
        "problems",
        "daemon_pid",
        "links",
        *HEALTH_KEYS,
        "disk_free",
        "disk_total",
        "database",
        "sqlite",
    ),
    columns={
        "daemon": lambda c, _: f"running, pid {c.daemon_pid}" if c.daemon_pid else "not running",
        "outbox": _outbox,
        "last hour": lambda c, _: (
            "" if c.mo_last_hour is None else f"{c.mo_last_hour} MO, {c.mt_last_hour} MT"
        ),
        "last MO": lambda c, eye: "" if c.queued is None else eye.both(c.last_mo),
        "last MT": lambda c, eye: "" if c.queued is None else eye.both(c.last_mt),
        "odd": lambda c, _: _oddities(c),
        "disk": lambda c, _: _disk(c),
        "database": lambda c, _: f"{c.database} (SQLite {c.sqlite})",
    },
)


def show_condition(condition: Condition, form: str, eye: Eye) -> None:
    """Print the condition: for people one screen, the verdict first."""
    if form != Format.TABLE:
        show(CONDITION, [condition], form, eye)
        return
    found = "all is well" if condition.ok else count(len(condition.problems), "problem")
    click.echo(f"{condition.shortcode}: {found}")
    for problem in condition.problems:
        click.echo(f"  ! {harmless(problem)}")
    click.echo()
    show_one(CONDITION, condition, form, eye)
    if condition.links:
        click.echo()
        show(LINKS, condition.links, form, eye)
