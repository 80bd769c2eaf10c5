"""A citizen's story as the hotline reads it: a line for each thing that happened."""

import json
from datetime import timedelta

import pytest

from smsgw.cli import story
from smsgw.cli.story import ANSWERED, EVENTS, IGNORED
from smsgw.gateway import Batch, trial
from smsgw.gateway.trial import WHY_IGNORED
from smsgw.model import Address, Ignored, Mo, MtState, Reply, Unanswered
from smsgw.registration import machine

TUAN = "84905000010"
TEXT = "TK,Le Tuan,301234567,1.2.1990"


def told(command, town, key, *options):
    """The lines of a story, without their times."""
    shown = command(town, "accounts", "history", key, *options)
    assert 0 == shown.status, shown.stderr
    lines = shown.stdout.splitlines()
    return [line[18:] for line in lines[lines.index("") + 1 :]]


def test_registration_and_its_answer_are_one_line(town, command):
    (mt,) = town.text(TUAN, TEXT, timedelta(hours=1))
    town.receipt(mt, MtState.DELIVERED, timedelta(hours=1) - timedelta(seconds=4))
    line = "texted in · registered, password sent · on the phone after 4 s"
    assert [line] == told(command, town, TUAN)


def test_who_it_is_and_how_it_stands_is_said_first(town, command):
    first, second, third, *_ = command(town, "accounts", "history", "201234568").stdout.splitlines()
    assert "201234568 · Tran Binh · +84905000002" == first
    assert "Waits for the citizen's own password; the issued one expires in 3 d." == second
    assert "Times are those of Asia/Ho_Chi_Minh (UTC+07)." == third


def test_wrong_text_says_what_is_wrong_with_it(town, command):
    (mt,) = town.text(TUAN, "TK,Le Tuan,301234567,31.2.1990", timedelta(hours=1))
    town.receipt(mt, MtState.FAILED, timedelta(minutes=50), reason="UNDELIV err:012")
    line = "texted in · no registration: no such day · the right form was sent"
    assert [f"{line} · did not reach the phone: UNDELIV err:012"] == told(command, town, TUAN)


REFUSED = {
    "TK,Le Tuan,201234568,1.2.1990": "refused: the CMND has an account",
    TEXT: "refused: the CMND has an account",
    "TK,Le Tuan,301234568,1.2.1990": "refused: the phone has an account",
}


@pytest.mark.parametrize(("text", "words"), REFUSED.items(), ids=REFUSED)
def test_refusal_says_which_of_the_two_has_an_account(town, command, text, words):
    town.text(TUAN, TEXT, timedelta(hours=2))
    town.text(TUAN, text, timedelta(hours=1))
    line = f"texted in · {words} · the carrier has it, no receipt yet"
    assert line == told(command, town, TUAN)[-1]


def test_text_that_waits_says_so(town, command):
    town.text(TUAN, "x", timedelta(minutes=1), taken=False)
    assert told(command, town, TUAN)[-1].endswith(" · waits for the carrier")


def test_text_that_the_carrier_refused_has_its_word(town, command):
    assert any(
        line.endswith("the carrier did not take it: ESME_RINVDSTADR (0x0000000B)")
        for line in told(command, town, "0905000004")
    )


def test_text_that_is_held_says_why(town, command):
    (mt,) = town.text(TUAN, "x", timedelta(minutes=9), taken=False)
    for minute in range(3):
        lost = Unanswered(mt.id, "no answer", link_lost=False)
        at = town.now - timedelta(minutes=8 - minute)
        town.gateway.commit(Batch(results=[(mt.link, lost)]), at)
    assert "waits for the carrier: held: " in told(command, town, TUAN)[-1]


def test_password_that_lapsed_and_its_reminder_are_one_line(town, command):
    command(town, "expire")
    story = told(command, town, "001234567")
    assert "texted in · registered, password sent · on the phone after 60 min" == story[0]
    assert [
        "password expired, a new one sent as a reminder · by linh · waits for the carrier"
    ] == story[1:]


def test_what_people_did_has_who_and_why(town, command):
    command(town, "accounts", "reset-password", "201234568", "--reason", "forgot it")
    command(town, "accounts", "set-password", "201234568", input="correct horse\n")
    command(town, "accounts", "close", "201234568", "--reason", "moved away")
    assert [
        "a new password sent · by linh (forgot it) · never sent: its password was replaced",
        "the citizen's own password was set · by linh",
        "account closed · by linh (moved away)",
    ] == told(command, town, "201234568")[1:]


def test_reservation_and_settled_texts_are_told(town, command):
    town.text(TUAN, TEXT, timedelta(minutes=5), taken=False)
    outbox = json.loads(command(town, "outbox", "list", "--format", "json").stdout)
    mt = outbox[-1]["id"]
    command(town, "outbox", "cancel", mt, "--reason", "wrong phone")
    command(town, "outbox", "retry", mt)
    close = ("accounts", "close", "301234567", "--reserve-for", "0905777001", "--reason", "no")
    command(town, *close)
    stopped, again, closed, reserved = told(command, town, TUAN)[1:]
    assert "a text stopped by hand · by linh (wrong phone)" == stopped
    assert "a text sent again by hand · by linh" == again
    assert "account closed · by linh (no)" == closed
    assert reserved.startswith("reserved for +84905777001 until ")


def test_the_same_text_again_by_another_session_is_no_new_text(town, command):
    for session in (1, 2):
        mo = Mo("viettel", session, Address(TUAN, 1, 1), TEXT, 77)
        town.gateway.commit(Batch(mos=[mo], room={"viettel": 9}), town.now - timedelta(minutes=9))
    assert (
        "texted in · the carrier brought the same text again, it was answered once"
        == (told(command, town, TUAN)[-1])
    )


def test_text_that_is_ignored_says_why(town, command):
    for _ in range(12):
        town.text(TUAN, "x", timedelta(minutes=9))
    assert (
        "texted in · not answered: this phone is past its hourly limit"
        == (told(command, town, TUAN)[-1])
    )


def test_wording_only_where_it_is_asked_for(town, command):
    short, full = told(command, town, "201234568"), told(command, town, "201234568", "--full")
    assert 1 == len(short)
    assert "TK;Tran Binh;201234568;1.2.1991" == full[1]
    assert full[2].startswith("TK: 201234568, MK: ******** la tai khoan")


def test_story_for_programs_keeps_an_entry_for_each_thing(town, command):
    shown = command(town, "accounts", "history", "001234567", "--format", "json").stdout
    what = [entry["what"] for entry in json.loads(shown)]
    assert ["mo", "mt", "mt sent", "registered", "mt delivered"] == what


@pytest.mark.parametrize("event", machine.Event.__subclasses__(), ids=lambda event: event.word)
def test_every_event_of_an_account_is_told_in_words(event):
    assert event.word in EVENTS, f"say it for the hotline in EVENTS of {story.__name__}"


@pytest.mark.parametrize("reply", [reply for reply in Reply if reply is not Reply.REMINDER])
def test_every_answer_is_told_in_words(reply):
    assert reply in ANSWERED, f"say it for the hotline in ANSWERED of {story.__name__}"


@pytest.mark.parametrize("reason", Ignored)
def test_every_reason_for_no_answer_is_told_in_words(reason):
    assert reason in IGNORED, f"say it for the hotline in IGNORED of {story.__name__}"
    assert reason in WHY_IGNORED, f"say it for smsgw try in WHY_IGNORED of {trial.__name__}"


def test_event_of_a_version_to_come_is_told_by_its_own_name(town, command):
    store, account = town.store, town.hotline.exact("201234568").account
    with store.transaction():
        from smsgw.clock import stamp
        from smsgw.store import Changes

        changes = Changes()
        changes.add_history(
            account.id,
            at=stamp(town.now),
            what="logged in",
            before=account.state,
            after=account.state,
            who="portal",
        )
        store.write(changes)
    assert "logged in · by portal" == told(command, town, "201234568")[-1]


def test_narrow_terminal_goes_on_below_the_words(town, at_terminal):
    shown = at_terminal(town, "accounts", "history", "201234568", columns=60).stdout
    *_, first, second = shown.splitlines()
    assert first[18:].startswith("texted in · ")
    assert second.startswith(" " * 18)
    assert " " != second[18]
