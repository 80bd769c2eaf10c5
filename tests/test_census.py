"""How many texts wait in the outbox, counted without holding up a text."""

from datetime import timedelta

import pytest

from smsgw import census
from smsgw.census import Census, Outbox, count_all
from smsgw.gateway import Batch
from smsgw.store import LinkCount
from tests.budget import BUDGET_MS, cost_ms
from tests.house import NOON, House


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.store.close()


def queue(house, count):
    for start in range(0, count, 1000):
        mos = [house.mo(f"849{n:08}", "hallo") for n in range(start, min(start + 1000, count))]
        house.gateway.commit(Batch(mos=mos), house.now)


def test_small_outbox_is_known_at_once(house):
    counts = Census(house.store)
    assert counts.step()
    assert Outbox({}) == counts.outbox
    queue(house, 7)
    assert counts.step()
    assert Outbox({"viettel": LinkCount("viettel", 7, 0, 0, NOON)}) == counts.outbox


def test_large_outbox_is_counted_in_pieces_and_told_when_it_is_whole(house, monkeypatch):
    monkeypatch.setattr(census, "PIECE", 3)
    counts = Census(house.store)
    queue(house, 7)
    assert [False, False, True] == [counts.step() for _ in range(3)]
    assert 7 == counts.outbox.queued
    queue(house, 10)
    assert not counts.step()
    assert 7 == counts.outbox.queued  # what is whole, until the next count is
    while not counts.step():
        pass
    assert 17 == counts.outbox.queued


def test_first_count_of_a_large_outbox_tells_what_was_found_so_far(house, monkeypatch):
    monkeypatch.setattr(census, "PIECE", 3)
    queue(house, 7)
    counts = Census(house.store)
    counts.step()
    assert (3, NOON) == (counts.outbox.queued, counts.outbox.oldest_queued)


def test_look_at_a_queue_of_20000_replies_holds_up_nobody(house):
    queue(house, 20_000)
    counts = Census(house.store)
    assert cost_ms(counts.step) < BUDGET_MS / 4


def test_texts_are_counted_by_link_over_all_pieces(house, monkeypatch):
    monkeypatch.setattr(census, "PIECE", 3)
    for n in range(4):
        house.text(f"8490500000{n}", "hallo", link="mobi" if n % 2 else "viettel")
        house.later(minutes=1)
    found = count_all(house.store)
    assert {"viettel": 2, "mobi": 2} == {name: link.queued for name, link in found.links.items()}
    assert NOON + timedelta(minutes=1) == found.links["mobi"].oldest_reply
    assert (4, 0, 0, NOON) == (found.queued, found.held, found.failed, found.oldest_queued)
