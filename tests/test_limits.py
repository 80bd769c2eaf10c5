"""Counts of the running hour: exact for an hour, and bounded whatever comes."""

import pytest

from smsgw.limits import HOUR, Ceiling, HeavySenders, Recent

NOON = 500_000 * HOUR
MINUTE = HOUR // 60


def test_answers_count_for_an_hour_and_not_a_microsecond_longer():
    recent = Recent([(NOON, True), (NOON + 1, True), (NOON + 2, False)], NOON)
    assert [2, 1, 0] == [recent.answered(NOON + HOUR + n) for n in (-1, 0, 1)]


def test_what_was_recorded_counts_in_the_hour_of_the_clock():
    recent = Recent([(NOON - 1, True), (NOON, True), (NOON + 1, False)], NOON + MINUTE)
    assert (2, 0) == (recent.kept(NOON + MINUTE), recent.kept(NOON + HOUR))
    recent.add(NOON + HOUR, 1, 3, limit=10)
    assert 3 == recent.kept(NOON + HOUR)


def test_no_more_moments_are_kept_than_the_limit_needs():
    recent = Recent()
    for minute in range(100):
        recent.add(NOON + minute, 5, 5, limit=10)
    assert 10 == recent.answered(NOON + 100) == len(recent._answered)
    recent.add(NOON, 1_000_000, 1_000_000, limit=0)
    assert 10 == len(recent._answered)


def test_clock_set_back_leaves_the_moments_in_order():
    recent = Recent()
    for at in (NOON + MINUTE, NOON):
        recent.add(at, 1, 1, limit=10)
    assert [NOON, NOON + MINUTE] == recent._answered


@pytest.mark.parametrize("limit", [0, 10, 1_000, 1_000_000])
def test_senders_in_memory_are_bounded_and_the_quiet_ones_go_first(limit):
    senders = HeavySenders(limit)
    for number in range(12_000):
        senders.add(str(number), Recent(), NOON, 1, 1)
        senders.add("tireless", senders.get("tireless") or Recent(), NOON, 1, 1)
    assert 100 <= len(senders._known) <= 10_000
    assert senders.get("0") is None
    assert senders.get("tireless")


def test_ceiling_has_room_again_as_its_answers_grow_old():
    ceiling = Ceiling(3, [(NOON // 1_000_000, 1)])
    ceiling.add(NOON + 10 * MINUTE, 2)
    assert 0 == ceiling.left(NOON + 20 * MINUTE)
    assert NOON + HOUR == ceiling.more_at(NOON + 20 * MINUTE)
    assert [0, 1, 3] == [ceiling.left(NOON + HOUR + n) for n in (-1, 0, 10 * MINUTE)]


def test_ceiling_keeps_a_number_a_second():
    ceiling = Ceiling(1_000_000, [])
    for number in range(100_000):
        ceiling.add(NOON + number * 100_000, 1)
        ceiling.left(NOON + number * 100_000)
    assert len(ceiling._seconds) <= 3601
