"""Wrong usage is exit status 2, and one line besides `Usage:`."""

import pytest

WRONG = {
    "no command": "",
    "no such command": "explode",
    "no sub-command": "accounts",
    "no such sub-command": "outbox explode",
    "no argument": "accounts show",
    "too many arguments": "links viettel",
    "no such option": "status --loud",
    "an option without its value": "-c",
    "no such choice": "accounts list --state open",
    "no number": "outbox retry all",
    "no time": "stats --since soon",
    "a reason missing": "accounts close 0905123456",
    "an option in the wrong place": "--format json links",
    "no beginning of a number": "accounts close-many --registered-since 2h --reason x"
    " --phone-prefix abc",
}


@pytest.mark.parametrize("line", WRONG.values(), ids=WRONG)
def test_wrong_usage_is_told_in_one_line(line, smsgw, config_file, smsc):
    config = config_file(smsc)
    told = smsgw(*line.split(), environment={"SMSGW_CONFIG": str(config)})
    assert (2, "") == (told.returncode, told.stdout)
    usage, problem = told.stderr.splitlines()
    assert usage.startswith("Usage: smsgw")
    assert problem.startswith("smsgw: ")
    assert "--help" in problem
