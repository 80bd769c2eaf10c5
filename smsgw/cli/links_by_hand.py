"""`smsgw links stop` and `smsgw links start`: one link, while the others go on."""

import click

from smsgw.cli.links_elsewhere import node_of, stops_elsewhere
from smsgw.cli.options import actor, reason_option
from smsgw.cli.tools import Tools, pass_tools
from smsgw.speech import mark, said, say

#: What is done in the database alone.
NO_DAEMON = mark("; no daemon answers, so it holds from its next start on")


@click.command()
@click.argument("name")
@reason_option
@pass_tools
def stop(tools: Tools, name: str, reason: str | None) -> None:
    """Take one link down, and keep it down.

    It stays down over reload and restart, until `smsgw links start`. What waits for it leaves by
    another link of its carrier; where there is none, it waits. Without a daemon it holds from the
    next start.
    """
    done = tools.daemon.ask("stop-link", name=name, actor=actor(), reason=reason)
    if done is None:
        stopped = tools.hotline.stop_link(name, actor(), tools.now, reason)
        told = stopped.told(tools.settings.gateway.timezone)
        done = {"told": told, "new": stopped.at == tools.now, "ended": None}
    if done["new"]:
        elsewhere = stops_elsewhere(tools, name)
        done["ended"] = done["ended"] if elsewhere is None else elsewhere
    if not done["new"]:
        click.echo(say("{name}: is stopped already, {how}", name=name, how=said(done["told"])))
    elif done["ended"] is None:
        click.echo(say("{name}: stopped", name=name) + say(NO_DAEMON))
    elif done["ended"]:
        click.echo(say("{name}: stopped", name=name))
    else:
        click.echo(
            say(
                "{name}: stops; answers of the SMSC are waited for, up to response_timeout",
                name=name,
            )
        )


@click.command()
@click.argument("name")
@reason_option
@pass_tools
def start(tools: Tools, name: str, reason: str | None) -> None:
    """Take a link up again that somebody stopped.

    Its first try is at once; `smsgw links` shows what comes of it, `smsgw links test` step by step.
    """
    done = tools.daemon.ask("start-link", name=name, actor=actor(), reason=reason)
    when = ""
    if done is None:
        when = say(NO_DAEMON)
        done = {"new": tools.hotline.start_link(name, actor(), tools.now, reason)}
        if node_of(tools, name) is not None:
            when = ""
    if done["new"]:
        click.echo(say("{name}: started", name=name) + when)
    else:
        click.echo(say("{name}: is not stopped", name=name))
