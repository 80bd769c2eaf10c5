"""The engine: all groups of verbs over one SQLite file.

Plain synchronous functions on one connection, used by one thread: the daemon's worker, or a
command in its own process. Writes happen only inside `transaction()`; rows become values before
they leave. It knows no rule of the registration and no PDU.
"""

from smsgw.store.sqlite.accounts import Accounts
from smsgw.store.sqlite.batch import Batch
from smsgw.store.sqlite.clients import Clients
from smsgw.store.sqlite.file import File
from smsgw.store.sqlite.outbox import Outbox
from smsgw.store.sqlite.parts import Parts
from smsgw.store.sqlite.portal import Citizens
from smsgw.store.sqlite.receipts import Receipts
from smsgw.store.sqlite.reports import Reports
from smsgw.store.sqlite.rights import Rights


class SqliteStore(
    Batch, Parts, Outbox, Receipts, Accounts, Reports, Rights, Citizens, Clients, File
):
    """One SQLite file, open."""
