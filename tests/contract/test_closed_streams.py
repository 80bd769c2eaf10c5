"""Cron and wrappers close what they do not need; a command does its work all the same."""

import shlex
import subprocess
import sys

import pytest

SMSGW = shlex.join([sys.executable, "-m", "smsgw.cli.main"])


def run(line):
    return subprocess.run(
        ["/bin/sh", "-c", line],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_exit_status_is_told_with_closed_streams(closed, smsc, config_file, daemon):
    config = config_file(smsc)
    daemon(config, smsc)
    told = run(f"{SMSGW} -c {shlex.quote(str(config))} links {closed}")
    assert (0, "") == (told.returncode, told.stderr)


def test_argument_from_a_closed_standard_input_is_one_line_and_exit_one(smsc, config_file, daemon):
    config = config_file(smsc)
    daemon(config, smsc)
    told = run(f"{SMSGW} -c {shlex.quote(str(config))} accounts show - <&-")
    assert 1 == told.returncode
    assert ["smsgw: no KEY on standard input: give it as a line of its own"] == (
        told.stderr.splitlines()
    )
