"""Leases as rows: who is quicker has them, and only who has them may renew or give back."""

from datetime import timedelta

import pytest

from smsgw import clock
from smsgw.database import Server
from smsgw.store import Unavailable, open_leases, open_store
from tests.pg_proxy import Saboteur
from tests.raw_postgres import Postgres

PATIENCE = timedelta(seconds=2)


@pytest.fixture
def table(postgres, tmp_path):
    """The leases as a node sees them: `table("a")`."""
    server = Server(postgres.url(), files=tmp_path / "smsgw.db")
    open_store(server).close()
    tables = []

    def of(node):
        tables.append(open_leases(server, node, PATIENCE))
        return tables[-1]

    yield of
    for each in tables:
        each.close()


def row(leases, name="viettel"):
    [found] = leases.look([name])[0]
    return found


def test_what_nobody_has_is_made_and_taken_by_the_first(table):
    a, b = table("a"), table("b")
    seen = row(a), row(b)
    assert (None, 0, 0, None) == seen[0][1:]
    assert 1 == a.take(seen[0])
    assert b.take(seen[1]) is None
    assert ("a", 1) == (row(b).owner, row(b).token)


def test_renewal_is_seen_and_fails_what_others_saw_before_it(table):
    a, b = table("a"), table("b")
    a.take(row(a))
    seen = row(b)
    assert {"viettel"} == a.renew({"viettel": 1})
    assert b.take(seen) is None
    assert 2 == b.take(row(b))
    assert set() == a.renew({"viettel": 1})
    a.release("viettel", 1)
    assert ("b", 2) == (row(a).owner, row(a).token)


def test_what_is_given_back_keeps_the_wish_and_a_token_that_grows(table, postgres):
    a, b = table("a"), table("b")
    a.take(row(a))
    with postgres.connect("smsgw") as db:
        db.execute("UPDATE leases SET wanted = 'b'")
    a.release("viettel", 1)
    assert (None, "b") == (row(b).owner, row(b).wanted)
    assert 2 == b.take(row(b))
    assert row(b).wanted is None


def test_wish_for_a_node_that_is_gone_is_forgotten(table, postgres):
    a = table("a")
    a.take(row(a))
    with postgres.connect("smsgw") as db:
        db.execute("UPDATE leases SET wanted = 'gone'")
    a.forget_wish(row(a))
    assert ("a", None) == (row(a).owner, row(a).wanted)


def test_session_that_was_lost_is_another_one_only_after_it_was_said(postgres, tmp_path):
    """Whoever watches must know that what it sees next may be older."""
    with Saboteur(postgres) as way:
        server = Server(way.url(), files=tmp_path / "smsgw.db")
        open_store(server).close()
        leases = open_leases(server, "a", PATIENCE)
        leases.look(["viettel"])
        way.cut()
        with pytest.raises(Unavailable):
            leases.look(["viettel"])
        assert "viettel" == row(leases).name
        leases.close()


def test_file_has_no_leases(tmp_path):
    assert open_leases(tmp_path / "smsgw.db", "a", PATIENCE) is None


def test_transaction_sees_what_its_node_still_has(table, postgres, tmp_path):
    leases = table("a")
    leases.take(row(leases))
    store = Postgres(postgres).open(tmp_path, node="a")
    with store.transaction():
        assert {"viettel": 1} == store.held()
        assert set() == store.taken_by_others()
    other = table("b")
    other.take(row(other))
    with store.transaction():
        assert {} == store.held()
        assert {"viettel"} == store.taken_by_others()
        assert store.is_configured_alike()
    store.close()


def test_leases_of_texts_end_but_for_those_of_links_of_others(table, postgres, tmp_path):
    store = Postgres(postgres).open(tmp_path, node="a")
    now = clock.now()
    with store.transaction():
        others = store.taken_by_others()
        assert (set(), 0) == store.end_leases_but(others, now, now, now)
        store.end_leases_of("viettel", now)
    store.close()
