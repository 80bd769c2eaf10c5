"""Statements that every engine takes as they are, by group, with their intent.

Values are bound, the time is always a parameter. A limit is written `LIMIT :limit + 0`: SQLite from
3.47 on prepares a statement anew, whenever it is run, where the parameter stands alone.
"""

from smsgw.store.verbs.sql import (
    accounts,
    batch,
    clients,
    feed,
    ids,
    outbox,
    parts,
    portal,
    receipts,
    reports,
    rights,
    upkeep,
)

#: Where each stands.
SHARED = (
    *(accounts, batch, clients, feed, ids, outbox, parts, portal, receipts, reports, rights),
    upkeep,
)
