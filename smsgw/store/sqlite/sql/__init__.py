"""Every statement, by name: those of `verbs/sql`, and here those that need SQLite's own words. Each
of these has a namesake in every engine, but for those of `file`, which are of a file alone.

A list of keys is bound as one JSON array, so that a statement is prepared once whatever the size
of the batch. `tests/store/test_plans.py` reads the plan of each statement: all use an index.
"""

import re
from functools import cache

from smsgw.store.sqlite.sql import (
    accounts,
    batch,
    feed,
    ids,
    outbox,
    parts,
    portal,
    receipts,
    rights,
    upkeep,
)
from smsgw.store.verbs.names import collected
from smsgw.store.verbs.sql import SHARED

_VALUES = re.compile(r"VALUES (\([?, ]+\))")

#: By group and name, as verbs ask for them.
STATEMENTS = collected(
    *SHARED, accounts, batch, feed, ids, outbox, parts, portal, receipts, rights, upkeep
)


@cache
def repeated(statement: str, times: int) -> str:
    """*statement*, which adds one row, for so many rows: their values are bound one behind the
    other.

    Raises:
        ValueError: it has no row of plain values.
    """
    before, row, after = _VALUES.split(statement)
    return f"{before}VALUES {', '.join([row] * times)}{after}"
