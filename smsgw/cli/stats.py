"""`smsgw stats`: how much came and went, and what became of it."""

from datetime import datetime

import click

from smsgw.cli.options import format_option, moment
from smsgw.cli.tools import Tools, pass_tools
from smsgw.cli.views import show_stats


@click.command()
@click.option(
    "--since",
    metavar="TIME",
    callback=moment,
    help="2026-11-23, 2026-11-23T16:30 (local time), or a duration: 7d is seven days ago."
    "  [default: all that is kept]",
)
@format_option
@pass_tools
def stats(tools: Tools, since: datetime | None, form: str) -> None:
    """Count what came and went, by day and outcome."""
    counts = tools.store.stats(since, tools.settings.gateway.timezone)
    show_stats(counts, form, tools.viewer)
