"""`smsgw try`: what would the gateway answer?"""

import click

from smsgw.cli import show
from smsgw.cli.office import Office, pass_office
from smsgw.cli.options import format_option


@click.command("try")
@click.argument("phone")
@click.argument("text")
@format_option
@pass_office
def try_text(office: Office, phone: str, text: str, form: str) -> None:
    """Decide on a text, keep nothing, send nothing.

    What the gateway would answer if TEXT came from PHONE now, through the same code. Where
    no daemon ever ran, nobody has an account yet.

    \b
        smsgw try 0905123456 "TK,Nguyen Van An,201234567,01.02.1990"
    """
    with office.trial_hotline() as hotline:
        trial = hotline.try_text(phone, text, office.now)
    show.show_one(show.TRIAL, trial, form, office.eye)
