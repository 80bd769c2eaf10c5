"""Which daemon is which node of a PostgreSQL database."""

import os
from contextlib import closing
from datetime import timedelta

import pytest

from smsgw.clock import now
from smsgw.database import Server
from smsgw.errors import SmsgwError
from smsgw.store import Beat, Unavailable, open_store
from smsgw.store.postgres import nodes


@pytest.fixture(autouse=True)
def short_watch(monkeypatch):
    monkeypatch.setattr(nodes, "STILL_SECONDS", 0.6)
    monkeypatch.setattr(nodes, "_PACE_SECONDS", 0.01)


@pytest.fixture
def node(postgres, tmp_path):
    """Opens the database as the daemon of a node."""
    opened = []

    def open_node(name):
        opened.append(open_store(Server(postgres.url(), files=tmp_path / "smsgw.db"), node=name))
        return opened[-1]

    yield open_node
    for store in opened:
        store.close()


@pytest.fixture
def elsewhere(postgres):
    """Lets the process of a node be on another machine; where pids are, nobody here knows."""

    def move(name):
        with postgres.connect("smsgw") as db:
            db.execute("UPDATE nodes SET place = 'elsewhere' WHERE name = %s", [name])

    return move


def test_each_node_has_a_small_number_of_its_own(node, postgres):
    assert [1, 2, 3] == [node(name).number for name in ("a", "b", "c")]
    with postgres.connect("smsgw") as db:
        db.execute("DELETE FROM nodes WHERE name = 'b'")
    assert 2 == node("d").number
    assert 3 == node("c").number


def test_node_that_nobody_started_for_a_month_is_forgotten(node, postgres):
    node("a")
    with postgres.connect("smsgw") as db:
        db.execute("UPDATE nodes SET beat_at = beat_at - 2592001 * 1000000::bigint")
    assert 1 == node("b").number
    assert ["b"] == [beat.node for beat in node("b").beats()]


def test_name_of_a_node_that_stands_still_is_taken_over_and_the_old_process_writes_no_more(
    node, elsewhere
):
    old = node("a")
    elsewhere("a")
    new = node("a")
    with new.transaction():
        new.set_fact("served_by", "the new one")
    with pytest.raises(Unavailable, match="restart this one"), old.transaction():
        old.set_fact("served_by", "the old one")
    assert "the new one" == new.fact("served_by")
    old._connection.drop()
    with pytest.raises(Unavailable, match="restart this one"):
        old.fact("served_by")


def test_name_of_a_node_that_moves_is_refused(node, elsewhere, monkeypatch):
    old = node("a")
    elsewhere("a")

    class Moves:
        def wait(self, _seconds):
            with old.transaction():
                pass

    monkeypatch.setattr(nodes, "Event", Moves)
    with pytest.raises(SmsgwError, match='as node "a"'):
        node("a")
    with old.transaction():
        old.set_fact("served_by", "the old one")


def test_node_that_ended_as_it_should_is_not_watched(node, elsewhere, monkeypatch):
    beat = Beat("a", os.getpid(), "1.0", now(), now(), 0, ended=True)
    old = node("a")
    elsewhere("a")
    with old.transaction():
        old.beat(beat)
    monkeypatch.setattr(nodes, "Event", None)
    node("a")


def test_age_of_a_beat_is_told_by_the_clock_of_the_server(node):
    wrong = now() - timedelta(hours=1)
    store = node("a")
    with store.transaction():
        store.beat(Beat("a", os.getpid(), "1.0", wrong, wrong, 0, ended=False))
        store.set_configuration("abc")
    [beat] = store.beats()
    assert 0 <= beat.age < 60
    assert (wrong, "abc") == (beat.at, beat.configuration)


def test_old_session_of_a_process_is_ended_before_a_new_one_is_used(node, postgres):
    store = node("a")
    with closing(store._connection._connect()):
        store._connection.drop()
        store.fact("anything")
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
        with postgres.connect() as db:
            [(sessions,)] = db.execute(asked, [store._connection.name]).fetchall()
    assert 1 == sessions
