"""`smsgw links move`, and links that another node has: what a command can see of them."""

import time
from collections.abc import Callable

import click

from smsgw.cli.options import actor, reason_option
from smsgw.cli.tools import Tools, pass_tools
from smsgw.database import Server
from smsgw.errors import SmsgwError
from smsgw.model import LinkState
from smsgw.speech import say

#: For another node to do what it was left to do; it looks once a second.
PATIENCE_SECONDS = 5.0
_PACE_SECONDS = 0.2


def node_of(tools: Tools, name: str) -> str | None:
    """Another node that has the link; None: none has, or there are no others."""
    if not isinstance(tools.database, Server):
        return None
    owner = tools.store.owners().get(name)
    return None if owner == tools.settings.gateway.node else owner


def refuse_if_elsewhere(tools: Tools, name: str) -> None:
    """
    Raises:
        SmsgwError: another node has the link, and a second bind would take it from there.
    """
    node = node_of(tools, name)
    if node is not None:
        raise SmsgwError(f"node {node} has link {name}", "call it there")


def stops_elsewhere(tools: Tools, name: str) -> bool | None:
    """Whether another node has ended the link by now, for which it gets some seconds; None: no
    other node has it."""
    if node_of(tools, name) is None:
        return None

    def stopped() -> bool:
        return any(
            link.name == name and link.state is LinkState.STOPPED for link in tools.store.links()
        )

    return _comes(stopped)


@click.command()
@click.argument("name")
@click.argument("node")
@reason_option
@pass_tools
def move(tools: Tools, name: str, node: str, reason: str | None) -> None:
    """Have another node hold a link, where several share a PostgreSQL database.

    The one that has it lets it go: what is on its way is answered first. If NODE does not take it
    within gateway.lease, it stays where it is. `smsgw status` shows the nodes.
    """
    owner = tools.hotline.move_link(name, node, actor(), tools.now, reason)
    if _comes(lambda: tools.store.owners().get(name) == node):
        click.echo(say("{name}: node {node} has it", name=name, node=node))
    elif owner is None:
        click.echo(say("{name}: node {node} will take it", name=name, node=node))
    else:
        click.echo(
            say(
                "{name}: node {owner} still has it; see `smsgw links` whether {node} takes it",
                name=name,
                owner=owner,
                node=node,
            )
        )


def _comes(happened: Callable[[], bool]) -> bool:
    """Whether it happens within some seconds."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while not (done := happened()) and time.monotonic() < ends:
        time.sleep(_PACE_SECONDS)
    return done
