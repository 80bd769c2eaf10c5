"""One screen: whether it works, and its links. How they look to people, and their keys."""

import os
import sys
from dataclasses import replace
from datetime import datetime, timedelta

import click

from smsgw import records
from smsgw.cli import terminal
from smsgw.cli.tables import Format, View, show, show_one
from smsgw.harmless import harmless
from smsgw.health import SILENT
from smsgw.overview import LinkRow, Node, Overview
from smsgw.speech import mark, said, say, say_many, say_state
from smsgw.words import Viewer, octets, told_span

#: What a narrow terminal goes without, the least important first. `status` has said above its table
#: why a link is not well.
_DISPENSABLE = "odd", "since", "MO", "MT", "MT/s"
_DISPENSABLE_IN_STATUS = "odd", "reason", "since", "MO", "MT", "MT/s"


def _rate(rate: float | None) -> str:
    if rate is None:
        return "-"
    return f"{rate:.0f}" if rate >= 9.95 or not rate else f"{rate:.1f}" if rate >= 0.05 else "<.1"


def _rates(row: LinkRow) -> str:
    rates = row.mt_per_s_1m, row.mt_per_s_5m, row.mt_per_s_15m
    return "-" if None in rates else " ".join(map(_rate, rates))


def _reason(row: LinkRow, viewer: Viewer) -> str:
    if row.next_try is None:
        return said(row.reason or "")
    reason = said(row.reason) if row.reason else say("not bound")
    if row.next_try <= viewer.now:
        return say("{reason}; next try now", reason=reason)
    return say("{reason}; next try {when}", reason=reason, when=viewer.age(row.next_try))


LINKS = View[LinkRow](
    keys=records.LINK,
    columns={
        "link": lambda row, _: row.name,
        "state": lambda row, _: say_state(row.state),
        "since": lambda row, viewer: viewer.age(row.since),
        "queued": lambda row, _: "-" if row.queued is None else str(row.queued),
        "MT/s": lambda row, _: _rates(row),
        "MO": lambda row, _: str(row.mo),
        "MT": lambda row, _: str(row.mt),
        "odd": lambda row, _: str(sum(row.oddities.values())),
        "reason": _reason,
    },
    empty="No links.",
    wraps="reason",
    spare=_DISPENSABLE,
    numbers=("queued", "MT/s", "MO", "MT", "odd"),
)


def links_of(seen: Overview) -> View[LinkRow]:
    """The links' table, with who has each where there may be several nodes."""
    if seen.standby is None:
        return LINKS
    first, *rest = LINKS.columns.items()
    columns = dict([first, ("node", lambda row, _: row.node or "-"), *rest])
    return replace(LINKS, columns=columns)


def _state(node: Node, _: Viewer) -> str:
    if node.ended:
        return say("ended")
    silent = node.heartbeat_age_s is None or node.heartbeat_age_s > SILENT.total_seconds()
    return say("silent") if silent else say("running")


NODES = View[Node](
    keys=(),
    columns={
        "node": lambda node, _: node.name,
        "state": _state,
        "seen": lambda node, _: (
            "-"
            if node.heartbeat_age_s is None
            else say("{span} ago", span=told_span(timedelta(seconds=node.heartbeat_age_s)))
        ),
        "started": lambda node, viewer: viewer.age(node.started_at),
        "version": lambda node, _: node.version,
        "links": lambda node, _: " ".join(node.links) or "-",
    },
    wraps="links",
    spare=("started", "version"),
)


# --- status -------------------------------------------------------------------------------------


def _daemon(seen: Overview, viewer: Viewer) -> str:
    age = seen.heartbeat_age_s
    if seen.daemon_pid is None:
        parts = [say("not running")]
    else:
        pid = str(seen.daemon_pid or say("unknown"))
        parts = [say("running, pid {pid}, version {version}", pid=pid, version=seen.version)]
        if seen.started_at:
            parts.append(say("up {span}", span=told_span(viewer.now - seen.started_at)))
    if age is not None:
        parts.append(say("last heartbeat {span} ago", span=told_span(timedelta(seconds=age))))
    return ", ".join(parts)


_TEXTS_HELD = mark("{queued} queued ({held} held), {failed} failed")
_TEXTS = mark("{queued} queued, {failed} failed")


def _outbox(seen: Overview, viewer: Viewer) -> str:
    if seen.queued is None:
        return ""
    form = _TEXTS_HELD if seen.held else _TEXTS
    texts = say(form, queued=seen.queued, held=seen.held, failed=seen.failed)
    oldest = seen.oldest_queued
    if not oldest:
        return texts
    return say("{texts}; the oldest reply was made {when}", texts=texts, when=viewer.age(oldest))


def _oddities(seen: Overview) -> str:
    """What peers did against the standard, ever; empty where all keep to it."""
    return "; ".join(
        f"{link.name} {', '.join(f'{kind} {n}' for kind, n in link.oddities.items())}"
        for link in seen.links
        if link.oddities
    )


def _disk(seen: Overview) -> str:
    free, total = seen.disk_free, seen.disk_total
    if free is None or not total:
        return ""
    share = f"{100 * free / total:.0f}"
    return say("{size} free ({share} %)", size=octets(free), share=share)


def _ever(seen: Overview, moment: datetime | None, viewer: Viewer) -> str:
    """A moment that the store knows; empty where it could not be asked."""
    if moment is None and seen.queued is None:
        return ""
    return viewer.both(moment) if moment else say("never")


def _reload(seen: Overview, viewer: Viewer) -> str:
    when = _ever(seen, seen.last_reload_at, viewer)
    refused = seen.last_reload_at and seen.last_reload_ok is False
    return say("refused, {when}", when=when) if refused else when


STATUS = View[Overview](
    keys=records.STATUS,
    columns={
        "daemon": _daemon,
        "outbox": _outbox,
        "last hour": lambda c, _: (
            "" if c.mo_last_hour is None else f"{c.mo_last_hour} MO, {c.mt_last_hour} MT"
        ),
        "last MO": lambda c, viewer: _ever(c, c.last_mo, viewer),
        "last MT": lambda c, viewer: _ever(c, c.last_mt, viewer),
        "odd": lambda c, _: _oddities(c),
        "disk": lambda c, _: _disk(c),
        "backup": lambda c, viewer: _ever(c, c.last_backup_at, viewer),
        "reload": _reload,
        "standby": lambda c, _: (
            "" if c.standby is None else say("in step") if c.standby else say("none is seen")
        ),
        "database": lambda c, _: f"{c.database} (SQLite {c.sqlite})" if c.sqlite else c.database,
    },
)


def show_status(seen: Overview, form: str, viewer: Viewer, *, colour: bool = False) -> None:
    """Print it: for people one screen, the verdict first."""
    if form != Format.TABLE:
        show(STATUS, [seen], form, viewer)
        return
    number = len(seen.problems)
    found = say("all is well") if seen.ok else say_many(number, "{n} problem", "{n} problems")
    if colour:
        found = click.style(found, fg="green" if seen.ok else "red", bold=True)
    now = viewer.local(viewer.now)
    # The zone is said once: all times below are of it.
    click.echo(f"{seen.shortcode}: {found}   {now:%Y-%m-%d %H:%M:%S} {now:%Z}", color=colour)
    for problem in seen.problems:
        click.echo(f"  ! {harmless(said(problem))}")
    for note in seen.notes:
        click.echo(f"  - {harmless(said(note))}")
    click.echo()
    show_one(STATUS, seen, form, viewer)
    if seen.links:
        click.echo()
        show(replace(links_of(seen), spare=_DISPENSABLE_IN_STATUS), seen.links, form, viewer)
    if seen.standby is not None:
        click.echo()
        show(NODES, seen.nodes, form, viewer)


def colours() -> bool:
    """Whether standard output is a terminal that shows colours, and nobody minds them."""
    return sys.stdout.isatty() and bool(os.environ.get("TERM")) and terminal.wants_colour()
