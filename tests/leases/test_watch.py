"""Who may take what, and when: the rule alone, with a clock that stands still."""

import pytest

from smsgw.leases import Watch
from smsgw.leases.watch import SILENT_SECONDS
from smsgw.store import LeaseRow

LEASE = 10.0


def lease(owner=None, token=1, renewals=1, wanted=None):
    return LeaseRow("viettel", owner, token, renewals, wanted)


@pytest.fixture
def watch():
    return Watch("b", LEASE)


def sees(watch, row, now, **beats):
    watch.see([row], beats.items(), now)
    return watch.may_take(row, now)


def test_what_nobody_has_is_taken_at_once(watch):
    assert sees(watch, lease(), 0)


def test_what_stands_still_is_taken_after_a_whole_lease(watch):
    row = lease("a")
    assert [False, False, True] == [sees(watch, row, now) for now in (100, 109.9, 110)]


def test_each_renewal_begins_another_lease(watch):
    found = [
        sees(watch, lease("a", renewals=n), now) for n, now in ((1, 0), (2, 9), (2, 18), (2, 19))
    ]
    assert [False, False, False, True] == found


def test_another_owner_or_token_begins_another_lease(watch):
    sees(watch, lease("a"), 0)
    assert not sees(watch, lease("c"), 10)
    assert not sees(watch, lease("c", token=2), 19)
    assert not sees(watch, lease("c", token=2), 28)
    assert sees(watch, lease("c", token=2), 29)


def test_after_a_lost_connection_it_watches_anew(watch):
    sees(watch, lease("a"), 0)
    watch.begin_anew()
    assert not sees(watch, lease("a"), 10)
    assert sees(watch, lease("a"), 20)


def test_row_that_was_not_there_meanwhile_is_watched_anew(watch):
    sees(watch, lease("a"), 0)
    watch.see([], [], 5)
    assert not sees(watch, lease("a"), 10)


def test_lease_of_an_earlier_life_is_taken_at_once_only_if_that_is_known_to_be_over(watch):
    row = lease("b")
    watch.see([row], [], 0)
    assert not watch.may_take(row, 0)
    assert watch.may_take(row, 0, ended=True)
    assert watch.may_take(row, LEASE)
    other = lease("a")
    watch.see([other], [], 0)
    assert not watch.may_take(other, 0, ended=True)


def test_what_another_node_is_to_have_is_left_to_it_for_a_lease(watch):
    row = lease(wanted="c")
    assert not sees(watch, row, 0, c=1)
    assert not sees(watch, row, 9.9, c=2)
    assert sees(watch, row, 10, c=3)


def test_what_a_node_is_to_have_that_does_not_run_is_taken_at_once(watch):
    assert sees(watch, lease(wanted="c"), 0, a=1)


def test_what_we_are_to_have_is_taken_as_soon_as_its_owner_lets_go(watch):
    assert not sees(watch, lease("a", wanted="b"), 0, a=1)
    assert sees(watch, lease(wanted="b", renewals=2), 1, a=1)


def test_owner_lets_go_for_a_node_that_lives(watch):
    row = lease("b", wanted="c")
    watch.see([row], [("c", 1)], 0)
    assert watch.is_wanted_elsewhere(row, 0)
    watch.see([row], [("c", 1)], SILENT_SECONDS)
    assert not watch.is_wanted_elsewhere(row, SILENT_SECONDS)
    watch.see([row], [("c", 2)], SILENT_SECONDS)
    assert watch.is_wanted_elsewhere(row, SILENT_SECONDS)
    watch.see([row], [], SILENT_SECONDS)
    assert not watch.is_wanted_elsewhere(row, SILENT_SECONDS)


def test_wish_for_the_owner_itself_moves_nothing(watch):
    row = lease("b", wanted="b")
    watch.see([row], [("b", 1)], 0)
    assert not watch.is_wanted_elsewhere(row, 0)
