"""No statement reads a whole table to find a few rows."""

import re

import pytest

from smsgw.store import Store, sql

STATEMENTS = {
    name: statement
    for name, statement in vars(sql).items()
    if name.isupper() and not name.startswith("_")
}

# What is small by nature: the keys of the batch itself, a handful of links and early receipts,
# and the links that stand in the index of what is queued. The plan of a subquery is listed itself.
SMALL = re.compile(
    r"SCAN (k$|[kl] VIRTUAL TABLE|json_each VIRTUAL TABLE|CONSTANT ROW|\(subquery-\d+\)|links$"
    r"|carriers$|early_receipts USING|outbox USING INDEX outbox_due)"
)


@pytest.fixture(scope="module")
def store():
    store = Store.in_memory()
    yield store
    store.close()


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_every_statement_uses_an_index(store, statement):
    named = dict.fromkeys(re.findall(r"(?<!:):([a-z_]+)", statement), 0)
    numbered = [int(n) for n in re.findall(r"\?(\d+)", statement)]
    values = named or (0,) * (max(numbered, default=0) or statement.count("?"))
    plan = [row[3] for row in store._db.execute("EXPLAIN QUERY PLAN " + statement, values)]
    scans = [step for step in plan if step.startswith("SCAN") and not SMALL.match(step)]
    assert [] == scans
