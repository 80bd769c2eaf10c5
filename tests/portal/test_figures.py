"""What alarms and documents say of the portal's metrics is true of a real /metrics."""

import re
import shutil
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import PATIENCE
from tests.portal.conftest import CMND, OWN
from tests.portal.program import Program

ROOT = Path(__file__).parents[2]


@pytest.fixture
def metrics(make_city):
    """What a portal says at which a page and a program tried passwords."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    city = make_city(portal={"metrics": f"127.0.0.1:{port}"})
    city.own()
    city.browser().log_in(CMND, OWN)
    Program(city).verify(CMND, "sai")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
        return answer.read().decode()


def asked_for(text):
    return set(re.findall(r"\bsmsgw_portal_[a-z][a-z_]+\b", text))


def test_every_metric_is_in_the_runbook_and_every_alarm_asks_for_one(metrics):
    names = set(re.findall(r"^# TYPE (\w+) ", metrics, re.MULTILINE))
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    assert names == set(re.findall(r"^\| `(smsgw_portal_\w+)` \|", runbook, re.MULTILINE))
    for page in (*ROOT.glob("packaging/alerts/*.yml"), *ROOT.glob("docs/*.md")):
        assert asked_for(page.read_text()) <= names, page.name


def test_tries_of_pages_and_of_programs_are_counted_together(metrics):
    assert 'smsgw_portal_tries_total{outcome="right"} 1.0' in metrics
    assert 'smsgw_portal_tries_total{outcome="wrong"} 1.0' in metrics


@pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is not installed (apt install prometheus)"
)
def test_prometheus_finds_no_fault_with_the_metrics(metrics):
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True, check=False
    )
    assert (0, "") == (checked.returncode, checked.stdout + checked.stderr)
