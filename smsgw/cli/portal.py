"""`smsgw portal`: the citizens' pages, in the foreground."""

import importlib.util
import logging

import click

from smsgw import config, logs
from smsgw.cli.tools import Tools, pass_tools
from smsgw.errors import SmsgwError

log = logging.getLogger("smsgw.portal")


@click.command()
@pass_tools
def portal(tools: Tools) -> None:
    """Serve the citizens' pages, in the foreground; SIGTERM or SIGINT ends it cleanly."""
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
