"""No statement reads a whole table to find a few rows."""

import re
from pathlib import Path

import pytest

from smsgw.database import Server
from smsgw.store import empty_store, open_store
from smsgw.store.postgres import sql as postgres_sql
from smsgw.store.sqlite import sql
from smsgw.store.sqlite.sql import file
from smsgw.store.verbs.names import collected

#: A copy, whose statements are not among these, reads all there is.
STATEMENTS = sql.STATEMENTS | collected(file)

# What is small by nature: the keys of the batch itself, a handful of links and early receipts, the
# list of tables, and the links that stand in the index of what is queued. The plan of a subquery,
# which PostgreSQL wants to have a name, is listed itself.
SMALL = re.compile(
    r"SCAN (k$|[kl] VIRTUAL TABLE|json_each VIRTUAL TABLE|CONSTANT ROW|\(subquery-\d+\)|few$|first$"
    r"|links$|stopped$|carriers$|heartbeats$|sqlite_(master|schema)$|early_receipts USING"
    r"|outbox USING (COVERING )?INDEX outbox_due)"
)
#: Those of one row or of a handful, and what is the whole of something that was asked for.
SMALL_OF_POSTGRES = {
    *("last_ids", "links", "carriers", "nodes", "leases", "data_keys", "early_receipts"),
}


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


@pytest.fixture(scope="module")
def plans(postgres_cluster, tmp_path_factory):
    """A session as the daemon's is, in a base with its tables."""
    server = Server(postgres_cluster.url(), files=tmp_path_factory.mktemp("plans") / "smsgw.db")
    store = open_store(server, node="plans")
    yield store._connection.open()
    store.close()


@pytest.mark.parametrize(
    "name", [n for n in postgres_sql.STATEMENTS if not n.startswith("server.")]
)
def test_every_statement_of_postgresql_uses_an_index(plans, name):
    """With the settings of the daemon's session, which let no plan read a whole table that has
    another way; of what was prepared on empty tables, too."""
    text, names = postgres_sql.prepared(name)
    places = len(names) or max((int(n) for n in re.findall(rb"\$(\d+)", text)), default=0)
    plans.execute(b"PREPARE looked_at AS " + text)
    try:
        values = f"({', '.join(['NULL'] * places)})" if places else ""
        plans.execute("SET plan_cache_mode = force_generic_plan")
        found = plans.execute(f"EXPLAIN EXECUTE looked_at {values}").fetchall()
    finally:
        plans.execute("DEALLOCATE looked_at")
    scans = {scan for (line,) in found for scan in re.findall(r"Seq Scan on (\w+)", line)}
    assert set() == scans - SMALL_OF_POSTGRES


def test_statements_of_a_file_alone_are_all_used():
    room = Path(sql.__path__[0]).parent
    sources = [source.read_text() for source in room.glob("*.py")]
    used = "".join(text for text in sources if "sql import file as sql" in text)
    names = [name.removeprefix("file.") for name in collected(file)]
    assert [] == [name for name in names if f"sql.{name}" not in used]
    assert names


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_no_limit_is_a_bare_parameter(statement):
    """SQLite from 3.47 on prepares such a statement anew whenever it is run: 16 µs."""
    assert not re.search(r"LIMIT :\w+(?! \+ 0)\b", statement)
