"""The table of transitions is what the gateway does: no row of it is done by hand anywhere."""

from typing import Any, cast

import pytest

from smsgw.gateway import Rules, Work
from smsgw.model import AccountState, MtState, Reply
from smsgw.passwords import Supply, hash_password
from smsgw.registration import machine
from smsgw.registration.machine import TRANSITIONS, Password, Step
from smsgw.registration.replies import TELLS_PASSWORD
from tests.house import AN, BINH, OTHER_TEXT, TEXT, House, password_in, story_of

ISSUED, ACTIVE, CLOSED = AccountState.ISSUED, AccountState.ACTIVE, AccountState.CLOSED
OWN = "mat khau cua An"


class Moved:
    """An event that no line of the product knows. Not a subclass, since tests walk all of these."""

    word = "moved"


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.text(AN, TEXT)
    yield house
    house.store.close()


def happen(house, event, *, passwords_left=1, **options):
    """*event* happens to the account of AN, one hour later."""
    house.later(hours=1)
    tools = house.gateway.tools
    with house.store.transaction():
        work = Work(house.store, house.now, Supply(house.issuer, passwords_left))
        options = {"own_hash": hash_password(OWN), "actor": "lan", "reason": "why"} | options
        applied = tools.accounts.apply(work, event, row(house), **options)
        work.write()
    return applied


def row(house):
    return house.store.accounts_of_phone(f"+{AN}")[0]


def in_state(house, state):
    if state is ACTIVE:
        house.hotline.set_password(AN, OWN, "lan", house.now)
    return row(house)


def with_row(monkeypatch, state, step):
    monkeypatch.setitem(TRANSITIONS, (state, Moved), step)


@pytest.mark.parametrize("state", [ISSUED, ACTIVE])
@pytest.mark.parametrize("reply", [Reply.REGISTERED, Reply.REMINDER])
def test_new_event_with_a_new_password_is_executed(house, monkeypatch, state, reply):
    with_row(monkeypatch, state, Step(ISSUED, Password.NEW, reply))
    before = in_state(house, state)
    happen(house, Moved)
    after = row(house)
    assert (ISSUED, house.now) == (after.account.state, after.account.password_issued_at)
    assert house.now + house.settings.registration.password_ttl == after.account.password_expires_at
    assert (reply is Reply.REMINDER) == after.account.reminders
    told = {mt.id: mt for mt in house.claim().mts}[after.password_mt_id]
    assert (reply is Reply.REMINDER) == told.reminder
    assert house.opens(AN, password_in(told.text))
    assert before.password_mt_id != after.password_mt_id
    line = story_of(house.hotline.history(AN))[-1]
    assert ("lan", "why") == (line.actor, line.reason)


def test_text_that_waits_with_the_password_before_never_leaves(house, monkeypatch):
    with_row(monkeypatch, ISSUED, Step(ISSUED, Password.NEW, Reply.REGISTERED))
    happen(house, Moved, why="they moved")
    assert [MtState.CANCELLED, MtState.QUEUED] == house.states()
    assert ["they moved"] == [m.reason for m in house.hotline.messages() if m.reason]


@pytest.mark.parametrize("state", [ISSUED, ACTIVE])
def test_new_event_that_ends_the_password_is_executed(house, monkeypatch, state):
    with_row(monkeypatch, state, Step(ISSUED, Password.NONE, None))
    in_state(house, state)
    happen(house, Moved)
    after = row(house)
    assert (ISSUED, None, None) == (after.account.state, after.password_hash, after.password_mt_id)
    assert after.account.password_expires_at is None
    assert [] == house.claim().mts


def test_new_event_that_keeps_the_password_changes_the_state_alone(house, monkeypatch):
    with_row(monkeypatch, ISSUED, Step(ACTIVE, Password.KEEP, None))
    before = row(house)
    happen(house, Moved)
    after = row(house)
    assert ACTIVE == after.account.state
    assert before.password_hash == after.password_hash
    assert before.account.password_expires_at == after.account.password_expires_at
    assert [MtState.QUEUED] == house.states()


def test_new_event_may_text_without_a_password(house, monkeypatch):
    with_row(monkeypatch, ACTIVE, Step(ACTIVE, Password.KEEP, Reply.ALREADY_REGISTERED))
    in_state(house, ACTIVE)
    happen(house, Moved)
    assert [house.settings.messages.already_registered] == [m.text for m in house.claim().mts]


def test_new_event_with_the_citizens_own_password_is_executed(house, monkeypatch):
    with_row(monkeypatch, ISSUED, Step(ACTIVE, Password.CITIZENS, None))
    happen(house, Moved)
    assert ACTIVE == row(house).account.state
    assert house.opens(AN, OWN)


def test_new_event_that_closes_lets_phone_and_cmnd_register_again(house, monkeypatch):
    with_row(monkeypatch, ISSUED, Step(CLOSED, Password.NONE, None))
    happen(house, Moved)
    assert (CLOSED, None) == (row(house).account.state, row(house).password_hash)
    assert "registered" == house.text(AN, TEXT)[0]


def test_new_event_is_a_line_in_the_history(house, monkeypatch):
    with_row(monkeypatch, ISSUED, Step(ACTIVE, Password.KEEP, None))
    happen(house, Moved)
    line = story_of(house.hotline.history(AN))[-1]
    assert ("moved", house.now, "lan", "why") == (line.what, line.at, line.actor, line.reason)


def test_new_event_may_register(house, monkeypatch):
    """A citizen's text leads to it: account, password and reply, by the whole intake."""
    decision = machine.decide
    monkeypatch.setattr(
        machine,
        "decide",
        lambda *args, **known: decision(*args, **known)._replace(event=cast("Any", Moved)),
    )
    monkeypatch.setitem(TRANSITIONS, (None, Moved), Step(ISSUED, Password.NEW, Reply.REGISTERED))
    outcome, [text] = house.text(BINH, OTHER_TEXT)
    assert "registered" == outcome
    assert house.opens(BINH, password_in(text))
    assert ISSUED == house.account(BINH).state


def test_event_waits_where_there_is_no_password_for_it(house, monkeypatch):
    with_row(monkeypatch, ISSUED, Step(ISSUED, Password.NEW, Reply.REGISTERED))
    before = row(house)
    assert happen(house, Moved, passwords_left=0) is None
    assert (before, [MtState.QUEUED]) == (row(house), house.states())
    assert "moved" not in [line.what for line in story_of(house.hotline.history(AN))]


def test_event_that_the_table_does_not_have_changes_nothing(house):
    before = row(house)
    with pytest.raises(machine.ImpossibleEvent):
        happen(house, Moved)
    assert before == row(house)


@pytest.mark.parametrize(("pair", "step"), TRANSITIONS.items(), ids=lambda value: str(value))
def test_a_text_tells_a_password_where_one_is_new_and_nowhere_else(pair, step):
    assert (step.password is Password.NEW) == (step.reply in TELLS_PASSWORD)
    assert (step.to is CLOSED) <= (step.password is Password.NONE)
    assert (pair[0] is None) <= (step.password is Password.NEW)


def test_other_rules_are_one_assignment(house):
    settings = house.settings.model_copy(
        update={"messages": house.settings.messages.model_copy(update={"syntax_error": "Sai roi"})}
    )
    house.gateway.rules = Rules.of(settings)
    assert ["Sai roi"] == house.text(BINH, "hallo")[1]
