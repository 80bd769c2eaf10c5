"""No statement reads a whole table to find a few rows."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from smsgw.store import empty_store
from smsgw.store.sqlite import sql

GROUPS = [module.name for module in pkgutil.iter_modules(sql.__path__)]
STATEMENTS = {
    f"{group}.{name}": statement
    for group in GROUPS
    for name, statement in vars(importlib.import_module(f"{sql.__name__}.{group}")).items()
    if name.isupper() and not name.startswith("_")
}

# What is small by nature: the keys of the batch itself, a handful of links and early receipts, the
# list of tables, and the links that stand in the index of what is queued. The plan of a subquery
# is listed itself.
SMALL = re.compile(
    r"SCAN (k$|[kl] VIRTUAL TABLE|json_each VIRTUAL TABLE|CONSTANT ROW|\(subquery-\d+\)|links$"
    r"|stopped$|carriers$|heartbeats$|sqlite_(master|schema)$|early_receipts USING"
    r"|outbox USING (COVERING )?INDEX outbox_due)"
)


@pytest.fixture(scope="module")
def store():
    store = empty_store()
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


@pytest.mark.parametrize("group", GROUPS)
def test_statements_are_all_used(group):
    """Each by the verbs that read its file of statements."""
    room = Path(sql.__path__[0]).parent
    sources = [file.read_text() for file in room.glob("*.py")]
    used = "".join(text for text in sources if f"sql import {group} as sql" in text)
    names = [name.partition(".")[2] for name in STATEMENTS if name.startswith(f"{group}.")]
    assert [] == [name for name in names if f"sql.{name}" not in used]
    assert names


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_no_limit_is_a_bare_parameter(statement):
    """SQLite from 3.47 on prepares such a statement anew whenever it is run: 16 µs."""
    assert not re.search(r"LIMIT :\w+(?! \+ 0)\b", statement)
