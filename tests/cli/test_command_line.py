"""The command line itself: where the configuration comes from, and how faults end."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from smsgw import health
from smsgw.gateway import Hotline
from smsgw.model import LinkState
from smsgw.store import DaemonLock, Unavailable
from smsgw.store.sqlite.store import SqliteStore
from tests import raw_sqlite
from tests.cli.conftest import BINH, ISSUED_PASSWORD

READING = {
    "accounts list": ("accounts", "list"),
    "accounts show": ("accounts", "show", "0905000002"),
    "accounts history": ("accounts", "history", "0905000002"),
    "accounts reset-password": ("accounts", "reset-password", "0905000002"),
    "accounts set-password": ("accounts", "set-password", "0905000002"),
    "accounts verify-password": ("accounts", "verify-password", "0905000002"),
    "accounts close": ("accounts", "close", "0905000002", "--reason", "x"),
    "accounts close-many": (
        *("accounts", "close-many", "--registered-since", "2h", "--reason", "x", "--yes"),
    ),
    "messages list": ("messages", "list"),
    "outbox list": ("outbox", "list"),
    "outbox retry": ("outbox", "retry", "1"),
    "outbox cancel": ("outbox", "cancel", "1"),
    "links": ("links",),
    "stats": ("stats",),
    "try": ("try", "0905000009", "TK"),
    "expire": ("expire",),
    "purge": ("purge",),
    "backup": ("backup", "/nonexistent/copy.db"),
}


def one_line(result):
    assert "Traceback" not in result.stderr
    (line,) = result.stderr.splitlines()
    assert line.startswith("smsgw: ")
    return line


# --- the configuration --------------------------------------------------------------------------


def test_the_configuration_named_by_the_environment(town, command, monkeypatch):
    monkeypatch.setenv("SMSGW_CONFIG", str(town.config))
    assert 0 == command(None, "links").status


def test_the_configuration_in_this_folder(town, command, monkeypatch):
    monkeypatch.delenv("SMSGW_CONFIG", raising=False)
    monkeypatch.chdir(town.config.parent)
    assert 0 == command(None, "links").status


def test_the_one_on_the_command_line_wins(town, command, monkeypatch):
    monkeypatch.setenv("SMSGW_CONFIG", "/nonexistent.toml")
    assert 0 == command(town, "links").status


@pytest.mark.parametrize("arguments", [("links",), ("check-config",), ("status",)])
def test_a_configuration_that_is_missing(command, arguments, tmp_path):
    result = command(tmp_path / "missing.toml", *arguments)
    assert 1 == result.status
    assert "missing.toml" in one_line(result)


def test_every_fault_of_a_configuration_in_one_go(command, links_config):
    config = links_config(gateway={"timezone": "Moon/Base"}, registration={"password_ttl": "soon"})
    for arguments in [("check-config",), ("links",)]:
        result = command(config, *arguments)
        assert (1, "") == (result.status, result.stdout)
        first, second = result.stderr.splitlines()
        assert f"smsgw: {config}: gateway.timezone: " in first + second
        assert f"smsgw: {config}: registration.password_ttl: " in first + second


def test_commands_need_no_password_of_a_link_as_the_daemon_does(command, town):
    text = town.config.read_text()
    town.config.write_text(
        text.replace('password = "b1nd-key"', 'password_file = "/nonexistent/password"')
    )
    for arguments in [("accounts", "list"), ("links",), ("accounts", "reset-password", BINH)]:
        assert 0 == command(town, *arguments).status
    for arguments in [("check-config",), ("run",)]:
        result = command(town, *arguments)
        assert 1 == result.status
        assert "smsc.viettel.password_file: /nonexistent/password cannot be read" in result.stderr


def test_faults_of_a_configuration_for_scripts(command, links_config):
    config = links_config(gateway={"timezone": "Moon/Base"}, registration={"password_ttl": "soon"})
    result = command(config, "check-config", "--format", "json")
    faults = json.loads(result.stdout)
    assert (1, "") == (result.status, result.stderr)
    assert {"gateway.timezone", "registration.password_ttl"} == {fault["key"] for fault in faults}
    assert all(["file", "key", "problem", "remedy"] == list(fault) for fault in faults)
    assert {str(config)} == {fault["file"] for fault in faults}


def test_a_good_configuration_is_praised_and_nothing_opened(command, links_config):
    config = links_config()
    before = sorted(config.parent.iterdir())
    result = command(config, "check-config")
    assert (0, f"{config}: all right; 8188 by viettel, mobi\n") == (result.status, result.stdout)
    assert before == sorted(config.parent.iterdir())
    assert [] == json.loads(command(config, "check-config", "--format", "json").stdout)


# --- the database -------------------------------------------------------------------------------


NEEDING = {name: arguments for name, arguments in READING.items() if name != "try"}


@pytest.mark.parametrize("arguments", NEEDING.values(), ids=NEEDING)
def test_a_database_that_is_missing_is_not_made(command, links_config, arguments):
    config = links_config()
    before = sorted(config.parent.iterdir())
    result = command(config, *arguments)
    assert 1 == result.status
    assert f"no database at {config.parent / 'smsgw.db'}" in one_line(result)
    assert "smsgw run" in result.stderr
    assert before == sorted(config.parent.iterdir())


def test_a_text_can_be_tried_before_there_is_a_database(command, links_config):
    config = links_config()
    before = sorted(config.parent.iterdir())
    result = command(config, "try", "0905000009", "TK,Le Hoa,201234570,1.2.1990")
    assert 0 == result.status
    assert "TK: 201234570, MK: ********" in result.stdout
    assert before == sorted(config.parent.iterdir())


@pytest.mark.parametrize("arguments", READING.values(), ids=READING)
def test_a_file_that_is_no_database(command, links_config, arguments):
    config = links_config()
    database = config.parent / "smsgw.db"
    database.write_text("this is not a database, " * 1000)
    result = command(config, *arguments)
    assert 1 == result.status
    assert str(database) in one_line(result)


def test_a_database_of_a_newer_version(town, command):
    connection = raw_sqlite.connect(town.database)
    with connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('smsgw', 'm999_from_the_future', '2030-01-01')"
        )
    connection.close()
    result = command(town, "links")
    assert 1 == result.status
    assert "newer" in one_line(result)


def test_a_database_that_is_damaged(town, command):
    town.store.close()
    octets = bytearray(town.database.read_bytes())
    octets[8192:] = os.urandom(len(octets) - 8192)
    town.database.write_bytes(octets)
    for arguments in [("messages", "list"), ("accounts", "list"), ("stats",), ("links",)]:
        result = command(town, *arguments)
        assert 0 == result.status or one_line(result)


def test_a_secret_key_that_is_missing(town, command):
    town.settings.gateway.secret_key_file.unlink()
    result = command(town, "accounts", "reset-password", "0905000002")
    assert 1 == result.status
    assert "secret key" in one_line(result)
    assert 0 == command(town, "accounts", "list").status, "who only looks needs no key"


# --- usage --------------------------------------------------------------------------------------

WRONG = {
    "no such command": "frobnicate",
    "no such option": "links --colour",
    "no such format": "links --format xml",
    "argument missing": "accounts show",
    "argument too many": "links viettel",
    "no such state": "accounts list --state new",
    "no duration": "accounts list --expiring-within soon",
    "a duration of nothing": "accounts list --expiring-within 0d",
    "no time": "messages list --since soon",
    "no such day": "stats --since 2026-02-30",
    "no message at all": "messages list --limit 0",
    "no direction": "messages list --direction up",
    "no number": "outbox retry all",
    "close without a reason": "accounts close 0905000002",
    "close many of all times": "accounts close-many --reason x --yes",
    "sub-command missing": "accounts",
}


@pytest.mark.parametrize("line", WRONG.values(), ids=WRONG)
def test_wrong_usage_is_two(town, command, line):
    result = command(town, *line.split())
    assert (2, "") == (result.status, result.stdout)
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("Usage: smsgw")


def test_a_reason_of_blanks_is_none(town, command):
    assert 2 == command(town, "accounts", "close", "0905000002", "--reason", "  ").status


def test_a_bad_time_is_told_what_a_good_one_is(town, command):
    result = command(town, "messages", "list", "--since", "soon")
    assert "2026-11-24T16:30" in result.stderr
    assert "how long ago: 7d, 2h" in result.stderr


def test_help_and_version_need_no_configuration(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments in [("--help",), ("--version",), ("accounts", "close", "-h")]:
        result = command(None, *arguments)
        assert (0, "") == (result.status, result.stderr)


# --- faults -------------------------------------------------------------------------------------


class Unforeseen(Exception):
    pass


@pytest.fixture
def broken(monkeypatch):
    """A verb that fails in a way which nobody foresaw, with a secret in its message."""

    def history(self, key):
        raise Unforeseen(f"MK: {ISSUED_PASSWORD} of 201234568 $argon2id$v=19$m=19456$abc")

    monkeypatch.setattr(Hotline, "history", history)


def test_an_unforeseen_fault_is_one_line_without_its_message(town, command, broken):
    result = command(town, "accounts", "history", "0905000002")
    assert 1 == result.status
    line = one_line(result)
    assert "Unforeseen" in line
    assert ISSUED_PASSWORD not in line
    assert "201234568" not in line


@pytest.mark.parametrize("how", ["environment", "log level"])
def test_who_debugs_sees_the_trace_without_secrets(how, town, command, broken, monkeypatch):
    if how == "environment":
        monkeypatch.setenv("SMSGW_DEBUG", "1")
    else:
        text = town.config.read_text()
        town.config.write_text(f'{text}\n[log]\nlevel = "debug"\n')
    result = command(town, "accounts", "history", "0905000002")
    assert 1 == result.status
    assert "Traceback" in result.stderr
    assert ISSUED_PASSWORD not in result.stderr
    assert "201234568" not in result.stderr
    assert "argon2" not in result.stderr


FAULTS = {
    "sqlite": (Unavailable("smsgw.db: database is locked"), "database is locked"),
    "disk": (OSError(28, "No space left on device", "/srv/copy.db"), "/srv/copy.db: No space"),
    "ctrl-c": (KeyboardInterrupt(), "interrupted"),
}


@pytest.mark.parametrize(("fault", "words"), FAULTS.values(), ids=FAULTS)
def test_an_expected_fault_is_one_line(town, command, monkeypatch, fault, words):
    def outbox(self):
        raise fault

    monkeypatch.setattr(SqliteStore, "outbox", outbox)
    result = command(town, "outbox", "list")
    assert 1 == result.status
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert 1 == len(result.stderr.split("\n")) - (1 + result.stderr.startswith("\n"))


TOO_MUCH = {
    "id": (("outbox", "retry", "9" * 30), "a number is too large"),
    "limit": (("messages", "list", "--limit", "9" * 30), "a number is too large"),
    "phone": (("accounts", "show", "\udcff"), "no account"),
    "text": (("try", "0905123456", "TK,Nguy\udce1\udcbbn"), "a text is not in UTF-8"),
}


@pytest.mark.parametrize(("arguments", "words"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_an_argument_that_nothing_can_hold_is_one_line(town, command, arguments, words):
    result = command(town, *arguments)
    assert 1 == result.status
    assert words in one_line(result)


def test_a_reader_who_leaves_early_hears_nothing(town):
    for n in range(400):
        town.text(f"84905{n:06}", "xin chao", timedelta(minutes=n))
    command = [sys.executable, "-m", "smsgw", "-c", str(town.config), "messages", "list"]
    child = subprocess.Popen(
        [*command, "--limit", "1000", "--format", "csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    child.stdout.readline()
    child.stdout.close()
    assert b"" == child.stderr.read()
    child.stderr.close()
    assert child.wait(20) == 0


def test_a_reader_who_never_came_hears_nothing(town):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "smsgw", "-c", str(town.config), "links"]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=20, check=False)
    os.close(writer)
    assert (0, b"") == (result.returncode, result.stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_said(town):
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "smsgw", "-c", str(town.config), "links"]
        result = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=20, check=False
        )
    assert 1 == result.returncode
    assert "No space left" in one_line(result)


@pytest.mark.parametrize("module", ["smsgw", "smsgw.cli.main"])
def test_the_modules_are_commands_too(town, module):
    command = [sys.executable, "-m", module, "-c", str(town.config), "links", "--format", "json"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert 0 == result.returncode, result.stderr
    assert ["viettel", "mobi"] == [link["name"] for link in json.loads(result.stdout)]


def test_a_look_does_not_pay_for_the_daemon(town):
    code = (
        "import sys; from smsgw.cli.main import execute;"
        f"execute(['-c', {str(town.config)!r}, 'links']);"
        "print(sorted({'asyncio', 'argon2', 'cryptography', 'smsgw.daemon'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert "[]" == result.stdout.splitlines()[-1]


# --- secrets ------------------------------------------------------------------------------------


def test_no_command_shows_a_secret(town, command, tmp_path):
    own = "correct horse"
    key = town.settings.gateway.secret_key_file.read_text().strip()
    hashes = [row.password_hash for row in town.store.accounts_of_cmnd("201234568")]
    outputs = []
    lines = [
        ("accounts", "reset-password", "0905000002"),
        ("accounts", "verify-password", "0905000002"),
        ("accounts", "set-password", "0905000002"),
        ("accounts", "verify-password", "0905000002"),
        *(
            (*arguments, "--format", form)
            for arguments in (
                ("accounts", "list"),
                ("accounts", "show", "0905000002"),
                ("accounts", "history", "0905000002"),
                ("messages", "list"),
                ("outbox", "list"),
                ("status",),
                ("links",),
                ("stats",),
                ("try", "0905000009", "TK,Le Hoa,201234570,1.2.1990"),
                ("expire",),
                ("check-config",),
            )
            for form in ("table", "json", "csv")
        ),
    ]
    for arguments in lines:
        result = command(town, *arguments, input=own)
        outputs += [result.stdout, result.stderr]
    everything = "\n".join(outputs)
    assert "********" in everything
    for secret in [own, ISSUED_PASSWORD, "argon2", "b1nd-key", key, *hashes]:
        assert secret not in everything


# --- is it working? -----------------------------------------------------------------------------

LINK_KEYS = [
    *("name", "state", "since", "reason", "mo", "mt", "carrier", "node", "queued"),
    *("mt_per_s_1m", "mt_per_s_5m", "mt_per_s_15m", "oldest_due", "oddities", "next_try"),
]


@pytest.fixture
def running(town):
    """A daemon runs and all its links are bound."""
    lock = DaemonLock.acquire(town.database)
    town.gateway.link_changed("mobi", LinkState.BOUND, None, town.now)
    yield town
    lock.release()


def test_a_link_has_the_keys_that_scripts_rely_on(running, command):
    viettel, mobi = json.loads(command(running, "links", "--format", "json").stdout)
    assert LINK_KEYS == list(viettel) == list(mobi)
    assert ("viettel", "bound", None, 6, 4) == (
        *(viettel[key] for key in ("name", "state", "reason", "mo", "mt")),
    )
    assert viettel["since"].endswith("Z")


def test_without_a_daemon_every_link_is_stopped(town, command):
    links = json.loads(command(town, "links", "--format", "json").stdout)
    assert ["stopped", "stopped"] == [link["state"] for link in links]


def test_a_link_that_was_never_started(town, command):
    text = town.config.read_text().replace('name = "mobi"', 'name = "vina"')
    town.config.write_text(text)
    links = json.loads(command(town, "links", "--format", "json").stdout)
    assert ["viettel", "vina", "mobi"] == [link["name"] for link in links]
    assert ("stopped", None, 0, 0) == (*(links[1][key] for key in ("state", "since", "mo", "mt")),)
    assert "not in the configuration" == links[2]["reason"]


def test_all_is_well(running, command):
    table = command(running, "status")
    assert 0 == table.status
    assert table.stdout.startswith("8188: all is well   20")
    (condition,) = json.loads(command(running, "status", "--format", "json").stdout)
    assert (True, [], os.getpid()) == (
        *(condition[key] for key in ("ok", "problems", "daemon_pid")),
    )
    assert (1, 1, 3, 3) == (
        *(condition[key] for key in ("queued", "failed", "mo_last_hour", "mt_last_hour")),
    )
    assert LINK_KEYS == list(condition["links"][0])


def unwell(result):
    (condition,) = json.loads(result.stdout)
    assert (1, False) == (result.status, condition["ok"])
    return condition["problems"]


def test_no_daemon_is_not_well(town, command):
    assert ["the daemon is not running"] == unwell(command(town, "status", "--format", "json"))


def test_a_link_that_is_not_bound_is_not_well(running, command):
    reason = "bind refused, ESME_RINVPASWD (0x0000000E)"
    running.gateway.link_changed("mobi", LinkState.WAITING, reason, running.now)
    (problem,) = unwell(command(running, "status", "--format", "json"))
    assert f"link mobi is waiting: {reason}" == problem
    table = command(running, "status")
    assert f"  ! {problem}" in table.stdout.splitlines()


@pytest.mark.parametrize(("minutes", "problems"), [(4, 0), (6, 1)])
def test_a_reply_that_waits_for_long_is_not_well(empty_town, command, minutes, problems):
    lock = DaemonLock.acquire(empty_town.database)
    for link in ("viettel", "mobi"):
        empty_town.gateway.link_changed(link, LinkState.BOUND, None, empty_town.now)
    empty_town.text("84905000009", "xin chao", timedelta(minutes=minutes), taken=False)
    (condition,) = json.loads(command(empty_town, "status", "--format", "json").stdout)
    lock.release()
    assert problems == len(condition["problems"])
    assert all("waiting for 6 min" in problem for problem in condition["problems"])


def test_a_full_disk_is_not_well(running, command, monkeypatch):
    monkeypatch.setattr(health, "LEAST_FREE_OCTETS", 10**18)
    (problem,) = unwell(command(running, "status", "--format", "json"))
    assert problem.startswith("only ")


def test_how_much_of_a_disk_must_be_free():
    assert 100e6 == health.least_free(10**9)
    assert 500e6 == health.least_free(10**10)
    assert 2e9 == health.least_free(10**13)


def test_a_database_that_cannot_be_read_is_not_well(links_config, command):
    config = links_config()
    problems = unwell(command(config, "status", "--format", "json"))
    assert "no database at" in problems[0]
    assert 1 == command(config, "status").status
    (config.parent / "smsgw.db").write_text("no database" * 1000)
    assert "not a database" in unwell(command(config, "status", "--format", "json"))[0]


def test_a_database_whose_folder_is_missing_is_not_well(links_config, command, tmp_path):
    config = links_config(gateway={"database": str(tmp_path / "missing" / "smsgw.db")})
    problems = unwell(command(config, "status", "--format", "json"))
    assert 3 == len(problems), problems
