"""`smsgw completion` and what the shells then ask for."""

import os
import shutil
import subprocess
import sys

import pytest

from smsgw.cli.main import COMMANDS

SHELLS = ["bash", "zsh", "fish"]


@pytest.mark.parametrize("shell", SHELLS)
def test_prints_a_script_that_asks_smsgw_itself(command, shell):
    done = command(None, "completion", shell)
    assert (0, "") == (done.status, done.stderr)
    assert "_SMSGW_COMPLETE" in done.stdout
    assert done.stdout.endswith("\n")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_reads_its_script(command, shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    script = command(None, "completion", shell).stdout
    read = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True, check=False)
    assert (0, "") == (read.returncode, read.stderr)


@pytest.mark.parametrize("words", [[], ["tcsh"], ["bash", "zsh"]])
def test_another_shell_is_wrong_usage_in_one_line(command, words):
    done = command(None, "completion", *words)
    assert (2, "") == (done.status, done.stdout)
    usage, problem = done.stderr.splitlines()
    assert usage.startswith("Usage: smsgw completion")
    assert problem.endswith("See `smsgw completion --help`")


def test_tab_completes_commands():
    asked = {"COMP_WORDS": "smsgw c", "COMP_CWORD": "1", "_SMSGW_COMPLETE": "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from smsgw.cli.main import main; main()"],
        env={"PATH": os.environ["PATH"]} | asked,
        text=True,
        capture_output=True,
        check=False,
    )
    expected = [f"plain,{name}" for name in COMMANDS if name.startswith("c")]
    assert expected == done.stdout.splitlines()
