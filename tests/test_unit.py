"""The unit leaves open no more than it must."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[1] / "systemd" / "smsgw.service"
#: Of systemd 252, whose scale others may not have.
MOST_EXPOSURE = 1.2


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_exposure_of_the_unit_is_small():
    asked = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", asked.stdout)
    if not found:
        pytest.skip(f"systemd-analyze does not judge a file: {asked.stderr.strip()[:200]}")
    assert float(found[1]) <= MOST_EXPOSURE, asked.stdout


@pytest.mark.parametrize(
    "setting",
    [
        *("MemoryMax", "MemorySwapMax=0", "TasksMax", "SocketBindDeny=any", "PrivateMounts=yes"),
        *("NoExecPaths=/", "ExecPaths", "UMask=0077"),
    ],
)
def test_unit_has_its_limits(setting):
    name, _, value = setting.partition("=")
    assert re.search(rf"^{name}={value}", UNIT.read_text(), re.MULTILINE)
