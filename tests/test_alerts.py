"""Every alarm is tested and explained; journeys/test_measured.py looks whether it is measured."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALERTS = ROOT / "packaging" / "alerts"
RULES = sorted(ALERTS.glob("*.rules.yml"))
CASES = sorted(ALERTS.glob("*.tests.yml"))
RUNBOOK = ROOT / "docs" / "runbook.md"
RULED, CASED = ("".join(file.read_text() for file in files) for files in (RULES, CASES))
ALARMS = re.findall(r"^ +- alert: (\w+)$", RULED, re.MULTILINE)

needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is not installed (apt install prometheus)"
)


def promtool(*arguments):
    done = subprocess.run(
        ["promtool", *arguments],
        cwd=ALERTS,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@needs_promtool
def test_prometheus_reads_the_rules():
    status, said = promtool("check", "rules", *(file.name for file in RULES))
    assert 0 == status, said


@needs_promtool
def test_alarms_ring_when_they_should_and_not_before():
    status, said = promtool("test", "rules", *(file.name for file in CASES))
    assert 0 == status, said


@pytest.mark.parametrize("alarm", ALARMS)
def test_alarm_is_tested_quiet_and_ringing(alarm):
    cases = re.findall(rf"alertname: {alarm}\b(, exp_alerts: \[\])?", CASED)
    wanted = f"{alarm} wants a case with alerts in {ALERTS}, and one with exp_alerts: []"
    assert {True, False} == {bool(quiet) for quiet in cases}, wanted


@pytest.mark.parametrize("alarm", ALARMS)
def test_alarm_leads_to_what_it_means_and_what_to_do(alarm):
    annotation = f'runbook: "docs/runbook.md#{alarm.lower()}"'
    assert annotation in RULED, f"{alarm} wants the annotation {annotation}"
    section = rf"^### {alarm}\n\n(.*?)(?=^#|\Z)"
    words = "".join(re.findall(section, RUNBOOK.read_text(), re.MULTILINE | re.DOTALL))
    assert "**Means**" in words
    assert "**Do**" in words


def test_runbook_knows_no_other_alarm():
    assert sorted(ALARMS) == sorted(set(re.findall(r"\bSmsgw[A-Z]\w+", RUNBOOK.read_text())))
