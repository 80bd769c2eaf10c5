"""What people type: times in any writing, names that are nearly right, names to look for."""

import json
from datetime import timedelta

import pytest
from freezegun import freeze_time

from tests.cli.conftest import BINH


def names(result):
    assert 0 == result.status, result.stderr
    return [account["full_name"] for account in json.loads(result.stdout)]


def listed(town, command, *options):
    return names(command(town, "accounts", "list", *options, "--format", "json"))


# --- times ----------------------------------------------------------------------------------------

# It is 16:32 of the 23rd there.
SINCE = {
    "23/11/2026": "2026-11-22T17:00:00.000Z",
    "3/1/2026": "2026-01-02T17:00:00.000Z",
    "23/11/2026 16:31": "2026-11-23T09:31:00.000Z",
    "23/11/2026T16:31:30": "2026-11-23T09:31:30.000Z",
    "yesterday": "2026-11-21T17:00:00.000Z",
    "Yesterday": "2026-11-21T17:00:00.000Z",
    "today": "2026-11-22T17:00:00.000Z",
    "2026-11-23": "2026-11-22T17:00:00.000Z",
    "2026-11-23T16:31": "2026-11-23T09:31:00.000Z",
    "7d": "2026-11-16T09:32:05.000Z",
}


@pytest.mark.parametrize(("since", "start"), SINCE.items(), ids=SINCE)
def test_time_in_any_writing(frozen_town, command, since, start):
    with freeze_time(frozen_town.now):
        found = command(frozen_town, "messages", "list", "--since", since, "--format", "json")
        everything = command(frozen_town, "messages", "list", "--format", "json")
    expected = [m for m in json.loads(everything.stdout) if m["created_at"] >= start]
    assert expected == json.loads(found.stdout)


TAKE_A_TIME = {
    "messages": "messages list --since",
    "stats": "stats --since",
    "audit": "audit --since",
    "close-many": "accounts close-many --reason x --yes --registered-since",
}


@pytest.mark.parametrize("line", TAKE_A_TIME.values(), ids=TAKE_A_TIME)
@pytest.mark.parametrize("time", ["31/02/2026", "2026-02-30", "12/24/2025", "tomorrow", "5", ""])
def test_date_that_is_none_is_one_clear_line(town, command, line, time):
    result = command(town, *line.split(), time)
    assert (2, "", 2) == (result.status, result.stdout, len(result.stderr.splitlines()))
    for writing in ("2026-11-24T16:30", "24/12/2025", "yesterday", "7d"):
        assert writing in result.stderr


@pytest.mark.parametrize("line", TAKE_A_TIME.values(), ids=TAKE_A_TIME)
@pytest.mark.parametrize("time", ["24/12/2025", "yesterday", "2h"])
def test_every_option_of_a_time_takes_each_writing(empty_town, command, line, time):
    assert 0 == command(empty_town, *line.split(), time).status


# --- did you mean ---------------------------------------------------------------------------------

MEANT = {
    "account": "No such command 'account'. Did you mean accounts?",
    "acounts list": "No such command 'acounts'. Did you mean accounts?",
    "stat": "No such command 'stat'.",
    "accounts lst": "No such command 'lst'. Did you mean list?",
    "accounts reset 0905123456": "No such command 'reset'. Did you mean reset-password?",
    "history 0905123456": "No such command 'history'. Did you mean accounts history?",
    "retry 7": "No such command 'retry'. Did you mean outbox retry?",
    "xyzzy": "No such command 'xyzzy'. See",
    "accounts list --stat issued": "No such option '--stat'. Did you mean --state?",
    "messages list --sicne 2h": "No such option '--sicne'. Did you mean --since?",
    "accounts list --state isued": "Did you mean issued?",
    "messages list --state deliverd": "Did you mean delivered?",
    "stats --format jsn": "Did you mean json?",
}


@pytest.mark.parametrize(("line", "words"), MEANT.items(), ids=MEANT)
def test_what_was_probably_meant(town, command, line, words):
    result = command(town, *line.split())
    assert (2, "", 2) == (result.status, result.stdout, len(result.stderr.splitlines()))
    assert words in result.stderr


def test_unknown_link_is_told_with_those_there_are(town, command):
    result = command(
        town,
        *("accounts", "close-many", "--registered-since", "2h"),
        *("--reason", "x", "--yes", "--link", "vietel"),
    )
    assert (1, "") == (result.status, result.stdout)
    assert "smsgw: no link 'vietel': there are mobi, viettel; did you mean viettel?\n" == (
        result.stderr
    )


def test_backup_to_standard_output_is_refused(town, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for options in ([], ["--keep", "3"]):
        result = command(town, "backup", *options, "-")
        assert (1, "", 1) == (result.status, result.stdout, len(result.stderr.splitlines()))
    assert not (tmp_path / "-").exists()


# --- lists ----------------------------------------------------------------------------------------

NAMES = {
    "Nguyen": ["Nguyen Van An", "Nguyen Thi Dao"],
    "NGUYỄN": ["Nguyen Van An", "Nguyen Thi Dao"],
    "thị   đào": ["Nguyen Thi Dao"],
    "dao": ["Nguyen Thi Dao"],
    "%": [],
    "tran binh": ["Tran Binh"],
    "nobody": [],
}


@pytest.mark.parametrize(("name", "expected"), NAMES.items(), ids=NAMES)
def test_name_is_found_whatever_its_diacritics_and_case(town, command, name, expected):
    assert expected == listed(town, command, "--name", name)


def test_newest_first_and_no_more_than_asked_for(town, command):
    everybody = listed(town, command)
    assert everybody[::-1] == listed(town, command, "--newest")
    assert ["Tran Binh"] == listed(town, command, "--newest", "--limit", "1")
    assert everybody[:2] == listed(town, command, "--limit", "2")


def test_filters_hold_together(town, command):
    issued = ("--state", "issued")
    assert ["Nguyen Van An"] == listed(town, command, *issued, "--name", "nguyen")
    within = ("--expiring-within", "4d")
    assert ["Nguyen Van An", "Tran Binh"] == listed(town, command, *within)
    assert ["Tran Binh", "Nguyen Van An"] == listed(town, command, *within, "--newest")
    assert ["Tran Binh"] == listed(town, command, *within, "--name", "binh")
    assert [] == listed(town, command, *within, "--state", "closed")


def test_many_accounts_are_read_in_steps_without_gap_or_twin(town, command, monkeypatch):
    monkeypatch.setattr("smsgw.store.verbs.accounts._ACCOUNTS_AT_ONCE", 2)
    monkeypatch.setattr("smsgw.store.verbs.accounts._IDS_AT_ONCE", 3)
    for number in range(8):
        town.text(f"8490600000{number}", f"TK,Le Van,40123456{number},1.2.1990", timedelta(hours=1))
    everybody = [account.id for account in town.hotline.accounts()]
    assert list(range(1, 12)) == everybody
    assert everybody[::-1] == [account.id for account in town.hotline.accounts(newest=True)]
    found = town.hotline.accounts(name="le", newest=True, limit=5)
    assert [11, 10, 9, 8, 7] == [account.id for account in found]


# --- try ------------------------------------------------------------------------------------------

WHOSE = {
    "TK,A B,201234568,1.2.1990": "the CMND has an account, with the phone *****002",
    "TK,A B,001234567,1.2.1990": "phone and CMND have an account together: *****567 of *****001",
    "TK,A B,309999999,1.2.1990": "the phone has an account, with the CMND *****567",
}


@pytest.mark.parametrize(("text", "detail"), WHOSE.items(), ids=WHOSE)
def test_try_says_whose_account_it_is(town, command, text, detail):
    shown = command(town, "try", "0905000001", text, "--format", "json")
    (trial,) = json.loads(shown.stdout)
    assert detail in trial["detail"]


def test_two_accounts_of_one_key_are_told_apart(town, command):
    town.text("84905000020", f"TK,Pham Tam,{BINH[2:]},1.2.1991", timedelta(hours=2))
    shown = command(town, "accounts", "show", BINH[2:]).stdout
    first = f"{BINH[2:]} is the phone of one account and the CMND of another: here are both."
    assert first == shown.splitlines()[0]
