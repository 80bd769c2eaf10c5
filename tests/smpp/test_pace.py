"""How fast a link may send."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw.smpp.pace import (
    BARRED_PAUSE,
    FORGOTTEN,
    LONGEST_PAUSE,
    PROBE_PATIENCE,
    RECOVERY,
    SEVERAL,
    Pace,
)

T0 = 1000.0


def throttled_at(rate, now=T0):
    """A pace that was throttled when so many had left in the last second."""
    pace = Pace()
    pace.sent(rate, now)
    pace.throttled(now)
    return pace


def test_link_without_a_bound_is_free():
    assert Pace(0).allowance(T0) > 1_000_000
    assert T0 == Pace(0).next_chance(T0)


def test_no_more_than_the_bound_leaves_in_one_second():
    pace = Pace(3)
    assert 3 == pace.allowance(T0)
    pace.sent(2, T0)
    assert 1 == pace.allowance(T0 + 0.5)
    pace.sent(1, T0 + 0.5)
    assert 0 == pace.allowance(T0 + 0.9)
    assert T0 + 1 == pace.next_chance(T0 + 0.9)
    assert 2 == pace.allowance(T0 + 1)


@given(st.integers(1, 50), st.lists(st.floats(0, 2), min_size=1, max_size=50))
def test_bound_holds_in_any_span_of_a_second(bound, gaps):
    pace, now, sent = Pace(bound), T0, []
    for gap in gaps:
        now += gap
        count = pace.allowance(now)
        pace.sent(count, now)
        sent.append((now, count))
    for start, _ in sent:
        assert bound >= sum(count for at, count in sent if start <= at < start + 1)


@given(st.integers(1, 50), st.lists(st.sampled_from(["send", "throttled", "accepted"])))
def test_next_chance_is_a_chance(bound, happenings):
    pace, now = Pace(bound), T0
    for happening in happenings:
        if happening == "send":
            now = max(now, pace.next_chance(now))
            count = pace.allowance(now)
            assert count > 0
            pace.sent(count, now)
        else:
            getattr(pace, happening)(now)
        now += 0.01


def test_throttled_link_pauses_as_a_whole():
    pace = throttled_at(100)
    assert 0 == pace.allowance(T0 + 0.99)
    assert T0 + 1 == pace.next_chance(T0)


def test_pause_ends_with_one_probe():
    pace = throttled_at(100)
    assert 1 == pace.allowance(T0 + 1)
    pace.sent(1, T0 + 1)
    assert 0 == pace.allowance(T0 + 1.1)


def test_refusals_of_what_left_before_the_pause_count_once():
    pace = throttled_at(100)
    for _ in range(50):
        pace.throttled(T0 + 0.2)
    assert T0 + 1 == pace.next_chance(T0 + 0.2)


def test_acceptances_of_what_left_before_the_pause_do_not_end_it():
    pace = throttled_at(100)
    pace.accepted(T0 + 0.2)
    assert 0 == pace.allowance(T0 + 0.9)
    pace.accepted(T0 + 1.1)
    assert 1 == pace.allowance(T0 + 1.1)


def test_throttled_probe_doubles_the_pause_up_to_a_minute():
    pace, now, pauses = throttled_at(100), T0, []
    for _ in range(9):
        pauses.append(pace.next_chance(now) - now)
        now = pace.next_chance(now)
        pace.sent(1, now)
        pace.throttled(now)
    assert [1, 2, 4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE] == pauses


def test_after_an_accepted_probe_the_rate_grows_again():
    pace = throttled_at(100)
    pace.sent(1, T0 + 1)
    pace.accepted(T0 + 1.1)
    assert 74 == pace.allowance(T0 + 1.1)  # three quarters, less the probe
    assert 150 == pace.allowance(T0 + 11.1)
    assert 300 == pace.allowance(T0 + 21.1)
    assert pace.allowance(T0 + 1.2 + FORGOTTEN) > 1_000_000


def test_configured_bound_stays_while_the_rate_grows():
    pace = Pace(10)
    pace.sent(10, T0)
    pace.throttled(T0)
    pace.sent(1, T0 + 1)
    pace.accepted(T0 + 1.1)
    assert 6 == pace.allowance(T0 + 1.1)
    assert 10 == pace.allowance(T0 + 500)


def test_probe_that_nobody_answers_is_followed_by_another():
    pace = throttled_at(100)
    pace.sent(1, T0 + 1)
    again = T0 + 1 + PROBE_PATIENCE
    assert again == pace.next_chance(T0 + 2)
    assert 1 == pace.allowance(again)
    pace.sent(1, again)
    assert 0 == pace.allowance(again)


@pytest.mark.parametrize("carried", [5, 20, 200])
def test_after_one_throttle_at_low_traffic_the_link_is_back_within_five_seconds(carried):
    pace = Pace()
    pace.sent(carried, T0)  # an announcement on the radio
    pace.sent(1, T0 + 60)
    pace.throttled(T0 + 60)
    pace.sent(1, T0 + 61)
    pace.accepted(T0 + 61.1)
    assert carried <= pace.allowance(T0 + 61.1 + RECOVERY)


def test_link_that_never_carried_much_is_not_held_to_one_a_second():
    pace = throttled_at(1)
    pace.sent(1, T0 + 1)
    pace.accepted(T0 + 1.1)
    assert 2 <= pace.allowance(T0 + 3.1)
    assert 10 <= pace.allowance(T0 + 6.2)


def test_link_that_is_throttled_again_goes_back_to_what_it_carried_then():
    pace = Pace()
    pace.sent(200, T0)
    pace.sent(20, T0 + 60)
    pace.throttled(T0 + 60)
    pace.sent(1, T0 + 61)
    pace.accepted(T0 + 61.1)
    pace.sent(40, T0 + 63)
    pace.throttled(T0 + 63)
    pace.sent(1, T0 + 64)
    pace.accepted(T0 + 64.1)
    assert pace.allowance(T0 + 64.1) <= 30
    assert 40 <= pace.allowance(T0 + 64.1 + RECOVERY) <= 60


def test_full_recipient_holds_up_nobody_else():
    pace = Pace()
    for second in range(100):
        pace.full("84905000001", T0 + second)
        pace.full("84905000002", T0 + second)
    assert pace.allowance(T0 + 100) > 1_000_000


def test_several_full_recipients_in_a_row_slow_the_link():
    pace = Pace()
    for recipient in range(SEVERAL):
        pace.full(str(recipient), T0)
    assert 0 == pace.allowance(T0)
    assert 1 == pace.allowance(T0 + 1)


def test_full_recipients_between_others_that_are_served_do_not_slow_the_link():
    pace = Pace()
    for recipient in range(100):
        pace.full(str(recipient), T0)
        pace.accepted(T0)
    assert pace.allowance(T0) > 1_000_000


def test_recipient_that_is_known_as_full_says_nothing_new_about_the_link():
    pace = Pace()
    for recipient in range(SEVERAL):
        pace.full(str(recipient), T0)
    pace.sent(1, T0 + 1)
    pace.full("0", T0 + 1.1)
    assert 1 == pace.allowance(T0 + 1.1)


def test_one_full_recipient_is_no_answer_to_the_question_of_a_probe():
    pace = throttled_at(100)
    pace.sent(1, T0 + 1)
    pace.full("84905000001", T0 + 1.1)
    assert 1 == pace.allowance(T0 + 1.1)


def test_link_whose_short_code_is_refused_asks_at_least_each_half_a_minute():
    pace, now = Pace(), T0
    pace.sent(10, now)
    for _ in range(10):
        pace.source_refused(now)
    asked = []
    for _ in range(20):
        now = pace.next_chance(now)
        assert 1 == pace.allowance(now)
        pace.sent(1, now)
        asked.append(now)
        now += 5  # a slow SMSC
        pace.source_refused(now)
    assert max(b - a for a, b in pairwise([T0, *asked])) <= 30
    assert pace.barred


def test_link_whose_short_code_is_taken_again_is_free_at_once():
    pace = Pace()
    pace.source_refused(T0)
    pace.sent(1, T0 + BARRED_PAUSE)
    pace.accepted(T0 + BARRED_PAUSE)
    assert not pace.barred
    assert pace.allowance(T0 + BARRED_PAUSE) > 1_000_000


@pytest.mark.parametrize("rate", [1, 2])
def test_slowest_link_still_sends(rate):
    pace = throttled_at(rate)
    pace.sent(1, T0 + 1)
    pace.accepted(T0 + 1.1)
    assert 1 <= pace.allowance(T0 + 2) <= rate
