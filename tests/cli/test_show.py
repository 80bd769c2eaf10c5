"""How things look: for people, for scripts, for spreadsheets."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smsgw.cli import show
from smsgw.model import Account, AccountState, Direction, Message, MtState

NOW = datetime(2026, 11, 23, 9, 32, 5, tzinfo=UTC)
EYE = show.Eye(ZoneInfo("Asia/Ho_Chi_Minh"), NOW)


@dataclass
class Cell:
    text: Any


CELLS = show.View[Cell](keys=("text",), columns={"text": lambda c, _: c.text}, empty="Nothing.")


def message(**changes):
    values: dict[str, Any] = {
        "id": 7,
        "direction": Direction.MO,
        "phone": "+84905123456",
        "link": "viettel",
        "text": "TK",
        "state": None,
        "outcome": None,
        "created_at": NOW,
    }
    return Message(**(values | changes))


def account(**changes):
    values: dict[str, Any] = {
        "id": 1,
        "cmnd": "001234567",
        "phone": "+84905123456",
        "full_name": "Nguyen Van An",
        "birth_date": date(1990, 2, 1),
        "state": AccountState.ISSUED,
        "link": "viettel",
        "registered_at": NOW - timedelta(hours=1),
        "password_issued_at": NOW - timedelta(hours=1),
        "password_expires_at": NOW + timedelta(days=2, hours=23),
        "reminders": 0,
    }
    return Account(**(values | changes))


SPANS = {
    timedelta(seconds=0): "0 s",
    timedelta(seconds=59): "59 s",
    timedelta(minutes=3): "3 min",
    timedelta(minutes=119): "119 min",
    timedelta(hours=2): "2 h",
    timedelta(hours=47): "47 h",
    timedelta(days=2, hours=23): "3 d",
}


@pytest.mark.parametrize(("duration", "words"), SPANS.items(), ids=SPANS.values())
def test_a_duration_is_said_in_one_unit(duration, words):
    assert words == show.span(duration)


def test_a_moment_to_come_and_one_gone_by():
    assert "in 3 min" == EYE.age(NOW + timedelta(minutes=3))
    assert "3 min ago" == EYE.age(NOW - timedelta(minutes=3))
    assert "-" == EYE.age(None)


def test_people_read_the_gateways_local_time():
    assert "2026-11-23 16:32:05" == EYE.time(NOW)


def test_a_time_of_another_year_names_it():
    assert "23 Nov 16:32" == EYE.short(NOW)
    assert "2025-11-23" == EYE.short(NOW - timedelta(days=365))


FORMULAS = {
    "=1+1": "'=1+1",
    "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0",
    "-2+3": "'-2+3",
    "@SUM(1)": "'@SUM(1)",
    "\t=1": "'\t'=1",
    "\n=1": "'\n'=1",
    "\r=1": "' =1",
    "＝1": "'＝1",
    "TK;=1+1": "TK;'=1+1",
    "TK, =1+1": "TK,' =1+1",
    "TK\n@SUM(1)": "TK\n'@SUM(1)",
    'TK",=1': "TK\",'=1",
    'TK"=1': "TK\"'=1",
    "TK|-1": "TK|'-1",
    "TK;+84905123456": "TK;'+84905123456",
}


@pytest.mark.parametrize(("text", "shown"), FORMULAS.items(), ids=map(repr, FORMULAS))
def test_no_spreadsheet_takes_a_text_or_a_part_of_it_for_a_formula(text, shown, capsys):
    show.show(CELLS, [Cell(text)], "csv", EYE)
    ((cell,),) = list(csv.reader(io.StringIO(capsys.readouterr().out, newline="")))[1:]
    assert shown == cell


@pytest.mark.parametrize("text", ["+84905123456", "Nguyen Van An", "1-2", "'=1", ""])
def test_what_is_no_formula_stays_as_it_is(text, capsys):
    show.show(CELLS, [Cell(text)], "csv", EYE)
    ((cell,),) = list(csv.reader(io.StringIO(capsys.readouterr().out)))[1:]
    assert text == cell


@pytest.mark.parametrize("text", ["+84905123456=1", "+", "+٣٤", "++84905123456"])
def test_only_digits_behind_the_plus_are_a_phone_number(text, capsys):
    show.show(CELLS, [Cell(text)], "csv", EYE)
    assert f"'{text}" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["table", "json", "csv"])
@pytest.mark.parametrize("char", ["\x1b", "\x9b", "\u202e", "\x07", "\x00", "\u2028"])
def test_a_text_cannot_steer_the_terminal(form, char, capsys):
    show.show(show.MESSAGES, [message(text=f"a{char}[31mb")], form, EYE)
    assert char not in capsys.readouterr().out


def test_a_text_of_several_lines_stays_on_one(capsys):
    show.show(show.MESSAGES, [message(text="one\ntwo")], "table", EYE)
    assert "one two" in capsys.readouterr().out


def test_json_is_the_text_to_the_letter(capsys):
    text = 'Nguyễn "Đào"\n\x1b\u202e'
    show.show(show.MESSAGES, [message(text=text)], "json", EYE)
    assert text == json.loads(capsys.readouterr().out)[0]["text"]


def test_a_text_that_could_not_be_read_is_null_in_json_and_words_in_the_table(capsys):
    show.show(show.MESSAGES, [message(text=None)], "json", EYE)
    assert json.loads(capsys.readouterr().out)[0]["text"] is None
    show.show(show.MESSAGES, [message(text=None)], "table", EYE)
    assert "(could not be read)" in capsys.readouterr().out


def test_nothing_is_an_array_a_header_and_a_sentence(capsys):
    show.show(CELLS, [], "json", EYE)
    assert [] == json.loads(capsys.readouterr().out)
    show.show(CELLS, [], "csv", EYE)
    assert "text\n" == capsys.readouterr().out
    show.show(CELLS, [], "table", EYE)
    assert "Nothing.\n" == capsys.readouterr().out


def test_a_cmnd_keeps_its_leading_zeros_in_every_format(capsys):
    for form in show.Format:
        show.show(show.ACCOUNTS, [account()], form, EYE)
        assert "001234567" in capsys.readouterr().out


def test_an_account_says_when_its_password_expires(capsys):
    show.show(show.ACCOUNTS, [account()], "table", EYE)
    assert "expires in 3 d" in capsys.readouterr().out


PASSWORDS = {
    "expired 2 h ago": {"password_expires_at": NOW - timedelta(hours=2)},
    "own": {"state": AccountState.ACTIVE, "password_expires_at": None},
    "deleted": {"password_expires_at": None},
}


@pytest.mark.parametrize(("words", "changes"), PASSWORDS.items(), ids=PASSWORDS)
def test_an_account_says_how_its_password_stands(words, changes, capsys):
    show.show(show.ACCOUNTS, [account(**changes)], "table", EYE)
    assert words in capsys.readouterr().out


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_a_table_fits_the_terminal(width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    long = account(full_name="Nguyen " * 14)
    show.show(show.ACCOUNTS, [long], "table", EYE)
    fixed = 100 - len("Nguyen Van An")  # the other columns cannot be made narrower
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= max(width, fixed + show.NARROWEST_TEXT)


def test_a_failed_text_says_why(capsys):
    failed = message(
        direction=Direction.MT, state=MtState.FAILED, reason="UNDELIV err:012", text="Loi. " * 30
    )
    show.show(show.MESSAGES, [failed], "table", EYE)
    out = capsys.readouterr().out
    assert "UNDELIV" in out
    assert "Loi. Loi. " * 4 not in out


def test_a_long_list_comes_in_pieces_with_their_own_headings(capsys):
    show.show(show.ACCOUNTS, (account(id=n) for n in range(501)), "table", EYE)
    lines = capsys.readouterr().out.splitlines()
    assert 2 == sum(line.startswith("user name") for line in lines)
    assert 501 == sum(line.startswith("001234567") for line in lines)


def test_json_of_many_is_one_array(capsys):
    show.show(show.ACCOUNTS, (account(id=n) for n in range(3)), "json", EYE)
    assert 3 == len(json.loads(capsys.readouterr().out))
