"""`smsgw links`: each link, its state and its counters."""

import click

from smsgw.cli.look import look
from smsgw.cli.options import format_option
from smsgw.cli.screen import show_links
from smsgw.cli.tools import Tools, pass_tools
from smsgw.errors import SmsgwError
from smsgw.health import Kind


@click.command()
@format_option
@pass_tools
def links(tools: Tools, form: str) -> None:
    """Show each link, its state and its counters.

    MO: texts received, MT: texts that the SMSC took, MT/s: how many a second, over 1, 5 and 15
    minutes (`-`: no daemon answers, who alone knows), odd: how often the SMSC did something against
    the standard, which docs/operations.md explains.
    """
    found = look(tools)
    if found.queued is None and all(link.mt_per_s_1m is None for link in found.links):
        # Neither a daemon nor the database tells anything.
        raise SmsgwError(found.problems[found.kinds.index(Kind.STORE)])
    show_links(found.links, form, tools.viewer)
