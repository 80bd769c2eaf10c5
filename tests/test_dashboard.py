"""Grafana reads the dashboard; journeys/test_measured.py looks whether what it asks is measured."""

import itertools
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.test_alerts import needs_promtool

DASHBOARD = Path(__file__).parents[1] / "packaging" / "grafana" / "smsgw.json"
BOARD = json.loads(DASHBOARD.read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]


def plain(expression):
    """*expression* without what Grafana puts in."""
    return (
        expression.replace("$__rate_interval", "5m")
        .replace("$instance", ".*")
        .replace("$link", ".*")
    )


@needs_promtool
def test_prometheus_reads_every_expression(tmp_path):
    rules = [
        {"record": f"panel:{number}", "expr": plain(expression)}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))  # is YAML too
    checked = subprocess.run(
        ["promtool", "check", "rules", file], capture_output=True, text=True, check=False
    )
    assert 0 == checked.returncode, checked.stdout + checked.stderr


def test_every_panel_asks_the_prometheus_that_was_chosen():
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    assert [] == [panel["title"] for panel in PANELS if panel["datasource"] != chosen]


def test_nothing_is_asked_for_but_what_can_be_chosen():
    known = {variable["name"] for variable in BOARD["templating"]["list"]} | {"__rate_interval"}
    assert set() == set(re.findall(r"\$\{?(\w+)", " ".join(EXPRESSIONS))) - known


@pytest.mark.parametrize("key", ["id", "title"])
def test_each_panel_is_itself(key):
    keys = [panel[key] for panel in BOARD["panels"]]
    assert sorted(set(keys)) == sorted(keys)


def test_no_panel_lies_upon_another():
    for one, other in itertools.combinations(BOARD["panels"], 2):
        a, b = one["gridPos"], other["gridPos"]
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        below = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or below, (one["title"], other["title"])
