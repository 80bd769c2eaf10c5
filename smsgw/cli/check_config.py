"""`smsgw check-config`: everything that is wrong with the configuration, in one go."""

from datetime import UTC

import click

from smsgw import words
from smsgw.cli import tables, views
from smsgw.cli.options import format_option
from smsgw.cli.tools import Tools, pass_tools


@click.command("check-config")
@format_option
@pass_tools
def check_config(tools: Tools, form: str) -> int:
    """Say everything that is wrong with the configuration.

    Names file, key and reason; opens nothing, connects to nothing. A link without a password has
    it from the service's credentials: where these cannot be read from here, that is said, and is
    no fault.
    """
    from smsgw.config import ConfigError

    file = str(tools.config_file)
    faults: list[views.ConfigFault] = []
    try:
        settings = tools.checked_settings
    except ConfigError as error:
        if form == tables.Format.TABLE:
            raise  # where every command says it, a fault a line
        faults = [views.ConfigFault(file, *fault) for fault in error.faults]
    if form == tables.Format.TABLE:
        links = ", ".join(link.name for link in settings.smsc)
        click.echo(f"{file}: all right; {settings.gateway.shortcode} by {links}")
        for link in settings.smsc:
            if link.password_unseen:
                said = "comes as a credential, not seen from here"
                click.echo(f"{file}: smsc.{link.name}.password: {said}")
    else:
        tables.show(views.CONFIG_FAULTS, faults, form, words.Viewer(UTC, tools.now))
    return 1 if faults else 0
