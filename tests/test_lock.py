import os
import signal
import subprocess
import sys

import pytest

from smsgw.errors import SmsgwError
from smsgw.store import AlreadyRunning, DaemonLock, daemon_pid, ring_daemon

HOLDER = """
import signal, sys
from pathlib import Path
from smsgw.store import DaemonLock
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
lock = DaemonLock.acquire(Path(sys.argv[1]))
print("held", flush=True)
print(signal.sigwait({signal.SIGUSR1}).name, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path):
    return tmp_path / "smsgw.db"


@pytest.fixture
def holder(database):
    """Another process that holds the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert "held\n" == process.stdout.readline()
        yield process
        process.kill()


def test_second_daemon_is_refused_with_the_pid_of_the_first(database, holder):
    with pytest.raises(AlreadyRunning, match=rf"pid {holder.pid}\b"):
        DaemonLock.acquire(database)


def test_lock_of_a_killed_daemon_is_free_and_its_pid_is_not_believed(database, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert daemon_pid(database) is None
    DaemonLock.acquire(database).release()


def test_command_sees_the_daemon_and_rings_it(database, holder):
    assert holder.pid == daemon_pid(database)
    assert ring_daemon(database)
    assert "SIGUSR1\n" == holder.stdout.readline()


def test_nobody_is_rung_where_no_daemon_runs(database):
    assert daemon_pid(database) is None
    assert not ring_daemon(database)


def test_released_lock_can_be_taken_again(database):
    lock = DaemonLock.acquire(database)
    assert os.getpid() == daemon_pid(database)
    lock.release()
    assert daemon_pid(database) is None
    DaemonLock.acquire(database).release()


def test_lock_is_for_its_owner_only(database):
    DaemonLock.acquire(database).release()
    assert 0o600 == (database.parent / "smsgw.db.lock").stat().st_mode & 0o777


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(SmsgwError, match=r"nowhere/smsgw\.db\.lock"):
        DaemonLock.acquire(tmp_path / "nowhere" / "smsgw.db")


IMPOSTOR = """
import fcntl, os, sys
handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o666)
fcntl.flock(handle, fcntl.LOCK_EX)
os.pwrite(handle, sys.argv[2].encode() + b"\\n", 0)
if sys.argv[3:]:
    fcntl.lockf(handle, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("more", [[], ["both"]], ids=["one lock", "both locks"])
def test_process_that_only_stands_in_the_lock_file_is_not_signalled(database, more):
    lock_file = database.with_name("smsgw.db.lock")
    with subprocess.Popen(["sleep", "60"]) as stranger:
        with subprocess.Popen(
            [sys.executable, "-c", IMPOSTOR, str(lock_file), str(stranger.pid), *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as impostor:
            assert "held\n" == impostor.stdout.readline()
            assert stranger.pid == daemon_pid(database)
            assert bool(more) == ring_daemon(database)
            if more:  # he is told, and nobody else
                assert -signal.SIGUSR1 == impostor.wait(timeout=20)
            impostor.kill()
        assert stranger.poll() is None
        stranger.kill()
