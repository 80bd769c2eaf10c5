"""The sudo rules let the hotline do what it is there for, and nothing else."""

import re
import shutil
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

FILE = Path(__file__).parents[1] / "systemd" / "smsgw.sudoers"
SMSGW = "/usr/local/bin/smsgw "

LOOK = [
    "accounts show -",
    "accounts show 0905 123 456 --format json",
    "accounts history phone:0905123456",
    "messages list --phone - --since 3d",
    "outbox list",
    "try - -",
    "status",
    "links",
    "links --format json",
    "stats --since 7d",
]
ACT = [
    "accounts reset-password - --reason forgot it",
    "accounts verify-password -",
    "accounts close - --reason asked --reserve-for -",
    "accounts end-sessions - --reason library",
    "outbox retry 7",
    "outbox cancel 7 --reason wrong",
]
NOBODY = [
    "",
    "run",
    "-c /tmp/config.toml accounts show -",
    "--config /tmp/config.toml status",
    "accounts",
    "accounts list",
    "accounts list --format csv",
    "accounts set-password 0905123456",
    "accounts close-many --registered-since 1d --reason x --yes",
    "accounts export -",
    "accounts erase - --reason x",
    "accounts correct - --name X --reason x",
    "messages list",
    "messages list --limit 1000000",
    "messages list --since 90d --phone -",
    "audit",
    "audit --who linh",
    "expire",
    "purge",
    "backup /tmp/copy.db",
    "reload",
    "links stop viettel",
    "links --format json stop viettel",
    "links test viettel --send 0905123456",
    "smsc",
    "demo",
    "check-config",
    "clients create x",
]


def aliases():
    text = FILE.read_text().replace("\\\n", " ")
    found = re.findall(r"^Cmnd_Alias (\w+) = (.*)$", text, re.MULTILINE)
    return {name: [rule.strip() for rule in rules.split(",")] for name, rules in found}


def rules_of(group):
    """The commands of a group; in them sudo's star matches as fnmatch(3) does, spaces too."""
    (names,) = re.findall(
        rf"^%{group}\s+ALL = \(smsgw\) CWD=/ NOPASSWD: (.*)$", FILE.read_text(), re.MULTILINE
    )
    return [rule for name in names.split(", ") for rule in aliases()[name]]


def allows(group, line):
    return any(fnmatchcase((SMSGW + line).strip(), rule) for rule in rules_of(group))


@pytest.mark.parametrize("line", LOOK)
def test_both_groups_look(line):
    assert allows("smsgw-look", line)
    assert allows("smsgw-act", line)


@pytest.mark.parametrize("line", ACT)
def test_one_group_acts(line):
    assert not allows("smsgw-look", line)
    assert allows("smsgw-act", line)


@pytest.mark.parametrize("line", NOBODY)
def test_nobody_may_do_more(line):
    assert not allows("smsgw-look", line)
    assert not allows("smsgw-act", line)


def test_no_rule_ends_before_the_command_is_named():
    for rules in aliases().values():
        for rule in rules:
            words = rule.removeprefix(SMSGW).partition("*")[0].split()
            assert words
            assert words != ["accounts"]
            assert words != ["messages"]
            assert words != ["outbox"]


@pytest.mark.skipif(shutil.which("visudo") is None, reason="visudo is not installed")
def test_sudo_reads_the_file():
    done = subprocess.run(["visudo", "-cf", str(FILE)], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
