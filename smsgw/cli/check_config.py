"""`smsgw check-config`: everything that is wrong with the configuration, in one go."""

from datetime import UTC

import click

from smsgw.cli import show
from smsgw.cli.office import Office, pass_office
from smsgw.cli.options import format_option


@click.command("check-config")
@format_option
@pass_office
def check_config(office: Office, form: str) -> int:
    """Say everything that is wrong with the configuration.

    Names file, key and reason; opens nothing, connects to nothing.
    """
    from smsgw.config import ConfigError

    file = str(office.config_file)
    faults: list[show.ConfigFault] = []
    try:
        settings = office.daemon_settings
    except ConfigError as error:
        if form == show.Format.TABLE:
            raise  # where every command says it, a fault a line
        faults = [show.ConfigFault(file, *fault) for fault in error.faults]
    if form == show.Format.TABLE:
        links = ", ".join(link.name for link in settings.smsc)
        click.echo(f"{file}: all right; {settings.gateway.shortcode} by {links}")
    else:
        show.show(show.CONFIG_FAULTS, faults, form, show.Eye(UTC, office.now))
    return 1 if faults else 0
