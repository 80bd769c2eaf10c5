"""`smsgw audit`: who looked up, verified or changed what."""

from datetime import datetime

import click

from smsgw.cli import show
from smsgw.cli.office import Office, pass_office
from smsgw.cli.options import format_option, moment


@click.command()
@click.option(
    "--since",
    metavar="TIME",
    callback=moment,
    help="2026-11-23, 2026-11-23T16:30 (local time), or a duration: 7d is seven days ago."
    "  [default: all that is kept]",
)
@click.option("--who", metavar="NAME", help="Only what this person did.")
@format_option
@pass_office
def audit(office: Office, since: datetime | None, who: str | None, form: str) -> None:
    """Tell who looked up, verified or changed what, and when.

    The last thing stands last. Numbers of citizens are masked; it is kept for retention.audit.
    """
    show.show(show.AUDIT, office.hotline.audit(since, who), form, office.eye)
