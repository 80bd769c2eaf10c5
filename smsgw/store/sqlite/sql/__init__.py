"""Every statement, by name, with its intent. Values are bound, the time is always a parameter.

A list of keys is bound as one JSON array, so that a statement is prepared once whatever the size
of the batch. `tests/store/test_plans.py` reads the plan of each statement: all use an index. Those
of `file` are of a file alone; all others have a namesake in each engine.
"""

import re
from functools import cache

from smsgw.store.sqlite.sql import (
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
from smsgw.store.verbs.names import collected

_VALUES = re.compile(r"VALUES (\([?, ]+\))")

#: By group and name, as verbs ask for them.
STATEMENTS = collected(
    *(accounts, batch, clients, feed, ids, outbox, parts, portal, receipts, reports, rights),
    upkeep,
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
