"""What must answer in time leaves a disk that stands still to a child process."""

import time

import pytest

from smsgw.cli.apart import apart
from smsgw.errors import SmsgwError


def test_what_the_child_found_comes_back():
    assert {"a": [1, None]} == apart(lambda: {"a": [1, None]}, 10)


def test_nothing_is_nothing_and_not_a_fault():
    assert apart(lambda: None, 10) is None


def test_child_that_stands_still_is_left_behind():
    started = time.monotonic()
    assert apart(lambda: time.sleep(60), 0.2) is None
    assert time.monotonic() - started < 5


def test_child_that_fails_tells_the_kind_of_the_fault_and_no_more():
    def fail():
        raise ValueError("MK: secret")

    with pytest.raises(SmsgwError, match="ValueError") as told:
        apart(fail, 10)
    assert "secret" not in str(told.value)


def test_much_comes_back_whole():
    assert 5_000_000 == len(apart(lambda: "x" * 5_000_000, 10) or "")
