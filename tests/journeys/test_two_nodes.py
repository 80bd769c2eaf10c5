"""Two daemons on one PostgreSQL, each link on one of them at a time; the SMSC allows one bind."""

import os
import signal
from collections import Counter

import pytest

from smsgw.simulator.words import What
from tests.ledger import ServerLedger
from tests.pg_proxy import Saboteur
from tests.portal.browser import Browser
from tests.wire import QUICK, password_in, texts_to

LEASE = 2  # seconds
FIRST_PAGE = "/mat-khau-moi"  # where an issued password leads to
#: More patient than the hashers take: a text that comes again on the same session just after its
#: answer left, is a second text.
CARRIER = {"one_bind": True, "response_timeout": 20, "retry_delay": 0.1}


@pytest.fixture
def ledger(postgres):
    return ServerLedger(postgres)


@pytest.fixture
def node(postgres, make_smsc, config_file, daemon, tmp_path):
    """Starts a node: `node("a", smsc)`."""

    def start(name, *smscs, url=None):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        config = config_file(
            *(smsc.link(f"link{n}", **QUICK) for n, smsc in enumerate(smscs, 1)),
            name=f"{name}.toml",
            gateway={
                "database": url or postgres.url(),
                "node": name,
                "lease": f"{LEASE}s",
                "secret_key_file": str(tmp_path / "secret.key"),
            },
            registration={"password_stock": 30},
        )
        child = daemon(config, environment={"STATE_DIRECTORY": str(folder)})
        child.until((folder / "control.sock").exists, what="a daemon that listens")
        return child

    return start


@pytest.fixture
def carrier(make_smsc):
    """An SMSC that allows one bind, and sends again what is not answered."""
    return make_smsc(**CARRIER)


def owner_of(postgres, link="link1"):
    with postgres.connect("smsgw") as db:
        row = db.execute("SELECT owner FROM leases WHERE name = %s", [link]).fetchone()
    return row and row[0]


def told_once(smsc, people, ledger):
    """Each of *people* registered and got one answer."""
    assert {1} == {len(texts_to(smsc, citizen)) for citizen in people}
    outcomes = ledger.outcomes()
    assert len(people) == outcomes["registered"]
    assert {"registered", "retransmission"} >= set(outcomes)


def registers(smsc, *people):
    for citizen in people:
        assert 0 == smsc.send_mo(citizen.number, citizen.text).settled()


def octets_after(smsc, session, place):
    """What came by *session* later than the record at that *place*."""
    return [r for r in smsc.records[place:] if r.session == session and r.what is not What.CLOSED]


def test_link_runs_on_one_node_and_goes_to_the_other_at_a_clean_end(
    postgres, node, carrier, citizens, ledger
):
    first = node("a", carrier)
    carrier.wait_bound()
    second = node("b", carrier)
    an, binh = citizens(2)
    registers(carrier, an)
    carrier.wait_submits(1)
    assert ("a", 1) == (owner_of(postgres), carrier.binds)
    assert 0 == first.terminate()
    carrier.wait_binds(2)
    registers(carrier, binh)
    carrier.wait_submits(2)
    second.until(lambda: not ledger.waiting(), what="an empty outbox")
    told_once(carrier, (an, binh), ledger)
    assert "b" == owner_of(postgres)
    assert not [r for r in carrier.records if r.what is What.REFUSED]
    assert 0 == second.terminate()
    assert owner_of(postgres) is None


def test_link_of_a_node_that_dies_is_taken_and_what_it_held_leaves(
    postgres, node, carrier, citizens, ledger
):
    first = node("a", carrier)
    carrier.wait_bound()
    second = node("b", carrier)
    an, binh = citizens(2)
    carrier.swallow()  # it takes the reply, says nothing, and is told nothing more
    registers(carrier, an)
    carrier.wait_submits(1)
    first.kill()
    carrier.swallow(False)
    carrier.wait_binds(2)
    registers(carrier, binh)
    carrier.wait_submits(3)
    second.until(lambda: not ledger.waiting(), what="an empty outbox")
    # Promise 3: sent before its node died, and never written down.
    assert [2, 1] == [len(texts_to(carrier, citizen)) for citizen in (an, binh)]
    assert 2 == ledger.outcomes()["registered"]
    assert "b" == owner_of(postgres)
    again = node("a", carrier)
    again.until(lambda: "starting" in again.log, what="a start")
    assert ("b", 2) == (owner_of(postgres), carrier.binds)


def test_node_that_was_stopped_for_longer_than_the_lease_sends_nothing_more(
    postgres, node, carrier, citizens, ledger
):
    first = node("a", carrier)
    carrier.wait_bound()
    [old] = carrier.bound
    second = node("b", carrier)
    an, *people = citizens(4)
    registers(carrier, an)
    first.until(lambda: not ledger.waiting(), what="an empty outbox")
    os.kill(first.pid, signal.SIGSTOP)
    try:
        second.until(lambda: "b" == owner_of(postgres), what="the lease")
        handles = [carrier.send_mo(citizen.number, citizen.text) for citizen in people]
        # The SMSC still has the old session, and refuses the bind until that is over.
        carrier.wait_record(lambda r: r.what is What.REFUSED)
        place = len(carrier.records)
    finally:
        os.kill(first.pid, signal.SIGCONT)
    carrier.wait_gone(old)
    assert [] == octets_after(carrier, old, place)
    carrier.wait_binds(2)
    for handle in handles:
        assert 0 == handle.settled()
    carrier.wait_submits(4)
    second.until(lambda: not ledger.waiting(), what="an empty outbox")
    told_once(carrier, (an, *people), ledger)
    first.wait_log("lease is lost")


def test_node_that_is_cut_from_the_database_drops_its_session_before_another_takes_the_link(
    postgres, node, carrier, citizens, ledger
):
    with Saboteur(postgres) as way:
        first = node("a", carrier, url=way.url())
        carrier.wait_bound()
        [old] = carrier.bound
        second = node("b", carrier)
        an, binh = citizens(2)
        registers(carrier, an)
        first.until(lambda: not ledger.waiting(), what="an empty outbox")
        way.refuses = True
        way.cut()
        carrier.wait_gone(old)
        assert "a" == owner_of(postgres)
        carrier.wait_binds(2)
        registers(carrier, binh)
        carrier.wait_submits(2)
        second.until(lambda: not ledger.waiting(), what="an empty outbox")
        told_once(carrier, (an, binh), ledger)
        # There was no session of the old one beside the new one's.
        assert not [r for r in carrier.records if r.what is What.REFUSED]
        way.refuses = False
        first.wait_log("can be renewed again")
        assert "b" == owner_of(postgres)


def test_link_moves_where_it_is_wanted_and_each_node_serves_its_own(
    postgres, node, make_smsc, citizens, ledger
):
    one, two = (make_smsc(**CARRIER) for _ in range(2))
    first = node("a", one, two)
    for smsc in (one, two):
        smsc.wait_bound()
    second = node("b", one, two)
    with postgres.connect("smsgw") as db:
        db.execute("UPDATE leases SET wanted = 'b' WHERE name = 'link2'")
    two.wait_binds(2)
    assert ["a", "b"] == [owner_of(postgres, name) for name in ("link1", "link2")]
    people = citizens(40)
    handles = [
        smsc.send_mo(citizen.number, citizen.text)
        for smsc, half in ((one, people[:20]), (two, people[20:]))
        for citizen in half
    ]
    for handle in handles:
        assert 0 == handle.settled()
    for smsc in (one, two):
        smsc.wait_submits(20)
    second.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert Counter(registered=40) == ledger.outcomes()
    assert {1} == {len(texts_to(one, c)) for c in people[:20]}
    assert {1} == {len(texts_to(two, c)) for c in people[20:]}
    # It stays where it is; the other comes, too, when its node ends.
    assert 0 == first.terminate()
    one.wait_binds(2)
    assert ["b", "b"] == [owner_of(postgres, name) for name in ("link1", "link2")]
    assert 2 == two.binds


def test_nothing_is_lost_or_doubled_while_links_move_and_nodes_end_under_traffic(
    postgres, node, make_smsc, citizens, ledger
):
    one, two = (make_smsc(**CARRIER) for _ in range(2))
    first = node("a", one, two)
    for smsc in (one, two):
        smsc.wait_bound()
    second = node("b", one, two)
    people = citizens(120)
    handles = []

    def texts(some):
        handles.extend(
            (one, two)[number % 2].send_mo(citizen.number, citizen.text)
            for number, citizen in enumerate(some)
        )

    texts(people[:40])
    with postgres.connect("smsgw") as db:
        db.execute("UPDATE leases SET wanted = 'b' WHERE name = 'link1'")
    texts(people[40:80])
    one.wait_binds(2)
    texts(people[80:])
    assert 0 == second.terminate()
    for handle in handles:
        assert 0 == handle.settled(timeout=60)
    first.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert {1} == {len(texts_to(one, c)) + len(texts_to(two, c)) for c in people}
    assert len(people) == ledger.outcomes()["registered"]
    assert {"registered", "retransmission"} >= set(ledger.outcomes())
    assert ["a", "a"] == [owner_of(postgres, name) for name in ("link1", "link2")]


@pytest.fixture
def portal(postgres, config_file, daemon, carrier, free_port, tmp_path):
    """Starts the portal, each time with the same address and folder."""

    def start():
        folder = tmp_path / "portal"
        folder.mkdir(exist_ok=True)
        config = config_file(
            carrier.link("link1", **QUICK),
            name="portal.toml",
            gateway={"database": postgres.url(), "secret_key_file": str(tmp_path / "secret.key")},
            portal={
                "listen": f"127.0.0.1:{free_port}",
                "public_url": f"http://127.0.0.1:{free_port}",
                "hotline": "0236 3881 888",
                "authority": "Sở Thông tin và Truyền thông",
            },
        )
        child = daemon(config, environment={"STATE_DIRECTORY": str(folder)}, verb="portal")
        child.wait_log("portal serving")
        return child

    return start


def test_nodes_and_portal_are_upgraded_one_after_the_other_under_traffic(
    postgres, node, portal, carrier, citizens, ledger, smsgw, free_port, tmp_path
):
    """The steps of docs/cluster.md; a new release is the same one, started again."""
    people = iter(citizens(60))
    told, handles = [], []

    def texts(count):
        """They leave now, and are answered while the next step is taken."""
        some = [next(people) for _ in range(count)]
        told.extend(some)
        handles.extend(carrier.send_mo(citizen.number, citizen.text) for citizen in some)

    def logs_in(citizen):
        """By the password of the text; a browser with that session."""
        reply = carrier.wait_submit(to=citizen.number)
        browser = Browser(free_port)
        answer = browser.log_in(citizen.cmnd, password_in(reply.text))
        assert (303, FIRST_PAGE) == answer.leads
        return browser

    first = node("a", carrier)
    carrier.wait_bound()
    second = node("b", carrier)
    pages = portal()
    texts(10)
    early = logs_in(told[0])

    texts(10)
    assert 0 == second.terminate()
    second = node("b", carrier)
    texts(10)
    place = {"STATE_DIRECTORY": str(tmp_path / "a")}
    move = ("links", "move", "link1", "b", "--reason", "upgrade")
    done = smsgw("-c", tmp_path / "a.toml", *move, environment=place)
    assert (0, "link1: node b has it\n") == (done.returncode, done.stdout), done.stderr
    texts(10)
    carrier.wait_binds(2)
    logs_in(told[-1])
    texts(10)
    assert 0 == first.terminate()
    node("a", carrier)
    texts(10)
    assert 0 == pages.terminate()
    portal()
    assert 200 == early.get(FIRST_PAGE).status
    logs_in(told[-1])

    for handle in handles:
        assert 0 == handle.settled(timeout=60)
    second.until(lambda: not ledger.waiting(), what="an empty outbox")
    told_once(carrier, told, ledger)
    assert {citizen.e164 for citizen in told} == {account[0] for account in ledger.accounts()}
    assert len(told) == len(ledger.accounts())
    assert ("b", 2) == (owner_of(postgres), carrier.binds)
