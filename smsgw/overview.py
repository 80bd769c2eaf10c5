"""What one looks at to know whether it works: one value for `status`, `links`, `/healthz`, STATUS.

Who asks gathers a `Sight`, each from where it can look: the daemon from its links, its pulse and
the thread of its store; a command, where no daemon answers, from the database. What follows from it
is the same for all. Reads rows of the store and the size of its disk; must not know what shows it.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from smsgw import health
from smsgw.carriers import Carriers
from smsgw.census import Outbox
from smsgw.clock import unstamp
from smsgw.database import Database, Server
from smsgw.health import Condition, Disk, Kind, LinkHealth, Report, judge
from smsgw.limits import CEILING_FACT
from smsgw.model import LinkLive, LinkState, LinkStatus
from smsgw.store import Beat, Stop, Store, sqlite_version
from smsgw.words import count

if TYPE_CHECKING:  # what only names it does not import it
    from smsgw.config import Settings

T = TypeVar("T")

#: Facts of the store: when it was last copied, and when and how the configuration was read again.
BACKUP_FACT = "last_backup_at"
RELOAD_FACT = "last_reload_at"
RELOAD_OK_FACT = "last_reload_ok"


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link of the configuration, or one that the store remembers. None: nobody knows."""

    name: str
    state: LinkState
    since: datetime | None
    reason: str | None
    mo: int
    mt: int
    carrier: str
    node: str | None = None  #: whose daemon holds it
    queued: int | None = None
    mt_per_s_1m: float | None = None
    mt_per_s_5m: float | None = None
    mt_per_s_15m: float | None = None
    oldest_due: datetime | None = None  #: when the oldest reply that waits for it fell due
    oddities: Mapping[str, int] = field(default_factory=dict)
    next_try: datetime | None = None  #: to bind


@dataclass(frozen=True, slots=True)
class Node:
    """A machine that runs a daemon of this store, or did."""

    name: str
    pid: int
    version: str
    started_at: datetime | None
    heartbeat_age_s: float | None
    ended: bool = False  #: it ended as it should


@dataclass(frozen=True, slots=True)
class Overview:
    """Whether it is working, and what one looks at to know. None: cannot be known."""

    shortcode: str
    database: str
    problems: tuple[str, ...]
    kinds: tuple[Kind, ...]  #: of each problem
    daemon_pid: int | None
    links: tuple[LinkRow, ...]
    queued: int | None
    held: int | None
    failed: int | None
    oldest_queued: datetime | None  #: when the oldest reply that waits was made
    last_mo: datetime | None
    last_mt: datetime | None  #: when an SMSC last took a text of ours
    disk_free: int | None  #: octets
    disk_total: int | None
    sqlite: str | None  #: version of SQLite; None: it is not used
    version: str  #: of smsgw
    started_at: datetime | None
    heartbeat_age_s: float | None
    last_backup_at: datetime | None
    last_reload_at: datetime | None
    last_reload_ok: bool | None
    nodes: tuple[Node, ...]
    mo_last_hour: int | None = None
    mt_last_hour: int | None = None

    @property
    def ok(self) -> bool:
        return not self.problems


class Stored(NamedTuple):
    """What the store says."""

    links: Sequence[LinkStatus]
    stopped: Mapping[str, Stop]  #: links that somebody took down by hand
    carriers: Mapping[str, str]
    beats: Sequence[Beat]
    last_mo: datetime | None
    last_mt: datetime | None
    silent_until: datetime
    last_backup_at: datetime | None
    last_reload_at: datetime | None
    last_reload_ok: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """All that could be seen. None: it could not."""

    at: datetime
    settings: "Settings"
    version: str
    faults: Sequence[str]  #: why the store, or its disk, cannot be read or written
    daemon: Node | None  #: the one that runs here
    stored: Stored | None
    outbox: Outbox | None
    live: Mapping[str, LinkLive] | None  #: links as the daemon holds them
    disk: Disk | None


# --- gathering ----------------------------------------------------------------------------------


def read(store: Store) -> Stored:
    """A few rows each, whatever the store holds."""
    last_mo, last_mt = store.last_times()
    ok = store.fact(RELOAD_OK_FACT)
    return Stored(
        store.links(),
        store.stopped_links(),
        store.carriers(),
        store.beats(),
        last_mo,
        last_mt,
        unstamp(int(store.fact(CEILING_FACT) or 0)),
        _moment(store.fact(BACKUP_FACT)),
        _moment(store.fact(RELOAD_FACT)),
        None if ok is None else ok in ("1", "true", "True"),
    )


def _moment(fact: str | None) -> datetime | None:
    return unstamp(int(fact)) if fact and fact.isdigit() else None


def look_at_disk(database: Database) -> Disk | None:
    """The disk of a database file; whether it hangs is the caller's to bound. None: that of a
    server is its own business.

    Raises:
        OSError: it cannot be asked.
    """
    if isinstance(database, Server):
        return None
    found = os.statvfs(database.parent)
    return Disk(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def age_of(beat: Beat, at: datetime, tick: int | None) -> float:
    """Seconds since *beat*, by the clock that nobody sets if it is that of this machine since its
    start: a wrong date makes no daemon look dead, nor a dead one alive.

    Args:
        tick: now, in microseconds of that clock; None: it is another one.
    """
    if tick is not None:
        return max(0.0, (tick - beat.tick) / 10**6)
    return max(0.0, (at - beat.at).total_seconds())


def node_of(beat: Beat, at: datetime, tick: int | None = None) -> Node:
    """What *beat* tells of its node."""
    age = age_of(beat, at, tick)
    return Node(beat.node, beat.pid, beat.version, beat.started_at, round(age, 1), beat.ended)


# --- what follows -------------------------------------------------------------------------------


def overview(sight: Sight) -> Overview:
    """Everything that *sight* shows, judged."""
    settings, outbox, stored, daemon = sight.settings, sight.outbox, sight.stored, sight.daemon
    rows = link_rows(sight)
    problems = judge(_condition(sight, rows))
    return Overview(
        shortcode=settings.gateway.shortcode,
        database=str(settings.gateway.database),
        problems=tuple(problem.text for problem in problems),
        kinds=tuple(problem.kind for problem in problems),
        daemon_pid=daemon.pid if daemon else None,
        links=tuple(rows),
        queued=outbox.queued if outbox else None,
        held=outbox.held if outbox else None,
        failed=outbox.failed if outbox else None,
        oldest_queued=outbox.oldest_queued if outbox else None,
        last_mo=stored and stored.last_mo,
        last_mt=stored and stored.last_mt,
        disk_free=sight.disk and sight.disk.free,
        disk_total=sight.disk and sight.disk.total,
        sqlite=None if isinstance(settings.gateway.database, Server) else sqlite_version(),
        version=daemon.version if daemon and daemon.version else sight.version,
        started_at=daemon.started_at if daemon else None,
        heartbeat_age_s=_heartbeat_age(sight),
        last_backup_at=stored and stored.last_backup_at,
        last_reload_at=stored and stored.last_reload_at,
        last_reload_ok=stored and stored.last_reload_ok,
        nodes=_nodes(sight),
    )


def report(sight: Sight) -> Report:
    """What is not well, and whether anybody can be served all the same."""
    return health.report(_condition(sight, link_rows(sight)))


def _condition(sight: Sight, rows: Sequence[LinkRow]) -> Condition:
    settings, outbox = sight.settings, sight.outbox
    configured = {link.name for link in settings.smsc}
    age = _heartbeat_age(sight)
    return Condition(
        at=sight.at.astimezone(settings.gateway.timezone),
        database=str(settings.gateway.database),
        store_faults=sight.faults,
        daemon_runs=sight.daemon is not None,
        heartbeat_age=None if age is None else timedelta(seconds=age),
        links=[LinkHealth(r.name, r.state, r.reason) for r in rows if r.name in configured],
        held=outbox.held if outbox else None,
        oldest_queued=outbox.oldest_queued if outbox else None,
        replies_per_hour=settings.limits.replies_per_hour,
        silent_until=sight.stored and sight.stored.silent_until,
        disk=sight.disk,
    )


def _heartbeat_age(sight: Sight) -> float | None:
    """Of the daemon here; where none runs, of the last one."""
    if sight.daemon:
        return sight.daemon.heartbeat_age_s
    ages = [node.heartbeat_age_s for node in _nodes(sight) if node.heartbeat_age_s is not None]
    return min(ages, default=None)


def _nodes(sight: Sight) -> tuple[Node, ...]:
    beats = sight.stored.beats if sight.stored else ()
    here = sight.daemon
    others = [node_of(beat, sight.at) for beat in beats if not here or beat.node != here.name]
    return (*([here] if here else []), *others)


# --- links --------------------------------------------------------------------------------------


def link_rows(sight: Sight) -> list[LinkRow]:
    """The links of the configuration, in its order, then others that the store remembers."""
    carriers = {link.name: link.carrier for link in sight.settings.smsc}
    stored = {status.name: status for status in sight.stored.links} if sight.stored else {}
    waiting = sight.outbox.links if sight.outbox else {}
    known = Carriers(carriers, sight.stored.carriers if sight.stored else {})
    rows = [_row(sight, name, carrier, stored.get(name)) for name, carrier in carriers.items()]
    gone = [name for name in dict.fromkeys([*stored, *sorted(waiting)]) if name not in carriers]
    for name in gone:
        texts = waiting[name].queued if name in waiting else 0
        if texts or name in stored:
            row = _row(sight, name, known.of(name), stored.get(name))
            fate = _fate_of_gone(known, name, texts)
            rows.append(replace(row, state=LinkState.STOPPED, reason=fate))
    return rows


def _row(sight: Sight, name: str, carrier: str, stored: LinkStatus | None) -> LinkRow:
    waits = sight.outbox.links.get(name) if sight.outbox else None
    live = sight.live.get(name) if sight.live is not None else None
    row = LinkRow(
        name,
        LinkState.STOPPED,
        None,
        "never started",
        stored.mo if stored else 0,
        stored.mt if stored else 0,
        carrier,
        sight.daemon.name if sight.daemon else None,
        (waits.queued if waits else 0) if sight.outbox else None,
        oldest_due=waits.oldest_reply if waits else None,
        oddities=stored.oddities if stored else {},
    )
    if live:
        short, middle, long = (round(rate, 3) for rate in live.rates)
        return replace(
            row,
            state=live.state,
            since=live.since,
            reason=live.reason,
            mt_per_s_1m=short,
            mt_per_s_5m=middle,
            mt_per_s_15m=long,
            oddities=live.oddities,
            next_try=live.next_try,
        )
    by_hand = sight.stored.stopped.get(name) if sight.stored and not sight.daemon else None
    if by_hand:
        # The daemon did not see it; or it was killed, and could not write down that it stopped.
        return replace(row, since=by_hand.at, reason=by_hand.told(sight.settings.gateway.timezone))
    if stored is None:
        return row
    if sight.daemon is None and stored.state != LinkState.STOPPED:
        # One that was killed could not write down that it stopped.
        return replace(row, reason="the daemon is not running")
    return replace(
        row,
        state=stored.state,
        since=stored.since,
        reason=stored.reason,
        next_try=stored.next_try,
    )


def _fate_of_gone(carriers: Carriers, link: str, waiting: int) -> str:
    """What becomes of what waits for a link that is no longer configured."""
    if not waiting:
        return "not in the configuration"
    carrier = carriers.of(link)
    s = "s" if waiting == 1 else ""
    how = f"leave{s} by {' or '.join(carriers.links(carrier))}"
    if not carriers.links(carrier):
        how = f"wait{s}: no link of its carrier {carrier} is"
    return f"not in the configuration; {count(waiting, 'text')} {how}"


# --- on its way from the daemon to a command ----------------------------------------------------

_TIMES = {
    "since",
    "oldest_due",
    "next_try",
    "oldest_queued",
    "last_mo",
    "last_mt",
    "started_at",
    "last_backup_at",
    "last_reload_at",
}


def told(answer: Mapping[str, Any]) -> Overview:
    """The overview that a daemon told in `records.plain`'s terms.

    Raises:
        KeyError, ValueError, TypeError: it is of another version.
    """
    links = [
        _told(LinkRow, {**link, "state": LinkState(link["state"])}) for link in answer["links"]
    ]
    nodes = [_told(Node, node) for node in answer["nodes"]]
    kinds = map(Kind, answer["kinds"])
    rest = {"links": tuple(links), "nodes": tuple(nodes), "kinds": tuple(kinds)}
    return _told(Overview, {**answer, "problems": tuple(answer["problems"]), **rest})


def _told(kind: type[T], values: Mapping[str, Any]) -> T:
    names: Iterable[str] = [each.name for each in fields(kind)]  # type: ignore[arg-type]
    return kind(**{name: _value(name, values[name]) for name in names})


def _value(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name in _TIMES and value is not None else value
