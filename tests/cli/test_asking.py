"""Commands that destroy ask whoever sits at a terminal, and nobody else."""

from datetime import timedelta

import pytest

BINH = "0905000002"


def state(town):
    return town.hotline.exact("201234568").account.state


def test_close_names_whom_it_ends_and_takes_yes(town, at_terminal):
    shown = at_terminal(town, "accounts", "close", BINH, "--reason", "x", typed="y\n")
    assert 0 == shown.status
    assert "End account 201234568 of Tran Binh, +84905000002?" in shown.stdout
    assert "closed" == state(town)


@pytest.mark.parametrize("answer", ["n\n", "\n", "yes please\n", "\x04"])
def test_any_other_answer_changes_nothing(town, at_terminal, answer):
    shown = at_terminal(town, "accounts", "close", BINH, "--reason", "x", typed=answer)
    assert 1 == shown.status
    assert "nothing was changed: only the answer y does it, or --yes" in shown.stdout
    assert "issued" == state(town)


def test_yes_is_not_asked(town, at_terminal):
    shown = at_terminal(town, "accounts", "close", BINH, "--reason", "x", "--yes")
    assert (0, "201234568: closed\n") == (shown.status, shown.stdout)


def test_script_is_not_asked(town, command):
    shown = command(town, "accounts", "close", BINH, "--reason", "x")
    assert (0, "201234568: closed\n", "") == (shown.status, shown.stdout, shown.stderr)


def test_key_is_typed_before_the_question_is_answered(town, at_terminal):
    typed = f"{BINH}\ny\n"
    assert 0 == at_terminal(town, "accounts", "close", "-", "--reason", "x", typed=typed).status
    assert "closed" == state(town)


def test_purge_says_what_would_go(town, at_terminal):
    shown = at_terminal(town, "purge", typed="n\n")
    assert 1 == shown.status
    assert "messages older than 90 d" in shown.stdout
    assert 0 == at_terminal(town, "purge", typed="y\n").status


@pytest.fixture
def password_text(town):
    """A text in the outbox that tells a password."""
    (mt,) = town.text("84905000011", "TK,Le,301234569,1.2.1990", timedelta(minutes=3), taken=False)
    return mt.id


def test_who_cancels_a_password_is_told_that_the_citizen_has_no_way_in(
    town, at_terminal, command, password_text
):
    shown = at_terminal(town, "outbox", "cancel", password_text, typed="n\n")
    assert 1 == shown.status
    assert "password of 301234569, who then has no way in" in " ".join(shown.stdout.split())
    done = command(town, "outbox", "cancel", password_text)
    assert 0 == done.status
    assert "301234569 has no way in now: `smsgw accounts reset-password 301234569`" in done.stderr


def test_who_cancels_another_text_is_asked_as_well(town, at_terminal):
    shown = at_terminal(town, "outbox", "cancel", town.waiting_id, typed="y\n")
    assert 0 == shown.status
    assert "no way in" not in shown.stdout


def test_lapsed_password_is_not_queued_again(town, command):
    (mt,) = town.text(
        "84905000012", "TK,Le,301234570,1.2.1990", timedelta(days=3, hours=2), taken=False
    )
    town.refuse(mt, "ESME_RINVDSTADR (0x0000000B)", timedelta(hours=1))
    done = command(town, "outbox", "retry", mt.id)
    assert (1, "") == (done.status, done.stdout)
    assert f"reply {mt.id} tells a password that is no longer valid" in done.stderr
    assert "`smsgw accounts reset-password`" in done.stderr
