"""The engine: all groups of verbs over one SQLite file.

Plain synchronous functions on one connection, used by one thread: the daemon's worker, or a
command in its own process. Writes happen only inside `transaction()`; rows become values before
they leave. It knows no rule of the registration and no PDU.
"""

from smsgw.store.sqlite.copies import Copies
from smsgw.store.verbs.accounts import Accounts
from smsgw.store.verbs.alone import Alone
from smsgw.store.verbs.batch import Batch
from smsgw.store.verbs.clients import Clients
from smsgw.store.verbs.outbox import Outbox
from smsgw.store.verbs.parts import Parts
from smsgw.store.verbs.portal import Citizens
from smsgw.store.verbs.receipts import Receipts
from smsgw.store.verbs.reports import Reports
from smsgw.store.verbs.rights import Rights


class SqliteStore(
    Batch, Parts, Outbox, Receipts, Accounts, Reports, Rights, Citizens, Clients, Copies, Alone
):
    """One SQLite file, open."""
