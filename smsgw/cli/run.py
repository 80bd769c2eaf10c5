"""`smsgw run`: the daemon, in the foreground."""

import logging

import click

from smsgw import config, daemon, logs
from smsgw.cli.office import Office, pass_office

log = logging.getLogger("smsgw.daemon")


@click.command()
@pass_office
def run(office: Office) -> None:
    """Be the gateway, in the foreground; SIGTERM or SIGINT ends it cleanly."""
    settings = office.daemon_settings
    logs.configure(settings.log.level, settings.log.format)
    for warning in config.warnings(settings, office.config_file):
        log.warning("%s", warning)
    daemon.run(settings)
