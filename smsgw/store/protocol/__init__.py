"""What a store can do, whatever engine it has: verbs in groups, by who asks.

Each verb raises `Unavailable` where the engine cannot answer. What an engine must do besides stands
in `tests/store/`, which asks each one.
"""

from typing import Protocol

from smsgw.store.protocol.copies import Copies
from smsgw.store.protocol.daemon import Batch, Outbox, Parts, Receipts, Transactions
from smsgw.store.protocol.leases import Fences, Leases
from smsgw.store.protocol.nodes import Nodes
from smsgw.store.protocol.people import Accounts, Reports, Upkeep
from smsgw.store.protocol.portal import Citizens, Clients
from smsgw.store.protocol.rights import Rights

__all__ = ["Leases", "Store"]


class Store(
    Transactions,
    Batch,
    Parts,
    Outbox,
    Receipts,
    Accounts,
    Reports,
    Upkeep,
    Rights,
    Citizens,
    Clients,
    Nodes,
    Copies,
    Fences,
    Protocol,
):
    """A store, open; used by one thread."""
