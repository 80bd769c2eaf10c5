"""What is seen, and what follows from it: plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from smsgw.census import Outbox
from smsgw.health import Disk, Kind
from smsgw.model import LinkLive, LinkState, LinkStatus
from smsgw.store import Beat, Standby, Stop

if TYPE_CHECKING:  # what only names it does not import it
    from smsgw.config import Settings


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
    links: tuple[str, ...] = ()  #: that it holds, where there are several
    configuration: str | None = None  #: what must be the same on all, as one text to compare


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
    standby: bool | None  #: whether another machine has what is committed; None: there is no server
    notes: tuple[str, ...]  #: what is odd about the nodes, and stops nothing
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
    standby: Standby | None = None  #: None: it is a file, and one machine's
    owners: Mapping[str, str] = MappingProxyType({})  #: by link the node that has it


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
