"""The store as a file: how it is opened, what it refuses, and what stays true of it."""

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import pytest
from sqlite_utils import Database

from smsgw import copies
from smsgw.clock import EPOCH
from smsgw.errors import SmsgwError
from smsgw.model import AccountState, Address, Direction, Refused, Taken
from smsgw.store import Changes, Store, StoreLost, StoreUnavailable, sql
from smsgw.store import store as store_module
from smsgw.store.schema import migrations
from tests.house import AN, NOON, TEXT, House, OneHash


@pytest.fixture
def path(tmp_path):
    return tmp_path / "smsgw.db"


@pytest.fixture
def store(path):
    store = Store.open(path)
    yield store
    store.close()


def account(id_, cmnd, subscriber=1):
    """Changes that add it."""
    changes = Changes()
    changes.add_account(
        id_,
        at=1,
        subscriber=subscriber,
        cmnd=cmnd,
        name="An",
        birth_date="1990-02-01",
        state=AccountState.ISSUED,
        link="viettel",
        address=Address(AN, 1, 1),
        password_hash="hash",
        mt=1,
        expires=1,
    )
    return changes


def test_new_database_is_for_its_owner_alone(path, store):
    with store.transaction():
        store.set_fact("a", "b")
    modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in path.parent.iterdir()}
    assert {0o600} == set(modes.values())
    assert {"smsgw.db", "smsgw.db-wal", "smsgw.db-shm"} == set(modes)


def test_commits_are_on_the_disk_when_they_return(store):
    assert ("wal",) == store._one("PRAGMA journal_mode")
    assert (2,) == store._one("PRAGMA synchronous")  # FULL
    assert (1,) == store._one("PRAGMA secure_delete")


def test_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(SmsgwError, match=r"/none/smsgw\.db cannot be made \(No such file"):
        Store.open(tmp_path / "none" / "smsgw.db")


def test_file_that_is_no_database_is_refused(path):
    path.write_text("This is not a database, but a text that is long enough to look at.\n" * 99)
    with pytest.raises(SmsgwError, match="is not a database"):
        Store.open(path)


def test_missing_database_is_not_made_by_a_command(path):
    with pytest.raises(SmsgwError, match="no database at"):
        Store.open(path, create=False)
    assert not path.exists()


def test_database_of_a_newer_version_is_refused_and_left_alone(path):
    Store.open(path).close()
    with sqlite3.connect(path) as db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('smsgw', 'm999_future', '2030-01-01')"
        )
    with pytest.raises(
        SmsgwError, match=r"made by another version of smsgw, a newer one.*m999_future"
    ):
        Store.open(path)


def test_opening_again_changes_nothing(path):
    Store.open(path).close()
    schema = Database(path).schema
    Store.open(path).close()
    assert schema == Database(path).schema
    assert 0 == len(migrations.pending(Database(path)))


def test_text_of_the_version_before_finds_its_receipt_after_the_migration(path):
    with closing(sqlite3.connect(path)) as db:
        migrations.apply(Database(db), stop_before="m006_accounts")
        db.executescript(OF_THE_VERSION_BEFORE)
    with closing(Store.open(path)) as store:
        (text,) = store.awaiting_receipt("viettel", "00AB7")
        assert (7, "ab7", "+84905123456") == (text.id, text.smsc_id, text.phone)
        (early,) = store.early_receipts(["viettel"], ["0CD8"])
        assert ("cd8", "delivered") == (early.smsc_id, early.state)


#: A text that was sent, and a receipt that came too early.
OF_THE_VERSION_BEFORE = """
    INSERT INTO subscribers VALUES (1, '+84905123456');
    INSERT INTO wordings VALUES (1, 'syntax_error', 'Loi.');
    INSERT INTO sent (id, created_at, subscriber_id, link, wording_id, smsc_id, taken_at)
    VALUES (7, 1, 1, 'viettel', 1, 'ab7', 1);
    INSERT INTO early_receipts VALUES (1, 1, 'viettel', 'cd8', '+84905123456', 'delivered', '');
"""


def test_outbox_of_the_version_before_goes_on(tmp_path):
    path = tmp_path / "old.db"
    old = Database(path)
    migrations.apply(old, stop_before="m004_outbox")
    old["subscribers"].insert({"id": 1, "phone": "+84905123456"})
    old["wordings"].insert({"id": 1, "reply": "syntax_error", "text": "Loi."})
    old["outbox"].insert(
        {"id": 2, "created_at": 0, "subscriber_id": 1, "link": "a", "wording_id": 1, "reminder": 0}
        | {"due_at": 0, "leased": 0, "tries": 7, "address": "84905123456", "ton": 1, "npi": 1}
    )
    old.close()
    store = Store.open(path)
    assert [(2, 7, 0)] == store.tries([2])
    assert [2] == [row.id for row in store.due("a", reminder=False, room=1, now=EPOCH)]
    store.close()


def test_database_itself_keeps_one_open_account_for_a_cmnd_and_a_phone(store):
    with store.transaction():
        store.write(account(1, "201234567"))
    for other in (account(2, "201234567", subscriber=2), account(2, "201999999")):
        with pytest.raises(sqlite3.IntegrityError), store.transaction():
            store.write(other)
    assert 1 == len(store._all("SELECT 1 FROM accounts"))


def test_transaction_that_fails_leaves_nothing(store):
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.set_fact("a", "b")
        store.wording("registered", "text")
        1 / 0  # noqa: B018
    assert store.fact("a") is None
    with store.transaction():
        store.wording("registered", "text")  # not remembered from the one that did not happen
    assert [("registered",)] == store._all("SELECT reply FROM wordings")


def test_transaction_that_is_not_kept_leaves_nothing(store):
    with store.transaction(keep=False):
        store.set_fact("a", "b")
    assert store.fact("a") is None


def test_writer_waits_for_another_and_then_says_that_it_may_be_tried_again(path):
    store = Store.open(path, busy_timeout=timedelta(milliseconds=50))
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"), store.transaction():
            pass
        other.execute("ROLLBACK")
    with store.transaction():
        store.set_fact("a", "b")
    store.close()


def test_full_database_loses_the_transaction_and_nothing_else(store):
    with store.transaction():
        store.set_fact("kept", "yes")
    pages = store._one("PRAGMA page_count")[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailable, match="full"), store.transaction():
        for n in range(1000):
            store.set_fact(f"fact {n}", "x" * 1000)
    store._db.execute(f"PRAGMA max_page_count = {pages + 1000}")
    with store.transaction():
        store.set_fact("again", "yes")
    assert ("yes", "yes", None) == tuple(map(store.fact, ("kept", "again", "fact 1")))


def test_commit_into_a_file_that_was_replaced_is_no_commit(path, store):
    path.rename(path.with_suffix(".old"))
    with pytest.raises(StoreUnavailable, match="is gone"), store.transaction():
        store.set_fact("a", "b")


def test_file_that_vanishes_during_the_commit_is_noticed(path, store):
    with pytest.raises(StoreUnavailable, match="removed or replaced"), store.transaction():
        store.set_fact("a", "b")
        path.rename(path.with_suffix(".old"))


def test_file_that_is_no_database_in_its_place_can_be_put_right(path, store):
    kept = path.with_name("backup.db")
    copies.backup(store, kept, NOON)
    for file in path.parent.glob("smsgw.db*"):
        file.unlink()
    path.write_text("not a database, and long enough to be looked at as one " * 100)
    with pytest.raises(StoreUnavailable, match="not a database"), store.transaction():
        store.set_fact("a", "b")
    kept.replace(path)
    with store.transaction():
        store.set_fact("a", "c")
    assert "c" == store.fact("a")


def test_restored_file_is_taken_up_without_a_restart(path, store):
    backup = path.with_name("backup.db")
    with store.transaction():
        store.set_fact("a", "old")
    copies.backup(store, backup, NOON)
    with store.transaction():
        store.set_fact("a", "new")
    path.rename(path.with_suffix(".broken"))
    backup.rename(path)
    for wal in path.parent.glob("smsgw.db-*"):
        wal.unlink()
    with store.transaction():
        assert "old" == store.fact("a")


def test_input_output_error_is_not_survived(store):
    def broken(_):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error

    store.set_fact = broken
    with pytest.raises(StoreLost, match="disk I/O error"), store.transaction():
        store.set_fact("a")


def test_backup_is_a_whole_copy_for_its_owner_alone(tmp_path):
    house = House(tmp_path)
    house.text(AN, TEXT)
    copy = tmp_path / "copy.db"
    copies.backup(house.store, copy, house.now)
    assert 0o600 == stat.S_IMODE(copy.stat().st_mode)
    restored = Store.open(copy, create=False)
    assert [house.account()] == list(restored.accounts())
    restored.close()
    with pytest.raises(SmsgwError, match="exists"):
        copies.backup(house.store, copy, house.now)
    house.store.close()


def test_text_of_before_the_senders_index_is_still_known_when_it_is_sent_again(tmp_path):
    house = House(tmp_path)
    house.text(AN, "hallo", session=1)
    with house.store._db as db:  # as the version before left it
        (fingerprint,) = db.execute("SELECT fingerprint & (1 << 41) - 1 FROM mo").fetchone()
        db.execute("UPDATE mo SET fingerprint = ? | (7 << 50)", (fingerprint,))
        for name in ("mo_sender", "surplus_sender", "parts_waiting_sender", "parts_waiting_link"):
            db.execute(f"DROP INDEX {name}")
        db.execute("DROP TABLE ignored")
        db.execute("DROP TABLE surplus")
        db.execute("CREATE INDEX mo_subscriber ON mo (subscriber_id)")
        db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm005_senders'")
    house.restart()
    assert ("retransmission", []) == house.text(AN, "hallo", session=2)
    house.store.close()


def test_messages_since_a_time_are_found_through_the_first_id_of_its_hour(tmp_path):
    house = House(tmp_path)
    times = []
    for n in range(6):
        house.text(AN, f"hallo {n}")
        times.append(house.now)
        house.later(minutes=25)
    for n, at in enumerate(times):
        assert 6 - n == len(house.store.messages(direction=Direction.MO, since=at))
        assert 5 - n == len(
            house.store.messages(direction=Direction.MO, since=at + timedelta(seconds=1))
        )
    assert 3 == len(house.store._all("SELECT * FROM hours"))
    house.store.close()


def test_messages_since_a_time_are_found_after_the_clock_was_set_back(tmp_path):
    house = House(tmp_path)
    house.text(AN, "first")
    house.later(hours=-1)
    house.text(AN, "second")
    found = house.store.messages(direction=Direction.MO, since=house.now)
    assert {"first", "second"} == {message.text for message in found}
    house.store.close()


def test_outbox_is_counted_in_pieces(tmp_path):
    house = House(tmp_path)
    for n in range(5):
        house.text(f"8490500000{n}", "hallo")
        house.later(minutes=1)
    house.settle(Refused(2, "no"), Taken(4, "7F"))
    assert (1, 0, 1, NOON + timedelta(minutes=2), 6) == house.store.count_outbox(0, 2)
    assert (2, 0, 0, NOON + timedelta(minutes=3), 10) == house.store.count_outbox(6, 2)
    assert (0, 0, 0, None, None) == house.store.count_outbox(10, 2)
    house.store.close()


def test_command_knows_how_many_texts_came_in_the_last_hour(tmp_path):
    house = House(tmp_path)
    house.text(AN, "hallo")
    assert 1 == house.store.health(house.now).mo_last_hour
    house.store.close()


def test_accounts_are_listed_in_pieces_of_which_none_is_missed_or_told_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "_ACCOUNTS_AT_ONCE", 3)
    house = House(tmp_path)
    house.gateway.tools.issuer = OneHash()
    for n in range(10):
        house.text(f"8490500000{n}", f"TK,Le Van C,20000000{n},01.01.1980")
        house.later(minutes=n // 5)  # some expire at the same moment
    everybody = [f"20000000{n}" for n in range(10)]
    assert everybody == [account.cmnd for account in house.store.accounts()]
    soon = house.now + timedelta(days=4)
    assert everybody == [a.cmnd for a in house.store.accounts(expiring_before=soon)]
    assert [] == list(house.store.accounts(state=AccountState.ACTIVE))
    house.store.close()


@pytest.mark.parametrize("expiring", [False, True])
def test_list_that_nobody_reads_on_does_not_keep_the_log_from_being_emptied(
    tmp_path, monkeypatch, expiring
):
    """`accounts list` into a pipe that nobody reads: the log grew without end."""
    monkeypatch.setattr(store_module, "_ACCOUNTS_AT_ONCE", 3)
    house = House(tmp_path)
    house.gateway.tools.issuer = OneHash()
    for n in range(10):
        house.text(f"8490500000{n}", f"TK,Le Van C,20000000{n},01.01.1980")
    command = Store.open(house.path, create=False, copies_log=False)
    listed = command.accounts(expiring_before=house.now + timedelta(days=4) if expiring else None)
    for _ in range(2):
        next(listed)
    house.text(AN, "hallo")
    busy, _, _ = house.store._one("PRAGMA wal_checkpoint(TRUNCATE)")
    assert 0 == busy
    assert 8 == len(list(listed))
    command.close()
    house.store.close()


WITHOUT_LOCKS = """
import ctypes, sys, _sqlite3
from pathlib import Path
from smsgw.store import Store
from smsgw.tuning import keep_to_one_thread

keep_to_one_thread()
store = Store.open(Path(sys.argv[1]))
with store.transaction():
    store.set_fact("a", "b")
library = ctypes.CDLL(_sqlite3.__file__)
library.sqlite3_memory_used.restype = ctypes.c_int64
print(store.fact("a"), library.sqlite3_memory_used())
"""


def test_sqlite_takes_no_locks_where_each_connection_stays_in_its_thread(path):
    command = [sys.executable, "-c", WITHOUT_LOCKS, str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # It no longer counts its memory, which is set together with the locks.
    assert ["b", "0"] == told.split()


def test_only_the_daemon_copies_the_log_back_while_it_runs(path, store):
    log = path.with_name("smsgw.db-wal")
    command = Store.open(path, create=False, copies_log=False)
    for number in range(300):
        with command.transaction():
            command.set_fact("a", f"{number}" * 3000)
    command.truncate_log()
    length = log.stat().st_size
    assert (0,) == command._one("PRAGMA wal_autocheckpoint")
    assert length > 300 * 3000
    command.close()
    assert length == log.stat().st_size
    store.truncate_log()
    assert 0 == log.stat().st_size


def test_log_goes_with_the_last_command_where_no_daemon_runs(path):
    Store.open(path).close()
    command = Store.open(path, create=False, copies_log=False)
    with command.transaction():
        command.set_fact("a", "b")
    command.close()
    assert not path.with_name("smsgw.db-wal").exists()


def test_days_of_the_statistics_are_local(tmp_path):
    house = House(tmp_path)
    house.later(hours=11, minutes=50)  # 23:50 in Da Nang
    house.text(AN, "hallo")
    house.later(minutes=20)
    house.text(AN, "hallo")
    counts = house.store.stats(None, house.settings.gateway.timezone)
    mo = [(c.day.isoformat(), c.outcome, c.count) for c in counts if c.direction == "mo"]
    assert [("2026-05-04", "syntax_error", 1), ("2026-05-05", "syntax_error", 1)] == mo
    house.store.close()


def test_statements_are_all_used():
    import inspect

    from smsgw.store import store as module

    source = inspect.getsource(module)
    names = [name for name in vars(sql) if name.isupper() and not name.startswith("_")]
    assert [] == [name for name in names if f"sql.{name}" not in source]
