"""`smsgw run`: the daemon, in the foreground."""

import click

from smsgw import config, daemon, logs
from smsgw.cli.tools import Tools, pass_tools


@click.command()
@pass_tools
def run(tools: Tools) -> None:
    """Be the gateway, in the foreground; SIGTERM or SIGINT ends it cleanly."""
    settings = tools.daemon_settings
    logs.configure(settings.log.level, settings.log.format)
    daemon.run(settings, tools.config_file, config.warnings(settings, tools.config_file))
