"""What portals keep for a while in one database: what they share, and what a crash leaves."""

import threading
from datetime import timedelta
from time import monotonic

import pytest

from smsgw import clock
from smsgw.portal.sessions import opened
from smsgw.portal.short import Denied, Ticket, Why
from smsgw.store import InDoubt, Unavailable
from tests.pg_proxy import Saboteur
from tests.portal.short import InServer, rows
from tests.portal.test_grants import NOW, code, token
from tests.portal.test_throttle import LIMITS, T0, guess, wrong


@pytest.fixture
def place(postgres, tmp_path):
    return InServer(postgres, tmp_path)


@pytest.fixture
def other(place, short):
    """Another portal over the same database."""
    other = place.open()
    yield other
    other.close()


def crash(postgres):
    """Kill -9, half a second after the last commit: so long one may be on its way to the disk."""
    with postgres.connect() as db:
        db.execute("CHECKPOINT")
    postgres.kill()
    postgres.start()


def test_nothing_that_lives_shortly_is_logged_or_copied(place, short):
    [kept] = rows(
        short,
        "SELECT array_agg(relname::text) FROM pg_class"
        " WHERE relkind = 'r' AND relpersistence = 'u'",
    )[0]
    assert {"sessions", "tries", "codes", "tokens", "transactions", "devices"} <= set(kept)
    from smsgw.store import open_store

    store = open_store(place.database, migrate=False)
    assert not {*kept, "kept_tries"} & {table.name for table in store.tables()}
    store.close()


def test_name_without_free_tries_wins_none_by_a_crash(postgres, short):
    for _ in range(5):
        wrong(short, guess(), T0)
    for _ in range(4):
        wrong(short, guess(b"binh", 2), T0)
    crash(postgres)
    assert (Why.WAIT, timedelta(seconds=30)) == short.reserve(guess(), T0)
    assert [(5,)] == rows(short, "SELECT wrong FROM tries")
    assert isinstance(short.reserve(guess(b"binh", 2), T0), Ticket)
    assert isinstance(short.reserve(guess(mark="new"), T0), Ticket)


def test_name_that_was_opened_is_free_after_a_crash(postgres, short):
    for _ in range(5):
        wrong(short, guess(), T0)
    ticket = short.reserve(guess(), T0 + timedelta(minutes=1))
    short.judged_right(ticket, T0, log_in=True)
    crash(postgres)
    assert [Ticket] * 5 == [type(short.reserve(guess(), T0)) for _ in range(5)]


def test_what_is_forgotten_of_a_name_does_not_come_back(postgres, short):
    for each in (guess(), guess(b"nobody", None, "")):
        for _ in range(5):
            wrong(short, each, T0)
    short.forget_account(1)
    for _ in range(2):  # what goes with the first is known to the second
        short.forget(T0 + timedelta(days=31), LIMITS)
    assert [] == rows(short, "SELECT * FROM kept_tries")


def test_everybody_logs_in_again_after_a_crash(postgres, short):
    row = opened("t" * 43, account=1, mark="m", browser="b" * 43, now=NOW, narrow=False)
    short.add_session(row)
    crash(postgres)
    assert short.use_session(row.key, LIMITS, NOW) is None
    short.add_session(row)
    assert short.use_session(row.key, LIMITS, NOW) is not None


def test_try_whose_counters_were_lost_counts_nothing(postgres, short):
    ticket = short.reserve(guess(net="n"), T0)
    crash(postgres)
    short.judged_wrong(ticket, T0)
    assert [] == rows(short, "SELECT wrong FROM tries")


@pytest.mark.parametrize("way", ["before", "after"])
def test_reservation_of_which_nobody_heard_is_given_back(postgres, tmp_path, way):
    with Saboteur(postgres) as server:
        short = InServer(postgres, tmp_path, server.url()).open()
        server.next = way
        with pytest.raises(InDoubt):
            short.reserve(guess(net="n"), T0)
        short.settle()
        assert [] == rows(short, "SELECT * FROM reserved")
        assert [] == rows(short, "SELECT * FROM tries WHERE pending > 0 OR wrong > 0")
        short.close()


@pytest.mark.parametrize("way", ["before", "after"])
def test_verdict_of_which_nobody_heard_counts_once(postgres, tmp_path, way):
    with Saboteur(postgres) as server:
        short = InServer(postgres, tmp_path, server.url()).open()
        ticket = short.reserve(guess(net="n"), T0)
        server.next = way
        with pytest.raises(InDoubt):
            short.judged_wrong(ticket, T0)
        short.settle()
        assert [(1, 0)] == rows(short, "SELECT wrong, pending FROM tries")
        assert [(1, 0)] == rows(short, "SELECT failures, pending FROM addresses")
        short.close()


def test_tries_of_a_living_portal_are_its_own(place, short, other):
    tickets = [short.reserve(guess(), T0) for _ in range(5)]
    other.settle()
    assert isinstance(other.reserve(guess(), T0), Denied)
    short.give_back(tickets[0], T0)
    assert isinstance(other.reserve(guess(), T0), Ticket)


def test_tries_of_a_portal_that_died_count_as_wrong_with_the_others(place, short, other):
    for _ in range(4):
        other.reserve(guess(net="n"), T0)
    place.end(other)
    short.forget(T0, LIMITS)
    assert [(4, 0)] == rows(short, "SELECT wrong, pending FROM tries")
    assert [(4, 0)] == rows(short, "SELECT failures, pending FROM addresses")


def test_server_that_is_away_is_told_and_found_again(postgres, short):
    short.reserve(guess(), T0)
    postgres.stop()
    try:
        for verb in (short.check, lambda: short.reserve(guess(), T0)):
            with pytest.raises(Unavailable):
                verb()
    finally:
        postgres.start()
    assert isinstance(short.reserve(guess(), T0), Ticket)
    assert [(2,)] == rows(short, "SELECT pending FROM tries")  # it ended in order: nothing is lost


def test_who_comes_while_a_machine_is_gone_does_not_wait_in_a_row(short, monkeypatch):
    tried, connect = [], short._engine._connection._connect

    def vanished():
        tried.append(monotonic())
        threading.Event().wait(0.3)
        raise Unavailable("timeout expired")

    short._engine._connection.drop()
    monkeypatch.setattr(short._engine._connection, "_connect", vanished)
    for _ in range(20):
        with pytest.raises(Unavailable, match="timeout expired"):
            short.check()
    assert len(tried) < 20
    monkeypatch.setattr(short._engine._connection, "_connect", connect)
    until, *_ = short._engine._connection._away
    threading.Event().wait(max(0, until - monotonic()))
    short.check()


def test_portal_whose_clock_is_wrong_does_nothing_until_it_is_right(short, monkeypatch):
    with monkeypatch.context() as patch:
        late = clock.now() - timedelta(hours=1)
        patch.setattr(clock, "now", lambda: late)
        with pytest.raises(Unavailable, match="3600 s apart"):
            short.forget(T0, LIMITS)
        with pytest.raises(Unavailable, match="3600 s apart"):
            short.reserve(guess(), T0)
    assert isinstance(short.reserve(guess(), T0), Ticket)


def test_code_is_spent_by_one_of_two_portals(short, other):
    short.grants.add_code(code(1))
    key, barrier, spent = code(1).key, threading.Barrier(2), []

    def spend(portal, number):
        barrier.wait()
        spent.append(portal.grants.spend(key, token(number, code=key), NOW))

    together(spend, (short, 1), (other, 2))
    assert [False, True] == sorted(spent)
    assert 1 == other.grants.used_again(key)


def test_portals_that_count_at_one_address_lose_no_failure_and_never_wait_in_a_circle(short, other):
    """Same names, same addresses, verdicts of all kinds, and forgetting in between."""
    faults = []

    def guessing(portal, first):
        try:
            for number in range(60):
                one = guess(b"%d" % (number % 3), number % 3, str(number), net=f"n{number % 2}")
                ticket = portal.reserve(one, T0)
                assert isinstance(ticket, Ticket), ticket
                match (number + first) % 3:
                    case 0:
                        portal.judged_wrong(ticket, T0)
                    case 1:
                        portal.judged_right(ticket, T0, log_in=True)
                    case _:
                        portal.give_back(ticket, T0)
                if number % 20 == 0:
                    portal.forget(T0, LIMITS)
        except BaseException as fault:
            faults.append(fault)

    together(guessing, (short, 0), (other, 1))
    assert [] == faults
    assert [(40, 0)] == rows(short, "SELECT sum(failures)::int, sum(pending)::int FROM addresses")
    assert [] == rows(short, "SELECT * FROM reserved")


def together(step, *each):
    threads = [threading.Thread(target=step, args=arguments) for arguments in each]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
