"""How often a password may be guessed at: the kept counters beside a simple model of the rule."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from smsgw.portal import throttle
from smsgw.portal.short import Denied, Guess, Limits, Ticket, Why
from smsgw.portal.short import guesses as kept
from smsgw.store import Unavailable
from tests.portal.short import rows

T0 = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LIMITS = Limits(timedelta(minutes=30), timedelta(minutes=15), timedelta(hours=4))


def guess(name=b"an", account=1, mark="m", browser=None, net="", **options):
    options = {"shared": False, "shut": False} | options
    return Guess(name, account, mark, browser, net, **options)


def wrong(short, one, now):
    """One try that is judged wrong; what it was told instead, if it was not judged."""
    ticket = short.reserve(one, now)
    if isinstance(ticket, Denied):
        return ticket
    short.judged_wrong(ticket, now)
    return None


def test_waits_double_up_to_an_hour():
    waits = [throttle.wait_after(n, throttle.STRANGERS).total_seconds() for n in range(4, 15)]
    assert [0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600] == waits
    assert 30 == throttle.wait_after(10, throttle.KNOWN).total_seconds()


def test_hundred_in_a_row_shut_the_name_until_its_secret_is_new(short):
    now, shut = T0, []
    for _ in range(100):
        ticket = short.reserve(guess(), now)
        shut.append(short.judged_wrong(ticket, now))
        now += timedelta(hours=1)
    assert [False] * 99 + [True] == shut
    denied = short.reserve(guess(), now + timedelta(days=365))
    assert (Why.SHUT, timedelta(hours=1)) == denied
    assert isinstance(short.reserve(guess(mark="new"), now), Ticket)


def test_name_that_nobody_has_opens_after_thirty_days(short):
    now = T0
    for _ in range(100):
        assert wrong(short, guess(account=None), now) is None
        now += timedelta(hours=1)
    now -= timedelta(hours=1)
    assert Why.SHUT is short.reserve(guess(account=None), now + timedelta(days=29)).why
    assert isinstance(short.reserve(guess(account=None), now + timedelta(days=30)), Ticket)


def test_known_browser_is_a_strangers_after_fifty(short):
    now, browser = T0, b"b"
    short.know_device(browser, 1, now)
    for _ in range(50):
        assert wrong(short, guess(browser=browser, net="192.0.2.1"), now) is None
        now += timedelta(hours=1)
    ticket = short.reserve(guess(browser=browser, net="192.0.2.1"), now)
    assert not ticket.known
    assert Why.SHUT is short.reserve(guess(browser=browser, shut=True), now).why


def test_browser_is_known_for_180_days(short):
    short.know_device(b"b", 1, T0)
    later = T0 + timedelta(days=180)
    assert short.reserve(guess(browser=b"b"), later - timedelta(seconds=1)).known
    assert not short.reserve(guess(browser=b"b"), later).known
    assert not short.reserve(guess(name=b"binh", account=2, browser=b"b"), T0).known


def test_who_finds_all_tries_reserved_waits_thirty_seconds(short):
    tickets = [short.reserve(guess(), T0) for _ in range(5)]
    assert all(isinstance(each, Ticket) for each in tickets)
    assert (Why.WAIT, timedelta(seconds=30)) == short.reserve(guess(), T0)
    short.give_back(tickets[0], T0)
    assert isinstance(short.reserve(guess(), T0), Ticket)


def test_clock_that_was_ahead_makes_nobody_wait_longer(short):
    ahead = T0 + timedelta(days=300)
    for _ in range(5):
        wrong(short, guess(), ahead)
    assert isinstance(short.reserve(guess(), T0), Ticket)


def test_clock_of_another_portal_that_is_a_little_ahead_changes_nothing(short):
    ahead = T0 + timedelta(seconds=1)
    for number in range(5):
        wrong(short, guess(net="n"), ahead if number % 2 == 0 else T0)
    assert Why.WAIT is short.reserve(guess(net="n"), T0).why
    for number in range(15):
        one = guess(b"%d" % number, number, net="n")
        wrong(short, one, ahead)
    assert [(20, 16)] == rows(short, "SELECT failures, names FROM addresses")
    for number in range(40):
        wrong(short, guess(b"%d" % (number % 15), number % 15, str(number), net="n"), ahead)
    assert Why.NETWORK is short.reserve(guess(b"x", 9, net="n"), T0).why


def test_death_before_the_verdict_counts_as_wrong(place, short):
    for _ in range(5):
        short.reserve(guess(net="192.0.2.1"), T0)
    place.end(short)
    again = place.open()
    assert isinstance(again.reserve(guess(), T0), Ticket)
    assert isinstance(again.reserve(guess(), T0), Denied)  # one only: no more are free
    assert [(5, 0)] == rows(again, "SELECT failures, pending FROM addresses")
    assert (0, 0) == again.totals(b"an")  # nobody guessed wrong
    again.close()


@pytest.mark.parametrize("verdict", ["wrong", "right", "none"])
def test_verdict_that_could_not_be_written_leaves_no_place_taken(place, monkeypatch, verdict):
    place.be_impatient(monkeypatch)
    short = place.open()
    one = guess(net="n")
    for _ in range(4):
        wrong(short, one, T0)
    ticket = short.reserve(one, T0)
    assert isinstance(ticket, Ticket)
    with place.locked(), pytest.raises(Unavailable):
        match verdict:
            case "wrong":
                short.judged_wrong(ticket, T0)
            case "right":
                short.judged_right(ticket, T0, log_in=True)
            case "none":
                short.give_back(ticket, T0)
    waits = verdict == "wrong"  # it was the fifth
    assert waits == isinstance(short.reserve(one, T0), Denied)
    if waits:
        assert isinstance(short.reserve(one, T0 + timedelta(seconds=30)), Ticket)
    assert [(1,)] == rows(short, "SELECT pending FROM addresses")
    short.close()


def test_verdict_that_is_told_twice_counts_once(short):
    ticket = short.reserve(guess(net="n"), T0)
    for _ in range(2):
        short.judged_wrong(ticket, T0)
    assert 1 == short.totals(b"an").ever
    assert [(1, 0)] == rows(short, "SELECT wrong, pending FROM tries")
    assert [(1, 0)] == rows(short, "SELECT failures, pending FROM addresses")


def test_sixty_failures_block_an_address_for_ten_minutes(short):
    one = [guess(name=b"%d" % (n % 15), account=n % 15, mark=str(n), net="n") for n in range(61)]
    assert [None] * 60 == [wrong(short, each, T0) for each in one[:60]]
    assert (Why.NETWORK, timedelta(minutes=10)) == short.reserve(one[60], T0)
    assert isinstance(short.reserve(one[60], T0 + timedelta(minutes=10)), Ticket)


def test_thousand_citizens_behind_a_shared_address_are_not_refused(short):
    for number in range(1000):
        one = guess(name=b"%d" % number, account=number, net="n", shared=True)
        if number % 20 == 0:
            assert wrong(short, one, T0) is None
        ticket = short.reserve(one, T0)
        assert isinstance(ticket, Ticket)
        short.judged_right(ticket, T0, log_in=True)


def test_good_log_ins_do_not_clear_an_address(short):
    for number in range(20):
        wrong(short, guess(name=b"%d" % number, net="n"), T0)
        ticket = short.reserve(guess(name=b"0", net="n", mark=str(number)), T0)
        if isinstance(ticket, Ticket):
            short.judged_right(ticket, T0, log_in=True)
    assert Why.NETWORK is short.reserve(guess(name=b"x", net="n"), T0).why


def test_made_up_names_do_not_fill_the_disk(short, monkeypatch):
    monkeypatch.setattr(kept, "MOST_OF_NOBODY", 500)
    monkeypatch.setattr(kept, "MOST_ADDRESSES", 500)
    monkeypatch.setattr(kept, "_TRIM_EACH", 200)
    wrong(short, guess(name=b"somebody"), T0)
    for number in range(3000):
        name, net = b"%d" % number, f"192.0.2.{number}"
        assert wrong(short, guess(name=name, account=None, mark="", net=net), T0) is None
    for table in ("tries", "totals", "addresses", "address_names"):
        [(count,)] = rows(short, f"SELECT count(*) FROM {table}")  # noqa: S608
        assert count <= 702, table
    assert 1 == short.totals(b"somebody").ever


def test_new_browsers_of_one_citizen_do_not_fill_the_disk(short):
    wrong(short, guess(), T0)
    for number in range(100):
        now, browser = T0 + timedelta(seconds=number), b"%d" % number
        short.know_device(browser, 1, now)
        assert wrong(short, guess(browser=browser), now) is None
    [(count,)] = rows(short, "SELECT count(*) FROM tries")
    assert count <= 22
    assert rows(short, "SELECT 1 FROM tries WHERE bucket = :name", name=b"an")


class Model(RuleBasedStateMachine):
    """One name, tried by strangers: each step beside the plainest reading of the rule."""

    def __init__(self, short, name):
        super().__init__()
        self.short, self.name = short, name
        self.now, self.mark = T0, 0
        self.wrong, self.last = 0, T0
        self.pending = []

    def expected(self):
        if self.wrong >= 100:
            return Why.SHUT
        if self.now < self.last + throttle.wait_after(self.wrong, throttle.STRANGERS):
            return Why.WAIT
        mine = [each for each in self.pending if each.guess.mark == str(self.mark)]
        return Why.WAIT if len(mine) >= max(1, 5 - self.wrong) else None

    @rule()
    def reserve(self):
        expected = self.expected()
        found = self.short.reserve(guess(self.name, mark=str(self.mark)), self.now)
        if expected is None:
            assert isinstance(found, Ticket)
            self.pending.append(found)
        else:
            assert expected is found.why

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), verdict=st.sampled_from(["wrong", "wrong", "wrong", "right", "none"]))
    def judge(self, data, verdict):
        ticket = data.draw(st.sampled_from(self.pending))
        self.pending.remove(ticket)
        current = ticket.guess.mark == str(self.mark)
        if verdict == "wrong":
            self.short.judged_wrong(ticket, self.now)
            if current:
                self.wrong, self.last = self.wrong + 1, self.now
        elif verdict == "right":
            self.short.judged_right(ticket, self.now, log_in=True)
            self.wrong = 0 if current else self.wrong
        else:
            self.short.give_back(ticket, self.now)

    @rule(seconds=st.sampled_from([1, 29, 30, 31, 600, 3600]))
    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule()
    def new_secret(self):
        self.mark += 1
        self.wrong = 0
        # Until somebody tries it, the file has the former one.
        self.reserve()

    @rule()
    def forget(self):
        self.short.forget(self.now, LIMITS)


def test_counters_do_what_the_plainest_reading_of_the_rule_does(place, short):
    names = (b"%d" % number for number in count())  # of each example its own

    class Here(Model):
        def __init__(self):
            super().__init__(short, next(names))

    run_state_machine_as_test(
        Here,
        settings=settings(max_examples=place.examples, stateful_step_count=40, deadline=None),
    )
