"""KEY: in how many words, of how many accounts, and from where."""

import json
from datetime import timedelta

import pytest

from tests.cli.conftest import ISSUED_PASSWORD

#: The phone of one citizen, without its zero, is the CMND of another.
KEY = "905777001"


@pytest.fixture
def twins(town):
    town.text("84905777001", "TK,Le Hoa,301234567,1.2.1990", timedelta(hours=3))
    town.text("84905000008", f"TK,Pham Tam,{KEY},1.2.1991", timedelta(hours=2))
    return town


def shown(town, command, *key):
    result = command(town, "accounts", "show", *key, "--format", "json")
    assert 0 == result.status, result.stderr
    return [(account["full_name"], account["state"]) for account in json.loads(result.stdout)]


WRITINGS = [
    ["0905", "000", "002"],
    ["+84", "905", "000", "002"],
    ["84.905.000.002"],
    ["201", "234", "568"],
    ["201.234.568"],
    ["phone:0905000002"],
    ["PHONE:", "0905 000 002"],
    ["cmnd:201234568"],
    ["cmnd:", "201", "234", "568"],
    ["２０１２３４５６８"],
]


@pytest.mark.parametrize("words", WRITINGS, ids=" ".join)
def test_a_key_in_one_word_or_several(town, command, words):
    assert [("Tran Binh", "issued")] == shown(town, command, *words)


def test_a_key_that_fits_two_accounts_shows_both(twins, command):
    assert [("Pham Tam", "issued"), ("Le Hoa", "issued")] == shown(twins, command, KEY)
    table = command(twins, "accounts", "show", KEY).stdout
    assert "Pham Tam" in table
    assert "Le Hoa" in table
    assert [("Le Hoa", "issued")] == shown(twins, command, f"phone:{KEY}")
    assert [("Pham Tam", "issued")] == shown(twins, command, f"cmnd:{KEY}")


def test_two_histories_are_told_apart(twins, command):
    story = json.loads(command(twins, "accounts", "history", KEY, "--format", "json").stdout)
    assert [KEY, "301234567"] == list(dict.fromkeys(entry["username"] for entry in story))
    table = command(twins, "accounts", "history", KEY).stdout
    assert f"{KEY} · Pham Tam · +84905000008" in table
    assert "301234567 · Le Hoa · +84905777001" in table


def test_an_open_account_hides_a_closed_one_from_who_looks(twins, command):
    command(twins, "accounts", "close", f"cmnd:{KEY}", "--reason", "test")
    assert [("Le Hoa", "issued")] == shown(twins, command, KEY)


@pytest.mark.parametrize("last", ["phone", "cmnd"])
def test_of_closed_ones_the_last_closed_is_shown(twins, command, last):
    first = {"phone": "cmnd", "cmnd": "phone"}[last]
    twins.hotline.close_account(f"{first}:{KEY}", "test", "linh", twins.now - timedelta(minutes=2))
    twins.hotline.close_account(f"{last}:{KEY}", "test", "linh", twins.now - timedelta(minutes=1))
    name = {"phone": "Le Hoa", "cmnd": "Pham Tam"}[last]
    assert [(name, "closed")] == shown(twins, command, KEY)


CHANGES = {
    "reset-password": [],
    "set-password": [],
    "verify-password": [],
    "close": ["--reason", "test"],
}


@pytest.mark.parametrize("closed", [None, "phone", "cmnd"])
@pytest.mark.parametrize("verb", CHANGES)
def test_who_changes_something_must_be_exact(twins, command, verb, closed):
    if closed:
        twins.hotline.close_account(f"{closed}:{KEY}", "test", "linh", twins.now)
    before = twins.hotline.look_up(KEY)
    typed = "correct horse\n" if verb == "set-password" else f"{ISSUED_PASSWORD}\n"
    result = command(twins, "accounts", verb, KEY, *CHANGES[verb], input=typed)
    assert (1, "", 1) == (result.status, result.stdout, len(result.stderr.splitlines()))
    assert "phone:+84905777001" in result.stderr
    assert f"cmnd:{KEY}" in result.stderr
    assert before == twins.hotline.look_up(KEY)
    which = "cmnd" if closed != "cmnd" else "phone"
    exact = command(twins, "accounts", verb, f"{which}:{KEY}", *CHANGES[verb], input=typed)
    assert 0 == exact.status, exact.stderr


def test_without_a_key_the_usage_is_wrong(town, command):
    assert 2 == command(town, "accounts", "show").status


# --- from standard input ------------------------------------------------------------------------


def test_a_key_comes_by_standard_input(town, command):
    result = command(town, "accounts", "show", "-", "--format", "json", input="0905 000 002\n")
    assert "Tran Binh" == json.loads(result.stdout)[0]["full_name"]


def test_a_password_is_the_line_after_the_key(town, command):
    typed = f"0905000002\n{ISSUED_PASSWORD}\n"
    assert 0 == command(town, "accounts", "verify-password", "-", input=typed).status


def test_phone_and_text_of_try_come_in_the_order_of_its_usage(town, command):
    typed = "0905000009\nTK,Le Hoa,301234567,1.2.1990\n"
    result = command(town, "try", "-", "-", "--format", "json", input=typed)
    assert "registered" == json.loads(result.stdout)[0]["outcome"], result.stderr


def test_a_phone_of_an_option_comes_by_standard_input(town, command):
    result = command(
        town, "messages", "list", "--phone", "-", "--format", "json", input="0905000002\n"
    )
    assert {"+84905000002"} == {message["phone"] for message in json.loads(result.stdout)}


@pytest.mark.parametrize("typed", ["", "\n"])
def test_no_line_for_a_key_is_one_clear_line(town, command, typed):
    result = command(town, "accounts", "show", "-", input=typed)
    assert (1, 1) == (result.status, len(result.stderr.splitlines()))


def test_key_and_phone_of_a_reservation_come_in_the_order_of_the_usage(town, command):
    typed = "0905000002\n0905777001\n"
    close = ["accounts", "close", "--reserve-for", "-", "-", "--reason", "not hers"]
    result = command(town, *close, input=typed)
    assert "only +84905777001 may register 201234568" in result.stdout, result.stderr
