"""What people see at terminals of 60, 80 and 120 columns, and what a pipe gets instead."""

import json
import os
import re
import subprocess
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytest

from smsgw.cli import smsc, strangers, terminal
from smsgw.model import MtState
from tests.conftest import ENVIRONMENT, SMSGW
from tools.commands import commands

LONG = "Nguyễn Thị Hoàng Ánh Ngọc Phương Thảo Trần Lê"
FOLDED = "Nguyen Thi Hoang Anh Ngoc Phuong Thao Tran Le"
SCREENS = {
    "accounts list": "accounts list",
    "accounts show": "accounts show 048190001234",
    "history": "accounts history 048190001234",
    "history with texts": "accounts history 048190001234 --full",
    "history of a phone": "accounts history 0905000004",
    "close-many": "accounts close-many --registered-since 9d --reason flood",
    "messages": "messages list",
    "outbox": "outbox list",
    "links": "links",
    "first contact": "links test viettel",
    "status": "status",
    "stats": "stats",
    "audit": "audit",
    "try": "try 0905000004 TK,Le,048190001234,8.3.1990",
    "expire": "expire",
    "purge": "purge --yes",
}


@pytest.fixture
def crowded(town):
    """A town with the longest that each column gets on an ordinary day."""
    town.text("84905000007", f"TK;{LONG};048190001234;8/3/1990", timedelta(hours=2), link="mobi")
    (mt,) = town.text("84905000008", "TK,Le,048190001234,8.3.1990", timedelta(hours=2))
    town.receipt(mt, MtState.FAILED, timedelta(hours=1), reason="UNDELIV err:012")
    town.text("84905000008", "x" * 100, timedelta(hours=2))
    return town


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS)
def test_screen_fits_the_terminal(crowded, at_terminal, screen, columns):
    shown = at_terminal(crowded, *screen.split(), columns=columns, typed="n\n").stdout
    path = str(crowded.database.parent)  # of a test, longer than that of any service
    lines = [line for line in shown.splitlines() if path not in line]
    assert lines
    assert [] == [line for line in lines if len(line) > columns and "smsgw: " not in line]


@pytest.mark.parametrize("columns", [60, 80])
def test_help_fits_the_terminal(columns):
    for name, context in commands():
        context.terminal_width = columns - 2
        too_long = [line for line in context.get_help().splitlines() if len(line) > columns]
        assert [] == too_long, name


def test_help_is_as_wide_as_the_terminal(at_terminal):
    shown = at_terminal(None, "accounts", "close", "--help", columns=60).stdout
    assert 50 < max(map(len, shown.splitlines())) <= 60


def test_narrow_terminal_keeps_who_it_is_and_how_it_stands(crowded, at_terminal):
    shown = at_terminal(crowded, "accounts", "list", columns=60).stdout
    heads = shown.splitlines()[0].split()
    assert ["user", "name", "phone", "name", "state"] == heads


def test_wide_terminal_has_every_column(crowded, at_terminal):
    shown = at_terminal(crowded, "accounts", "list", columns=120).stdout
    assert all(head in shown for head in ("registered (+07)", "password", "link"))


def test_pipe_gets_every_name_whole_and_every_column(crowded, command):
    found = command(crowded, "accounts", "list").stdout
    (line,) = [line for line in found.splitlines() if FOLDED in line]
    assert line.endswith("mobi")
    texts = command(crowded, "messages", "list").stdout
    assert "x" * 100 in texts
    assert "(ngay thang nam sinh) [UNDELIV err:012]" in texts


def test_zone_is_said_once_a_screen(town, at_terminal):
    for screen in ("accounts list", "accounts show 0905000002", "accounts history 0905000002"):
        shown = at_terminal(town, *screen.split(), columns=120).stdout
        assert 1 == shown.count("+07"), shown


def test_exported_columns_of_a_wider_terminal_do_not_count(crowded, at_terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    shown = at_terminal(crowded, "messages", "list", columns=60).stdout
    assert max(map(len, shown.splitlines())) <= 60


# --- the end of the pipe, and the pager -----------------------------------------------------------


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_closed_pipe_is_no_fault(town, form):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*SMSGW, "-c", town.config, "messages", "list", "--format", form],
        stdout=writer,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        timeout=20,
        check=False,
    )
    os.close(writer)
    assert (0, b"") == (done.returncode, done.stderr)


def test_list_of_accounts_goes_through_the_pager(town, at_terminal, monkeypatch, tmp_path):
    monkeypatch.setenv("PAGER", f"tee {tmp_path / 'paged'}")
    shown = at_terminal(town, "accounts", "list", columns=60)
    assert 0 == shown.status
    assert shown.stdout == (tmp_path / "paged").read_text()
    assert max(map(len, shown.stdout.splitlines())) <= 60


def test_pager_that_is_left_at_once_is_no_fault(town, at_terminal, monkeypatch):
    monkeypatch.setenv("PAGER", "true")
    assert (0, "") == (at_terminal(town, "accounts", "list").status, "")


@pytest.mark.parametrize("pager", ["", "no-such-pager", "less 'quoted", "cat"])
def test_without_a_pager_the_list_is_printed(town, at_terminal, monkeypatch, pager):
    monkeypatch.setenv("PAGER", pager)
    shown = at_terminal(town, "accounts", "list")
    assert (0, True) == (shown.status, "Tran Binh" in shown.stdout)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_programs_get_no_pager(town, at_terminal, monkeypatch, tmp_path, form):
    monkeypatch.setenv("PAGER", f"tee {tmp_path / 'paged'}")
    at_terminal(town, "accounts", "list", "--format", form)
    assert not (tmp_path / "paged").exists()


def test_pipe_gets_no_pager(town, command, monkeypatch, tmp_path):
    monkeypatch.setenv("PAGER", f"tee {tmp_path / 'paged'}")
    assert "Tran Binh" in command(town, "accounts", "list").stdout
    assert not (tmp_path / "paged").exists()


def test_pager_may_start_no_shell(town, at_terminal, monkeypatch, tmp_path):
    seen = tmp_path / "seen"
    script = tmp_path / "pager"
    script.write_text(f'#!/bin/sh\nprintf %s "$LESSSECURE" > {seen}\ncat\n')
    script.chmod(0o700)
    monkeypatch.setenv("PAGER", str(script))
    monkeypatch.setenv("LESSSECURE", "0")
    at_terminal(town, "accounts", "list")
    assert "1" == seen.read_text()


# --- colour ---------------------------------------------------------------------------------------


@pytest.fixture
def coloured(at_terminal, monkeypatch):
    """What the simulated SMSC shows of an MT, at a terminal."""

    def show():
        command = click.Command("show", callback=lambda: smsc._line("MT", "84905000001", "x"))
        monkeypatch.setattr("smsgw.cli.main.smsgw", command)
        return at_terminal(None).stdout

    return show


def test_simulated_smsc_has_colour_at_a_terminal(coloured):
    assert "\x1b[" in coloured()


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_nobody_gets_colour_who_wants_none(coloured, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(terminal, "wants_colour", terminal.wants_colour)
    assert "\x1b" not in coloured()


# --- programs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "csv"])
def test_vietnamese_letters_are_utf_8_whatever_the_locale(crowded, form):
    done = subprocess.run(
        [*SMSGW, "-c", crowded.config, "messages", "list", "--format", form],
        capture_output=True,
        env=ENVIRONMENT | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        timeout=20,
        check=True,
    )
    assert LONG in done.stdout.decode("utf-8")


def test_json_holds_nothing_that_steers_a_terminal(town, command):
    town.text("84905000009", "a\x1b[31m\u202eb", timedelta(minutes=1))
    shown = command(town, "messages", "list", "--format", "json").stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "a\x1b[31m\u202eb" in [message["text"] for message in json.loads(shown)]


# --- strangers ------------------------------------------------------------------------------------


def told(monkeypatch, arguments, service=None):
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/smsgw")
    if service is not None:
        monkeypatch.setattr(strangers, "SERVICE", service)
    denied = PermissionError(13, "Permission denied", "/etc/shadow")
    return strangers.line_to_type(denied, arguments)


def test_stranger_is_told_what_to_type(monkeypatch):
    monkeypatch.delenv("SMSGW_CONFIG", raising=False)
    arguments = ["accounts", "show", "0905 123 456"]
    typed = told(monkeypatch, arguments, service="daemon")  # a user of every machine
    assert "sudo -u daemon smsgw accounts show '0905 123 456'" == typed


def test_stranger_keeps_the_configuration_that_sudo_would_drop(monkeypatch):
    monkeypatch.setenv("SMSGW_CONFIG", "/srv/smsgw.toml")
    typed = told(monkeypatch, ["links"], service="daemon")
    assert "sudo -u daemon smsgw -c /srv/smsgw.toml links" == typed


def test_without_the_service_it_is_the_owner_who_may(monkeypatch):
    monkeypatch.delenv("SMSGW_CONFIG", raising=False)
    assert "sudo smsgw links" == told(monkeypatch, ["links"], service="no-such-user-here")


def test_root_needs_no_advice(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert None is strangers.line_to_type(PermissionError(13, "Permission denied", "/x"), [])


@contextmanager
def as_a_stranger():
    """Inside, this process is nobody."""
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("denied", ["the configuration", "the database"])
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_one_line_for_a_stranger(town, command, monkeypatch, denied):
    monkeypatch.setattr(strangers, "SERVICE", "daemon")
    written = town.config.read_text()
    with as_a_stranger(), TemporaryDirectory() as folder:
        config = town.config
        if denied == "the database":
            config = Path(folder, "config.toml")
            config.write_text(written)
        result = command(config, "accounts", "show", "0905 000 002")
    assert (1, "") == (result.status, result.stdout)
    line = r"smsgw: .*\. Type: sudo -u daemon smsgw -c \S+ accounts show '0905 000 002'\n"
    assert re.fullmatch(line, result.stderr), result.stderr


# --- how soon -------------------------------------------------------------------------------------

UNUSED = ("sqlite_utils", "tabulate", "prometheus_client", "smsgw.daemon", "smsgw.simulator")


@pytest.mark.parametrize("line", ["accounts show 0905000002", "accounts history 0905000002"])
def test_look_up_loads_nothing_that_it_does_not_need(town, line):
    program = (
        "import sys; from smsgw.cli.main import execute;"
        " status = execute(sys.argv[1:]);"
        f" print(*(set({UNUSED!r}) & set(sys.modules)), file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [SMSGW[0], "-c", program, "-c", town.config, *line.split()],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=20,
        check=False,
    )
    assert (0, "\n") == (done.returncode, done.stderr)
