"""After a flood: the accounts that it left are ended together, and nobody else's."""

import csv
import io
import json
from contextlib import closing
from datetime import timedelta

import pytest

from smsgw.cli.close_many import MOST_SHOWN
from smsgw.gateway import CLOSED_AT_ONCE
from smsgw.store import open_store
from tests.house import story_of

FLOOD = [f"8490700{n:04}" for n in range(25)]
HONEST = "84912000001"  #: an hour before the flood
ACTIVE = "84907999999"  #: in the midst of it, with a password of the citizen's own by now
OTHER_LINK = "84907888888"


def cmnd(phone):
    return f"2{phone[-8:]}"


@pytest.fixture
def town(empty_town):
    town = empty_town
    register(town, HONEST, timedelta(hours=3))
    for phone in [*FLOOD, ACTIVE]:
        register(town, phone, timedelta(hours=1))
    register(town, OTHER_LINK, timedelta(hours=1), link="mobi")
    town.hotline.set_password(ACTIVE, "correct horse", "linh", town.now)
    return town


def register(town, phone, ago, link="viettel"):
    town.text(phone, f"TK,Nguyen Van An,{cmnd(phone)},01.02.1990", ago, link)


def close(command, town, *options, input="", since="2h"):
    reason = ("--reason", "flood of Monday")
    since = ("--registered-since", since)
    return command(town, "accounts", "close-many", *since, *reason, *options, input=input)


def state(town, phone):
    return town.hotline.exact(phone).account.state


def closed(town):
    return [a.phone for a in town.store.accounts() if a.state == "closed"]


def test_flood_is_ended_and_nobody_else(town, command):
    result = close(command, town, "--link", "viettel", "--phone-prefix", "0907", "--yes")
    assert (0, "") == (result.status, result.stderr)
    assert "25 accounts closed" == result.stdout.splitlines()[-1]
    assert [f"+{phone}" for phone in FLOOD] == closed(town)
    assert ["issued", "active"] == [state(town, phone) for phone in (HONEST, ACTIVE)]
    assert town.opens(ACTIVE, "correct horse")


def test_each_account_keeps_who_did_it_and_why(town, command):
    close(command, town, "--yes")
    for phone in (FLOOD[0], FLOOD[-1], OTHER_LINK):
        (entry,) = [e for e in story_of(town.hotline.history(phone)) if e.what == "closed"]
        assert ("linh", "flood of Monday") == (entry.actor, entry.reason)


def test_phones_and_cmnd_of_the_flood_may_register_again(town, command):
    close(command, town, "--yes")
    register(town, FLOOD[0], timedelta(0))
    assert "issued" == state(town, FLOOD[0])


def test_passwords_that_wait_are_not_sent_any_more(town, command):
    town.text("84907111111", f"TK,An,{cmnd('84907111111')},01.02.1990", timedelta(0), taken=False)
    close(command, town, "--yes")
    assert {"cancelled"} == {m.state for m in town.store.messages(phone="+84907111111") if m.state}


def test_first_accounts_and_their_number_are_shown_before_it_asks(town, command):
    result = close(command, town, "--phone-prefix", "+84907")
    lines = result.stdout.splitlines()
    assert MOST_SHOWN == sum("Nguyen Van An" in line for line in lines)
    assert lines[-2:] == ["... and 6 more", "End 26 issued accounts? [y/N] "]


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "yes please\n", "j\n", "y y\n", "\u1ef9\n"])
def test_anything_but_a_yes_ends_nobody(town, command, answer):
    result = close(command, town, input=answer)
    assert 1 == result.status
    assert ["smsgw: nothing was closed: only the answer y ends them, or --yes"] == (
        result.stderr.splitlines()
    )
    assert [] == closed(town)


@pytest.mark.parametrize("answer", ["y\n", "y", "Y\r\n"])
def test_a_yes_on_standard_input_ends_them(town, command, answer):
    result = close(command, town, input=answer)
    assert (0, "") == (result.status, result.stderr)
    assert 26 == len(closed(town))


def test_nobody_to_end_is_said_and_nothing_asked(town, command):
    result = close(command, town, "--phone-prefix", "+855")
    assert (0, "No such accounts.\n", "") == (result.status, result.stdout, result.stderr)


@pytest.mark.parametrize("prefix", ["+84907", "84907", "0907", "84 907", "0084907"])
def test_beginning_of_a_number_is_read_in_any_writing(town, command, prefix):
    close(command, town, "--phone-prefix", prefix, "--yes")
    assert 26 == len(closed(town))
    assert f"+{HONEST}" not in closed(town)


@pytest.mark.parametrize("options", [("--phone-prefix", "ABC"), ("--phone-prefix", "")])
def test_what_begins_no_number_is_wrong_usage(town, command, options):
    assert 2 == close(command, town, *options, "--yes").status
    assert [] == closed(town)


def test_moment_is_needed_and_a_reason(town, command):
    for given in (["--reason", "x"], ["--registered-since", "2h"]):
        assert 2 == command(town, "accounts", "close-many", *given, "--yes").status
    assert [] == closed(town)


def test_scripts_get_all_accounts_and_nothing_else(town, command):
    result = close(command, town, "--format", "json", "--yes")
    assert 26 == len(json.loads(result.stdout))
    assert "26 accounts closed\n" == result.stderr
    assert "[]\n" == close(command, town, "--format", "json", "--yes").stdout


def test_without_a_yes_scripts_get_the_accounts_and_one_line_of_fault(town, command):
    result = close(command, town, "--format", "csv")
    assert 26 == len(list(csv.DictReader(io.StringIO(result.stdout))))
    assert (1, 1) == (result.status, len(result.stderr.splitlines()))
    assert [] == closed(town)


def test_account_that_changes_while_it_asks_is_left_alone(town):
    ids = town.hotline.issued_since(town.now - timedelta(hours=2))
    town.hotline.set_password(FLOOD[3], "correct horse", "linh", town.now)
    town.hotline.close_account(FLOOD[4], "asked", "linh", town.now)
    assert 24 == sum(town.hotline.close_issued(ids, "flood", "linh", town.now))
    assert "active" == state(town, FLOOD[3])
    (entry,) = [e for e in story_of(town.hotline.history(FLOOD[4])) if e.what == "closed"]
    assert "asked" == entry.reason


def test_reservation_for_an_owner_outlives_the_flood_s_end(town, command):
    town.hotline.close_account(
        FLOOD[0], "not its owner", "linh", town.now, reserve_for="0905777001"
    )
    register(town, "84905777001", timedelta(0))
    close(command, town, "--yes")
    assert "+84905777001" == town.hotline.reservation(cmnd(FLOOD[0]), town.now).phone


def test_daemon_writes_between_the_steps(town):
    for n in range(3 * CLOSED_AT_ONCE):
        register(town, f"8490711{n:04}", timedelta(0))
    ids = town.hotline.issued_since(town.now - timedelta(hours=2))
    steps = 0
    with closing(open_store(town.database, busy_timeout=timedelta(0))) as daemon:
        for _ in town.hotline.close_issued(ids, "flood", "linh", town.now):
            steps += 1
            with daemon.transaction():
                daemon.set_fact("step", str(steps))
    assert 4 == steps
