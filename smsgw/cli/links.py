"""`smsgw links`: each link, its state and its counters."""

from dataclasses import replace

import click

from smsgw.cli.links_by_hand import start, stop
from smsgw.cli.links_test import test
from smsgw.cli.options import format_option
from smsgw.cli.tables import show
from smsgw.cli.tools import Tools
from smsgw.cli.views import LINKS, LinkRow
from smsgw.model import LinkState
from smsgw.words import count


@click.group(invoke_without_command=True)
@format_option
@click.pass_context
def links(ctx: click.Context, form: str) -> None:
    """Show each link, its state and its counters.

    MO: texts received, MT: texts that the SMSC took, odd: how often the SMSC
    did something against the standard, which docs/operations.md explains.

    With a command: try a link, or take one down and up while the others go on.
    """
    if ctx.invoked_subcommand is None:
        tools = ctx.ensure_object(Tools)
        show(LINKS, link_rows(tools), form, tools.viewer)


links.add_command(test)
links.add_command(stop)
links.add_command(start)


def link_rows(tools: Tools) -> list[LinkRow]:
    """The links of the configuration, in its order, then others that the store remembers."""
    rows = {
        row.name: LinkRow(
            row.name,
            row.state,
            row.since,
            row.reason,
            row.mo,
            row.mt,
            tools.carriers.of(row.name),
            row.oddities,
        )
        for row in tools.store.links()
    }
    waiting = tools.store.waiting_by_link()
    zone = tools.settings.gateway.timezone
    by_hand = {name: stop.told(zone) for name, stop in tools.store.stopped_links().items()}
    if tools.daemon_pid is None:
        rows = {name: _stopped(row, by_hand.get(name)) for name, row in rows.items()}
    carriers = {link.name: link.carrier for link in tools.settings.smsc}
    configured = list(carriers)
    never = {
        name: LinkRow(
            name, LinkState.STOPPED, None, by_hand.get(name, "never started"), 0, 0, carrier
        )
        for name, carrier in carriers.items()
    }
    gone = [
        replace(row, reason=_fate_of_gone(tools, row.name, waiting.pop(row.name, 0)))
        for name, row in rows.items()
        if name not in configured
    ]
    gone += [
        LinkRow(
            name,
            LinkState.STOPPED,
            None,
            _fate_of_gone(tools, name, texts),
            0,
            0,
            tools.carriers.of(name),
        )
        for name, texts in waiting.items()
        if name not in configured
    ]
    return [rows.get(name, never[name]) for name in configured] + gone


def _fate_of_gone(tools: Tools, link: str, waiting: int) -> str:
    """What becomes of what waits for a link that is no longer configured."""
    if not waiting:
        return "not in the configuration"
    carrier = tools.carriers.of(link)
    s = "s" if waiting == 1 else ""
    how = f"leave{s} by {' or '.join(tools.carriers.links(carrier))}"
    if not tools.carriers.links(carrier):
        how = f"wait{s}: no link of its carrier {carrier} is"
    return f"not in the configuration; {count(waiting, 'text')} {how}"


def _stopped(row: LinkRow, by_hand: str | None) -> LinkRow:
    """*row* where no daemon runs: one that was killed could not write down that it stopped.

    Args:
        by_hand: who stopped it, in words, if anybody did.
    """
    if by_hand:
        return replace(row, state=LinkState.STOPPED, reason=by_hand)
    if row.state == LinkState.STOPPED:
        return row
    return replace(row, state=LinkState.STOPPED, since=None, reason="the daemon is not running")
