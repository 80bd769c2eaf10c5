"""What is not well: one judgement for `status`, `/healthz` and whoever else asks.

Pure. Who asks gathers a `Condition`, each from where it can look: a command from the database and
the lock, the daemon from its links and the thread of its store.

Two questions. *Is all well?* `judge` says what is not, and `status` ends with 1. *Can anybody be
served?* `serves` says it, for an orchestrator that would do something about it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from smsgw.model import LinkState, Word
from smsgw.words import count, octets, span

#: A reply leaves within a second; one that still waits after this does not leave by itself.
OVERDUE = timedelta(minutes=5)
#: A daemon says every few seconds that it lives; one that is silent for longer is dead, or hangs.
SILENT = timedelta(seconds=10)
#: For so long it is said of a node that holds nothing that it fell silent.
MISSED = timedelta(hours=24)
#: Free space that a night of traffic with its log needs, and the share of the disk that is asked
#: for where the disk is small or middling.
LEAST_FREE_OCTETS = 100 * 10**6
LEAST_FREE_SHARE = 0.05
ENOUGH_FREE_OCTETS = 2 * 10**9


class Kind(Word):
    """What a problem is about."""

    STORE = "store"  #: it cannot be read or written
    REPLIES = "replies"  #: limits.replies_per_hour is reached
    DAEMON = "daemon"  #: none runs, or it does not move
    LINK = "link"  #: not bound, or the carrier refuses our short code
    HELD = "held"  #: texts that no SMSC answers
    OVERDUE = "overdue"  #: a reply that should have left
    DISK = "disk"  #: nearly full
    NODE = "node"  #: another machine's daemon fell silent
    STANDBY = "standby"  #: what is committed is on one machine alone


class Problem(NamedTuple):
    """One thing that is not well, in words that name no command."""

    kind: Kind
    text: str


class LinkHealth(NamedTuple):
    """A link of the configuration, as it is now."""

    name: str
    state: LinkState
    reason: str | None  #: why it is not bound, or of little use


class NodeHealth(NamedTuple):
    """Another machine that runs a daemon of this store, or did."""

    name: str
    heartbeat_age: timedelta
    ended: bool  #: as it should
    links: int  #: that it holds

    @property
    def lives(self) -> bool:
        return not self.ended and self.heartbeat_age <= SILENT

    @property
    def is_missed(self) -> bool:
        """Whether it fell silent, and somebody may still wait for it."""
        waited_for = self.links > 0 or self.heartbeat_age < MISSED
        return not self.ended and not self.lives and waited_for


class Disk(NamedTuple):
    """Octets of the disk that the database is on."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Condition:
    """All that is judged. None: it cannot be known."""

    at: datetime  #: now, in the time zone of those who read what is said
    database: str
    store_faults: Sequence[str]  #: why the store, or its disk, cannot be read or written
    daemon_runs: bool
    heartbeat_age: timedelta | None  #: since the daemon last said that it lives
    links: Sequence[LinkHealth]
    held: int | None
    oldest_queued: datetime | None  #: when the oldest reply that waits was made
    replies_per_hour: int
    silent_until: datetime | None  #: until then no text is answered: `replies_per_hour` is reached
    disk: Disk | None
    nodes: Sequence[NodeHealth] = ()  #: the other ones
    no_standby: str | None = None  #: why no other machine has what is committed
    waits: bool = False  #: no text is taken meanwhile


class Report(NamedTuple):
    """The answer to both questions."""

    serves: bool
    problems: list[Problem]


def judge(condition: Condition) -> list[Problem]:
    """What is not well, causes before effects; nothing: all is well."""
    return list(_problems(condition))


def serves(condition: Condition) -> bool:
    """Whether any citizen can be served: a link is bound, and the store takes what comes."""
    bound = any(link.state == LinkState.BOUND for link in condition.links)
    runs = condition.daemon_runs or any(node.lives for node in condition.nodes)
    waits = condition.waits and condition.no_standby
    return bound and runs and not waits and not condition.store_faults


def report(condition: Condition) -> Report:
    """Both answers."""
    return Report(serves(condition), judge(condition))


def least_free(total: int) -> float:
    """How many octets of a disk of *total* octets must be free."""
    return max(LEAST_FREE_OCTETS, min(LEAST_FREE_SHARE * total, ENOUGH_FREE_OCTETS))


def _problems(condition: Condition) -> Iterator[Problem]:
    for fault in condition.store_faults:
        yield Problem(Kind.STORE, fault)
    if condition.silent_until and condition.silent_until > condition.at:
        until = f"{condition.silent_until.astimezone(condition.at.tzinfo):%Y-%m-%d %H:%M:%S}"
        limit = f"limits.replies_per_hour ({condition.replies_per_hour})"
        yield Problem(Kind.REPLIES, f"{limit} is reached: no text is answered until {until}")
    if condition.no_standby and condition.waits:
        yield Problem(
            Kind.STANDBY,
            f"no text is taken: no synchronous standby is seen ({condition.no_standby})",
        )
    elif condition.no_standby:
        yield Problem(Kind.STANDBY, f"no synchronous standby is seen ({condition.no_standby})")
    yield from _problems_of_daemons(condition)
    if condition.held:
        yield Problem(Kind.HELD, f"{count(condition.held, 'text')} held")
    oldest = condition.oldest_queued
    if oldest and condition.at - oldest > OVERDUE:
        age = span(condition.at - oldest)
        yield Problem(Kind.OVERDUE, f"a reply has been waiting for {age}")
    disk = condition.disk
    if disk and disk.free < least_free(disk.total):
        yield Problem(
            Kind.DISK, f"only {octets(disk.free)} left on the disk of {condition.database}"
        )


def _problems_of_daemons(condition: Condition) -> Iterator[Problem]:
    if not condition.daemon_runs and not any(node.lives for node in condition.nodes):
        yield Problem(Kind.DAEMON, "the daemon is not running")
        return
    beat = condition.heartbeat_age
    if condition.daemon_runs and beat is not None and beat > SILENT:
        yield Problem(Kind.DAEMON, f"the daemon is silent: its heartbeat is {span(beat)} old")
    for node in condition.nodes:
        if node.is_missed:
            age = span(node.heartbeat_age)
            yield Problem(Kind.NODE, f"node {node.name} is silent: its heartbeat is {age} old")
    yield from _problems_of_links(condition.links)


def _problems_of_links(links: Sequence[LinkHealth]) -> Iterator[Problem]:
    for name, state, reason in links:
        if state != LinkState.BOUND:
            yield Problem(Kind.LINK, f"link {name} is {state}: {reason or 'not bound'}")
        elif reason:
            yield Problem(Kind.LINK, f"link {name}: {reason}")
