"""Commands that act for a citizen, or for the gateway."""

import fcntl
import json
import os
import select
import signal
import stat
import subprocess
import sys
import termios
import time
from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time

from smsgw.store import DaemonLock
from tests import raw_sqlite
from tests.cli.conftest import ISSUED_PASSWORD
from tests.house import story_of

OWN_PASSWORD = "correct horse"


@pytest.fixture
def bell(town):
    """This process is the daemon of the town, and counts how often it is rung."""
    rung = []
    before = signal.signal(signal.SIGUSR1, lambda *_: rung.append(1))
    lock = DaemonLock.acquire(town.database)
    yield rung
    lock.release()
    signal.signal(signal.SIGUSR1, before)


def account(town, key="201234568"):
    return town.hotline.exact(key).account


# --- passwords ----------------------------------------------------------------------------------


def test_a_new_password_is_texted_and_the_daemon_rung(town, command, bell):
    result = command(town, "accounts", "reset-password", "0905000002")
    assert (0, "201234568: a new password goes to +84905000002\n") == (result.status, result.stdout)
    (mt,) = town.store.messages(phone="+84905000002", limit=1)
    assert "MK: ********" in mt.text
    assert [1] == bell
    assert not town.opens("0905000002", ISSUED_PASSWORD)


def test_without_a_daemon_a_new_password_waits_in_the_outbox(town, command):
    assert 0 == command(town, "accounts", "reset-password", "0905000002").status
    assert "+84905000002" in [reply.phone for reply in town.store.outbox()]


@pytest.mark.parametrize("end", ["\n", "\r\n", "", "\nsecond line\n"])
def test_the_citizens_own_password_makes_the_account_active(town, command, end):
    result = command(town, "accounts", "set-password", "0905000002", input=OWN_PASSWORD + end)
    assert 0 == result.status, result.stderr
    assert "active" == account(town).state
    assert town.opens("0905000002", OWN_PASSWORD)


def test_a_password_is_right_or_wrong(town, command):
    right = command(town, "accounts", "verify-password", "0905000002", input=ISSUED_PASSWORD)
    assert (0, "201234568: the password is right\n") == (right.status, right.stdout)
    wrong = command(town, "accounts", "verify-password", "0905000002", input="something else")
    assert (1, "", "smsgw: 201234568: wrong password\n") == (
        *(wrong.status, wrong.stdout, wrong.stderr),
    )


def test_the_same_letters_from_another_keyboard_are_the_same_password(town, command):
    composed, decomposed = "m\u1ead t kh\u1ea9u", "ma\u0323\u0302 t kha\u0302\u0309u"
    assert composed != decomposed
    assert 0 == command(town, "accounts", "set-password", "0905000002", input=composed).status
    result = command(town, "accounts", "verify-password", "0905000002", input=decomposed)
    assert 0 == result.status


NO_PASSWORDS = {
    "": "no password on standard input",
    "\n": "no password on standard input",
    "seven77": "at least 8 characters",
    "x" * 129: "at most 128 characters",
    " " * 8: "(repeated)",
    "with\ttab!": "control characters",
    "201234568": "(personal)",
}


@pytest.mark.parametrize(("password", "why"), NO_PASSWORDS.items(), ids=NO_PASSWORDS.values())
def test_what_cannot_be_a_password_is_refused(town, command, password, why):
    result = command(town, "accounts", "set-password", "0905000002", input=password)
    assert 1 == result.status
    assert why in result.stderr
    assert 1 == len(result.stderr.splitlines())
    assert not password.strip() or password not in result.stderr
    assert "issued" == account(town).state


def test_a_password_for_nobody_is_not_asked_for(town, command):
    result = command(town, "accounts", "set-password", "0905999999", input="")
    assert "no account" in result.stderr


def test_closing_keeps_the_reason_and_lets_phone_and_cmnd_register_again(town, command):
    result = command(town, "accounts", "close", "0905000002", "--reason", "asked at the hotline")
    assert (0, "201234568: closed\n") == (result.status, result.stdout)
    town.text("84905000002", "TK,Tran Binh,201234568,1.2.1991", timedelta(0))
    assert "issued" == account(town).state
    story = story_of(town.hotline.history("201234568"))
    assert [("asked at the hotline", "linh")] == [
        (entry.reason, entry.actor) for entry in story if entry.what == "closed"
    ]


def test_closing_keeps_the_cmnd_for_its_owner_s_phone(frozen_town, command):
    town = frozen_town
    with freeze_time(town.now):
        result = command(
            town, "accounts", "close", "201234568", "--reserve-for", "0905 777 001",
            "--reason", "not its owner",
        )  # fmt: skip
    assert (0, "") == (result.status, result.stderr)
    assert [
        "201234568: closed",
        "until 2026-11-30 16:32 only +84905777001 may register 201234568",
    ] == result.stdout.splitlines()
    (mt,) = town.text("84905000002", "TK,Tran Binh,201234568,1.2.1991", timedelta(0))
    assert "da duoc su dung" in mt.text


def test_phone_that_has_an_account_is_said_when_a_cmnd_is_kept_for_it(town, command):
    result = command(
        town, "accounts", "close", "201234568", "--reserve-for", "0905000001", "--reason", "x"
    )
    assert "+84905000001 has account 001234567: close that" in result.stdout


def test_cmnd_is_kept_for_no_phone_that_is_none(town, command):
    result = command(
        town, "accounts", "close", "201234568", "--reserve-for", "8188", "--reason", "x"
    )
    assert (1, "") == (result.status, result.stdout)
    assert "'8188' is not a telephone number" in result.stderr
    assert "issued" == account(town).state


@pytest.mark.parametrize("verb", ["reset-password", "set-password", "close"])
def test_a_closed_account_stays_closed(town, command, verb):
    options = ["--reason", "again"] if verb == "close" else []
    result = command(town, "accounts", verb, "201234569", *options, input=OWN_PASSWORD)
    assert (1, 1) == (result.status, len(result.stderr.splitlines()))
    assert "is closed" in result.stderr


def test_the_actor_is_the_login_name_where_nobody_called_sudo(town, command, monkeypatch):
    monkeypatch.delenv("SUDO_USER")
    monkeypatch.setattr(os, "getlogin", lambda: "huong")
    command(town, "accounts", "reset-password", "0905000002")
    assert "huong" in [entry.actor for entry in story_of(town.hotline.history("0905000002"))]


# --- the outbox ---------------------------------------------------------------------------------


def test_a_failed_reply_is_tried_again(town, command, bell):
    result = command(town, "outbox", "retry", town.failed_id)
    assert (0, f"{town.failed_id}: queued\n") == (result.status, result.stdout)
    assert ["queued", "queued"] == [reply.state for reply in town.store.outbox()]
    assert [1] == bell


def test_a_cancelled_reply_never_leaves(town, command):
    result = command(town, "outbox", "cancel", town.waiting_id)
    assert (0, f"{town.waiting_id}: cancelled\n") == (result.status, result.stdout)
    by_id = {reply.id: reply.state for reply in town.store.outbox()}
    assert town.waiting_id not in by_id


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_a_reply_that_is_not_in_the_outbox(town, command, verb):
    result = command(town, "outbox", verb, "99999")
    assert (1, "") == (result.status, result.stdout)
    assert "no reply 99999 in the outbox" in result.stderr


# --- upkeep -------------------------------------------------------------------------------------


def test_one_pass_replaces_all_that_expired(town, command, bell):
    for n in range(12):
        town.text(f"8490511111{n:02}", f"TK,Le Hoa,30000000{n:02}00,1.2.1990", timedelta(days=3.5))
    (done,) = json.loads(command(town, "expire", "--format", "json").stdout)
    assert {"replaced": 13, "ended": 0, "waiting": 0, "waits_until": None} == done
    assert bell
    (again,) = json.loads(command(town, "expire", "--format", "json").stdout)
    assert 0 == again["replaced"]


def test_at_night_expired_passwords_wait_for_the_morning(frozen_town, command):
    with freeze_time(datetime(2026, 11, 23, 20, 0, tzinfo=UTC)):  # 03:00 in Da Nang
        (done,) = json.loads(command(frozen_town, "expire", "--format", "json").stdout)
        table = command(frozen_town, "expire").stdout
    assert {
        "replaced": 0,
        "ended": 0,
        "waiting": 1,
        "waits_until": "2026-11-24T00:00:00.000Z",
    } == done
    assert "1 password, until 2026-11-24 07:00" in table


def test_purge_says_what_it_removed(frozen_town, command):
    with freeze_time(frozen_town.now + timedelta(days=91)):
        (done,) = json.loads(command(frozen_town, "purge", "--format", "json").stdout)
    assert ["messages", "accounts", "unused"] == list(done)
    assert 0 < done["messages"]
    assert (0, 0) == (done["accounts"], done["unused"])


def test_a_backup_is_whole_and_private(town, command, tmp_path):
    file = tmp_path / "copy.db"
    assert 0 == command(town, "backup", file).status
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    copy = raw_sqlite.connect(file)
    assert [("ok",)] == copy.execute("PRAGMA integrity_check").fetchall()
    assert [(3,)] == copy.execute("SELECT count(*) FROM accounts").fetchall()
    copy.close()


def test_a_backup_replaces_no_file(town, command, tmp_path):
    file = tmp_path / "precious"
    file.write_text("precious")
    result = command(town, "backup", file)
    assert (1, "precious") == (result.status, file.read_text())
    assert f"{file} exists" in result.stderr


def test_a_backup_into_a_folder_that_is_missing(town, command, tmp_path):
    result = command(town, "backup", tmp_path / "missing" / "copy.db")
    assert (1, 1) == (result.status, len(result.stderr.splitlines()))


# --- at a terminal ------------------------------------------------------------------------------


class Terminal:
    """A command at a terminal of its own: what it shows, what is typed."""

    def __init__(self, *arguments):
        self._master, slave = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "smsgw", *map(str, arguments)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            # The only way to a terminal of its own; the child does nothing else before exec.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )
        os.close(slave)
        self.shown = ""

    def wait_for(self, text, times=1, timeout=20):
        deadline = time.monotonic() + timeout
        while self.shown.count(text) < times:
            left = deadline - time.monotonic()
            assert select.select([self._master], [], [], max(left, 0))[0], self.shown
            try:
                self.shown += os.read(self._master, 4096).decode()
            except OSError:  # Linux: the command has closed its side
                raise AssertionError(self.shown) from None

    def type(self, text):
        os.write(self._master, text.encode())

    def end(self, timeout=20):
        """What is left to be shown, and the exit status."""
        try:
            while select.select([self._master], [], [], timeout)[0]:
                self.shown += os.read(self._master, 4096).decode()
        except OSError:
            pass
        os.close(self._master)
        return self.process.wait(timeout)


def test_a_password_is_typed_twice_and_never_shown(town):
    terminal = Terminal("-c", town.config, "accounts", "set-password", "0905000002")
    terminal.wait_for("Password:")
    terminal.type(f"{OWN_PASSWORD}\n")
    terminal.wait_for("Repeat")
    terminal.type("something else\n")
    terminal.wait_for("Password:", times=2)
    terminal.type(f"{OWN_PASSWORD}\n")
    terminal.wait_for("Repeat", times=2)
    terminal.type(f"{OWN_PASSWORD}\n")
    assert 0 == terminal.end(), terminal.shown
    assert "201234568: active" in terminal.shown
    assert OWN_PASSWORD not in terminal.shown
    assert town.opens("0905000002", OWN_PASSWORD)


def test_ctrl_c_at_the_prompt_changes_nothing(town):
    terminal = Terminal("-c", town.config, "accounts", "set-password", "0905000002")
    terminal.wait_for("Password:")
    terminal.type("\x03")
    assert 1 == terminal.end()
    assert "Traceback" not in terminal.shown
    assert "interrupted" in terminal.shown
    assert "issued" == account(town).state


def test_at_a_terminal_a_key_is_asked_for(town):
    terminal = Terminal("-c", town.config, "accounts", "show", "-")
    terminal.wait_for("KEY:")
    terminal.type("0905 000 002\n")
    assert 0 == terminal.end(), terminal.shown
    assert "Tran Binh" in terminal.shown


def test_a_password_is_asked_for_after_the_key(town):
    terminal = Terminal("-c", town.config, "accounts", "verify-password", "-")
    terminal.wait_for("KEY:")
    terminal.type("0905 000 002\n")
    terminal.wait_for("Password:")
    terminal.type(f"{ISSUED_PASSWORD}\n")
    assert 0 == terminal.end(), terminal.shown
    assert ISSUED_PASSWORD not in terminal.shown
