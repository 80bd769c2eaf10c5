"""`status` and `links` as a person sees them: narrow, in a pipe, again and again on a terminal."""

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import termios
import time

import pytest

from smsgw import __version__
from smsgw.cli import status as status_command
from smsgw.clock import stamp
from smsgw.health import Disk
from smsgw.model import LinkState
from smsgw.store import DaemonLock
from tests.conftest import ENVIRONMENT, SMSGW


@pytest.fixture
def running(town):
    """A daemon runs, and one of its links is down."""
    lock = DaemonLock.acquire(town.database)
    yield town
    lock.release()


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("look", ["status", "links"])
def test_screen_holds_in_its_columns(look, columns, running, at_terminal):
    result = at_terminal(running, look, columns=columns)
    tables = result.stdout.rpartition("\n\n")[2]
    assert max(map(len, tables.splitlines())) <= columns
    assert "viettel" in tables
    assert "bound" in tables
    assert "refused" in result.stdout


def test_zone_is_said_once(running, command):
    assert 1 == command(running, "status").stdout.count("+07")


def test_next_try_of_a_link_that_is_down_is_its_own(running, command):
    later = running.now.replace(year=running.now.year + 1)
    running.gateway.link_changed("mobi", LinkState.WAITING, "refused", running.now, next_try=later)
    assert "refused; next try in 365 d" in " ".join(command(running, "links").stdout.split())


def test_disk_without_a_free_octet_is_shown(town, command, monkeypatch):
    monkeypatch.setattr("smsgw.overview.look_at_disk", lambda _: Disk(0, 10**9))
    assert "0 kB free (0 %)" in command(town, "status").stdout


def test_backup_and_reload_that_never_were_are_said_so(running, command):
    lines = [line.split() for line in command(running, "status").stdout.splitlines()]
    assert ["backup", "never"] in lines
    assert ["reload", "never"] in lines
    running.store.set_fact("last_backup_at", str(stamp(running.now)))
    running.store.set_fact("last_reload_at", str(stamp(running.now)))
    running.store.set_fact("last_reload_ok", "0")
    shown = command(running, "status").stdout
    assert "backup     20" in shown
    assert "reload     refused, 20" in shown


def test_version_and_uptime_are_shown(smsc, config_file, daemon, smsgw):
    config = config_file(smsc)
    child = daemon(config, smsc)
    shown = smsgw("-c", config, "status").stdout
    assert f"running, pid {child.pid}, version {__version__}, up " in shown


def test_watch_in_a_pipe_is_a_block_a_look_without_control_characters(running, smsgw):
    child = smsgw.start("-c", running.config, "status", "--watch")
    text = b""
    while text.count(b"8188: ") < 2:
        text += os.read(child.stdout.fileno(), 65536)
    child.send_signal(signal.SIGINT)
    assert 1 == child.wait(10)  # as at the last look
    assert b"\x1b" not in text
    assert b"\n\n8188: " in text


def _terminal(config, environment, looks=2):
    """What `status --watch` writes to a terminal of 60 columns in so many looks."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 60, 0, 0))
    environment = {k: v for k, v in ENVIRONMENT.items() if k not in ("NO_COLOR", "COLUMNS")} | {
        "TERM": "xterm",
        **environment,
    }
    child = subprocess.Popen(
        [*SMSGW, "-c", str(config), "status", "--watch"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    text, deadline = b"", time.monotonic() + 20
    try:
        while text.count(b"8188: ") < looks:
            assert time.monotonic() < deadline, text
            if select.select([ours], [], [], 1)[0]:
                text += os.read(ours, 65536)
        child.send_signal(signal.SIGINT)
        assert child.wait(10) in (0, 1)
        while select.select([ours], [], [], 0)[0]:
            text += os.read(ours, 65536)
    except OSError:  # a terminal whose last writer has gone
        pass
    finally:
        child.kill()
        child.wait()
        os.close(ours)
    return text.decode()


def test_watch_on_a_terminal_draws_over_what_stands_there(running):
    text = _terminal(running.config, {})
    assert 1 == text.count("\x1b[2J")  # wiped once, then overwritten: nothing flickers
    assert 2 <= text.count("\x1b[H")
    assert "\x1b[31m" in text  # one link is down: red
    assert text.rstrip().endswith("\x1b[?25h")  # the cursor is back


def test_no_color_is_heeded(running):
    assert "\x1b[31m" not in _terminal(running.config, {"NO_COLOR": "1"}, looks=1)


def test_a_screen_that_is_too_high_is_cut_and_not_scrolled(monkeypatch):
    monkeypatch.setattr(shutil, "get_terminal_size", lambda *_, **__: os.terminal_size((10, 3)))
    shown = status_command._screen("a" * 15 + "\nb\nc\nd\n")
    assert ["\x1b[H" + "a" * 10 + "\x1b[K", "aaaaa\x1b[K", "...\x1b[K\x1b[J"] == shown.split("\n")
