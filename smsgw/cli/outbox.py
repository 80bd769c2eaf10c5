"""`smsgw outbox`: texts of ours that the SMSC has not taken."""

import click

from smsgw.cli import tables, views
from smsgw.cli.asking import ask_before, yes_option
from smsgw.cli.helping import Group
from smsgw.cli.options import actor, format_option, reason_option
from smsgw.cli.tools import Tools, pass_tools
from smsgw.speech import say


@click.group(cls=Group)
def outbox() -> None:
    """See and settle replies that the SMSC has not taken."""


@outbox.command("list")
@format_option
@pass_tools
def list_(tools: Tools, form: str) -> None:
    """List them, the oldest first."""
    with tools.listing("outbox list", tools.hotline.outbox(), "") as listed:
        tables.show(views.OUTBOX, listed, form, tools.viewer)


@outbox.command()
@click.argument("id", type=int)
@reason_option
@pass_tools
def retry(tools: Tools, id: int, reason: str | None) -> None:
    """Send a reply again at once; it has a day again."""
    if tools.daemon.ask("retry", mt_id=id, actor=actor(), reason=reason) is None:
        tools.hotline.retry(id, actor(), tools.now, reason)
    click.echo(say("{id}: queued", id=id))


@outbox.command()
@click.argument("id", type=int)
@reason_option
@yes_option
@pass_tools
def cancel(tools: Tools, id: int, reason: str | None, yes: bool) -> None:
    """Never send a reply; a password in it is wiped.

    A running daemon takes it back from the link that holds it, or says that it is on its way.
    Asks at a terminal.
    """
    account = tools.hotline.told_account(id)
    if account is None:
        ask_before(say("Cancel reply {id}? Nobody will get it.", id=id), yes=yes)
    else:
        ask_before(
            say(
                "Cancel reply {id}? It tells the password of {username}, who then has no way"
                " in until a new one is sent.",
                id=id,
                username=account.username,
            ),
            yes=yes,
        )
    from smsgw.gateway import living_nodes

    if tools.daemon.ask("cancel", mt_id=id, actor=actor(), reason=reason) is None:
        runs = tools.daemon.pid is not None or bool(living_nodes(tools.store))
        tools.hotline.cancel(id, actor(), tools.now, reason, links_live=runs)
    click.echo(say("{id}: cancelled", id=id))
    if account is not None:
        click.echo(
            say(
                "{username} has no way in now: `smsgw accounts reset-password {username}`"
                " sends a new password",
                username=account.username,
            ),
            err=True,
        )
