"""The short form of `make malice`: each attack beside honest citizens on another link.

Bounds are loose, since these machines are shared: two seconds, where an attack that is not held off
makes citizens wait for longer. The strict ones are the campaign's own.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.campaigns.malice import ATTACKS

ROOT = Path(__file__).parents[2]
SHORT = ["--seconds", "2", "--quiet", "1", "--texts", "3000"]


@pytest.mark.parametrize("attack", [*ATTACKS, "history"])
def test_attack_on_one_link_harms_nobody_on_another(attack):
    done = subprocess.run(
        [sys.executable, "-m", "tests.campaigns.malice", "--loose", "--only", attack, *SHORT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
