"""What the dispatch lets happen to an account, and what a text leads to."""

import itertools
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw.model import AccountState, Feed, Holder, Outcome, Reply
from smsgw.registration import machine, syntax
from smsgw.registration.machine import (
    Close,
    Decision,
    Event,
    Lapse,
    LastLapse,
    NewPassword,
    OwnPassword,
    Password,
    Registration,
    Repeat,
    Reset,
    Undeliverable,
    decide,
    lapse,
    step,
)
from smsgw.registration.syntax import Request

ISSUED, ACTIVE, CLOSED = AccountState.ISSUED, AccountState.ACTIVE, AccountState.CLOSED
NEW, KEEP, NONE, OWN = Password.NEW, Password.KEEP, Password.NONE, Password.CITIZENS

# Every pair of state and event, as one reads the dispatch; None: cannot happen.
DISPATCH: dict[Any, dict[Any, Any]] = {
    Registration: {
        None: (ISSUED, NEW, Reply.REGISTERED),
        ISSUED: (ISSUED, KEEP, Reply.ALREADY_REGISTERED),
        ACTIVE: (ACTIVE, KEEP, Reply.ALREADY_REGISTERED),
        CLOSED: None,  # phone and CMND are free again, so this is a new account
    },
    Reset: {
        None: None,
        ISSUED: (ISSUED, NEW, Reply.REGISTERED),
        ACTIVE: (ISSUED, NEW, Reply.REGISTERED),
        CLOSED: None,
    },
    Lapse: {None: None, ISSUED: (ISSUED, NEW, Reply.REMINDER), ACTIVE: None, CLOSED: None},
    LastLapse: {None: None, ISSUED: (ISSUED, NONE, None), ACTIVE: None, CLOSED: None},
    Undeliverable: {
        None: None,
        ISSUED: (ISSUED, NONE, None),
        ACTIVE: None,  # the citizen has a password, whatever becomes of our texts
        CLOSED: None,
    },
    OwnPassword: {
        None: None,
        ISSUED: (ACTIVE, OWN, None),
        ACTIVE: (ACTIVE, OWN, None),
        CLOSED: None,
    },
    NewPassword: {
        None: None,
        ISSUED: (ISSUED, NEW, Reply.REGISTERED),
        ACTIVE: (ISSUED, NEW, Reply.REGISTERED),
        CLOSED: None,
    },
    Close: {None: None, ISSUED: (CLOSED, NONE, None), ACTIVE: (CLOSED, NONE, None), CLOSED: None},
}
PAIRS = list(itertools.product([None, *AccountState], Event.__subclasses__()))


@pytest.mark.parametrize(("state", "event"), PAIRS, ids=lambda x: getattr(x, "__name__", str(x)))
def test_every_pair_of_state_and_event_does_what_the_dispatch_says(state, event):
    assert state in DISPATCH.get(event, {}), f"write into DISPATCH what {event.__name__} does then"
    expected = DISPATCH[event][state]
    if expected is None:
        with pytest.raises(machine.ImpossibleEvent, match=event.__name__):
            step(state, event)
    else:
        assert expected == step(state, event)[:3]


def test_every_event_has_a_word_of_its_own_for_the_history():
    words = [event.word for event in Event.__subclasses__()]
    assert sorted(set(words)) == sorted(words)


def test_a_password_is_issued_exactly_when_a_text_tells_it():
    for (_, event), (_, password, reply, _) in machine.TRANSITIONS.items():
        tells = reply in (Reply.REGISTERED, Reply.REMINDER)
        assert tells == (password is Password.NEW), event


def test_programs_are_told_of_what_a_citizen_who_was_active_can_no_longer_or_now_use():
    told = {pair: row.tells for pair, row in machine.TRANSITIONS.items() if row.tells}
    assert told == {
        (ISSUED, OwnPassword): Feed.ACTIVATED,
        (ACTIVE, OwnPassword): Feed.ACTIVATED,
        (ACTIVE, Reset): Feed.PASSWORD_RESET,
        (ACTIVE, NewPassword): Feed.PASSWORD_RESET,
        (ISSUED, Close): Feed.CLOSED,
        (ACTIVE, Close): Feed.CLOSED,
    }


def test_a_registration_tells_programs_nothing():
    assert all(
        row.tells is None
        for (_, event), row in machine.TRANSITIONS.items()
        if event is Registration
    )


def test_diagram_shows_every_transition():
    diagram = machine.mermaid()
    assert len(machine.TRANSITIONS) + 2 == len(diagram.splitlines())
    for state, event in machine.TRANSITIONS:
        assert f"    {state or '[*]'} --> " in diagram
        assert event.__name__ in diagram


@pytest.mark.parametrize(
    ("reminders", "most", "event"),
    [
        (0, 0, Lapse),
        (99, 0, Lapse),
        (0, 1, Lapse),
        (1, 1, LastLapse),
        (2, 3, Lapse),
        (3, 3, LastLapse),
        (4, 3, LastLapse),
    ],
)
def test_reminders_end_after_as_many_as_are_allowed(reminders, most, event):
    assert event is lapse(reminders, most)


# --- decide -------------------------------------------------------------------------------------

BIRTH = date(1990, 2, 1)
REQUEST = Request("Nguyen Van An", "201234567", BIRTH)
MINE = Holder(1, ISSUED, BIRTH, "viettel", ended=False)
MINE_CHANGED = MINE._replace(state=ACTIVE)
MINE_ENDED = MINE._replace(ended=True)
THEIRS = Holder(2, ACTIVE, BIRTH, "viettel", ended=False)

NEW_ACCOUNT = Decision(Outcome.REGISTERED, Reply.REGISTERED, Registration, None)
RESET = Decision(Outcome.REGISTERED, Reply.REGISTERED, Reset, 1)


def refused(reply, account_id):
    return Decision(Outcome.ALREADY_REGISTERED, reply, None, account_id)


BY_CMND, BY_PHONE = Reply.ALREADY_REGISTERED, Reply.PHONE_REGISTERED
REFUSE, RESETS = Repeat.REFUSE, Repeat.RESET

CASES = {
    "nobody has phone or CMND": (None, None, REFUSE, 0, NEW_ACCOUNT),
    "nobody has them, with reset": (None, None, RESETS, 3, NEW_ACCOUNT),
    "CMND is taken": (None, THEIRS, REFUSE, 0, refused(BY_CMND, 2)),
    "phone is taken": (THEIRS, None, REFUSE, 0, refused(BY_PHONE, 2)),
    "both by different accounts": (MINE, THEIRS, REFUSE, 0, refused(BY_CMND, 2)),
    "own registration again": (MINE, MINE, REFUSE, 3, refused(BY_CMND, 1)),
    "own, with reset": (MINE, MINE, RESETS, 3, RESET),
    "own, with reset, password was changed": (MINE_CHANGED, MINE_CHANGED, RESETS, 1, RESET),
    "own, with reset, none left today": (MINE, MINE, RESETS, 0, refused(BY_CMND, 1)),
    "own, password has ended": (MINE_ENDED, MINE_ENDED, REFUSE, 3, RESET),
    "ended, none left today": (MINE_ENDED, MINE_ENDED, REFUSE, 0, refused(BY_CMND, 1)),
    "password has ended, another phone": (None, MINE_ENDED, REFUSE, 3, refused(BY_CMND, 1)),
    "reset, another phone": (None, MINE, RESETS, 3, refused(BY_CMND, 1)),
    "reset, another CMND": (MINE, None, RESETS, 3, refused(BY_PHONE, 1)),
    "reset, somebody else's CMND": (MINE, THEIRS, RESETS, 3, refused(BY_CMND, 2)),
}


@pytest.mark.parametrize(
    ("phone_holder", "cmnd_holder", "repeat", "left", "decision"), CASES.values(), ids=CASES
)
def test_decision_by_who_has_phone_and_cmnd(phone_holder, cmnd_holder, repeat, left, decision):
    assert decision == decide(
        REQUEST,
        phone_holder=phone_holder,
        cmnd_holder=cmnd_holder,
        repeat=repeat,
        resets_left=left,
    )


def test_reset_needs_the_accounts_own_date_of_birth():
    other = REQUEST._replace(birth_date=date(1990, 2, 2))
    kept: dict[str, Any] = {
        "phone_holder": MINE,
        "cmnd_holder": MINE,
        "repeat": RESETS,
        "resets_left": 3,
    }
    assert RESET == decide(REQUEST, **kept)
    assert refused(BY_CMND, 1) == decide(other, **kept)


@pytest.mark.parametrize("holder", [MINE, MINE_ENDED], ids=["reset", "ended"])
def test_text_by_another_carrier_gives_nobody_a_new_password(holder):
    kept: dict[str, Any] = {
        "phone_holder": holder,
        "cmnd_holder": holder,
        "repeat": RESETS,
        "resets_left": 3,
    }
    assert RESET == decide(REQUEST, **kept)
    assert refused(BY_CMND, 1) == decide(REQUEST, **kept, own_carrier=False)


def test_ended_password_comes_back_only_with_the_accounts_own_date_of_birth():
    other = REQUEST._replace(birth_date=date(1990, 2, 2))
    kept: dict[str, Any] = {"phone_holder": MINE_ENDED, "cmnd_holder": MINE_ENDED, "resets_left": 3}
    assert refused(BY_CMND, 1) == decide(other, **kept)


def test_reset_does_not_ask_for_the_name():
    other = REQUEST._replace(name="NGUYEN VAN AN")
    assert RESET == decide(other, phone_holder=MINE, cmnd_holder=MINE, repeat=RESETS, resets_left=1)


holders = st.one_of(
    st.none(),
    st.builds(
        Holder,
        st.integers(1, 3),
        st.sampled_from([ISSUED, ACTIVE]),
        st.sampled_from([BIRTH]),
        st.just("viettel"),
        st.booleans(),
    ),
)


@given(
    st.sampled_from([REQUEST, syntax.BAD_NAME, syntax.UNREADABLE]),
    holders,
    holders,
    st.sampled_from(Repeat),
    st.integers(0, 3),
    st.booleans(),
)
def test_every_text_has_an_outcome_that_the_state_machine_allows(
    request, phone_holder, cmnd_holder, repeat, left, own_carrier
):
    decision = decide(
        request,
        phone_holder=phone_holder,
        cmnd_holder=cmnd_holder,
        repeat=repeat,
        resets_left=left,
        own_carrier=own_carrier,
    )
    if decision.event is not None:
        state = cmnd_holder.state if decision.event is Reset else None
        assert decision.reply is step(state, decision.event).reply
    elif isinstance(request, Request):
        assert decision.outcome is Outcome.ALREADY_REGISTERED
        holder = cmnd_holder or phone_holder
        assert step(holder.state, Registration).to is holder.state
    else:
        assert Decision(Outcome.SYNTAX_ERROR, Reply.SYNTAX_ERROR, None, None) == decision
