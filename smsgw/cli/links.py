"""`smsgw links`: each link, its state and its counters."""

import click

from smsgw.cli.helping import Group
from smsgw.cli.links_by_hand import start, stop
from smsgw.cli.links_elsewhere import move
from smsgw.cli.links_test import test
from smsgw.cli.look import look
from smsgw.cli.options import format_option
from smsgw.cli.screen import links_of
from smsgw.cli.tables import show
from smsgw.cli.tools import Tools
from smsgw.errors import SmsgwError
from smsgw.health import Kind


@click.group(cls=Group, invoke_without_command=True)
@format_option
@click.pass_context
def links(ctx: click.Context, form: str) -> None:
    """Show each link, its state and its counters.

    MO: texts received, MT: texts that the SMSC took, MT/s: how many a second, over 1, 5 and 15
    minutes (`-`: no daemon answers, who alone knows), odd: how often the SMSC did something against
    the standard, which docs/operations.md explains.

    Where several nodes share a database, it shows all links, and which node has each.

    With a command: try a link, take one down and up, or have another node hold it, while the
    others go on.
    """
    if ctx.invoked_subcommand is not None:
        return
    tools = ctx.ensure_object(Tools)
    found = look(tools)
    if found.queued is None and all(link.mt_per_s_1m is None for link in found.links):
        # Neither a daemon nor the database tells anything.
        raise SmsgwError(found.problems[found.kinds.index(Kind.STORE)])
    show(links_of(found), found.links, form, tools.viewer)


links.add_command(test)
links.add_command(stop)
links.add_command(start)
links.add_command(move)
