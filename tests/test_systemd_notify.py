import os
import socket

import pytest

from smsgw.systemd_notify import is_journal, notify, watchdog_interval


@pytest.fixture
def supervisor(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield receiver


def test_systemd_hears_everything_in_one_datagram(supervisor):
    assert notify("READY=1", "STATUS=1 of 1 links bound")
    assert b"READY=1\nSTATUS=1 of 1 links bound" == supervisor.recv(1000)


def test_abstract_socket_is_understood(monkeypatch):
    name = f"smsgw-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("\0" + name)
        receiver.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        assert notify("READY=1")
        assert b"READY=1" == receiver.recv(1000)


def test_nothing_happens_outside_systemd(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")


def test_supervisor_that_is_gone_does_no_harm(monkeypatch, tmp_path):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not notify("READY=1")


def test_watchdog_is_fed_twice_as_often_as_asked(monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert 15.0 == watchdog_interval()


def test_watchdog_that_waits_for_too_long_is_made_shorter(supervisor, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert 4.0 == watchdog_interval(8.0)
    assert b"WATCHDOG_USEC=8000000" == supervisor.recv(1000)
    assert 15.0 == watchdog_interval(240.0)


@pytest.mark.parametrize(("usec", "pid"), [("", ""), ("0", ""), ("soon", ""), ("30000000", "1")])
def test_watchdog_of_nobody_or_of_another_process_is_not_fed(monkeypatch, usec, pid):
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", pid)
    assert watchdog_interval() is None


def test_journal_is_known_by_device_and_inode_and_not_by_the_variable_alone(tmp_path, monkeypatch):
    with (tmp_path / "log").open("w") as stream, (tmp_path / "other").open("w") as other:
        monkeypatch.delenv("JOURNAL_STREAM", raising=False)
        assert not is_journal(stream)
        found = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        assert is_journal(stream)
        assert not is_journal(other)
        assert not is_journal(None)
    assert not is_journal(stream)  # closed
