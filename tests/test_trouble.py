"""What is wrong with the store is said when it changes, and once a minute: not each second."""

import pytest

from smsgw.desk.trouble import Trouble

FULL, LOCKED = "the disk is full", "the database is locked"


@pytest.fixture
def said(caplog):
    """What the log said since it was last asked."""

    def take():
        lines = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return lines

    return take


def test_trouble_of_two_minutes_is_three_lines_and_one_at_its_end(said):
    trouble = Trouble()
    for second in range(125):
        trouble.is_in(FULL, 1000.0 + second)
    assert [
        "store: the disk is full",
        "store: the disk is full, for 60 s now",
        "store: the disk is full, for 120 s now",
    ] == said()
    trouble.is_in(None, 1125.0)
    trouble.is_in(None, 1126.0)
    assert ["store: takes messages again"] == said()


def test_another_trouble_is_said_at_once(said):
    trouble = Trouble()
    trouble.is_in(FULL, 1000.0)
    trouble.is_in(LOCKED, 1001.0)
    assert ["store: the disk is full", "store: the database is locked"] == said()


def test_trouble_that_comes_and_goes_by_the_second_is_not_said_each_time(said):
    trouble = Trouble()
    for second in range(59):
        trouble.is_in(FULL if second % 2 == 0 else None, 1000.0 + second)
    assert ["store: the disk is full", "store: takes messages again"] == said()


def test_trouble_that_comes_back_later_is_said_again(said):
    trouble = Trouble()
    for at, reason in ((1000.0, FULL), (1001.0, None), (1030.0, FULL), (1031.0, None)):
        trouble.is_in(reason, at)
    assert ["store: the disk is full", "store: takes messages again"] * 2 == said()


def test_who_shows_it_is_told_of_each_change_alone():
    told = []
    trouble = Trouble()
    trouble.on_change = lambda: told.append(trouble.reason)
    for reason in (None, FULL, FULL, LOCKED, None, None):
        trouble.is_in(reason, 1000.0)
    assert [FULL, LOCKED, None] == told
