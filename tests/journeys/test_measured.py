"""What alarms, the dashboard and documents say of metrics is true of a real /metrics."""

import re
import shutil
import subprocess
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from smsgw.clock import stamp
from smsgw.simulator import playbook
from smsgw.store import open_store

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(smsc, config_file, free_port):
    return config_file(smsc, metrics={"listen": f"127.0.0.1:{free_port}"})


@pytest.fixture
def measured(smsc, config, daemon, free_port):
    """`measured(r"smsgw_mo_total.* 1")`: what a real daemon says, once it says that."""
    child = daemon(config, smsc)

    def look():
        with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/metrics", timeout=10) as page:
            return page.read().decode()

    def said(pattern):
        return child.until(
            lambda: re.search(f"^{pattern}", page := look(), re.MULTILINE) and page,
            what=f"{pattern} in the metrics",
        )

    return said


@pytest.fixture
def metrics(measured, smsc):
    """What a daemon says, with one link that was odd."""
    playbook.play(smsc, "stray-octets 84905123456 TK")[0].answer()
    return measured("smsgw_link_oddities_total")


def names(metrics):
    """Every name that can be asked for."""
    found = dict(re.findall(r"^# TYPE (\w+) (\w+)", metrics, re.MULTILINE))
    parts = {
        f"{name}_{part}"
        for name, kind in found.items()
        if kind == "histogram"
        for part in ("bucket", "sum", "count")
    }
    return set(found) | parts


def asked_for(text):
    return set(re.findall(r"\bsmsgw_[a-z][a-z_]+\b", text))


def test_every_metric_that_is_named_exists(metrics):
    pages = [
        *ROOT.glob("packaging/alerts/*.yml"),
        *ROOT.glob("packaging/grafana/*.json"),
        *ROOT.glob("docs/*.md"),
        ROOT / "README.md",
    ]
    unknown = {page.name: asked_for(page.read_text()) - names(metrics) for page in pages}
    assert {} == {page: found for page, found in unknown.items() if found}


def test_every_kind_of_problem_that_an_alarm_asks_for_exists(metrics):
    kinds = set(re.findall(r'^smsgw_problems\{kind="(\w+)"\}', metrics, re.MULTILINE))
    rules = (ROOT / "packaging" / "alerts" / "smsgw.rules.yml").read_text()
    assert set(re.findall(r'smsgw_problems\{kind="(\w+)"\}', rules)) <= kinds


@pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is not installed (apt install prometheus)"
)
def test_prometheus_finds_no_fault_with_the_metrics(metrics):
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True, check=False
    )
    assert (0, "") == (checked.returncode, checked.stdout + checked.stderr)


def test_time_of_an_answer_and_of_a_reply_is_counted_once(measured, smsc):
    text = "TK,Nguyen Van An,201234567,01.02.1990"
    smsc.send_mo("84905123456", text).answer()
    page = measured('smsgw_link_reply_seconds_count{link="simulator"} 1.0')
    assert "smsgw_mo_answer_seconds_count 1.0" in page
    assert 'smsgw_mo_answer_seconds_bucket{le="10.0"} 1.0' in page
    assert 'smsgw_link_reply_seconds_bucket{le="10.0",link="simulator"} 1.0' in page
    [total] = re.findall(r"^smsgw_mo_answer_seconds_sum (\S+)", page, re.MULTILINE)
    assert 0 < float(total) < 10


def test_version_that_runs_is_told(measured, smsgw):
    version = smsgw("--version").stdout.split()[1].rstrip(",")
    assert f'version="{version}"' in measured("smsgw_build_info")


def test_backup_is_measured_once_there_is_one(measured, config, smsgw, tmp_path):
    measured("smsgw_last_backup_timestamp_seconds 0.0")
    before = datetime.now(UTC).timestamp()
    assert 0 == smsgw("-c", config, "backup", tmp_path / "copy.db").returncode
    page = measured(r"smsgw_last_backup_timestamp_seconds [1-9]")
    [at] = re.findall(r"^smsgw_last_backup_timestamp_seconds (\S+)", page, re.MULTILINE)
    assert float(at) >= before - 1


def test_refused_reload_is_measured(measured, tmp_path):
    measured("smsgw_config_last_reload_successful 1.0")
    store = open_store(tmp_path / "smsgw.db")
    with store.transaction():
        store.set_fact("last_reload_at", str(stamp(datetime.now(UTC))))
        store.set_fact("last_reload_ok", "0")
    store.close()
    measured("smsgw_config_last_reload_successful 0.0")


def test_refusal_from_before_the_start_is_of_no_account(measured, tmp_path):
    store = open_store(tmp_path / "smsgw.db")
    with store.transaction():
        store.set_fact("last_reload_at", "1")
        store.set_fact("last_reload_ok", "0")
    store.close()
    measured("smsgw_config_last_reload_successful 1.0")


def test_reply_that_no_link_takes_is_queued_for_its_link(measured, smsc):
    smsc.swallow()
    smsc.send_mo("84905123456", "hallo").answer()
    page = measured('smsgw_link_queued{link="simulator"} 1.0')
    assert "smsgw_outbox_queued 1.0" in page
