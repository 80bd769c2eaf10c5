"""How many texts a second an SMSC took, over the last minutes."""

import pytest

from smsgw.links.rates import SPANS, Rates


def test_a_text_a_second_is_one_over_every_span_that_it_filled():
    rates = Rates()
    for second in range(0, 1000, 4):
        rates.note(second, 1000.0 + second)
    assert [1.0, 1.0, 1.0] == pytest.approx([rates.over(s, 996, 1996.0) for s in SPANS])


def test_a_minute_of_texts_counts_for_less_over_longer_spans_and_is_over_when_it_is():
    rates = Rates()
    for second in range(0, 61, 4):
        rates.note(2 * second, float(second))
    assert [2.0, 0.4, 0.133] == pytest.approx([rates.over(s, 120, 60.0) for s in SPANS], abs=0.001)
    for second in range(64, 1000, 4):
        rates.note(120, float(second))
    assert [0.0, 0.0] == [rates.over(s, 120, 996.0) for s in SPANS[:2]]


def test_what_was_taken_since_the_last_note_counts_at_once():
    rates = Rates()
    rates.note(0, 100.0)
    assert 0.5 == rates.over(60, 30, 102.0)


def test_an_hour_is_kept_in_some_hundred_numbers():
    rates = Rates()
    for second in range(0, 3600, 4):
        rates.note(second, float(second))
    assert 230 > len(rates._notes)


def test_before_the_first_note_nothing_was_taken():
    assert 0 == Rates().over(60, 500, 10.0)
    rates = Rates()
    rates.note(500, 10.0)
    assert 0 == rates.over(60, 500, 11.0)
