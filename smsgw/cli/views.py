"""What each kind of thing looks like: its columns for people, its keys for machines.

Knows the words of `model`. Must not know the store, the gateway or a command.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, assert_never

import click
from tabulate import MIN_PADDING, tabulate

from smsgw import records
from smsgw.cli.tables import Format, View, show, width
from smsgw.model import (
    Account,
    AccountState,
    AuditEntry,
    Changed,
    DayCount,
    Direction,
    HistoryEntry,
    Message,
    MtState,
    Outcome,
    QueuedReply,
    TextCame,
    TextMade,
    TextMoved,
    TextsCounted,
)
from smsgw.words import Viewer, count

if TYPE_CHECKING:
    from smsgw.gateway import Purged, Trial

#: Characters by which our texts can be told apart.
GIST = 32


def gist(text: str) -> str:
    """The beginning of a text of ours, which everybody knows."""
    return text if len(text) <= GIST else text[: GIST - 1] + "…"


def _password(account: Account, viewer: Viewer) -> str:
    if account.state != AccountState.ISSUED:
        return "own" if account.state == AccountState.ACTIVE else "-"
    expires = account.password_expires_at
    if expires is None:
        return "deleted"
    return f"{'expires' if expires > viewer.now else 'expired'} {viewer.age(expires)}"


ACCOUNTS = View[Account](
    keys=records.ACCOUNT,
    columns={
        "user name": lambda a, _: a.username,
        "phone": lambda a, _: a.phone,
        "name": lambda a, _: a.full_name,
        "state": lambda a, _: a.state,
        "registered": lambda a, viewer: viewer.minute(a.registered_at),
        "password": _password,
        "link": lambda a, _: a.link,
    },
    empty="No such accounts.",
    wraps="name",
)

ACCOUNT = View[Account](
    keys=records.ACCOUNT,
    columns={
        "user name": lambda a, _: a.username,
        "phone": lambda a, _: a.phone,
        "CMND": lambda a, _: a.cmnd,
        "name": lambda a, _: a.full_name,
        "born": lambda a, _: a.birth_date.isoformat(),
        "state": lambda a, _: a.state,
        "registered": lambda a, viewer: viewer.both(a.registered_at),
        "password": _password,
        "issued": lambda a, viewer: viewer.both(a.password_issued_at),
        "expires": lambda a, viewer: viewer.both(a.password_expires_at),
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
    keys=records.HISTORY,
    columns={
        "time": lambda h, viewer: viewer.time(h.at),
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
    keys=records.AUDIT,
    columns={
        "time": lambda a, viewer: viewer.time(a.at),
        "who": lambda a, _: a.who,
        "command": lambda a, _: a.command,
        "account": lambda a, _: a.account or "",
        "detail": lambda a, _: a.detail,
    },
    empty="Nothing was looked up or changed.",
    wraps="detail",
)


def _text(message: Message) -> str:
    came = message.direction == Direction.MO
    if message.text is None:
        text = "(could not be read)"
    else:
        text = message.text if came else gist(message.text)
    # Why it was not answered, or did not arrive.
    told = message.reason and (came or message.state == MtState.FAILED)
    return f"{text} [{message.reason}]" if told else text


MESSAGES = View[Message](
    keys=records.MESSAGE,
    columns={
        "id": lambda m, _: str(m.id),
        "time": lambda m, viewer: viewer.short(m.created_at),
        "": lambda m, _: m.direction.upper(),
        "phone": lambda m, _: m.phone,
        "link": lambda m, _: m.link,
        "outcome": lambda m, _: m.outcome or m.state or "-",
        "text": lambda m, _: _text(m),
    },
    empty="No such messages.",
    wraps="text",
)


def _next_try(reply: QueuedReply, viewer: Viewer) -> str:
    if reply.next_try is None:
        return "held" if reply.state == MtState.QUEUED else "-"
    return viewer.age(reply.next_try) if reply.next_try > viewer.now else "now"


OUTBOX = View[QueuedReply](
    keys=records.QUEUED_REPLY,
    columns={
        "id": lambda q, _: str(q.id),
        "phone": lambda q, _: q.phone,
        "link": lambda q, _: q.link,
        "state": lambda q, _: q.state,
        "made": lambda q, viewer: viewer.age(q.created_at),
        "tries": lambda q, _: str(q.tries),
        "next try": _next_try,
        "text": lambda q, _: f"{gist(q.text)} [{q.reason}]" if q.reason else gist(q.text),
    },
    empty="The outbox is empty: no reply waits for an SMSC.",
    wraps="text",
)


def show_stats(counts: Sequence[DayCount], form: str, viewer: Viewer) -> None:
    """Print counts: for people a line a day, with a column for each thing that happened."""
    if form != Format.TABLE or not counts:
        show(_STATS, counts, form, viewer)
        return
    kinds = sorted({(c.direction, c.outcome) for c in counts})
    days: dict[date, dict[tuple[Direction, str], int]] = {}
    for c in counts:
        days.setdefault(c.day, {})[c.direction, c.outcome] = c.count
    heads = [f"{direction.upper()} {outcome}".replace("_", " ") for direction, outcome in kinds]
    rows = [[day, *map(found.get, kinds)] for day, found in sorted(days.items())]
    if len("2026-11-23") + sum(len(head) + 2 + MIN_PADDING for head in heads) > width():
        heads = [head.replace(" ", "\n") for head in heads]
    click.echo(tabulate(rows, ["day", *heads], tablefmt="simple", missingval="-"))


_STATS = View[DayCount](keys=records.DAY_COUNT, columns={}, empty="Nothing came or went.")


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
        "waiting": lambda e, viewer: (
            f"{count(e.waiting, 'password')}, until {viewer.minute(e.waits_until)}:"
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
