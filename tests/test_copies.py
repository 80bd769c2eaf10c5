"""What a copy of the gateway's files opens, and what it does not."""

import os
import shutil
import stat
from contextlib import closing
from datetime import timedelta

import pytest

from smsgw import copies, datakeys
from smsgw.cli.refusals import line
from smsgw.clock import stamp
from smsgw.datakeys import DataKeys
from smsgw.errors import PasswordWiped, SmsgwError
from smsgw.model import Refused, Taken
from smsgw.store import StoreUnavailable, open_store
from smsgw.vault import KeyUnknown, SealBroken, Vault
from tests import raw_sqlite
from tests.house import AN, BINH, NOON, OTHER_TEXT, TEXT, House, OneHash, password_in


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.issuer = house.gateway.tools.issuer = OneHash()
    yield house
    house.store.close()


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def register(house, count, first=0):
    """So many citizens; {number of the text: password} of the replies that leave at once."""
    mts = {}
    for n in range(first, first + count):
        text = f"TK,Nguyen Van An,{300000000 + n},01.02.1990"
        done = house.take(house.mo(f"849051{n:05}", text))
        mts |= {mt.id: password_in(mt.text) for mt in done.replies}
    return mts


def take(house, mts):
    house.settle(*(Taken(id_, f"id{id_}") for id_ in mts))


def minutes_pass(house, minutes):
    """As in the daemon: a walk each minute."""
    for _ in range(minutes):
        house.later(minutes=1)
        while house.gateway.renew_seals(house.now):
            pass


def copy_of(house, folder):
    shutil.copytree(house.path.parent, folder)
    return folder


def opened(folder, passwords):
    """Those of *passwords* that anything in a copied folder opens, with all keys in it."""
    vault = Vault.open(folder / "secret.key", create=False)
    keys = DataKeys(vault, datakeys.KeyFile(datakeys.file_of(folder / "smsgw.db")))
    for file in folder.rglob("*"):  # those that a copy of the database brings
        if file.name.startswith(("smsgw.db.before", "smsgw-", "copy")):
            with closing(raw_sqlite.connect(file)) as db, closing(db.cursor()) as rows:
                if rows.execute("SELECT 1 FROM sqlite_schema WHERE name = 'data_keys'").fetchone():
                    rows.execute("SELECT id, use, made, sealed FROM data_keys")
                    keys.adopt([datakeys.DataKey(*row) for row in rows])
    keys.refresh()
    ids = [*keys._ciphers, *vault._ciphers]
    found = set()
    for file in folder.rglob("*"):
        octets = file.read_bytes() if file.is_file() else b""
        for id_ in ids:
            start = -1
            while (start := octets.find(id_, start + 1)) >= 0:
                sealed = octets[start : start + 4 + 12 + 8 + 16]
                for mt_id, password in passwords.items():
                    try:
                        if password == keys.unseal(mt_id, sealed):
                            found.add(mt_id)
                    except (SealBroken, KeyUnknown, UnicodeDecodeError):
                        pass
    return found


def test_copy_made_ten_minutes_after_the_smsc_took_the_texts_opens_none(house, tmp_path_factory):
    passwords = register(house, 30)
    waiting = copy_of(house, tmp_path_factory.mktemp("copies") / "waiting")
    assert set(passwords) == opened(waiting, passwords)
    take(house, passwords)
    minutes_pass(house, 9)
    later = copy_of(house, tmp_path_factory.mktemp("copies") / "later")
    assert set() == opened(later, passwords)


def test_copy_made_under_load_opens_nothing_that_the_smsc_took_ten_minutes_before(
    house, tmp_path_factory
):
    early = {}
    for minute in range(20):
        fresh = register(house, 3, first=3 * minute)
        take(house, fresh)
        if minute < 10:
            early |= fresh
        minutes_pass(house, 1)
    copy = copy_of(house, tmp_path_factory.mktemp("copies") / "copy")
    assert set() == opened(copy, early)


def test_one_text_that_waits_does_not_keep_the_keys_of_the_others(house, tmp_path_factory):
    mts = register(house, 11)
    stuck = min(mts)
    taken = {id_: password for id_, password in mts.items() if id_ != stuck}
    take(house, taken)
    minutes_pass(house, 9)
    copy = copy_of(house, tmp_path_factory.mktemp("copies") / "copy")
    assert {stuck} == opened(copy, mts)
    house.later(hours=1)
    house.gateway.end_seals(house.now)
    house.gateway.tidy(house.now)
    (mt,) = house.claim().mts
    assert mts[stuck] == password_in(mt.text)


def test_what_waits_all_night_is_sealed_anew_once(house):
    house.take(*(house.mo(f"849051{n:05}", f"TK,An,{300000000 + n},1.2.1990") for n in range(250)))
    minutes_pass(house, 7)
    before = house.store._all("SELECT id, sealed FROM outbox ORDER BY id")
    minutes_pass(house, 30)
    assert before == house.store._all("SELECT id, sealed FROM outbox ORDER BY id")
    assert 1 == len(datakeys.read(datakeys.file_of(house.path)))
    # Of these one leaves, and it too must be closed ten minutes later.
    sealed = dict(before)[2]
    take(house, [2])
    minutes_pass(house, 9)
    with pytest.raises(KeyUnknown):
        house.gateway.tools.seals.keys.unseal(2, sealed)
    again = dict(house.store._all("SELECT id, sealed FROM outbox"))
    assert 249 == len(again)
    for id_, old in again.items():
        assert 8 == len(house.gateway.tools.seals.keys.unseal(id_, old))
        assert dict(before)[id_] != old


def test_end_of_the_daemon_leaves_only_the_key_of_what_waits(house, tmp_path_factory):
    mts = register(house, 5)
    stuck = max(mts)
    take(house, [id_ for id_ in mts if id_ != stuck])
    house.gateway.end_seals(house.now)
    assert 1 == len(datakeys.read(datakeys.file_of(house.path)))
    copy = copy_of(house, tmp_path_factory.mktemp("copies") / "copy")
    assert {stuck} == opened(copy, mts)


def test_gateway_that_seals_nothing_has_no_data_key(house):
    register(house, 1)
    take(house, [2])
    minutes_pass(house, 6)
    assert b"" == datakeys.file_of(house.path).read_bytes()


def test_data_keys_are_their_owners_alone_and_leave_no_draft(house):
    register(house, 1)
    file = datakeys.file_of(house.path)
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    file.with_name("smsgw.db.keys.new").write_text("of a crash")
    minutes_pass(house, 1)
    names = {path.name for path in house.path.parent.iterdir()}
    assert {"smsgw.db.keys"} == {name for name in names if "keys" in name}


def test_command_beside_the_daemon_seals_with_its_key_or_one_of_its_own(house):
    house.take(house.mo(AN, TEXT), room=0)
    other = House(house.path.parent)
    try:
        for minutes in (1, 10):
            other.now = house.now = house.now + timedelta(minutes=minutes)
            other.hotline.reset_password(AN, "linh", other.now)
            while house.gateway.renew_seals(house.now):
                pass
            (mt,) = house.claim().mts
            assert 8 == len(password_in(mt.text))
            house.settle(Taken(mt.id, f"id{mt.id}"))
    finally:
        other.store.close()


def test_new_key_is_on_the_disk_before_the_text_that_it_seals(house, monkeypatch):
    file = datakeys.file_of(house.path)
    held = []
    write = datakeys._write

    def look(*args):
        with closing(raw_sqlite.connect(house.path)) as db:
            held.append(db.execute("SELECT count(*) FROM outbox").fetchone())
        write(*args)

    monkeypatch.setattr(datakeys, "_write", look)
    house.later(minutes=5)
    register(house, 1)
    assert ([(0,)], True) == (held, file.exists())


def test_disk_without_room_for_a_data_key_is_a_store_that_takes_nothing(house, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    house.later(minutes=5)
    done = house.take(house.mo(AN, TEXT))
    assert ["later"] == [answer.value for answer in done.answers]
    assert "No space left on device" in done.trouble
    monkeypatch.undo()
    assert ["ok"] == [answer.value for answer in house.take(house.mo(AN, TEXT)).answers]
    assert not [path for path in house.path.parent.iterdir() if path.name.endswith(".new")]


def test_text_that_the_secret_key_itself_sealed_still_leaves_and_is_sealed_anew(house):
    ((mt_id, password),) = register(house, 1).items()
    with house.store.transaction():
        house.store.reseal(mt_id, house.gateway.tools.seals.keys._vault.seal(mt_id, password))
    house.gateway.start(house.now)
    assert [password] == [password_in(mt.text) for mt in house.claim().mts]
    house.later(hours=1)
    house.gateway.tidy(house.now)
    minutes_pass(house, 2)
    assert [password] == [password_in(mt.text) for mt in house.claim().mts]


def test_rotated_secret_key_is_needed_alone_after_the_restart(house):
    register(house, 1)
    key_file = house.settings.gateway.secret_key_file
    old = key_file.read_text()
    key_file.write_text("ab" * 32 + "\n" + old)
    house.restart()
    key_file.write_text("ab" * 32 + "\n")
    house.restart()
    (mt,) = house.claim().mts
    assert 8 == len(password_in(mt.text))


def test_waiting_text_opens_again_when_the_former_secret_key_turns_up(house):
    register(house, 1)
    key_file = house.settings.gateway.secret_key_file
    old = key_file.read_text()
    key_file.write_text("ab" * 32 + "\n")
    house.restart()
    assert [] == house.claim().mts
    assert ["failed"] == house.states()
    minutes_pass(house, 30)
    key_file.write_text("ab" * 32 + "\n" + old)
    house.restart()
    house.hotline.retry(2, "linh", house.now)
    (mt,) = house.claim().mts
    assert 8 == len(password_in(mt.text))


def test_restored_backup_opens_its_waiting_texts_after_its_keys_have_died(house):
    ((mt_id, password),) = register(house, 1).items()
    copy = house.path.parent / "copy.db"
    copies.backup(house.store, copy, house.now)
    with closing(raw_sqlite.connect(copy)) as db:
        keys = [key for (key,) in db.execute("SELECT sealed FROM data_keys")]
    assert 1 == len(keys)
    take(house, [mt_id])
    minutes_pass(house, 9)
    house.store.close()
    for file in house.path.parent.glob("smsgw.db*"):
        file.unlink()
    copy.rename(house.path)
    house.open()
    assert [password] == [password_in(mt.text) for mt in house.claim().mts]
    assert [] == house.store.data_keys()
    take(house, [mt_id])
    minutes_pass(house, 9)
    later = copy_of(house, house.path.parent.with_name("later"))
    for key in keys:
        assert not [file for file in later.iterdir() if key in file.read_bytes()]


def test_backup_that_takes_the_place_of_the_running_database_opens_too(house):
    ((mt_id, password),) = register(house, 1).items()
    copy = house.path.parent / "copy.db"
    copies.backup(house.store, copy, house.now)
    take(house, [mt_id])
    minutes_pass(house, 9)
    for end in ("", "-wal", "-shm"):
        house.path.with_name(f"smsgw.db{end}").unlink(missing_ok=True)
    copy.rename(house.path)
    house.later(hours=1)
    house.gateway.tidy(house.now)
    assert [password] == [password_in(mt.text) for mt in house.claim().mts]


def test_copy_holds_only_the_data_keys_that_its_texts_need(house):
    take(house, register(house, 3))
    copy = house.path.parent / "copy.db"
    copies.backup(house.store, copy, house.now)
    with closing(open_store(copy, create=False)) as restored:
        assert [] == restored.data_keys()


# --- what failed or was cancelled -------------------------------------------------------------


def test_failed_text_can_be_sent_for_a_day_and_then_its_password_is_wiped(house):
    register(house, 1)
    house.settle(Refused(2, "ESME_RINVDSTADR"))
    house.later(hours=23, minutes=58)
    minutes_pass(house, 1)
    house.hotline.retry(2, "linh", house.now)
    (mt,) = house.claim().mts
    house.settle(Refused(mt.id, "ESME_RINVDSTADR"))
    house.later(hours=24)
    for wiped in (False, True):
        with pytest.raises(PasswordWiped, match="no password any more") as refusal:
            house.hotline.retry(2, "linh", house.now)
        assert "accounts reset-password" in line(refusal.value)
        assert [(wiped,)] == house.store._all("SELECT sealed IS NULL FROM outbox")
        minutes_pass(house, 1)


def test_cancelled_and_given_up_texts_are_wiped_after_a_day_too(house):
    house.take(house.mo(AN, TEXT), house.mo(BINH, OTHER_TEXT), room=0)
    house.hotline.cancel(2, "linh", house.now)
    house.later(hours=24)
    assert [] == house.claim().mts  # given up
    minutes_pass(house, 1)
    sealed = "SELECT id FROM outbox WHERE sealed IS NOT NULL"
    assert [(4,)] == house.store._all(sealed)
    minutes_pass(house, 24 * 60)
    assert [] == house.store._all(sealed)
    assert ["cancelled", "failed"] == house.states()


@pytest.mark.parametrize("before", ["queued", "failed", "cancelled"])
def test_text_whose_password_was_replaced_loses_it_at_once(house, before):
    register(house, 1)
    if before == "failed":
        house.settle(Refused(2, "ESME_RINVDSTADR"))
    elif before == "cancelled":
        house.hotline.cancel(2, "linh", house.now)
    house.hotline.reset_password("300000000", "linh", house.now)
    assert [(None, "cancelled")] == house.store._all("SELECT sealed, state FROM outbox LIMIT 1")


# --- backup -----------------------------------------------------------------------------------


def test_backup_through_a_dangling_link_is_refused_and_writes_nothing(house, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backup")
    target = folder / "target"
    (link := folder / "link.db").symlink_to(target)
    with pytest.raises(SmsgwError, match=r"link\.db exists"):
        copies.backup(house.store, link, NOON)
    assert ([link], False) == (list(folder.iterdir()), target.exists())


def test_backup_that_fails_leaves_nothing(house, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("backup")

    def damaged(*_):
        raise SmsgwError("the copy is damaged (row 7 missing)")

    monkeypatch.setattr(copies, "finish_copy", damaged)
    with pytest.raises(SmsgwError, match="damaged"):
        copies.backup_into(house.store, folder, 1, NOON)
    assert [] == list(folder.iterdir())


def test_backups_that_are_kept_are_the_last_ones_and_other_files_stay(house, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backup")
    strangers = {"smsgw-2026-05-03.db", "smsgw-notes.db", "other.db"}
    for name in strangers:
        (folder / name).write_text("precious")
    made = []
    for hours in range(5):
        at = NOON + timedelta(hours=hours)
        made.append(copies.backup_into(house.store, folder, 2, at).name)
    assert strangers | set(made[-2:]) == {path.name for path in folder.iterdir()}
    assert {0o600} == {stat.S_IMODE((folder / name).stat().st_mode) for name in made[-2:]}


def test_backup_after_the_clock_was_set_back_is_not_the_one_that_goes(house, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backup")
    copies.backup_into(house.store, folder, 1, NOON)
    last = copies.backup_into(house.store, folder, 1, NOON - timedelta(days=1))
    assert [last] == list(folder.iterdir())


def test_what_a_killed_backup_left_goes_with_a_later_one(house, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backup")
    dead, alive = folder / ".smsgw-backup-0000", folder / ".smsgw-backup-1111"
    for draft, age in ((dead, timedelta(hours=7)), (alive, timedelta(minutes=1))):
        draft.touch()
        at = (NOON - age).timestamp()
        os.utime(draft, (at, at))
    copies.backup(house.store, folder / "copy.db", NOON)
    assert {alive, folder / "copy.db"} == set(folder.iterdir())


def test_time_of_the_last_backup_is_kept(house):
    copies.backup(house.store, house.path.parent / "copy.db", NOON)
    assert str(stamp(NOON)) == house.store.fact("last_backup_at")


# --- whose database, of which version ---------------------------------------------------------


def older(path):
    """A database as the version before had it."""
    open_store(path).close()
    with closing(raw_sqlite.connect(path)) as db, db:
        db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm007_copies'")
        db.execute("ALTER TABLE outbox DROP COLUMN ended_at")
        db.execute("DROP TABLE data_keys")
        db.execute("PRAGMA application_id = 0")


def test_command_leaves_a_database_of_an_older_version_as_it_is(tmp_path):
    older(path := tmp_path / "smsgw.db")
    octets = path.read_bytes()
    with pytest.raises(SmsgwError, match=r"older version.*m007_copies.*start the daemon"):
        open_store(path, create=False, migrate=False)
    assert octets == path.read_bytes()


def test_daemon_copies_an_older_database_before_it_changes_it(tmp_path):
    older(path := tmp_path / "smsgw.db")
    open_store(path, before_migration=lambda store: copies.before_migration(store, NOON)).close()
    (copy,) = tmp_path.glob("smsgw.db.before-*")
    assert 0o600 == stat.S_IMODE(copy.stat().st_mode)
    with closing(raw_sqlite.connect(copy)) as db:
        assert [("m001_tables",), ("m002_carriers",)] == db.execute(
            "SELECT name FROM _sqlite_migrations WHERE name < 'm003'"
        ).fetchall()
        assert (
            []
            == db.execute(
                "SELECT name FROM _sqlite_migrations WHERE name = 'm007_copies'"
            ).fetchall()
        )
    at = copy.stat().st_mtime
    for days, left in ((6.9, [copy]), (7.1, [])):
        copies.remove_old(path, NOON.fromtimestamp(at, NOON.tzinfo) + timedelta(days=days))
        assert left == list(tmp_path.glob("smsgw.db.before-*"))


def test_database_is_not_migrated_where_there_is_no_room_for_the_copy(tmp_path):
    older(path := tmp_path / "smsgw.db")
    octets = path.read_bytes()

    def no_room(_):
        raise SmsgwError("no room")

    with pytest.raises(SmsgwError, match="no room"):
        open_store(path, before_migration=no_room)
    assert octets == path.read_bytes()


def stranger(path, id_=0, wal=False):
    with closing(raw_sqlite.connect(path)) as db, db:
        if wal:
            db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA application_id = {id_}")
        db.execute("CREATE TABLE accounts (id INTEGER)")


@pytest.mark.parametrize("wal", [False, True])
@pytest.mark.parametrize("id_", [0, 252006675])
@pytest.mark.parametrize("migrate", [False, True])
def test_database_of_another_program_is_refused_and_never_touched(tmp_path, id_, wal, migrate):
    stranger(path := tmp_path / "smsgw.db", id_, wal)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(SmsgwError, match="database of another program"):
        open_store(path, migrate=migrate)
    assert before == {file.name: file.read_bytes() for file in tmp_path.iterdir()}


def test_young_database_whose_tables_are_in_its_log_alone_is_ours(tmp_path):
    path = tmp_path / "smsgw.db"
    daemon = open_store(path)
    open_store(path, create=False, migrate=False, copies_log=False).close()
    daemon.close()
    assert b"smsg" == path.read_bytes()[68:72]


def test_store_says_so_when_an_older_database_takes_its_place(tmp_path):
    house = House(tmp_path)
    older(tmp_path / "older.db")
    for end in ("", "-wal", "-shm"):
        house.path.with_name(f"smsgw.db{end}").unlink(missing_ok=True)
    (tmp_path / "older.db").rename(house.path)
    with pytest.raises(StoreUnavailable, match="older version"), house.store.transaction():
        pass
    house.store.close()
