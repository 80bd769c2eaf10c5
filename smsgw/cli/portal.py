"""`smsgw portal`: the citizens' pages, in the foreground."""

import importlib.util
import logging

import click

from smsgw import config, logs
from smsgw.cli.options import actor, reason_option
from smsgw.cli.tools import Tools, pass_tools
from smsgw.errors import SmsgwError
from smsgw.speech import say

log = logging.getLogger("smsgw.portal")


@click.command()
@click.option(
    "--forget-key",
    is_flag=True,
    help="Serve nothing; the next portal that starts says which key all have.",
)
@reason_option
@pass_tools
def portal(tools: Tools, forget_key: bool, reason: str | None) -> None:
    """Serve the citizens' pages, in the foreground; SIGTERM or SIGINT ends it cleanly.

    Portals over one PostgreSQL database have the same portal.key; one with another key is
    refused. Where that key is lost or was read by somebody else, --forget-key lets a new one in.
    """
    if forget_key:
        tools.citizens.portal_key.forget(actor(), reason, tools.now)
        click.echo(say("the next portal that starts says which key all have"))
        return
    settings = tools.portal_settings
    missing = [
        name for name in ("joserfc", "jinja2", "starlette", "uvicorn") if not _is_there(name)
    ]
    if missing:
        raise SmsgwError(f"the portal needs {', '.join(missing)}", "pip install 'smsgw[portal]'")
    from smsgw.portal import serve

    logs.configure(settings.log.level, settings.log.format)
    for warning in config.warnings(settings, tools.config_file):
        log.warning("%s", warning)
    serve.run(settings, tools.config_file)


def _is_there(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
