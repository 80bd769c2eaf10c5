"""The store as an SQLite file: how it is opened, what it refuses, and what stays true of it."""

import os
import signal
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
from smsgw.store import StoreLost, StoreUnavailable, open_store
from smsgw.store.sqlite import file as sqlite_file
from smsgw.store.sqlite.schema import migrations
from tests import raw_sqlite
from tests.house import AN, NOON, TEXT, House, OneHash
from tests.raw_sqlite import Sqlite


@pytest.fixture
def path(tmp_path):
    return tmp_path / "smsgw.db"


@pytest.fixture
def store(path):
    store = open_store(path)
    yield store
    store.close()


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
        open_store(tmp_path / "none" / "smsgw.db")


def test_file_that_is_no_database_is_refused(path):
    path.write_text("This is not a database, but a text that is long enough to look at.\n" * 99)
    with pytest.raises(SmsgwError, match="is not a database"):
        open_store(path)


def test_missing_database_is_not_made_by_a_command(path):
    with pytest.raises(SmsgwError, match="no database at"):
        open_store(path, create=False)
    assert not path.exists()


def test_database_of_a_newer_version_is_refused_and_left_alone(path):
    open_store(path).close()
    with raw_sqlite.connect(path) as db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('smsgw', 'm999_future', '2030-01-01')"
        )
    with pytest.raises(
        SmsgwError, match=r"made by another version of smsgw, a newer one.*m999_future"
    ):
        open_store(path)


def test_opening_again_changes_nothing(path):
    open_store(path).close()
    schema = Database(path).schema
    open_store(path).close()
    assert schema == Database(path).schema
    applied = [row["name"] for row in Database(path)["_sqlite_migrations"].rows]
    assert migrations.names == applied


def test_text_of_the_version_before_finds_its_receipt_after_the_migration(path):
    with closing(raw_sqlite.connect(path)) as db:
        migrations.apply(Database(db), stop_before="m006_accounts")
        db.executescript(OF_THE_VERSION_BEFORE)
    with closing(open_store(path)) as store:
        (text,) = store.awaiting_receipt("viettel", "00AB7")
        assert (7, "ab7", "+84905123456") == (text.id, text.smsc_id, text.phone)
        (early,) = store.early_receipts(["viettel"], ["0CD8"])
        assert ("cd8", "delivered") == (early.smsc_id, early.state)


@pytest.mark.parametrize("migration", migrations.names[1:])
def test_database_of_each_version_before_goes_on(tmp_path, migration):
    """An empty one. What a migration makes of rows is a test of its own."""
    with closing(raw_sqlite.connect(tmp_path / "smsgw.db")) as db:
        migrations.apply(Database(db), stop_before=migration)
    house = House(tmp_path)
    assert "registered" == house.text(AN, TEXT)[0]
    house.store.close()


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
    store = open_store(path)
    assert [(2, 7, 0)] == store.tries([2])
    assert [2] == [row.id for row in store.due("a", reminder=False, room=1, now=EPOCH)]
    store.close()


def test_writer_waits_for_another_and_then_says_that_it_may_be_tried_again(path):
    store = open_store(path, busy_timeout=timedelta(milliseconds=50))
    with raw_sqlite.connect(path, isolation_level=None) as other:
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
        raise raw_sqlite.input_output_error()

    store.set_fact = broken
    with pytest.raises(StoreLost, match="disk I/O error"), store.transaction():
        store.set_fact("a")


def test_backup_is_a_whole_copy_for_its_owner_alone(tmp_path):
    house = House(tmp_path)
    house.text(AN, TEXT)
    copy = tmp_path / "copy.db"
    copies.backup(house.store, copy, house.now)
    assert 0o600 == stat.S_IMODE(copy.stat().st_mode)
    restored = open_store(copy, create=False)
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


def test_audit_of_the_version_before_is_kept_and_is_about_nobody_in_particular(path):
    with closing(raw_sqlite.connect(path)) as db:
        migrations.apply(Database(db), stop_before="m011_rights")
        db.execute(
            "INSERT INTO audit (at, who, command, account, detail)"
            " VALUES (1, 'linh', 'accounts show', '*****567', '')"
        )
        db.commit()
    with closing(open_store(path)) as store:
        (line,) = store.audit()
        assert ("linh", "*****567") == (line.who, line.account)
        store.note(EPOCH, "linh", "accounts show", "*****567", "again", account_id=7)
        assert ["again"] == [line.detail for line in store.own_audit(7)]


def test_file_is_searched_whole_and_written_anew_where_it_is_small(path, store, monkeypatch):
    needle = "a text that stands in no row"
    with path.open("ab") as file:  # behind the last page, across two pieces of the search
        file.write(bytes(3 * 1024 * 1024 - path.stat().st_size - 5) + needle.encode())
    assert store.has_traces(["another", needle])
    assert not store.has_traces(["another"])
    assert not store.has_traces([])
    monkeypatch.setattr(sqlite_file, "REWRITTEN_AT_MOST", 1024 * 1024)
    assert not store.rewrite()
    monkeypatch.undo()
    assert store.rewrite()
    assert store.truncate_log()
    assert not store.has_traces([needle])


@pytest.mark.parametrize("expiring", [False, True])
def test_list_that_nobody_reads_on_does_not_keep_the_log_from_being_emptied(
    tmp_path, monkeypatch, expiring
):
    """`accounts list` into a pipe that nobody reads: the log grew without end."""
    Sqlite.read_in_pieces_of(3, monkeypatch)
    house = House(tmp_path)
    house.gateway.tools.issuer = OneHash()
    for n in range(10):
        house.text(f"8490500000{n}", f"TK,Le Van C,20000000{n},01.01.1980")
    command = open_store(house.path, create=False, copies_log=False)
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
import sys
from pathlib import Path
sys.path.insert(0, "tests")
import raw_sqlite
from smsgw.store import keep_to_one_thread, open_store

keep_to_one_thread()
store = open_store(Path(sys.argv[1]), own_thread=True)
with store.transaction():
    store.set_fact("a", "b")
print(store.fact("a"), raw_sqlite.memory_used())
store.close()
"""


def test_sqlite_takes_no_locks_where_each_connection_stays_in_its_thread(path):
    command = [sys.executable, "-c", WITHOUT_LOCKS, str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # It no longer counts its memory, which is set together with the locks.
    assert ["b", "0"] == told.split()


def test_only_the_daemon_copies_the_log_back_while_it_runs(path, store):
    log = path.with_name("smsgw.db-wal")
    command = open_store(path, create=False, copies_log=False)
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
    open_store(path).close()
    command = open_store(path, create=False, copies_log=False)
    with command.transaction():
        command.set_fact("a", "b")
    command.close()
    assert not path.with_name("smsgw.db-wal").exists()


HOLDER = """
import sys
from pathlib import Path
from smsgw.store import open_store
store = open_store(Path(sys.argv[1]))
with store.transaction():
    print("inside", flush=True)
    sys.stdin.readline()
print("outside", flush=True)
sys.stdin.readline()
"""


def test_command_that_is_stopped_at_the_terminal_gives_the_lock_back_first(path, store):
    """Ctrl-Z in the millisecond of a `try`'s line in the audit: every text was refused for 20 s."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0,
    )  # fmt: skip
    try:
        assert "inside\n" == child.stdout.readline()
        child.send_signal(signal.SIGTSTP)
        child.stdin.write("\n")
        child.stdin.flush()
        _, status = os.waitpid(child.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)  # it heeds Ctrl-Z, afterwards
        with store.patience(timedelta(0)), store.transaction():
            store.set_fact("written", "beside it")
        child.send_signal(signal.SIGCONT)
        assert "outside\n" == child.stdout.readline()
    finally:
        child.kill()
        child.communicate()
