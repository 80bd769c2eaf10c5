"""`smsgw run`: the daemon, in the foreground."""

import logging

import click

from smsgw import config, daemon, logs
from smsgw.cli.tools import Tools, pass_tools

log = logging.getLogger("smsgw.daemon")


@click.command()
@pass_tools
def run(tools: Tools) -> None:
    """Be the gateway, in the foreground; SIGTERM or SIGINT ends it cleanly."""
    settings = tools.daemon_settings
    logs.configure(settings.log.level, settings.log.format)
    for warning in config.warnings(settings, tools.config_file):
        log.warning("%s", warning)
    daemon.run(settings, tools.config_file)
