"""The machines that run a daemon of the store, or did."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from smsgw import health
from smsgw.health import NodeHealth
from smsgw.overview.values import Node, Sight
from smsgw.store import Beat
from smsgw.words import span

_SILENT_SECONDS = health.SILENT.total_seconds()
#: Clocks of nodes and of the server may differ by so much.
CLOCKS_APART_SECONDS = 60.0


def age_of(beat: Beat, at: datetime, tick: int | None) -> float:
    """Seconds since *beat*, by the clock that nobody sets if it is that of this machine since its
    start: a wrong date makes no daemon look dead, nor a dead one alive.

    Args:
        tick: now, in microseconds of that clock; None: it is another one.
    """
    if beat.age is not None:
        return max(0.0, beat.age)
    if tick is not None:
        return max(0.0, (tick - beat.tick) / 10**6)
    return max(0.0, (at - beat.at).total_seconds())


def node_of(beat: Beat, at: datetime, tick: int | None = None) -> Node:
    """What *beat* tells of its node."""
    age = round(age_of(beat, at, tick), 1)
    common = beat.configuration
    return Node(beat.node, beat.pid, beat.version, beat.started_at, age, beat.ended, (), common)


def differences(beats: Iterable[Beat], node: str) -> Iterator[str]:
    """What is not the same on this *node* and others that live, or on a node and the server."""
    living = [beat for beat in beats if not beat.ended and (beat.age or 0) <= _SILENT_SECONDS]
    living.sort(key=lambda beat: beat.node != node)
    first = living[0] if living else None
    for name, beat in ((beat.node, beat) for beat in living):
        if first and first.configuration and beat.configuration not in (first.configuration, ""):
            yield f"node {name} has another configuration than {first.node}"
        if beat.ahead is not None and abs(beat.ahead) > CLOCKS_APART_SECONDS:
            apart = span(timedelta(seconds=abs(beat.ahead)))
            side = "ahead of" if beat.ahead > 0 else "behind"
            yield f"the clock of node {name} is {apart} {side} that of the database"


def shared(sight: Sight) -> bool:
    """Whether there may be several."""
    return sight.stored is not None and sight.stored.standby is not None


def others(sight: Sight) -> list[NodeHealth]:
    """The nodes whose daemon does not run here."""
    if not shared(sight):
        return []
    here = sight.daemon.name if sight.daemon else None
    return [_health_of(node) for node in nodes(sight) if node.name != here]


def lives(sight: Sight, name: str) -> bool:
    """Whether the daemon of that node does."""
    return any(node.name == name and _health_of(node).lives for node in nodes(sight))


def _health_of(node: Node) -> NodeHealth:
    age = timedelta(seconds=node.heartbeat_age_s or 0)
    return NodeHealth(node.name, age, node.ended, len(node.links))


def notes(sight: Sight) -> Iterator[str]:
    """What is odd about them, and stops nothing."""
    if sight.stored and shared(sight):
        yield from differences(sight.stored.beats, sight.settings.gateway.node)


def heartbeat_age(sight: Sight) -> float | None:
    """Of the daemon here; where none runs, of the last one."""
    if sight.daemon:
        return sight.daemon.heartbeat_age_s
    ages = [node.heartbeat_age_s for node in nodes(sight) if node.heartbeat_age_s is not None]
    return min(ages, default=None)


def nodes(sight: Sight) -> tuple[Node, ...]:
    """All that are known, the one here first."""
    beats = sight.stored.beats if sight.stored else ()
    here = sight.daemon
    owners = sight.stored.owners if sight.stored else {}
    if here and not shared(sight):  # a file is one machine's, and so are all links
        owners = {smsc.name: here.name for smsc in sight.settings.smsc}
    others = [node_of(beat, sight.at) for beat in beats if not here or beat.node != here.name]
    if here:
        common = {beat.node: beat.configuration for beat in beats}.get(here.name)
        here = replace(here, configuration=common)
    found = [here, *others] if here else others
    return tuple(
        replace(node, links=tuple(sorted(link for link in owners if owners[link] == node.name)))
        for node in found
    )
