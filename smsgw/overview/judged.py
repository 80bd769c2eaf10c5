"""What is not well, and all that one looks at, from what could be seen."""

from collections.abc import Sequence
from datetime import timedelta

from smsgw import health
from smsgw.database import Server
from smsgw.health import Condition, LinkHealth, Report, judge
from smsgw.overview.links import link_rows
from smsgw.overview.nodes import heartbeat_age, nodes, notes, others
from smsgw.overview.values import LinkRow, Overview, Sight
from smsgw.store import sqlite_version


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
        heartbeat_age_s=heartbeat_age(sight),
        last_backup_at=stored and stored.last_backup_at,
        last_reload_at=stored and stored.last_reload_at,
        last_reload_ok=stored and stored.last_reload_ok,
        nodes=nodes(sight),
        standby=stored and stored.standby and stored.standby.seen,
        notes=tuple(notes(sight)),
    )


def report(sight: Sight) -> Report:
    """What is not well, and whether anybody can be served all the same."""
    return health.report(_condition(sight, link_rows(sight)))


def _condition(sight: Sight, rows: Sequence[LinkRow]) -> Condition:
    settings, outbox = sight.settings, sight.outbox
    configured = {link.name for link in settings.smsc}
    age = heartbeat_age(sight)
    standby = sight.stored.standby if sight.stored else None
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
        nodes=others(sight),
        no_standby=None if standby is None or standby.seen else standby.why,
        waits=settings.gateway.without_standby == "wait",
    )
