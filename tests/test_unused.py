"""Accounts that nobody ever used are closed, where the operator wants that, and no others."""

from datetime import timedelta

import pytest

from smsgw.gateway import By, unused
from smsgw.model import AccountState
from tests.house import AN, BINH, OTHER_TEXT, TEXT, OneHash, story_of


def purge(house, **by):
    done = house.hotline.purge_all(house.now, **by)
    return done.unused


def registered(house, count, start=0):
    for number in range(start, start + count):
        house.text(f"84905{number:06d}", f"TK,Nguyen Van An,{200000000 + number},01.02.1990")


@pytest.fixture
def keeping(make_house):
    house = make_house(retention={"unused_accounts": "30d"})
    house.issuer = OneHash()
    house.restart()
    return house


def state(house, key=AN):
    return house.account(key).state


def test_account_that_nobody_used_ends_a_month_after_its_registration_and_not_before(keeping):
    keeping.text(AN, TEXT)
    keeping.later(days=30)
    assert 0 == purge(keeping)
    keeping.later(seconds=1)
    assert 1 == purge(keeping)
    assert AccountState.CLOSED is state(keeping)
    last = story_of(keeping.hotline.history(AN))[-1]
    assert ("closed", None) == (last.what, last.actor)
    assert "never used" in last.reason
    assert "registered" in {outcome.value for outcome in [keeping.text(AN, TEXT)[0]]}


def test_nothing_is_closed_where_nobody_asked_for_it(house):
    house.text(AN, TEXT)
    house.later(days=3650)
    assert 0 == purge(house)
    assert AccountState.ISSUED is state(house)


def test_account_that_was_active_once_stays_though_it_is_issued_again(keeping):
    keeping.text(AN, TEXT)
    keeping.hotline.set_password(AN, "correct horse", "linh", keeping.now)
    keeping.hotline.reset_password(AN, "linh", keeping.now)
    keeping.text(BINH, OTHER_TEXT)
    keeping.later(days=31)
    assert 1 == purge(keeping)
    assert AccountState.ISSUED is state(keeping)
    assert AccountState.CLOSED is state(keeping, BINH)


def test_reminders_do_not_make_an_account_used(keeping):
    keeping.text(AN, TEXT)
    for _ in range(11):
        keeping.later(days=3)
        keeping.gateway.expire(keeping.now)
    assert 1 == purge(keeping)
    assert "cancelled" in keeping.states()  # the text with the password that is no more


def test_who_purges_by_hand_is_named(keeping):
    keeping.text(AN, TEXT)
    keeping.later(days=31)
    assert 1 == purge(keeping, by=By("linh", "yearly"))
    assert "linh" == story_of(keeping.hotline.history(AN))[-1].actor
    (line,) = keeping.hotline.audit()
    assert "messages=0 accounts=0 unused=1: yearly" == line.detail


def test_many_are_closed_some_at_a_time_and_looked_at_once(keeping, monkeypatch):
    monkeypatch.setattr(unused, "_SPAN", 7)
    monkeypatch.setattr(unused, "_CLOSED_AT_ONCE", 3)
    registered(keeping, 20)
    keeping.later(days=20)
    registered(keeping, 20, start=20)
    keeping.later(days=11)
    steps = []
    while True:
        done = keeping.gateway.purge(keeping.now)
        steps.append(done.unused)
        if not done.more:
            break
    assert 20 == sum(steps)
    assert 3 == max(steps)
    looked = []
    ask = keeping.store.never_active
    monkeypatch.setattr(
        keeping.store, "never_active", lambda after, end: looked.append(after) or ask(after, end)
    )
    assert 0 == purge(keeping)
    assert [20] == looked  # behind those that were closed, and no further than the first young one
    keeping.later(days=20)
    assert 20 == purge(keeping)


def test_account_of_a_clock_that_was_ahead_holds_up_no_other(keeping, monkeypatch):
    monkeypatch.setattr(unused, "_SPAN", 5)
    now = keeping.now
    keeping.now = now + timedelta(days=400)
    registered(keeping, 10)
    keeping.now = now
    registered(keeping, 10, start=10)
    keeping.later(days=31)
    assert 10 == purge(keeping)
    keeping.later(days=400)
    assert 10 == purge(keeping)
