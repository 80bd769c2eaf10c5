"""`smsgw try`: what would the gateway answer?"""

import click

from smsgw.cli import show
from smsgw.cli.office import Office, pass_office
from smsgw.cli.options import format_option, typed


@click.command("try")
@click.argument("phone")
@click.argument("text")
@format_option
@pass_office
def try_text(office: Office, phone: str, text: str, form: str) -> None:
    """Decide on a text, keep nothing, send nothing.

    What the gateway would answer if TEXT came from PHONE now, through the same code. Where
    no daemon ever ran, nobody has an account yet. `-` reads PHONE or TEXT from a line of standard
    input.

    \b
        smsgw try 0905123456 "TK,Nguyen Van An,201234567,01.02.1990"
    """
    phone, text = typed(phone, "PHONE"), typed(text, "TEXT")
    with office.trial_hotline() as hotline:
        trial = hotline.try_text(phone, text, office.now)
    if office.database.exists():
        office.note("try", phone, trial.outcome)
    show.show_one(show.TRIAL, trial, form, office.eye)
