"""Commands where several nodes share a PostgreSQL database: all are seen, and reached, from any."""

import json
import os
from datetime import timedelta

import pytest

from smsgw.clock import now
from smsgw.database import Server
from smsgw.model import LinkState
from smsgw.store import Beat, open_store

PLACE = "STATE_DIRECTORY"


@pytest.fixture
def beats(postgres, tmp_path):
    """`beats("b", age=20)`: a node whose daemon was heard of so many seconds ago."""
    opened = []

    def beat(name, *, age=0, ended=False):
        server = Server(postgres.url(), files=tmp_path / name / "smsgw.db")
        store = open_store(server, node=name)
        opened.append(store)
        with store.transaction():
            begun = now() - timedelta(hours=1)
            store.beat(Beat(name, os.getpid(), "1.0", begun, now(), 0, ended=ended))
        with postgres.connect("smsgw") as db:
            values = [age * 1_000_000, name]
            db.execute("UPDATE nodes SET beat_at = beat_at - %s WHERE name = %s", values)
        return store

    yield beat
    for store in opened:
        store.close()


@pytest.fixture
def own(postgres, smsc, config_file, smsgw, tmp_path):
    """Calls commands on node `a`, whose daemon does not run here."""
    config = config_file(smsc, gateway={"database": postgres.url(), "node": "a"})
    place = {PLACE: str(tmp_path)}

    def command(*arguments, start=False):
        if start:
            return smsgw.start("-c", config, *arguments, environment=place)
        return smsgw("-c", config, *arguments, environment=place)

    return command


@pytest.fixture
def owned(postgres):
    """`owned("simulator", "b")`: who has which link."""

    def own(link, node):
        with postgres.connect("smsgw") as db:
            db.execute("DELETE FROM leases WHERE name = %s", [link])
            db.execute("INSERT INTO leases (name, owner) VALUES (%s, %s)", [link, node])

    return own


def bind(store):
    with store.transaction():
        store.set_link("simulator", LinkState.BOUND, None, now())


def status(own):
    done = own("status", "--format", "json")
    [seen] = json.loads(done.stdout)
    # That of the tests has no standby.
    problems = [each for each in seen["problems"] if "synchronous standby" not in each]
    return seen, problems


def test_links_of_another_node_are_seen_from_here(own, beats, owned):
    bind(beats("b"))
    owned("simulator", "b")
    [link] = json.loads(own("links", "--format", "json").stdout)
    assert ("simulator", "bound", "b") == (link["name"], link["state"], link["node"])
    seen, problems = status(own)
    assert [] == problems
    [node] = seen["nodes"]
    assert ("b", ["simulator"], False) == (node["name"], node["links"], node["ended"])
    shown = own("status").stdout
    assert "none is seen" in shown
    assert ["b", "running"] in [line.split()[:2] for line in shown.splitlines()]


def test_node_that_fell_silent_is_said_for_a_day_or_while_it_has_a_link(own, beats, owned):
    bind(beats("b"))
    owned("simulator", "b")
    beats("c", age=30)
    beats("d", age=90_000)
    beats("e", age=30, ended=True)
    [problem] = status(own)[1]
    assert problem.startswith("node c is silent: its heartbeat is 3")
    owned("simulator", "d")
    _, problems = status(own)
    assert ["node c is silent", "node d is silent"] == [p.partition(":")[0] for p in problems[:2]]
    assert "link simulator is waiting: node d, which has it, is silent" == problems[2]


def test_without_a_daemon_anywhere_it_says_so(own, beats):
    beats("b", ended=True)
    assert ["the daemon is not running"] == status(own)[1]


def test_other_configuration_and_wrong_clock_are_shown_and_no_fault(own, beats, owned, postgres):
    for name in ("b", "c"):
        store = beats(name)
        with store.transaction():
            store.set_configuration(name)
    bind(store)
    owned("simulator", "c")
    with postgres.connect("smsgw") as db:
        db.execute("UPDATE nodes SET at = at + 3600000000 WHERE name = 'c'")
    seen, problems = status(own)
    assert [] == problems
    assert [
        "node c has another configuration than b",
        "the clock of node c is 60 min ahead of that of the database",
    ] == seen["notes"]


def test_link_moves_to_a_node_that_takes_it(own, beats, owned, postgres):
    beats("b")
    owned("simulator", "a")
    child = own("links", "move", "simulator", "b", "--reason", "repair", start=True)
    with postgres.connect("smsgw") as db:
        asked = "SELECT count(*) FROM leases WHERE wanted = 'b'"
        while not db.execute(asked).fetchall()[0][0]:
            assert child.poll() is None, child.communicate()
        db.execute("UPDATE leases SET owner = 'b', wanted = NULL")
        assert b"simulator: node b has it\n" == child.communicate()[0]
        [audit] = db.execute("SELECT command, detail FROM audit").fetchall()
    assert ("links move", "link simulator from a to b: repair") == audit


@pytest.mark.parametrize(
    ("link", "node", "said"),
    [
        ("mobi", "b", "no link 'mobi'; there are: simulator"),
        ("simulator", "x", "no node 'x' lives: there are: b, d"),
        ("simulator", "c", "no node 'c' lives: there are: b, d"),
        ("simulator", "b", "node b has link simulator already"),
    ],
    ids=["no link", "no node", "dead node", "its own"],
)
def test_link_is_not_moved_to_nowhere(own, beats, owned, link, node, said):
    for name, age in (("b", 0), ("c", 30), ("d", 0)):
        beats(name, age=age)
    owned("simulator", "b")
    done = own("links", "move", link, node)
    assert (1, f"smsgw: {said}\n") == (done.returncode, done.stderr)


def test_link_of_one_machine_cannot_be_moved(smsc, config_file, smsgw, make_house, tmp_path):
    make_house()
    done = smsgw("-c", config_file(smsc), "links", "move", "simulator", "b")
    assert 1 == done.returncode
    assert "gateway.database is a file" in done.stderr


def test_test_of_a_link_that_another_node_has_names_the_node(own, beats, owned):
    beats("b")
    owned("simulator", "b")
    done = own("links", "test", "simulator")
    assert (1, "smsgw: node b has link simulator: call it there\n") == (
        *(done.returncode, done.stderr),
    )


def test_stop_reaches_the_node_that_has_the_link(own, beats, owned):
    store = beats("b")
    bind(store)
    owned("simulator", "b")
    child = own("links", "stop", "simulator", start=True)
    while not store.stopped_links():
        assert child.poll() is None, child.communicate()
    with store.transaction():
        store.set_link("simulator", LinkState.STOPPED, None, now())
    assert b"simulator: stopped\n" == child.communicate()[0]
    assert "simulator: started\n" == own("links", "start", "simulator").stdout
    assert {} == store.stopped_links()
