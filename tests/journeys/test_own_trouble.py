"""Trouble of our own: the SMSC is asked to try again, somebody is told, and it heals by itself."""

import json
import os
import re
import resource
import shutil
import subprocess
import urllib.error
import urllib.request
from contextlib import closing

import pytest

from smsgw.simulator import Status
from tests import raw_sqlite
from tests.ledger import Ledger
from tests.saboteur import command
from tests.wire import QUICK, password_in

LATER = Status.RX_T_APPN


@pytest.fixture
def monitored(free_port):
    """A `[metrics]` table."""
    return {"listen": f"127.0.0.1:{free_port}"}


def health(child):
    """(HTTP status, reasons) of /healthz."""
    port = child.wait_log(r"metrics listen=127\.0\.0\.1:(\d+)")[1]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
            return answer.status, json.load(answer)["reasons"]
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, json.load(answer)["reasons"]


def until_turned_away(smsc, citizens):
    """Text until one is answered "later"; that text, and those taken before."""
    taken = []
    for citizen in citizens:
        handle = smsc.send_mo(citizen.number, citizen.text)
        if handle.answer() == LATER:
            return citizen, handle, taken
        assert 0 == handle.answer()
        taken.append(citizen)
    raise AssertionError("all were taken")


def assert_heals(child, smsc, ledger, turned_away, handle, taken, *, well=(200, [])):
    """The text that was turned away is taken after all, and nothing was lost meanwhile."""
    assert 0 == handle.settled()
    reply = smsc.wait_submit(to=turned_away.number)
    assert ledger.password_lives(turned_away.e164, password_in(reply.text))
    child.until(lambda: health(child) == well, what="a healthy gateway")
    for citizen in (*taken, turned_away):
        assert 1 == ledger.texts()[citizen.e164, citizen.text]
    assert ledger.is_sound()


@pytest.fixture
def flag(tmp_path):
    """A fault lasts while this file exists."""
    return tmp_path / "fault"


def test_full_disk_turns_texts_away_until_there_is_room(
    smsc, monitored, config_file, daemon, citizens, ledger, flag
):
    config = config_file(smsc, metrics=monitored)
    child = daemon(config, smsc, command=command("full-while", flag))
    flag.touch()
    who, handle, taken = until_turned_away(smsc, citizens(100))
    child.wait_log("ERROR .*store: .*(full|disk)")
    status, reasons = health(child)
    assert 503 == status
    assert "full" in reasons[0]
    flag.unlink()
    assert_heals(child, smsc, ledger, who, handle, taken)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(folder)]
    if (
        not shutil.which("mount")
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("only root can mount a small file system; the test above needs none")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_full_file_system_turns_texts_away_until_there_is_room(
    small_disk, smsc, monitored, config_file, daemon, smsgw, citizens
):
    ledger = Ledger(small_disk / "smsgw.db")
    config = config_file(smsc, gateway={"database": str(ledger.database)}, metrics=monitored)
    child = daemon(config, smsc)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(small_disk).free)
    who, handle, taken = until_turned_away(smsc, citizens(100))
    assert 503 == health(child)[0]
    told = smsgw("-c", config, "status")
    assert 1 == told.returncode
    assert "left on the disk" in told.stdout + told.stderr
    assert "Traceback" not in told.stderr
    assert any("left on the disk" in reason for reason in health(child)[1])
    ballast.unlink()
    child.until(lambda: health(child)[0] == 200, what="a gateway that serves")
    (small,) = health(child)[1]  # a megabyte is too little for any night
    assert re.fullmatch(r"only [\d.]+ kB left on the disk of .*", small)
    assert_heals(child, smsc, ledger, who, handle, taken, well=(200, [small]))


def test_database_held_by_another_process_turns_texts_away_until_it_is_free(
    smsc, monitored, config_file, daemon, smsgw, citizens, ledger
):
    config = config_file(smsc, metrics=monitored)
    child = daemon(config, smsc, command=command("impatient"))
    with closing(raw_sqlite.connect(ledger.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        who, handle, taken = until_turned_away(smsc, citizens(1))
        child.wait_log("ERROR .*store: .*locked")
        assert 503 == health(child)[0]
        assert smsc.enquire_link() < 1
        told = subprocess.run(
            [*command("impatient"), "-c", str(config), "status"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert 1 == told.returncode
        assert "database is locked" in told.stdout
        other.execute("ROLLBACK")
    assert_heals(child, smsc, ledger, who, handle, taken)


def test_database_file_gone_turns_texts_away_until_it_is_back(
    smsc, monitored, config_file, daemon, smsgw, citizens, ledger, tmp_path
):
    config = config_file(smsc, metrics=monitored)
    child = daemon(config, smsc)
    away = tmp_path / "away"
    away.mkdir()
    for file in tmp_path.glob("smsgw.db*"):
        if file.suffix in (".db", ".db-wal", ".db-shm"):
            file.rename(away / file.name)
    who, handle, taken = until_turned_away(smsc, citizens(1))
    child.wait_log("ERROR .*store: .* is gone")
    status, reasons = health(child)
    assert 503 == status
    assert "gone" in reasons[0]
    told = smsgw("-c", config, "status")
    assert 1 == told.returncode
    assert str(ledger.database) in told.stdout + told.stderr
    assert not ledger.database.exists()  # an empty one in its place would forget every account
    for file in away.iterdir():
        file.rename(tmp_path / file.name)
    assert_heals(child, smsc, ledger, who, handle, taken)


def test_database_replaced_by_a_backup_goes_on_in_the_new_file(
    smsc, monitored, config_file, daemon, smsgw, citizens, ledger, tmp_path
):
    an, binh = citizens(2)
    config = config_file(smsc, metrics=monitored)
    child = daemon(config, smsc)
    smsc.send_mo(an.number, an.text)
    smsc.wait_submit(to=an.number)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    backup = tmp_path / "backup.db"
    assert 0 == smsgw("-c", config, "backup", backup).returncode
    for suffix in ("-wal", "-shm"):
        ledger.database.with_name(f"smsgw.db{suffix}").unlink(missing_ok=True)
    backup.rename(ledger.database)
    text = smsc.send_mo(binh.number, binh.text)
    assert 0 == text.settled()
    smsc.wait_submit(to=binh.number)
    assert {an.e164, binh.e164} == {account[0] for account in ledger.accounts()}
    child.until(lambda: health(child) == (200, []), what="a healthy gateway")
    assert 0 == child.terminate()
    assert ledger.is_sound()


def test_io_error_at_commit_ends_the_process_without_an_answer(
    smsc, config_file, daemon, citizens, ledger, flag
):
    an, binh = citizens(2)
    config = config_file(smsc.link(**QUICK))
    child = daemon(config, smsc, command=command("ioerr-while", flag))
    assert 0 == smsc.send_mo(an.number, an.text).answer()
    flag.touch()
    text = smsc.send_mo(binh.number, binh.text)
    assert 1 == child.wait()
    assert [] == text.statuses
    last = child.log.splitlines()[-1]
    assert re.match(r"smsgw: .*disk I/O error.*check the disk", last)
    assert "Traceback" not in child.log
    daemon(config, smsc)
    assert 0 == text.settled()
    smsc.wait_submit(to=binh.number)
    assert {an.e164, binh.e164} == {account[0] for account in ledger.accounts()}


def test_real_write_error_ends_the_process_without_an_answer(
    smsc, config_file, daemon, citizens, ledger
):
    """A file that may not grow: write(2) fails with EFBIG, which to SQLite is an I/O error."""
    config = config_file(smsc.link(**QUICK))
    child = daemon(config, smsc)
    [an] = citizens(1)
    wal = ledger.database.with_name("smsgw.db-wal")
    child.until(lambda: wal.stat().st_size > 8192, what="something in the log")
    _, most = resource.prlimit(child.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (wal.stat().st_size, most))
    text = smsc.send_mo(an.number, an.text)
    assert 1 == child.wait()
    assert [] == text.statuses
    daemon(config, smsc)
    assert 0 == text.settled()
    assert [an.e164] == [account[0] for account in ledger.accounts()]
    assert ledger.is_sound()


def test_no_memory_for_a_batch_turns_texts_away_until_there_is_some(
    smsc, monitored, config_file, daemon, citizens, ledger, flag
):
    config = config_file(smsc, metrics=monitored)
    child = daemon(config, smsc, command=command("no-memory-while", flag))
    flag.touch()
    who, handle, taken = until_turned_away(smsc, citizens(1))
    child.wait_log("ERROR .*MemoryError")
    flag.unlink()
    assert_heals(child, smsc, ledger, who, handle, taken)


def test_no_file_descriptors_the_line_that_is_there_works_and_a_lost_one_comes_back(
    smsc, monitored, config_file, daemon, smsgw, citizens, ledger
):
    an, binh = citizens(2)
    config = config_file(smsc.link(**QUICK), metrics=monitored)
    child = daemon(config, smsc)
    assert (200, []) == health(child)
    limits = resource.prlimit(child.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(child.pid, resource.RLIMIT_NOFILE, (3, limits[1]))  # as many as it began with
    assert 0 == smsc.send_mo(an.number, an.text).answer()
    reply = smsc.wait_submit(to=an.number)
    assert ledger.password_lives(an.e164, password_in(reply.text))

    smsc.drop()
    child.wait_log("Too many open files")
    told = smsgw("-c", config, "status")
    assert 1 == told.returncode
    assert "Too many open files" in told.stdout
    resource.prlimit(child.pid, resource.RLIMIT_NOFILE, limits)
    assert 0 == smsc.send_mo(binh.number, binh.text).settled()
    smsc.wait_submit(to=binh.number)
    child.until(lambda: health(child) == (200, []), what="a healthy gateway")


def as_the_version_before(database):
    with closing(raw_sqlite.connect(database)) as db, db:
        db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm007_copies'")
        db.execute("ALTER TABLE outbox DROP COLUMN ended_at")
        db.execute("DROP TABLE data_keys")
        db.execute("PRAGMA application_id = 0")


def test_backup_to_a_full_disk_is_one_line_and_leaves_nothing(
    small_disk, smsc, config_file, daemon, smsgw, citizens, tmp_path
):
    config = config_file(smsc)
    assert 0 == daemon(config, smsc).terminate()
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(small_disk).free - 16384)
    for words in (["backup", small_disk / "copy.db"], ["backup", "--keep", "1", small_disk]):
        told = smsgw("-c", config, *words)
        assert (1, 1) == (told.returncode, len(told.stderr.splitlines())), told.stderr
        assert [ballast] == list(small_disk.iterdir())


def test_upgrade_without_room_for_the_copy_changes_nothing(
    small_disk, smsc, config_file, daemon, smsgw
):
    database = small_disk / "smsgw.db"
    config = config_file(smsc, gateway={"database": str(database)})
    assert 0 == daemon(config, smsc).terminate()
    as_the_version_before(database)
    before = database.read_bytes()
    told = smsgw("-c", config, "links")
    assert (1, 1) == (told.returncode, len(told.stderr.splitlines()))
    assert "older version" in told.stderr
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(small_disk).free - 65536)
    told = smsgw("-c", config, "run")
    assert 1 == told.returncode
    assert "smsgw.db.before-" in told.stderr
    assert before == database.read_bytes()
    assert not list(small_disk.glob(".smsgw-backup-*"))
    ballast.unlink()
    assert 0 == daemon(config, smsc).terminate()
    [copy] = small_disk.glob("smsgw.db.before-*")
    assert 0o600 == copy.stat().st_mode & 0o777
    assert 0 == smsgw("-c", config, "links").returncode
