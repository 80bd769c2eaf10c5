"""The interface's description of itself, and whether what is answered keeps to it.

schemathesis makes questions of the description, good and bad ones, and looks at each answer; what
it cannot know stands in schemathesis.toml. More of them: `SMSGW_EXAMPLES=500`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from smsgw.portal.api import openapi
from smsgw.portal.api.problems import PROBLEMS
from tests.conftest import ENVIRONMENT
from tests.portal.conftest import CMND, OWN
from tests.portal.program import Program, told

PROJECT = Path(__file__).parents[2]
#: At most, of each call and kind of question.
EXAMPLES = int(os.environ.get("SMSGW_EXAMPLES", "15"))


def test_description_is_served_to_everybody(city):
    program = Program(city)
    answer = program.get("/openapi.json", Authorization=None)
    assert (200, "application/json") == (answer.status, answer.headers["content-type"])
    described = told(answer)
    assert "3.1.0" == described["openapi"]
    assert f"http://127.0.0.1:{city.port}/api/v1" == described["servers"][0]["url"]


def test_every_call_and_every_problem_is_described():
    from smsgw.portal.api.app import CALLS

    described = openapi.document("https://dangky.example.vn")
    calls = {
        (path, method)
        for path, item in described["paths"].items()
        for method in item
        if method != "parameters"
    }
    ours = {(path, method.lower()) for path, verbs in CALLS.items() for method in verbs}
    assert ours | {("/openapi.json", "get")} == calls
    for path, verbs in CALLS.items():
        for method, verb in verbs.items():
            [need] = described["paths"][path][method.lower()]["security"]
            assert [verb.scope] == need["client"]
    named = str(described["paths"])
    nowhere = {name for name in PROBLEMS if name not in named}
    assert {"not-found", "method-not-allowed", "misdirected"} == nowhere


def test_schemathesis_finds_nothing(city, tmp_path):
    city.whole()
    program = Program(city)
    told(program.verify(CMND, OWN))  # gives the account its sub
    url = f"http://127.0.0.1:{city.port}/api/v1/openapi.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(PROJECT / "schemathesis.toml"), "run", url),
            *("-H", f"Authorization: Bearer {program.token}"),
            *("--max-examples", str(EXAMPLES), "--seed", "1", "--generation-database", "none"),
            "--no-color",
        ],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60 + EXAMPLES * 10,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    asked, passed = re.search(r"(\d+) generated, (\d+) passed", done.stdout).groups()
    assert int(asked) == int(passed) > 100
