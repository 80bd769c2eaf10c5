"""Issued passwords: what citizens type, what is stored, and the stock of ready pairs."""

import os
import platform
import subprocess
import sys
import threading
from collections import Counter

import pytest

from smsgw import passwords, tuning
from smsgw.passwords import OnDemand, Stock, draw, hash_password, verify

DEADLINE_SECONDS = 30


class Bell:
    """Rung by the stock; a test waits for the n-th ring."""

    def __init__(self):
        self.rings = threading.Semaphore(0)

    def __call__(self):
        self.rings.release()

    def wait(self, times=1):
        for _ in range(times):
            assert self.rings.acquire(timeout=DEADLINE_SECONDS)


@pytest.fixture
def open_stock():
    stocks = []

    def make(size, on_filled=lambda: None):
        stock = Stock(size, 8, on_filled)
        stocks.append(stock)
        stock.start()
        return stock

    yield make
    for stock in stocks:
        stock.close()


def filled(stock, size):
    """*stock* once it is full: a taken pair is replaced, so wanting it all fills it."""
    bell = Bell()
    stock._on_filled = bell
    stock.wanted(size)
    while len(stock) < size:
        bell.wait()
    stock.wanted(0)
    return stock


@pytest.mark.parametrize("length", [8, 11, 16])
def test_password_has_the_length_asked_for(length):
    assert length == len(draw(length))


@pytest.mark.parametrize("length", [7, 17])
def test_other_lengths_are_refused(length):
    with pytest.raises(ValueError, match="8 to 16"):
        draw(length)


def test_password_has_no_characters_that_look_alike_on_a_phone():
    seen = set("".join(draw(16) for _ in range(500)))
    assert set("abcdefghjkmnpqrstuvwxyz23456789") == seen


def test_every_character_is_about_as_likely():
    counts = Counter("".join(draw(16) for _ in range(2000)))
    expected = 2000 * 16 / len(passwords.ALPHABET)
    assert all(0.8 * expected < count < 1.2 * expected for count in counts.values())


def test_hash_is_argon2id_with_owasp_parameters():
    assert hash_password("abcdefgh").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_same_password_gives_another_hash_each_time():
    assert hash_password("abcdefgh") != hash_password("abcdefgh")


def test_right_password_is_verified_and_no_other():
    hash_ = hash_password("abcdefgh")
    assert verify(hash_, "abcdefgh")
    assert not verify(hash_, "abcdefgj")


def test_citizens_own_password_may_be_any_text():
    assert verify(hash_password("Mật khẩu của tôi, 😀"), "Mật khẩu của tôi, 😀")


@pytest.mark.parametrize("hash_", [None, "", "$argon2id$nonsense"])
def test_account_without_a_usable_hash_has_no_password(hash_):
    assert not verify(hash_, "abcdefgh")


def test_printed_pair_hides_password_and_hash():
    [issued] = OnDemand(8).take(1)
    assert issued.password not in repr(issued)
    assert issued.hash not in f"{issued} {issued!r}"


def test_on_demand_pairs_belong_together():
    pairs = OnDemand(9).take(2)
    assert [True, True] == [verify(pair.hash, pair.password) for pair in pairs]
    assert 2 == len({pair.password for pair in pairs})


def test_stock_hands_out_each_pair_once(open_stock):
    stock = filled(open_stock(4), 4)
    taken = stock.take(2) + stock.take(100)
    assert 4 <= len(taken)
    assert len(taken) == len({pair.hash for pair in taken})
    assert verify(taken[0].hash, taken[0].password)


def test_empty_stock_does_not_make_the_caller_wait():
    assert [] == Stock(4, 8, lambda: None).take(3)


def test_rested_hasher_works_again(open_stock, monkeypatch):
    monkeypatch.setattr(passwords, "QUIET_SECONDS", 0.001)
    resting = threading.Event()
    monkeypatch.setattr(tuning, "give_memory_back", resting.set)
    stock = filled(open_stock(1), 1)
    assert resting.wait(DEADLINE_SECONDS)
    stock.take(10)
    assert filled(stock, 1).take(1)


def test_stock_fills_up_and_rests(open_stock):
    stock = filled(open_stock(3), 3)
    with stock._lock:
        assert 3 <= len(stock) <= 3 + len(stock._threads)
        assert not stock._is_to_fill()


def test_burst_has_the_cores_to_itself_while_the_stock_is_half_full(open_stock, monkeypatch):
    monkeypatch.setattr(passwords, "QUIET_SECONDS", 3600)
    stock = filled(open_stock(4), 4)
    stock.take(len(stock) - 2)
    with stock._lock:
        assert not stock._is_to_fill()
    stock.take(1)
    filled(stock, 2)  # below half they work again
    monkeypatch.setattr(passwords, "QUIET_SECONDS", 0.001)
    filled(stock, 4)  # and when the line is quiet, until the stock is full


def test_somebody_who_waits_is_called_for_each_pair(open_stock):
    bell = Bell()
    stock = open_stock(0, bell)
    stock.wanted(3)
    bell.wait(times=3)
    assert 3 <= len(stock.take(10))


def test_nobody_is_called_when_nobody_waits(open_stock):
    calls = []
    stock = open_stock(2, lambda: calls.append(1))
    stock.close()
    assert [] == calls


def test_stock_of_nothing_hashes_only_on_demand(open_stock):
    stock = open_stock(0)
    with stock._lock:
        assert not stock._is_to_fill()
    filled(stock, 1)
    assert stock.take(1)


def test_every_core_hashes_while_somebody_waits_and_one_is_spared_otherwise(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    started = threading.Barrier(4, timeout=DEADLINE_SECONDS)
    hashing = set()

    def make(length):
        if threading.current_thread() not in hashing:
            hashing.add(threading.current_thread())
            started.wait()
        return passwords.Issued("abcdefgh", "hash")

    monkeypatch.setattr(passwords, "_make", make)
    stock = Stock(1, 8, lambda: None)
    stock.start()
    stock.wanted(10)
    started.wait()  # three threads are in a hash at once
    assert 3 == len(hashing)
    stock.close()


def test_pairs_given_back_are_handed_out_next(open_stock):
    stock = filled(open_stock(2), 2)
    taken = stock.take(2)
    stock.give_back(taken)
    assert set(taken) == set(stock.take(2))


def test_closed_stock_is_wiped_and_stays_empty(open_stock):
    stock = filled(open_stock(2), 2)
    passwords_in_memory = [password for password, _ in stock._ready]
    stock.close()
    assert [bytearray(8)] * len(passwords_in_memory) == passwords_in_memory
    stock.give_back(OnDemand(8).take(1))
    assert [] == stock.take(10)
    assert not any(thread.is_alive() for thread in stock._threads)


def test_hasher_goes_on_after_a_failed_hash(open_stock, monkeypatch, caplog):
    failures = [MemoryError()]

    def make(length):
        if failures:
            raise failures.pop()
        return passwords.Issued("abcdefgh", "hash")

    monkeypatch.setattr(passwords, "_make", make)
    monkeypatch.setattr(passwords, "PAUSE_AFTER_FAILURE_SECONDS", 0.01)
    stock = filled(open_stock(1), 1)
    stock.close()  # its hashers have ended: the one that failed has said so
    assert "hash failed" in caplog.text


def test_stock_knows_how_many_passwords_a_second_its_hashers_make(open_stock, monkeypatch):
    monkeypatch.setattr(passwords, "USUAL_HASH_SECONDS", 10)
    monkeypatch.setattr(passwords, "_make", lambda length: passwords.Issued("abcdefgh", "hash"))
    idle = Stock(200, 8, lambda: None)  # its hashers have not begun
    assert 0.1 * len(idle._threads) == idle.rate
    stock = filled(open_stock(200), 200)
    assert stock.rate > 1000


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a nice value on Linux only")
def test_hashers_have_the_lowest_priority_and_the_line_keeps_its_own(open_stock):
    before = os.getpriority(os.PRIO_PROCESS, 0)
    stock = filled(open_stock(1), 1)
    hasher = stock._threads[0].native_id
    assert 19 == os.getpriority(os.PRIO_PROCESS, hasher)
    assert before == os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")
def test_hasher_that_rests_gives_its_memory_back():
    """In a process of its own: other tests leave holes in this one's memory."""
    script = """
import os, threading
from smsgw import passwords, tuning
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE") >> 20
def hash_and_rest():
    tuning.keep_memory_of_hashes()
    for _ in range(3):
        passwords.hash_password("abcdefgh")
    sizes.append(resident())
    tuning.give_memory_back()
    sizes.append(resident())
sizes = [resident()]
thread = threading.Thread(target=hash_and_rest)
thread.start()
thread.join()
print(*sizes)
"""
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    before, hashing, resting = map(int, run.stdout.split())
    assert hashing >= before + 19
    assert resting <= before + 4


def test_stock_of_another_length_gives_no_password_of_the_old_one(open_stock):
    stock = filled(open_stock(3), 3)
    (kept,) = stock.take(1)
    stock.make(12)
    assert [] == stock.take(3)
    stock.give_back([kept])
    filled(stock, 3)
    assert [12, 12, 12] == [len(issued.password) for issued in stock.take(3)]


def test_stock_of_the_same_length_stays(open_stock):
    stock = filled(open_stock(3), 3)
    stock.make(8)
    assert 3 == len(stock)
