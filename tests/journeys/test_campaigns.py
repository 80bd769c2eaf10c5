"""The short form of each campaign: that it runs, and that what it checks holds."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres import MISSING, binaries

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["crash", "--kills", "10", "--seed", "1"], id="crash"),
        pytest.param(
            ["crash", "--kills", "7", "--seed", "1", "--postgres"],
            id="crash-postgres",
            marks=pytest.mark.skipif(binaries() is None, reason=MISSING),
        ),
        pytest.param(["soak", "--minutes", "0.1", "--seed", "1"], id="soak"),
    ],
)
def test_campaign_finds_no_fault(arguments):
    name, *options = arguments
    done = subprocess.run(
        [sys.executable, "-m", f"tests.campaigns.{name}", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert " 0 faults" in done.stdout
