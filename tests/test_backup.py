"""`smsgw backup` as the timer calls it: a copy and its time, or one clear line and nothing else."""

import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from smsgw.clock import unstamp
from smsgw.copies import LAST_BACKUP
from smsgw.store import open_store
from tests.conftest import ENVIRONMENT, SMSGW


@pytest.fixture
def config(smsc, config_file, house):
    """Of the house's database."""
    house.text("84905123456", "TK,Nguyen Van An,201234567,01.02.1990")
    return config_file(smsc)


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("copies")


def last_backup(path):
    store = open_store(path)
    try:
        return store.fact(LAST_BACKUP)
    finally:
        store.close()


def refused(done, folder):
    """The one line that says why there is no copy."""
    assert (1, "") == (done.returncode, done.stdout)
    [line] = done.stderr.splitlines()
    assert [] == list(folder.iterdir())
    return line


def test_time_of_a_backup_is_kept_beside_the_running_daemon(
    smsc, config_file, daemon, smsgw, folder, tmp_path
):
    config = config_file(smsc)
    daemon(config, smsc)
    before = datetime.now(UTC) - timedelta(seconds=1)
    done = smsgw("-c", config, "backup", "--keep", "2", folder)
    assert 0 == done.returncode, done.stderr
    assert before <= unstamp(int(last_backup(tmp_path / "smsgw.db"))) <= datetime.now(UTC)


def test_disk_without_room_is_one_clear_line_and_nothing_half_made(config, folder, tmp_path):
    # What a full disk says, the limit on a file's size says too: the write is refused.
    command = shlex.join([*SMSGW, "-c", str(config), "backup", "--keep", "2", str(folder)])
    done = subprocess.run(
        ["sh", "-c", f"ulimit -f 16; exec {command}"],
        capture_output=True,
        encoding="utf-8",
        env=ENVIRONMENT,
        check=False,
        timeout=30,
    )
    assert "room" in refused(done, folder)
    assert None is last_backup(tmp_path / "smsgw.db")


def test_folder_that_is_missing_is_named(config, smsgw, folder, tmp_path):
    line = refused(smsgw("-c", config, "backup", "--keep", "2", folder / "gone"), folder)
    assert str(folder / "gone") in line
    assert None is last_backup(tmp_path / "smsgw.db")


def test_file_in_the_place_of_the_folder_is_named(config, smsgw, folder, tmp_path):
    place = tmp_path / "file"
    place.write_text("")
    assert str(place) in refused(smsgw("-c", config, "backup", "--keep", "2", place), folder)
    assert "" == place.read_text()


def test_folder_that_may_not_be_written_to_is_named(config, folder, tmp_path):
    """As nobody's, since root may write everywhere: no right is left to the process."""
    folder.chmod(0o500)
    drop = (
        "import ctypes, os, sys; "
        "[ctypes.CDLL(None).prctl(24, n, 0, 0, 0) for n in range(41)]; "  # PR_CAPBSET_DROP
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    command = [*SMSGW[1:], "-c", str(config), "backup", "--keep", "2", str(folder)]
    done = subprocess.run(
        [sys.executable, "-c", drop, *command],
        capture_output=True,
        encoding="utf-8",
        env=ENVIRONMENT,
        check=False,
        timeout=30,
    )
    assert "Permission denied" in refused(done, folder)
