"""`smsgw stats`: how much came and went, and what became of it."""

from datetime import datetime

import click

from smsgw.cli.options import TIMES, format_option, moment
from smsgw.cli.tools import Tools, pass_tools
from smsgw.cli.views import show_stats


@click.command()
@click.option(
    "--since",
    metavar="TIME",
    callback=moment,
    help=f"From then on: {TIMES}  [default: all that is kept]",
)
@format_option
@pass_tools
def stats(tools: Tools, since: datetime | None, form: str) -> None:
    """Count what came and went, by day and outcome.

    The bar is as long as the texts of that day are many.
    """
    counts = tools.store.stats(since, tools.settings.gateway.timezone)
    show_stats(counts, form, tools.viewer)
