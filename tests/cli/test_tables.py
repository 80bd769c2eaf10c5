"""How things look: for people, for scripts, for spreadsheets."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smsgw.cli import tables, terminal, views
from smsgw.model import Account, AccountState, DayCount, Direction, Message, MtState
from smsgw.words import Viewer, span

NOW = datetime(2026, 11, 23, 9, 32, 5, tzinfo=UTC)
VIEWER = Viewer(ZoneInfo("Asia/Ho_Chi_Minh"), NOW)


@dataclass
class Cell:
    text: Any


CELLS = tables.View[Cell](keys=("text",), columns={"text": lambda c, _: c.text}, empty="Nothing.")


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
    assert words == span(duration)


def test_a_moment_to_come_and_one_gone_by():
    assert "in 3 min" == VIEWER.age(NOW + timedelta(minutes=3))
    assert "3 min ago" == VIEWER.age(NOW - timedelta(minutes=3))
    assert "-" == VIEWER.age(None)


def test_people_read_the_gateways_local_time():
    assert "2026-11-23 16:32:05" == VIEWER.time(NOW)


def test_a_time_of_another_year_names_it():
    assert "23 Nov 16:32" == VIEWER.short(NOW)
    assert "2025-11-23" == VIEWER.short(NOW - timedelta(days=365))


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
    tables.show(CELLS, [Cell(text)], "csv", VIEWER)
    ((cell,),) = list(csv.reader(io.StringIO(capsys.readouterr().out, newline="")))[1:]
    assert shown == cell


@pytest.mark.parametrize("text", ["+84905123456", "Nguyen Van An", "1-2", "'=1", ""])
def test_what_is_no_formula_stays_as_it_is(text, capsys):
    tables.show(CELLS, [Cell(text)], "csv", VIEWER)
    ((cell,),) = list(csv.reader(io.StringIO(capsys.readouterr().out)))[1:]
    assert text == cell


@pytest.mark.parametrize("text", ["+84905123456=1", "+", "+٣٤", "++84905123456"])
def test_only_digits_behind_the_plus_are_a_phone_number(text, capsys):
    tables.show(CELLS, [Cell(text)], "csv", VIEWER)
    assert f"'{text}" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["table", "json", "csv"])
@pytest.mark.parametrize("char", ["\x1b", "\x9b", "\u202e", "\x07", "\x00", "\u2028"])
def test_a_text_cannot_steer_the_terminal(form, char, capsys):
    tables.show(views.MESSAGES, [message(text=f"a{char}[31mb")], form, VIEWER)
    assert char not in capsys.readouterr().out


def test_a_text_of_several_lines_stays_on_one(capsys):
    tables.show(views.MESSAGES, [message(text="one\ntwo")], "table", VIEWER)
    assert "one two" in capsys.readouterr().out


def test_json_is_the_text_to_the_letter(capsys):
    text = 'Nguyễn "Đào"\n\x1b\u202e'
    tables.show(views.MESSAGES, [message(text=text)], "json", VIEWER)
    assert text == json.loads(capsys.readouterr().out)[0]["text"]


def test_a_text_that_could_not_be_read_is_null_in_json_and_words_in_the_table(capsys):
    tables.show(views.MESSAGES, [message(text=None)], "json", VIEWER)
    assert json.loads(capsys.readouterr().out)[0]["text"] is None
    tables.show(views.MESSAGES, [message(text=None)], "table", VIEWER)
    assert "(could not be read)" in capsys.readouterr().out


def test_nothing_is_an_array_a_header_and_a_sentence(capsys):
    tables.show(CELLS, [], "json", VIEWER)
    assert [] == json.loads(capsys.readouterr().out)
    tables.show(CELLS, [], "csv", VIEWER)
    assert "text\n" == capsys.readouterr().out
    tables.show(CELLS, [], "table", VIEWER)
    assert "Nothing.\n" == capsys.readouterr().out


def test_a_cmnd_keeps_its_leading_zeros_in_every_format(capsys):
    for form in tables.Format:
        tables.show(views.ACCOUNTS, [account()], form, VIEWER)
        assert "001234567" in capsys.readouterr().out


def test_an_account_says_when_its_password_expires(capsys):
    tables.show(views.ACCOUNTS, [account()], "table", VIEWER)
    assert "expires in 3 d" in capsys.readouterr().out


PASSWORDS = {
    "expired 2 h ago": {"password_expires_at": NOW - timedelta(hours=2)},
    "own": {"state": AccountState.ACTIVE, "password_expires_at": None},
    "deleted": {"password_expires_at": None},
}


@pytest.mark.parametrize(("words", "changes"), PASSWORDS.items(), ids=PASSWORDS)
def test_an_account_says_how_its_password_stands(words, changes, capsys):
    tables.show(views.ACCOUNTS, [account(**changes)], "table", VIEWER)
    assert words in capsys.readouterr().out


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_a_table_fits_the_terminal(width, capsys, monkeypatch):
    monkeypatch.setattr(terminal, "width", lambda: width)
    long = account(full_name="Nguyen " * 14)
    tables.show(views.ACCOUNTS, [long], "table", VIEWER)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= width


def test_wide_letters_and_marks_stand_in_their_columns(capsys):
    view = tables.View[Cell](
        keys=(), columns={"text": lambda c, _: c.text, "end": lambda _c, _v: "|"}
    )
    tables.show(view, [Cell("漢字"), Cell("e\u0301"), Cell("abcd")], "table", VIEWER)
    *_, wide, marked, plain = capsys.readouterr().out.splitlines()
    assert ("漢字  |", "e\u0301     |", "abcd  |") == (wide, marked, plain)


def test_bar_grows_with_the_texts_of_the_day(capsys):
    days = [
        DayCount(date(2026, 11, day), Direction.MO, "registered", count)
        for day, count in enumerate((1, 500, 1000), start=1)
    ]
    views.show_stats(days, "table", VIEWER)
    bars = [line.count("█") for line in capsys.readouterr().out.splitlines()[-3:]]
    assert [0, 10, 20] == bars


def test_a_failed_text_says_why(capsys):
    failed = message(
        direction=Direction.MT, state=MtState.FAILED, reason="UNDELIV err:012", text="Loi. " * 30
    )
    tables.show(views.MESSAGES, [failed], "table", VIEWER)
    out = capsys.readouterr().out
    assert "UNDELIV" in out
    assert "Loi. Loi. " * 4 not in out


def test_a_long_list_comes_in_pieces_with_their_own_headings(capsys):
    tables.show(views.ACCOUNTS, (account(id=n) for n in range(501)), "table", VIEWER)
    lines = capsys.readouterr().out.splitlines()
    assert 2 == sum(line.startswith("user name") for line in lines)
    assert 501 == sum(line.startswith("001234567") for line in lines)


def test_json_of_many_is_one_array(capsys):
    tables.show(views.ACCOUNTS, (account(id=n) for n in range(3)), "json", VIEWER)
    assert 3 == len(json.loads(capsys.readouterr().out))
