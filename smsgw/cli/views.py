"""What each kind of thing looks like: its columns for people, its keys for machines.

Knows the words of `model`. Must not know the store, the gateway or a command.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from smsgw import records
from smsgw.cli import terminal
from smsgw.cli.tables import NARROWEST_TEXT, Format, View, show
from smsgw.model import (
    Account,
    AccountState,
    AuditEntry,
    DayCount,
    Direction,
    Message,
    MtState,
    Outcome,
    QueuedReply,
)
from smsgw.words import Viewer, count

if TYPE_CHECKING:
    from smsgw.gateway import Purged, Trial

#: Characters by which our texts can be told apart.
GIST = NARROWEST_TEXT


def gist(text: str, viewer: Viewer) -> str:
    """The beginning of a text of ours, which everybody knows."""
    return text if viewer.whole or len(text) <= GIST else text[: GIST - 1] + "…"


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
    spare=("link", "registered", "password", "state"),
    zoned="registered",
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
    zoned="registered",
)


AUDIT = View[AuditEntry](
    keys=records.AUDIT,
    columns={
        "time": lambda a, viewer: viewer.minute(a.at),
        "who": lambda a, _: a.who,
        "command": lambda a, _: a.command,
        "account": lambda a, _: a.account or "",
        "detail": lambda a, _: a.detail,
    },
    empty="Nothing was looked up or changed.",
    wraps="detail",
    spare=("detail", "account"),
    zoned="time",
)


def _text(message: Message, viewer: Viewer) -> str:
    came = message.direction == Direction.MO
    if message.text is None:
        text = "(could not be read)"
    else:
        text = message.text if came else gist(message.text, viewer)
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
        "text": _text,
    },
    empty="No such messages.",
    wraps="text",
    spare=("link", "id", "text"),
    zoned="time",
)


def _next_try(reply: QueuedReply, viewer: Viewer) -> str:
    if reply.next_try is None:
        return "held" if reply.state == MtState.QUEUED else "-"
    return viewer.age(reply.next_try) if reply.next_try > viewer.now else "now"


def _queued_text(reply: QueuedReply, viewer: Viewer) -> str:
    text = gist(reply.text, viewer)
    return f"{text} [{reply.reason}]" if reply.reason else text


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
        "text": _queued_text,
    },
    empty="The outbox is empty: no reply waits for an SMSC.",
    wraps="text",
    spare=("link", "tries", "state", "made"),
    numbers=("tries",),
)


#: What became of texts, the most telling first: the order of the columns, in which a narrow
#: terminal gets them.
_KINDS = (
    (Direction.MO, Outcome.REGISTERED),
    (Direction.MO, Outcome.SYNTAX_ERROR),
    (Direction.MO, Outcome.ALREADY_REGISTERED),
    (Direction.MT, MtState.FAILED),
    (Direction.MT, MtState.DELIVERED),
    (Direction.MO, Outcome.IGNORED),
    (Direction.MT, MtState.SENT),
    (Direction.MT, MtState.QUEUED),
    (Direction.MT, MtState.CANCELLED),
    (Direction.MO, Outcome.RETRANSMISSION),
)
_BAR = 20  # columns of the busiest day's bar
_EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class _Day:
    """One local day: how often each thing happened."""

    day: date
    counts: Mapping[tuple[Direction, str], int]

    @property
    def texts(self) -> int:
        """How many texts came."""
        return sum(n for (direction, _), n in self.counts.items() if direction == Direction.MO)


def show_stats(counts: Sequence[DayCount], form: str, viewer: Viewer) -> None:
    """Print counts: for people a line a day, with a bar and a column for each thing that
    happened."""
    if form != Format.TABLE or not counts:
        show(_STATS, counts, form, viewer)
        return
    days: dict[date, dict[tuple[Direction, str], int]] = {}
    for c in counts:
        days.setdefault(c.day, {})[c.direction, c.outcome] = c.count
    found = {(c.direction, c.outcome) for c in counts}
    kinds: list[tuple[Direction, str]] = [kind for kind in _KINDS if kind in found]
    kinds += sorted(found - set(kinds))
    show(_by_day(kinds, days.values()), [_Day(*day) for day in sorted(days.items())], form, viewer)


def _by_day(
    kinds: Sequence[tuple[Direction, str]], days: Iterable[Mapping[tuple[Direction, str], int]]
) -> View[_Day]:
    """Days with these *kinds* of what happened."""
    most = max(_Day(date.min, counts).texts for counts in days)
    heads = {f"{way.upper()} {what}".replace("_", " "): (way, what) for way, what in kinds}
    columns: dict[str, Callable[[_Day, Viewer], str]] = {
        "day": lambda d, _: d.day.isoformat(),
        "texts in": lambda d, _: str(d.texts),
        "": lambda d, _: bar(d.texts, most),
    }
    for head, kind in heads.items():
        columns[head] = lambda d, _, kind=kind: str(d.counts.get(kind, "-"))  # type: ignore[misc]
    spare = (*reversed(list(heads)), "")
    return View(keys=(), columns=columns, spare=spare, numbers=("texts in", *heads))


def bar(number: int, most: int) -> str:
    """*number* as a length, *most* being the longest."""
    eighths = math.ceil(8 * _BAR * number / most) if most else 0
    if not terminal.shows(_EIGHTHS):
        return "#" * round(eighths / 8)
    return (_EIGHTHS[-1] * (eighths // 8) + _EIGHTHS[eighths % 8]).strip()


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
    zoned="waiting",
)

PURGED: "View[Purged]" = View(
    keys=("messages", "accounts", "unused"),
    columns={
        "removed": lambda p, _: (
            f"{count(p.messages, 'message')}, {count(p.accounts, 'closed account')}"
        ),
        "closed": lambda p, _: (
            f"{count(p.unused, 'account')} that nobody ever used" if p.unused else ""
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
