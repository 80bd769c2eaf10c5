"""`smsgw audit`: who looked up, verified or changed what."""

from datetime import datetime

import click

from smsgw.cli import tables, views
from smsgw.cli.options import TIMES, format_option, moment
from smsgw.cli.tools import Tools, pass_tools


@click.command()
@click.option(
    "--since",
    metavar="TIME",
    callback=moment,
    help=f"From then on: {TIMES}  [default: all that is kept]",
)
@click.option("--who", metavar="NAME", help="Only what this person did.")
@format_option
@pass_tools
def audit(tools: Tools, since: datetime | None, who: str | None, form: str) -> None:
    """Tell who looked up, verified or changed what, and when.

    The last thing stands last. Numbers of citizens are masked; it is kept for retention.audit.
    """
    tables.show(views.AUDIT, tools.hotline.audit(since, who), form, tools.viewer)
