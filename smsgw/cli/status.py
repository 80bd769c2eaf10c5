"""`smsgw status`: is it working?"""

import os
from datetime import timedelta

import click

from smsgw.cli.links import link_rows
from smsgw.cli.options import format_option
from smsgw.cli.refusals import line
from smsgw.cli.tools import Tools, pass_tools
from smsgw.cli.views import HEALTH_KEYS, LinkRow, Status, show_status
from smsgw.clock import unstamp
from smsgw.database import Server
from smsgw.errors import SmsgwError
from smsgw.health import Condition, Disk, Kind, LinkHealth, Problem, judge
from smsgw.limits import CEILING_FACT
from smsgw.store import sqlite_version

#: `status` never waits longer than five seconds: for a lock, and for what it reads.
LOCK_PATIENCE = timedelta(seconds=1)
READ_PATIENCE = timedelta(seconds=3)

#: What to do about a problem, where a command helps.
_REMEDIES = {
    Kind.HELD: "see `smsgw outbox list`",
    Kind.OVERDUE: "see `smsgw outbox list`",
}


@click.command()
@format_option
@pass_tools
def status(tools: Tools, form: str) -> int:
    """Is it working? One screen.

    Exit status 0 if all is well, 1 if not. Not well is: no daemon, a link that is not bound, a
    carrier that refuses our short code, a reply that waits for more than five minutes, a text that
    is held because no SMSC answers it, limits.replies_per_hour reached, a full disk, a database
    that cannot be read or written.
    """
    found = _status(tools)
    show_status(found, form, tools.viewer)
    return 0 if found.ok else 1


def _status(tools: Tools) -> Status:
    """What there is to know, also where the database cannot be read."""
    faults: list[str] = []
    rows: list[LinkRow] = []
    health = silent_until = None
    tools.patience = LOCK_PATIENCE
    try:
        with tools.store.deadline(READ_PATIENCE):
            rows = link_rows(tools)
            health = tools.store.health(tools.now)
            silent_until = unstamp(int(tools.store.fact(CEILING_FACT) or 0))
        with tools.store.transaction(keep=False):
            pass  # reading goes on beside a lock that the daemon waits for in vain
    except SmsgwError as fault:  # for this command it is an answer
        faults.append(line(fault))
    except OSError as fault:
        faults.append(str(fault))
    disk = _disk(tools, faults)
    pid = tools.daemon_pid
    configured = {link.name for link in tools.settings.smsc}
    condition = Condition(
        at=tools.viewer.local(tools.now),
        database=str(tools.database),
        store_faults=faults,
        daemon_runs=pid is not None,
        links=[LinkHealth(r.name, r.state, r.reason) for r in rows if r.name in configured],
        held=health.held if health else None,
        oldest_queued=health.oldest_queued if health else None,
        replies_per_hour=tools.settings.limits.replies_per_hour,
        silent_until=silent_until,
        disk=disk,
    )
    return Status(
        shortcode=tools.settings.gateway.shortcode,
        database=condition.database,
        problems=tuple(map(_said, judge(condition))),
        daemon_pid=pid,
        links=tuple(rows),
        disk_free=disk and disk.free,
        disk_total=disk and disk.total,
        sqlite=None if isinstance(tools.database, Server) else sqlite_version(),
        **{key: getattr(health, key, None) for key in HEALTH_KEYS},
    )


def _disk(tools: Tools, faults: list[str]) -> Disk | None:
    """The disk of the database file; why it cannot be asked goes to *faults*. That of a server is
    its own business."""
    if isinstance(tools.database, Server):
        return None
    try:
        found = os.statvfs(tools.database.parent)
    except OSError as fault:
        faults.append(f"{tools.database.parent}: {fault.strerror}")
        return None
    return Disk(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def _said(problem: Problem) -> str:
    """*problem* with what to do about it."""
    remedy = _REMEDIES.get(problem.kind)
    return f"{problem.text}: {remedy}" if remedy else problem.text
