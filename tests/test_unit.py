"""The units leave open no more than they must, and systemd reads them without a word."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "systemd"
UNIT = FOLDER / "smsgw.service"
PORTAL = FOLDER / "smsgw-portal.service"
BACKUP = FOLDER / "smsgw-backup.service"
TIMER = FOLDER / "smsgw-backup.timer"
#: Of systemd 252, whose scale others may not have.
MOST_EXPOSURE = 1.2


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
@pytest.mark.parametrize("unit", [UNIT, BACKUP, PORTAL], ids=lambda unit: unit.name)
def test_exposure_of_the_unit_is_small(unit):
    asked = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", asked.stdout)
    if not found:
        pytest.skip(f"systemd-analyze does not judge a file: {asked.stderr.strip()[:200]}")
    assert float(found[1]) <= MOST_EXPOSURE, asked.stdout


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_reads_the_units_without_a_word(tmp_path):
    for unit in (UNIT, BACKUP, TIMER, PORTAL):
        # It looks for the command, too, which is not installed here.
        text = unit.read_text().replace("/usr/local/bin/smsgw", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    asked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = (asked.stdout + asked.stderr).splitlines()
    ours = [line for line in said if "smsgw" in line]  # the machine's own units are not our affair
    if asked.returncode and not ours:
        pytest.skip(f"systemd-analyze verifies nothing here: {said[-1:]}")
    assert [] == ours


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_the_timer_comes_once_a_day():
    [calendar] = re.findall(r"^OnCalendar=(.*)$", TIMER.read_text(), re.MULTILINE)
    asked = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=2", "--base-time=2026-01-01 UTC", calendar],
        env={"TZ": "UTC", "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == asked.returncode, asked.stderr
    assert ["2026-01-01 02:15", "2026-01-02 02:15"] == re.findall(
        r"(2026-01-\d\d \d\d:\d\d):00 UTC$", asked.stdout, re.MULTILINE
    )


def test_units_wait_for_a_configuration():
    for unit in (UNIT, BACKUP, PORTAL):
        lines = unit.read_text().splitlines()
        assert "ConditionPathExists=/etc/smsgw/config.toml" in lines
        [command] = [line for line in lines if line.startswith("ExecStart=")]
        assert command.startswith("ExecStart=/usr/local/bin/smsgw -c /etc/smsgw/config.toml ")


def test_reload_waits_for_the_answer_of_the_daemon():
    """Type=notify-reload is unknown to systemd 252, and takes a refused file for a success."""
    lines = UNIT.read_text().splitlines()
    assert "Type=notify" in lines
    assert "ExecReload=/usr/local/bin/smsgw -c /etc/smsgw/config.toml reload" in lines


@pytest.mark.parametrize(
    "setting", ["User", "StateDirectory", "UMask", "ProtectSystem", "LimitCORE"]
)
def test_backup_runs_as_the_gateway_does(setting):
    of = re.compile(rf"^{setting}=(.*)$", re.MULTILINE)
    assert of.findall(UNIT.read_text())
    assert of.findall(UNIT.read_text()) == of.findall(BACKUP.read_text())


def test_portal_reaches_nothing_but_its_proxy_and_no_key_of_texts():
    lines = PORTAL.read_text().splitlines()
    assert {"IPAddressDeny=any", "IPAddressAllow=localhost", "SocketBindDeny=any"} <= set(lines)
    assert {"Nice=10", "CPUWeight=20"} <= set(lines)
    hidden = " ".join(line for line in lines if line.startswith("InaccessiblePaths="))
    assert "/var/lib/smsgw/secret.key" in hidden


@pytest.mark.parametrize("unit", [UNIT, PORTAL], ids=lambda unit: unit.name)
@pytest.mark.parametrize(
    "setting",
    [
        *("MemoryMax", "MemorySwapMax=0", "TasksMax", "SocketBindDeny=any", "PrivateMounts=yes"),
        *("NoExecPaths=/", "ExecPaths", "UMask=0077", "Restart=always"),
    ],
)
def test_unit_has_its_limits(unit, setting):
    name, _, value = setting.partition("=")
    assert re.search(rf"^{name}={value}", unit.read_text(), re.MULTILINE)
