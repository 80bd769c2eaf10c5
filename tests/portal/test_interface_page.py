"""The examples of docs/interface.md, run as they stand."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from smsgw.portal.api.problems import PROBLEMS
from smsgw.registration import fields, own_password
from tests.conftest import ENVIRONMENT, PATIENCE
from tests.portal.program import Program

PAGE = (Path(__file__).parents[2] / "docs" / "interface.md").read_text("utf-8")
#: An example, and its answer if the page shows it.
EXAMPLES = re.findall(r"```sh\n(.*?)```\n(?:```json\n(.*?)```)?", PAGE, re.DOTALL)
END = "--- end of an answer ---"


def shape(value):
    """What a document is made of, without its values."""
    if isinstance(value, dict):
        return {name: shape(held) for name, held in value.items()}
    return [shape(held) for held in value] if isinstance(value, list) else type(value).__name__


@pytest.mark.skipif(shutil.which("curl") is None, reason="apt install curl")
def test_examples_answer_as_the_page_says(city):
    city.whole()
    program = Program(city)
    script = "set -euo pipefail\n" + "".join(f"{code}echo; echo '{END}'\n" for code, _ in EXAMPLES)
    done = subprocess.run(
        ["bash", "-c", script],
        env=ENVIRONMENT
        | {
            "PORTAL": f"http://127.0.0.1:{city.port}",
            "CLIENT_ID": program.secret.client_id,
            "CLIENT_SECRET": program.secret.client_secret,
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    answers = done.stdout.split(END)[:-1]
    assert len(EXAMPLES) == len(answers) == 7
    for (code, shown), answer in zip(EXAMPLES, answers, strict=True):
        if shown:
            assert shape(json.loads(shown)) == shape(json.loads(answer)), code
    assert "moi@example.vn" in answers[4]
    assert "99 Lê Lợi" in answers[4]


def test_every_problem_reason_and_type_is_on_the_page():
    from smsgw.model import Feed

    words = set(re.findall(r"[a-z0-9_.-]+", PAGE))
    assert set(PROBLEMS) - {"misdirected"} <= words
    assert set(own_password.Reason) <= words
    assert set(fields.Reason) - {fields.Reason.INCOMPLETE} <= words
    assert {kind.value for kind in Feed} <= words
