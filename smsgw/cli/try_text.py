"""`smsgw try`: what would the gateway answer?"""

import click

from smsgw.cli import tables, views
from smsgw.cli.options import format_option, typed
from smsgw.cli.tools import Tools, pass_tools


@click.command("try")
@click.argument("phone")
@click.argument("text")
@format_option
@pass_tools
def try_text(tools: Tools, phone: str, text: str, form: str) -> None:
    """Decide on a text, keep nothing, send nothing.

    What the gateway would answer if TEXT came from PHONE now, through the same code. Where
    no daemon ever ran, nobody has an account yet. `-` reads PHONE or TEXT from a line of standard
    input.

    \b
        smsgw try 0905123456 \\
            "TK,Nguyen Van An,201234567,01.02.1990"
    """
    phone, text = typed(phone, "PHONE"), typed(text, "TEXT")
    with tools.trial_hotline() as hotline:
        trial = hotline.try_text(phone, text, tools.now)
    if tools.has_database:
        tools.note("try", phone, trial.outcome)
    tables.show_one(views.TRIAL, trial, form, tools.viewer)
