"""Every statement, by name: those of `verbs/sql`, and here those that need PostgreSQL's own words.
Each of these has a namesake in every engine, but for those
of `server` and `leases`.

Written with the parameters of SQLite's, `:name` or `?`, and brought to PostgreSQL's `$1` once.
"""

import re
from functools import cache
from typing import NamedTuple

from smsgw.store.postgres.sql import (
    accounts,
    batch,
    feed,
    ids,
    leases,
    outbox,
    parts,
    portal,
    receipts,
    rights,
    server,
    upkeep,
)
from smsgw.store.verbs.names import collected
from smsgw.store.verbs.sql import SHARED

_COMMENT = re.compile(r"--[^\n]*")
_PARAMETER = re.compile(r"(?<!:):([a-z_]+)|\?(\d*)")

#: By group and name, as verbs ask for them.
STATEMENTS = collected(
    *SHARED,
    *(accounts, batch, feed, ids, leases, outbox, parts, portal, receipts, rights, server, upkeep),
)


class Prepared(NamedTuple):
    """A statement as the server takes it."""

    text: bytes
    names: tuple[str, ...]  #: of its parameters, in their order; none: they have places


@cache
def prepared(name: str) -> Prepared:
    """The statement of that name, or *name* itself where it is none's."""
    names: dict[str, int] = {}
    places = 0

    def number(match: re.Match[str]) -> str:
        nonlocal places
        if match[1]:
            return f"${names.setdefault(match[1], len(names) + 1)}"
        places += 1
        return f"${match[2] or places}"

    text = _PARAMETER.sub(number, _COMMENT.sub("", STATEMENTS.get(name, name)))
    return Prepared(" ".join(text.split()).encode(), tuple(names))
