"""What a daemon still holds is seen under the lock: nothing is stored for a link that is lost."""

from contextlib import ExitStack
from datetime import timedelta

import pytest

from smsgw import clock
from smsgw.gateway import Batch
from smsgw.model import Answer, LinkState, MtState, Postponed, Receipt, Taken
from smsgw.store import open_leases
from tests.house import AN, BINH, OTHER_TEXT, TEXT, House
from tests.raw_postgres import Postgres


@pytest.fixture
def house(postgres, tmp_path):
    """A gateway whose node has both of its links."""
    house = House(tmp_path, gateway=Postgres(postgres).gateway(tmp_path) | {"node": "a"})
    yield house
    house.store.close()


def take(house, node, link):
    leases = open_leases(house.path, node, timedelta(seconds=2))
    [row] = leases.look([link])[0]
    token = leases.take(row)
    leases.close()
    return token


def commit(house, **parts):
    room = {"viettel": 10, "mobi": 10}
    return house.gateway.commit(Batch(room=room, tokens=house.tokens, **parts), house.now)


def test_what_is_held_is_stored(house):
    done = commit(house, mos=[house.mo(AN, TEXT)])
    assert ([Answer.OK], set()) == (done.answers, done.lost)
    assert 1 == len(done.replies)


def test_text_of_a_link_that_is_lost_is_left_alone_and_others_go_on(house):
    take(house, "b", "viettel")
    mos = [house.mo(AN, TEXT), house.mo(BINH, OTHER_TEXT, link="mobi")]
    receipt = Receipt("viettel", "7F", MtState.DELIVERED, "DELIVRD", mos[0].sender)
    done = commit(house, mos=mos, receipts=[receipt])
    assert [Answer.LATER, Answer.OK] == done.answers
    assert [Answer.LATER] == done.receipts
    assert {"viettel"} == done.lost
    assert ["mobi"] == [mt.link for mt in done.replies]
    assert 1 == len(list(house.hotline.accounts()))


def test_what_came_under_an_earlier_token_is_left_alone(house):
    before = house.tokens["viettel"]
    house.tokens["viettel"] = take(house, "a", "viettel")
    assert [Answer.OK] == commit(house, mos=[house.mo(AN, TEXT)]).answers
    house.tokens["viettel"] = before
    done = commit(house, mos=[house.mo(BINH, OTHER_TEXT)])
    assert ([Answer.LATER], {"viettel"}) == (done.answers, done.lost)


@pytest.mark.parametrize("said", [Taken(0, "7F"), Postponed(0, "later", throttled=False)])
def test_what_the_smsc_of_a_lost_link_said_is_dropped(house, said):
    [mt] = commit(house, mos=[house.mo(AN, TEXT)]).replies
    take(house, "b", "viettel")
    done = commit(house, results=[("viettel", said._replace(mt_id=mt.id))])
    assert (True, {"viettel"}) == (done.settled, done.lost)
    assert [MtState.QUEUED] == house.states()
    assert [] == house.claim().mts  # it still has its lease


def test_lost_link_is_given_no_text_and_its_state_is_another_node_s(house):
    commit(house, mos=[house.mo(AN, TEXT)])
    take(house, "b", "viettel")
    claim = house.gateway.claim("viettel", 10, house.now, 10, house.tokens["viettel"])
    assert ([], True) == (claim.mts, claim.lost)
    house.gateway.link_changed(
        "viettel", LinkState.BOUND, None, house.now, token=house.tokens["viettel"]
    )
    house.gateway.forget_link("mobi", house.tokens["mobi"])
    house.gateway.forget_link("viettel", house.tokens["viettel"])
    states = [(link.name, link.state) for link in house.store.links()]
    assert [("viettel", LinkState.CONNECTING)] == states


def test_link_that_is_taken_over_begins_with_what_the_node_before_had_in_its_memory(house):
    [mt] = commit(house, mos=[house.mo(AN, TEXT)]).replies
    assert [] == house.gateway.claim("viettel", 10, house.now, 10, house.tokens["viettel"]).mts
    house.hotline.stop_link("mobi", "op", house.now, "works")
    token = take(house, "a", "viettel")
    begins = house.gateway.take_over("viettel", token, house.now)
    assert (None, {}) == begins
    assert [mt.id] == [m.id for m in house.gateway.claim("viettel", 9, house.now, 9, token).mts]
    begins = house.gateway.take_over("mobi", house.tokens["mobi"], house.now)
    assert "by op" in begins.stopped
    assert house.gateway.take_over("mobi", 0, house.now) is None


def test_texts_of_a_link_of_another_node_do_not_stand_in_and_ours_go_where_it_is_bound(
    postgres, tmp_path
):
    gateway = Postgres(postgres).gateway(tmp_path) | {"node": "a"}
    links = {name: {"carrier": "vms"} for name in ("viettel", "mobi")}
    house = House(tmp_path, links, gateway=gateway)
    take(house, "b", "mobi")
    [mt] = house.gateway.commit(Batch([house.mo(AN, TEXT)]), house.now).replies or [None]
    assert mt is None  # it waits in the outbox: no room was said
    for able, moved in (({"viettel"}, set()), (set(), set())):
        assert moved == house.gateway.stand_in(able, (), house.now).links
    house.gateway.link_changed("mobi", LinkState.BOUND, None, house.now)
    assert {"mobi"} == house.gateway.stand_in((), (), house.now).links
    # Now it is the other's, which sends it.
    assert set() == house.gateway.stand_in({"viettel"}, (), house.now).links
    house.store.close()


def test_leases_of_texts_of_another_node_s_link_are_its_own_to_end(house):
    [mt] = commit(house, mos=[house.mo(AN, TEXT)]).replies
    take(house, "b", "viettel")
    house.later(hours=1)
    assert {} == house.gateway.tidy(house.now).due
    take(house, "a", "viettel")
    assert {"viettel"} == set(house.gateway.tidy(house.now, for_all=False).due)
    assert mt.id in {m.id for m in house.claim().mts}


def test_session_numbers_of_two_nodes_differ(monkeypatch):
    from smsgw.links import SessionIds

    moment = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment)
    numbers = set()
    for node in (1, 2):
        monkeypatch.setattr(SessionIds, "_last", 0)
        monkeypatch.setattr(SessionIds, "node", node)
        numbers |= {SessionIds.next(), SessionIds.next()}
    assert 4 == len(numbers)
    assert max(numbers) < 2**63


def test_limit_of_all_together_counts_what_another_node_answered(postgres, tmp_path):
    def node(name):
        gateway = Postgres(postgres).gateway(tmp_path) | {"node": name}
        (tmp_path / name).mkdir()
        house = House(tmp_path / name, gateway=gateway, limits={"replies_per_hour": 3})
        stack.callback(house.store.close)
        return house

    def ask(house, name, number):
        token = take(house, name, "viettel")
        batch = Batch([house.mo(number, "hallo")], tokens={"viettel": token}, room={"viettel": 9})
        return len(house.gateway.commit(batch, house.now).replies)

    with ExitStack() as stack:
        a, b = node("a"), node("b")
        assert 1 == ask(a, "a", "84905000001")
        assert 2 == ask(b, "b", "84905000002") + ask(b, "b", "84905000003")
        a.gateway.tidy(a.now, for_all=False)
        assert 0 == ask(a, "a", AN)
