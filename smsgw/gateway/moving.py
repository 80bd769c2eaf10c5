"""Which node has a link, by somebody's wish."""

from datetime import datetime

from smsgw.errors import SmsgwError
from smsgw.gateway.batch import with_reason
from smsgw.gateway.by_hand import check_link, wake_nodes
from smsgw.gateway.tools import Tools
from smsgw.store import Store

#: A node that was silent for longer is given nothing.
SILENT_SECONDS = 10.0


def move_link(
    tools: Tools, name: str, node: str, actor: str, now: datetime, reason: str | None
) -> str | None:
    """Have *node* take a link; the node that has it now, None: nobody has.

    Raises:
        NoLink: there is none of that name.
        SmsgwError: the node does not live, or has the link, or there are no nodes.
    """
    store = tools.store
    check_link(tools.rules, name)
    if not store.is_shared:
        raise SmsgwError(
            "gateway.database is a file, which is one machine's", "there is no other node"
        )
    with store.transaction():
        living = living_nodes(store)
        if node not in living:
            raise SmsgwError(
                f"no node {node!r} lives", f"there are: {', '.join(living)}" if living else None
            )
        owner = store.owners().get(name)
        if owner == node:
            raise SmsgwError(f"node {node} has link {name} already")
        if not store.want(name, node):
            raise SmsgwError(f"no node has ever had link {name}", "is it in their configuration?")
        told = f"link {name} from {owner or 'nobody'} to {node}"
        tools.audit(actor, "links move", None, with_reason(told, reason), now)
        wake_nodes(store)
    return owner


def living_nodes(store: Store) -> list[str]:
    """The nodes whose daemon lives; where one machine has the store, nobody knows them."""
    return [
        beat.node
        for beat in store.beats()
        if not beat.ended and beat.age is not None and beat.age <= SILENT_SECONDS
    ]
