"""The write-ahead log: copied in a thread of its own, where SQLite is sound."""

import subprocess
import sys
import time
from contextlib import closing

import pytest

from smsgw.store import Lost, open_store
from smsgw.store.sqlite import engine, file, log
from tests import raw_sqlite

PATIENCE = 20


@pytest.fixture
def path(tmp_path):
    return tmp_path / "smsgw.db"


@pytest.fixture
def hasty(monkeypatch):
    """Short logs are long ones."""
    monkeypatch.setattr(log, "COPY_PAGES", 50)
    monkeypatch.setattr(log, "_BOUND_PAGES", 200)
    monkeypatch.setattr(log, "_PACE_SECONDS", 0.01)


sound = pytest.mark.skipif(not engine.SOUND, reason="this SQLite copies in a COMMIT")


def write(store, number):
    with store.transaction():
        store.set_fact(f"fact {number % 100}", f"{number}" * 1000)


def pages_in_log(store):
    """Pages in the log, and how many of them are in the file as well."""
    return store._one("PRAGMA wal_checkpoint(NOOP)")[1:]


def is_copied(store):
    length, copied = pages_in_log(store)
    return length == copied or length < log.COPY_PAGES


def until(happened):
    ends = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < ends
        time.sleep(0.01)


@sound
def test_log_is_copied_beside_the_writer_who_never_does_it(path, hasty):
    with closing(open_store(path, own_thread=True)) as store:
        assert (0,) == store._one("PRAGMA wal_autocheckpoint")
        for number in range(30):
            write(store, number)
        until(lambda: is_copied(store))


@sound
def test_log_does_not_grow_without_end_under_a_writer_that_never_rests(path, hasty):
    with closing(open_store(path, own_thread=True)) as store:
        longest, ends = 0, time.monotonic() + 2
        number = 0
        while time.monotonic() < ends:
            write(store, number)
            number += 1
            if number % 20 == 0:
                longest = max(longest, pages_in_log(store)[0])
        written = 3 * number
        assert written > 2 * longest, (written, longest)


@sound
def test_reader_that_stays_holds_up_neither_writer_nor_end(path, hasty):
    with closing(open_store(path, own_thread=True)) as store:
        write(store, 0)
        with closing(raw_sqlite.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM facts").fetchall()
            for number in range(200):
                write(store, number)
            started = time.monotonic()
            write(store, 0)
            assert time.monotonic() - started < 1
            reader.execute("ROLLBACK")
        write(store, 1)
        until(lambda: is_copied(store))


@sound
def test_disk_that_fails_while_the_log_is_copied_ends_the_daemon(path, hasty, monkeypatch):
    def fail(self, db):
        raise raw_sqlite.input_output_error()

    monkeypatch.setattr(log.LogCopier, "_look", fail)
    store = open_store(path, own_thread=True)
    write(store, 0)
    until(lambda: store._log.fault is not None)
    with pytest.raises(Lost, match="disk I/O error"):
        write(store, 1)
    store.close()


@sound
def test_log_of_a_restored_file_is_copied_too(path, hasty):
    with closing(open_store(path, own_thread=True)) as store:
        write(store, 0)
        copy = path.with_name("copy.db")
        copy.touch()
        store.copy_to(copy)
        for file in path.parent.glob("smsgw.db*"):
            file.unlink()
        copy.rename(path)
        for number in range(30):
            write(store, number)
        until(lambda: is_copied(store))


@sound
def test_log_is_gone_after_the_end(path, hasty):
    store = open_store(path, own_thread=True)
    for number in range(30):
        write(store, number)
    store.close()
    assert not path.with_name("smsgw.db-wal").exists()


def test_an_unsound_sqlite_copies_in_a_commit(path, monkeypatch):
    monkeypatch.setattr(engine, "SOUND", False)
    with closing(open_store(path, own_thread=True)) as store:
        assert (file.COPY_PAGES,) == store._one("PRAGMA wal_autocheckpoint")
        assert store._log is None


FALLBACK = """
import sqlite3, sys
sys.modules["pysqlite3"] = None
from pathlib import Path
from smsgw.store import keep_to_one_thread, open_store, sqlite_version
keep_to_one_thread()
store = open_store(Path(sys.argv[1]), own_thread=True)
with store.transaction():
    store.set_fact("a", "b")
print(store.fact("a"), sqlite_version() == sqlite3.sqlite_version)
store.close()
"""


def test_without_pysqlite3_that_of_python_does(path):
    command = [sys.executable, "-c", FALLBACK, str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert ["b", "True"] == told.split()


def test_that_of_our_own_choice_runs_where_there_is_one():
    pysqlite3 = pytest.importorskip("pysqlite3")
    assert pysqlite3.sqlite_version == engine.VERSION
    assert engine.SOUND
