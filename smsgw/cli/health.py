"""`smsgw links`, `status` and `stats`: is it working, and how much does it do?"""

import os
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import click

from smsgw.cli import show
from smsgw.cli.office import Office, pass_office
from smsgw.cli.options import format_option, moment
from smsgw.clock import stamp, unstamp
from smsgw.errors import SmsgwError
from smsgw.limits import CEILING_FACT
from smsgw.model import LinkState
from smsgw.store import sqlite_version

#: A reply leaves within a second; one that still waits after this does not leave by itself.
OVERDUE = timedelta(minutes=5)
#: `status` never waits longer than five seconds: for a lock, and for what it reads.
LOCK_PATIENCE = timedelta(seconds=1)
READ_PATIENCE = timedelta(seconds=3)
#: Free space that a night of traffic with its log needs, and the share of the disk that is asked
#: for where the disk is small or middling.
LEAST_FREE_OCTETS = 100 * 10**6
LEAST_FREE_SHARE = 0.05
ENOUGH_FREE_OCTETS = 2 * 10**9


@click.command()
@format_option
@pass_office
def links(office: Office, form: str) -> None:
    """Show each link, its state and its counters.

    MO: texts received, MT: texts that the SMSC took, odd: how often the SMSC
    did something against the standard, which docs/operations.md explains.
    """
    show.show(show.LINKS, _links(office), form, office.eye)


@click.command()
@format_option
@pass_office
def status(office: Office, form: str) -> int:
    """Is it working? One screen.

    Exit status 0 if all is well, 1 if not. Not well is: no daemon, a link that is not bound, a
    carrier that refuses our short code, a reply that waits for more than five minutes, a text that
    is held because no SMSC answers it, limits.replies_per_hour reached, a full disk, a database
    that cannot be read or written.
    """
    condition = _condition(office)
    show.show_condition(condition, form, office.eye)
    return 0 if condition.ok else 1


@click.command()
@click.option(
    "--since",
    metavar="TIME",
    callback=moment,
    help="2026-11-23, 2026-11-23T16:30 (local time), or a duration: 7d is seven days ago."
    "  [default: all that is kept]",
)
@format_option
@pass_office
def stats(office: Office, since: datetime | None, form: str) -> None:
    """Count what came and went, by day and outcome."""
    counts = office.store.stats(since, office.settings.gateway.timezone)
    show.show_stats(counts, form, office.eye)


def _links(office: Office) -> list[show.LinkRow]:
    """The links of the configuration, in its order, then others that the store remembers."""
    rows = {
        row.name: show.LinkRow(
            row.name,
            row.state,
            row.since,
            row.reason,
            row.mo,
            row.mt,
            office.carriers.of(row.name),
            row.oddities,
        )
        for row in office.store.links()
    }
    waiting = office.store.waiting_by_link()
    if office.daemon_pid is None:
        rows = {name: _stopped(row) for name, row in rows.items()}
    carriers = {link.name: link.carrier for link in office.settings.smsc}
    configured = list(carriers)
    never = {
        name: show.LinkRow(name, LinkState.STOPPED, None, "never started", 0, 0, carrier)
        for name, carrier in carriers.items()
    }
    gone = [
        replace(row, reason=_fate_of_gone(office, row.name, waiting.pop(row.name, 0)))
        for name, row in rows.items()
        if name not in configured
    ]
    gone += [
        show.LinkRow(
            name,
            LinkState.STOPPED,
            None,
            _fate_of_gone(office, name, count),
            0,
            0,
            office.carriers.of(name),
        )
        for name, count in waiting.items()
        if name not in configured
    ]
    return [rows.get(name, never[name]) for name in configured] + gone


def _fate_of_gone(office: Office, link: str, waiting: int) -> str:
    """What becomes of what waits for a link that is no longer configured."""
    if not waiting:
        return "not in the configuration"
    carrier = office.carriers.of(link)
    how = f"leave by {' or '.join(office.carriers.links(carrier))}"
    if not office.carriers.links(carrier):
        how = f"wait: no link of its carrier {carrier} is"
    return f"not in the configuration; {show.count(waiting, 'text')} {how}"


def _stopped(row: show.LinkRow) -> show.LinkRow:
    """*row* where no daemon runs: one that was killed could not write down that it stopped."""
    if row.state == LinkState.STOPPED:
        return row
    return replace(row, state=LinkState.STOPPED, since=None, reason="the daemon is not running")


def _condition(office: Office) -> show.Condition:
    """What there is to know, also where the database cannot be read."""
    problems = []
    links: list[show.LinkRow] = []
    health = disk = None
    silent_until = 0
    office.patience = LOCK_PATIENCE
    try:
        with office.store.deadline(READ_PATIENCE):
            links = _links(office)
            health = office.store.health(office.now)
            silent_until = int(office.store.fact(CEILING_FACT) or 0)
        with office.store.transaction(keep=False):
            pass  # reading goes on beside a lock that the daemon waits for in vain
    except (SmsgwError, OSError) as fault:  # for this command it is an answer
        problems.append(str(fault))
    try:
        disk = os.statvfs(office.database.parent)
    except OSError as fault:
        problems.append(f"{office.database.parent}: {fault.strerror}")
    condition = show.Condition(
        shortcode=office.settings.gateway.shortcode,
        database=str(office.database),
        problems=(),
        daemon_pid=office.daemon_pid,
        links=tuple(links),
        disk_free=disk and disk.f_bavail * disk.f_frsize,
        disk_total=disk and disk.f_blocks * disk.f_frsize,
        sqlite=sqlite_version(),
        **{key: getattr(health, key, None) for key in show.HEALTH_KEYS},
    )
    configured = {link.name for link in office.settings.smsc}
    if silent_until > stamp(office.now):
        limit = office.settings.limits.replies_per_hour
        until = office.eye.time(unstamp(silent_until))
        problems.append(
            f"limits.replies_per_hour ({limit}) is reached: no text is answered until {until}"
        )
    problems += _problems(condition, configured, office.now)
    return replace(condition, problems=tuple(problems))


def _problems(
    condition: show.Condition, configured: Collection[str], now: datetime
) -> Iterator[str]:
    """What is not well, causes before effects."""
    if condition.daemon_pid is None:
        yield "the daemon is not running"
    else:
        for link in condition.links:
            if link.name not in configured:
                continue
            if link.state == LinkState.BOUND and link.reason:
                yield f"link {link.name}: {link.reason}"
            elif link.state != LinkState.BOUND:
                yield f"link {link.name} is {link.state}: {link.reason or 'not bound'}"
    if condition.held:
        yield f"{show.count(condition.held, 'text')} held: see `smsgw outbox list`"
    oldest = condition.oldest_queued
    if oldest and now - oldest > OVERDUE:
        yield f"a reply has been waiting for {show.span(now - oldest)}: see `smsgw outbox list`"
    free, total = condition.disk_free, condition.disk_total
    if free is not None and total is not None and free < least_free(total):
        yield f"only {show.octets(free)} left on the disk of {condition.database}"


def least_free(total: int) -> float:
    """How many octets of a disk of *total* octets must be free."""
    return max(LEAST_FREE_OCTETS, min(LEAST_FREE_SHARE * total, ENOUGH_FREE_OCTETS))
