"""The bench runs and says what it measured; how fast is not for a test to say."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def bench(folder, *options):
    command = [sys.executable, "-m", "bench", "--quick", "--work", str(folder), *options]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_COLOR": "1"}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def test_quick_bench_prints_figures_of_both_gateways(tmp_path):
    done = bench(tmp_path, "--only", "register", "--window", "10", "--format", "json")
    figures = {figure["name"]: figure for figure in json.loads(done.stdout)["figures"]}
    rate = figures["register, window 10"]
    assert rate["median"] > 0
    assert rate["yardstick"]["name"] == "naive"
    assert rate["ratio"] > 0


def test_every_text_of_a_quick_bench_is_answered(tmp_path):
    done = bench(tmp_path, "--only", "mix", "--only", "latency", "--window", "10")
    assert "never came" not in done.stderr
    assert "mix, window 10" in done.stdout
    assert "at 300/s" in done.stdout


def test_quick_bench_measures_bases_that_are_full(tmp_path):
    done = bench(tmp_path, "--accounts", "1000")
    assert "look-up by phone, 1,000 accounts" in done.stdout
    assert "never came" not in done.stderr
