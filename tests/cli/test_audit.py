"""Who looked up, verified or changed what: every use of the commands leaves its line."""

import json
from datetime import timedelta

import pytest
from freezegun import freeze_time

from tests import raw_sqlite
from tests.cli.conftest import ISSUED_PASSWORD
from tests.house import story_of

BINH = "0905000002"


def lines(town, command, *options):
    result = command(town, "audit", "--format", "json", *options)
    assert 0 == result.status, result.stderr
    # But for what made the town.
    return [line for line in json.loads(result.stdout) if line["detail"] != "lost phone"]


def told(town, command, *options):
    return [
        (line["command"], line["account"], line["detail"])
        for line in lines(town, command, *options)
    ]


LEAVE_A_LINE = {
    "show": (["accounts", "show", BINH], ("accounts show", "*****568", "")),
    "history": (["accounts", "history", BINH], ("accounts history", "*****568", "")),
    "texts only": (["accounts", "history", "0905000004"], ("accounts history", "*****004", "")),
    "nobody": (
        ["accounts", "show", "0905999999"],
        ("accounts show", "*****999", "no such account"),
    ),
    "list": (["accounts", "list", "--state", "issued"], ("accounts list", None, "state=issued: 2")),
    "all": (["accounts", "list"], ("accounts list", None, "3")),
    "texts": (
        ["messages", "list", "--phone", BINH],
        ("messages list", None, "phone=*****002 limit=100: 2"),
    ),
    "outbox": (["outbox", "list"], ("outbox list", None, "2")),
    "try": (["try", BINH, "TK"], ("try", "*****002", "syntax_error")),
    "reset": (
        ["accounts", "reset-password", BINH, "--reason", "called, CMND 201234568"],
        ("accounts reset-password", "*****568", "called, CMND *****568"),
    ),
    "set": (["accounts", "set-password", BINH], ("accounts set-password", "*****568", "")),
    "verify": (
        ["accounts", "verify-password", BINH],
        ("accounts verify-password", "*****568", "wrong"),
    ),
    "close": (
        ["accounts", "close", BINH, "--reason", "moved"],
        ("accounts close", "*****568", "moved"),
    ),
    "reserve": (
        ["accounts", "close", BINH, "--reserve-for", "0905777001", "--reason", "not hers"],
        ("accounts close", "*****568", "reserved for +*****001: not hers"),
    ),
    "purge": (["purge"], ("purge", None, "messages=0 accounts=0")),
    "expire": (["expire", "--reason", "drill"], ("expire", None, "replaced=1 ended=0: drill")),
}


@pytest.mark.parametrize(("arguments", "line"), LEAVE_A_LINE.values(), ids=LEAVE_A_LINE)
def test_what_somebody_does_leaves_a_line(town, command, arguments, line):
    command(town, *arguments, input="correct horse\n")
    (entry,) = lines(town, command)
    assert ["at", "who", "command", "account", "detail"] == list(entry)
    assert ("linh", *line) == (entry["who"], entry["command"], entry["account"], entry["detail"])


def test_the_way_back_after_a_flood_leaves_two_lines(town, command):
    command(
        town, "accounts", "close-many", "--registered-since", "2h", "--reason", "flood", "--yes"
    )
    shown, closed = told(town, command)
    assert ("accounts close-many", None) == shown[:2]
    assert shown[2].endswith(": 1")
    assert ("accounts close-many", None, "closed=1: flood") == closed


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_what_is_done_to_a_reply_leaves_a_line(town, command, verb):
    command(town, "outbox", verb, town.failed_id, "--reason", "the carrier asked")
    assert [(f"outbox {verb}", None, f"message {town.failed_id}: the carrier asked")] == told(
        town, command
    )


@pytest.mark.parametrize("look", [["status"], ["links"], ["stats"], ["audit"]], ids=str)
def test_what_shows_no_citizen_leaves_none(town, command, look):
    command(town, *look)
    assert [] == lines(town, command)


def test_a_change_that_did_not_happen_leaves_no_line(town, command):
    command(town, "accounts", "close", "201234569", "--reason", "again")
    assert [] == lines(town, command)


def test_a_reason_stands_in_the_history_too(town, command):
    command(town, "accounts", "reset-password", BINH, "--reason", "forgot it")
    command(
        town, "accounts", "set-password", BINH, "--reason", "at the desk", input="correct horse"
    )
    reasons = [(entry.what, entry.reason) for entry in story_of(town.hotline.history(BINH))]
    assert ("new password", "forgot it") in reasons
    assert ("own password", "at the desk") in reasons


def test_the_audit_by_person_and_time_oldest_first(town, command, monkeypatch):
    with freeze_time(town.now - timedelta(days=2)):
        command(town, "accounts", "show", BINH)
    with freeze_time(town.now - timedelta(hours=1)):
        monkeypatch.setenv("SUDO_USER", "huong")
        command(town, "accounts", "list")
    command(town, "outbox", "list")
    everything = [line["command"] for line in lines(town, command)]
    assert ["accounts show", "accounts list", "outbox list"] == everything
    assert ["accounts list"] == [
        c for c, *_ in told(town, command, "--since", "2h", "--who", "huong")
    ][:1]
    assert ["accounts show"] == [c for c, *_ in told(town, command, "--who", "linh")]


def test_a_long_audit_is_whole_and_in_order(town, command):
    with town.store.transaction():
        for number in range(1203):
            town.store.note(town.now, "linh", "accounts show", None, str(number))
    assert [str(number) for number in range(1203)] == [d for *_, d in told(town, command)]


def test_the_audit_is_kept_as_long_as_the_configuration_says(frozen_town, command):
    with freeze_time(frozen_town.now):
        command(frozen_town, "accounts", "show", BINH)
    with freeze_time(frozen_town.now + timedelta(days=364)):
        command(frozen_town, "purge")
        assert ["accounts show", "purge"] == [c for c, *_ in told(frozen_town, command)]
    with freeze_time(frozen_town.now + timedelta(days=366)):
        command(frozen_town, "purge")
        assert ["purge", "purge"] == [c for c, *_ in told(frozen_town, command)]


def test_a_look_up_goes_on_without_its_line_and_says_so(town, command, monkeypatch):
    monkeypatch.setattr("smsgw.cli.tools.NOTE_PATIENCE", timedelta(milliseconds=50))
    other = raw_sqlite.connect(town.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    result = command(town, "accounts", "show", BINH)
    listed = command(town, "accounts", "list", "--format", "json")
    other.execute("ROLLBACK")
    other.close()
    assert 0 == result.status
    assert "201234568" in result.stdout
    assert 1 == len(result.stderr.splitlines())
    assert "no line in the audit" in result.stderr
    assert 3 == len(json.loads(listed.stdout))
    assert [] == lines(town, command)


def test_a_list_that_nobody_reads_to_its_end_has_its_line(town, command, smsgw):
    for n in range(2000):
        town.text(f"8490600{n:04}", f"TK,Le Hoa,4{n:08},1.2.1990", timedelta(0))
    child = smsgw.start("-c", town.config, "accounts", "list", "--format", "json")
    child.stdout.read(10)
    child.stdout.close()
    child.stderr.read()
    child.wait(20)
    ((verb, _, detail),) = told(town, command)
    assert "accounts list" == verb
    assert 0 < int(detail) <= 2003


def test_no_password_stands_in_the_audit(town, command):
    command(town, "accounts", "verify-password", BINH, input=ISSUED_PASSWORD)
    command(town, "accounts", "set-password", BINH, input="correct horse")
    command(town, "accounts", "verify-password", BINH, input="correct horse")
    shown = command(town, "audit").stdout
    assert ISSUED_PASSWORD not in shown
    assert "correct horse" not in shown
    assert "201234568" not in shown


def test_try_needs_no_key_and_no_line_where_there_is_no_database_yet(links_config, command):
    config = links_config()
    result = command(config, "try", BINH, "TK,Le Hoa,301234567,1.2.1990", "--format", "json")
    assert (0, "") == (result.status, result.stderr)
    assert "registered" == json.loads(result.stdout)[0]["outcome"]


def test_try_works_where_the_key_cannot_be_read(town, command):
    town.settings.gateway.secret_key_file.unlink()
    result = command(town, "try", "0905000009", "TK,Le Hoa,301234567,1.2.1990", "--format", "json")
    assert "registered" == json.loads(result.stdout)[0]["outcome"], result.stderr
