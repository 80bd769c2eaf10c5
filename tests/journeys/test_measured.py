"""What alarms and documents say of metrics is true of a real /metrics."""

import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from smsgw.simulator import playbook

ROOT = Path(__file__).parents[2]
RUNBOOK = ROOT / "docs" / "runbook.md"


@pytest.fixture
def metrics(smsc, config_file, daemon, free_port):
    """What a real daemon says, with one link that was odd."""
    config = config_file(smsc, metrics={"listen": f"127.0.0.1:{free_port}"})
    child = daemon(config, smsc)
    playbook.play(smsc, "stray-octets 84905123456 TK")[0].answer()

    def measured():
        with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/metrics", timeout=10) as page:
            text = page.read().decode()
        return "smsgw_link_oddities_total" in text and text

    return child.until(measured, what="an oddity in the metrics")


def names(metrics):
    return set(re.findall(r"^# TYPE (\w+) ", metrics, re.MULTILINE))


def asked_for(text):
    """Of the daemon; what the portal measures, tests/portal/test_figures.py looks for."""
    return set(re.findall(r"\bsmsgw_(?!portal_)[a-z][a-z_]+\b", text))


def test_every_metric_that_is_named_exists(metrics):
    pages = [*ROOT.glob("packaging/alerts/*.yml"), *ROOT.glob("docs/*.md"), ROOT / "README.md"]
    unknown = {page.name: asked_for(page.read_text()) - names(metrics) for page in pages}
    assert {} == {page: found for page, found in unknown.items() if found}


def test_every_metric_is_in_the_runbook(metrics):
    table = re.findall(r"^\| `(smsgw_(?!portal_)\w+)` \|", RUNBOOK.read_text(), re.MULTILINE)
    assert sorted(names(metrics)) == sorted(table)


@pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is not installed (apt install prometheus)"
)
def test_prometheus_finds_no_fault_with_the_metrics(metrics):
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True, check=False
    )
    assert (0, "") == (checked.returncode, checked.stdout + checked.stderr)
