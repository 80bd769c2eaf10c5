"""Commands that look: what people and scripts get to see of a town with some history."""

import csv
import io
import json
import time
from datetime import datetime, timedelta

import pytest
from freezegun import freeze_time

from smsgw.cli import look
from smsgw.store.sqlite.sql import STATEMENTS
from tests import raw_sqlite

ACCOUNT_KEYS = [
    "username",
    "phone",
    "cmnd",
    "full_name",
    "birth_date",
    "state",
    "registered_at",
    "password_issued_at",
    "password_expires_at",
    "reminders",
    "link",
]
MESSAGE_KEYS = ["id", "direction", "phone", "link", "text", "state", "outcome", "created_at"]

LOOKS = {
    "check-config": ("check-config",),
    "accounts list": ("accounts", "list"),
    "accounts show": ("accounts", "show", "0905000002"),
    "accounts history": ("accounts", "history", "0905000002"),
    "messages list": ("messages", "list"),
    "outbox list": ("outbox", "list"),
    "links": ("links",),
    "stats": ("stats",),
    "try": ("try", "0905000009", "TK,Le Hoa,201234570,1.2.1990"),
    "expire": ("expire",),
    "purge": ("purge",),
}


def rows(result):
    assert 0 == result.status, result.stderr
    return json.loads(result.stdout)


def moment(text):
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("arguments", LOOKS.values(), ids=LOOKS)
def test_every_look_has_its_three_formats(town, command, arguments):
    table = command(town, *arguments)
    as_json = rows(command(town, *arguments, "--format", "json"))
    as_csv = command(town, *arguments, "--format", "csv")
    assert 0 == table.status == as_csv.status
    assert table.stdout.strip()
    assert isinstance(as_json, list)
    header, *lines = csv.reader(io.StringIO(as_csv.stdout))
    assert len(lines) == len(as_json)
    assert all(header == list(record) for record in as_json)
    assert "" == table.stderr == as_csv.stderr


# --- accounts -----------------------------------------------------------------------------------


def test_an_account_has_the_keys_that_scripts_rely_on(town, command):
    (account,) = rows(command(town, "accounts", "show", "0905000002", "--format", "json"))
    assert ACCOUNT_KEYS == list(account)
    issued_at = account.pop("password_issued_at")
    assert issued_at == account.pop("registered_at")
    assert timedelta(days=3) == moment(account.pop("password_expires_at")) - moment(issued_at)
    assert {
        "username": "201234568",
        "phone": "+84905000002",
        "cmnd": "201234568",
        "full_name": "Tran Binh",
        "birth_date": "1991-02-01",
        "state": "issued",
        "reminders": 0,
        "link": "viettel",
    } == account


def test_accounts_are_listed_as_they_are_shown(town, command):
    for account in rows(command(town, "accounts", "list", "--format", "json")):
        assert ACCOUNT_KEYS == list(account)


KEYS = ["201234568", "0905000002", "+84 905 000 002", "84905000002", "0905.000.002", "201 234 568"]


@pytest.mark.parametrize("key", KEYS)
def test_an_account_is_found_by_user_name_phone_or_cmnd(town, command, key):
    (account,) = rows(command(town, "accounts", "show", key, "--format", "json"))
    assert "201234568" == account["username"]


@pytest.mark.parametrize("key", ["0905999999", "299999999", "nobody", "", "'; DROP TABLE accounts"])
def test_nobody_is_found_by_a_key_that_is_none(town, command, key):
    result = command(town, "accounts", "show", key)
    assert (1, "", 1) == (result.status, result.stdout, len(result.stderr.splitlines()))
    assert result.stderr.startswith("smsgw: no account ")


def test_accounts_by_state(town, command):
    by_state = {
        state: [
            account["username"]
            for account in rows(
                command(town, "accounts", "list", "--state", state, "--format", "json")
            )
        ]
        for state in ("issued", "active", "closed")
    }
    expected = {"issued": ["001234567", "201234568"], "active": [], "closed": ["201234569"]}
    assert expected == by_state


WITHIN = {"30m": ["001234567"], "2h": ["001234567"], "4d": ["001234567", "201234568"]}


@pytest.mark.parametrize(("within", "expected"), WITHIN.items(), ids=WITHIN)
def test_accounts_whose_password_expires_soon(town, command, within, expected):
    found = rows(command(town, "accounts", "list", "--expiring-within", within, "--format", "json"))
    assert expected == [account["username"] for account in found]


def test_no_account_in_words(town, command):
    result = command(town, "accounts", "list", "--state", "active")
    assert "No such accounts.\n" == result.stdout


def test_a_history_tells_the_whole_story(town, command):
    command(town, "accounts", "reset-password", "201234568")
    command(town, "accounts", "set-password", "201234568", input="correct horse\n")
    command(town, "accounts", "close", "201234568", "--reason", "moved away")
    story = rows(command(town, "accounts", "history", "0905000002", "--format", "json"))
    assert all(["at", "what", "detail", "actor", "reason"] == list(entry) for entry in story)
    assert sorted(entry["at"] for entry in story) == [entry["at"] for entry in story]
    done = [(entry["what"], entry["actor"], entry["reason"]) for entry in story]
    for expected in [
        ("mo", None, None),
        ("mt sent", None, None),
        ("registered", None, None),
        ("new password", "linh", None),
        ("own password", "linh", None),
        ("closed", "linh", "moved away"),
    ]:
        assert expected in done


def test_a_citizen_without_account_has_a_history_of_texts(town, command):
    story = rows(command(town, "accounts", "history", "0905000004", "--format", "json"))
    assert "mt failed" in [entry["what"] for entry in story]
    assert "UNDELIV err:012" in [entry["reason"] for entry in story]


# --- messages and outbox ------------------------------------------------------------------------


def test_a_message_has_the_keys_that_scripts_rely_on(town, command):
    newest, *_, oldest = rows(command(town, "messages", "list", "--format", "json"))
    assert [*MESSAGE_KEYS, "reason", "smsc_id"] == list(newest)
    assert [*MESSAGE_KEYS, "reason", "smsc_id"] == list(oldest)
    assert ("mo", "+84905000001", "viettel", None, "registered") == (
        *(oldest[key] for key in ("direction", "phone", "link", "state", "outcome")),
    )
    assert ("mt", "+84905000004", "queued", None) == (
        *(newest[key] for key in ("direction", "phone", "state", "outcome")),
    )
    assert moment(oldest["created_at"]) < moment(newest["created_at"])


def test_a_password_in_a_text_is_masked(town, command):
    found = command(town, "messages", "list", "--phone", "0905000002", "--format", "json")
    (reply, _) = rows(found)
    assert reply["text"].startswith("TK: 201234568, MK: ******** la tai khoan")


@pytest.mark.parametrize("phone", ["0905000002", "+84905000002", "84 905 000 002"])
def test_messages_of_one_phone_in_any_writing(town, command, phone):
    found = rows(command(town, "messages", "list", "--phone", phone, "--format", "json"))
    assert ["+84905000002"] * 2 == [message["phone"] for message in found]


def test_messages_of_a_sender_that_is_no_phone(town, command):
    town.text("VIETTEL", "khuyen mai", timedelta(minutes=1))
    found = rows(command(town, "messages", "list", "--phone", "VIETTEL", "--format", "json"))
    assert [("VIETTEL", "ignored")] == [(m["phone"], m["outcome"]) for m in found]


FILTERS = {
    "--direction mo": 7,
    "--direction mt": 7,
    "--state queued": 1,
    "--state sent": 3,
    "--state delivered": 1,
    "--state failed": 2,
    "--state cancelled": 0,
    "--since 30m": 6,
    "--since 100d": 14,
    "--limit 5": 5,
    "--direction mo --since 30m --limit 2": 2,
}


@pytest.mark.parametrize(("options", "expected"), FILTERS.items(), ids=FILTERS)
def test_messages_are_filtered(town, command, options, expected):
    found = rows(command(town, "messages", "list", *options.split(), "--format", "json"))
    assert expected == len(found)


SINCE = {
    "2026-11-23": "2026-11-22T17:00:00.000Z",
    "20261123": "2026-11-22T17:00:00.000Z",
    "2026-11-23T16:31": "2026-11-23T09:31:00.000Z",
    "2026-11-23 16:31:00": "2026-11-23T09:31:00.000Z",
    "2026-11-23T09:31Z": "2026-11-23T09:31:00.000Z",
    "2026-11-23T09:31+00:00": "2026-11-23T09:31:00.000Z",
    "2h": "2026-11-23T07:32:05.000Z",
    "2026-11-24": "2026-11-23T17:00:00.000Z",
}


@pytest.mark.parametrize(("since", "start"), SINCE.items(), ids=SINCE)
def test_a_time_without_zone_is_local(frozen_town, command, since, start):
    with freeze_time(frozen_town.now):
        found = rows(command(frozen_town, "messages", "list", "--since", since, "--format", "json"))
        everything = rows(command(frozen_town, "messages", "list", "--format", "json"))
    assert [m for m in everything if m["created_at"] >= start] == found


def test_people_read_local_times_and_ages(frozen_town, command):
    with freeze_time(frozen_town.now):
        messages = command(frozen_town, "messages", "list").stdout
        account = command(frozen_town, "accounts", "show", "0905000002").stdout
    assert "23 Nov 16:31" in messages
    assert "2026-11-23 15:32:05 (60 min ago)" in account
    assert "expires in 3 d" in account


def test_the_outbox_has_what_no_smsc_has_taken(town, command):
    failed, queued = rows(command(town, "outbox", "list", "--format", "json"))
    assert [
        "id",
        "phone",
        "link",
        "text",
        "state",
        "created_at",
        "tries",
        "next_try",
        "reason",
    ] == (list(queued))
    assert (town.waiting_id, "queued") == (queued["id"], queued["state"])
    assert moment(queued["next_try"])
    assert (town.failed_id, "failed", None, "ESME_RINVDSTADR (0x0000000B)") == (
        *(failed[key] for key in ("id", "state", "next_try", "reason")),
    )


def test_an_empty_outbox_in_words(empty_town, command):
    assert command(empty_town, "outbox", "list").stdout.startswith("The outbox is empty")


# --- stats and try ------------------------------------------------------------------------------


def test_counts_by_local_day_and_outcome(frozen_town, command):
    with freeze_time(frozen_town.now):
        counts = rows(command(frozen_town, "stats", "--format", "json"))
        since = rows(command(frozen_town, "stats", "--since", "1d", "--format", "json"))
        table = command(frozen_town, "stats").stdout
    assert {"day": "2026-11-20", "direction": "mo", "outcome": "registered", "count": 1} in counts
    assert {"day": "2026-11-23", "direction": "mt", "outcome": "failed", "count": 2} in counts
    assert {"2026-11-23"} == {count["day"] for count in since}
    assert "MO syntax error" in table
    assert 3 == sum(line.startswith("2026-11-2") for line in table.splitlines())


TRIALS = {
    "TK,Le Hoa,201234570,1.2.1990": ("registered", "TK: 201234570, MK: ********"),
    "xin chao": ("syntax_error", "Loi. Tin nhan sai cu phap"),
    "TK,Tran Binh,201234568,1.2.1991": ("already_registered", "So CMND da duoc su dung"),
}


@pytest.mark.parametrize(("text", "expected"), TRIALS.items(), ids=TRIALS)
def test_a_try_says_outcome_and_reply(town, command, text, expected):
    (trial,) = rows(command(town, "try", "0905000009", text, "--format", "json"))
    assert ["outcome", "reply", "detail"] == list(trial)
    assert expected[0] == trial["outcome"]
    assert trial["reply"].startswith(expected[1])


def test_a_try_keeps_nothing(town, command):
    before = list(town.store.accounts()), town.store.messages(), town.store.outbox()
    assert 0 == command(town, "try", "0905000009", "TK,Le Hoa,201234570,1.2.1990").status
    assert before == (list(town.store.accounts()), town.store.messages(), town.store.outbox())


def test_a_sender_that_is_no_phone_gets_no_reply(town, command):
    (trial,) = rows(command(town, "try", "VIETTEL", "TK", "--format", "json"))
    assert ("ignored", None) == (trial["outcome"], trial["reply"])


def test_status_answers_within_five_seconds_beside_a_lock_that_stays(town, command):
    other = raw_sqlite.connect(town.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    result = command(town, "status")
    took = time.monotonic() - started
    other.close()
    assert 1 == result.status
    assert "locked" in result.stdout
    assert took < 5


def test_status_answers_within_five_seconds_however_much_there_is_to_read(
    town, command, monkeypatch
):
    monkeypatch.setattr(look, "READ_PATIENCE", timedelta(milliseconds=20))
    endless = (
        "WITH RECURSIVE n (i) AS (VALUES (:after) UNION ALL SELECT i + 1 FROM n)"
        " SELECT count(*), :limit, :held FROM n"
    )
    monkeypatch.setitem(STATEMENTS, "reports.COUNT_SOME_OF_OUTBOX", endless)
    result = command(town, "status")
    assert 1 == result.status
    assert "does not answer within 0.02 s" in result.stdout
