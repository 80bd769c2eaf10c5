"""A CMND that somebody else registered is closed, and kept for its owner's phone."""

from contextlib import closing

import pytest

from smsgw.clock import stamp
from smsgw.errors import SmsgwError
from smsgw.gateway import Gateway, Hotline
from smsgw.model import AccountState, Outcome, Part
from smsgw.store import open_store
from smsgw.vault import Vault
from tests.budget import BUDGET_MS, cost_ms
from tests.house import AN, BINH, TEXT, House, OneHash, story_of

OWNER = "84905777001"
SIM_CARDS = [f"8490500{n:04}" for n in range(50)]
REFUSAL = "So CMND da duoc su dung de dang ky tai khoan tren he thong Chinh quyen dien tu"


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.issuer = house.gateway.tools.issuer = OneHash()
    yield house
    house.store.close()


def close(house, reserve_for=OWNER, key="201234567"):
    return house.hotline.close_account(
        key, "not its owner", "lan", house.now, reserve_for=reserve_for
    )


@pytest.fixture
def reserved(house):
    """AN registered the CMND of another, whose phone is OWNER."""
    house.text(AN, TEXT)
    close(house, "0905 777 001")
    return house


def test_owner_registers_though_fifty_other_phones_text_first(reserved):
    done = reserved.take(*(reserved.mo(phone, TEXT) for phone in [*SIM_CARDS, AN, OWNER]))
    assert {Outcome.ALREADY_REGISTERED: 51, Outcome.REGISTERED: 1} == done.outcomes
    assert [REFUSAL] * 51 == [mt.text for mt in done.replies[:51]]
    assert "+84905777001" == reserved.account("201234567").phone
    assert "TK: 201234567, MK: " in done.replies[51].text


def test_owner_may_write_the_number_in_any_way(reserved):
    assert Outcome.REGISTERED == reserved.text("0905777001", TEXT, ton=2)[0]


def test_after_seven_days_anybody_may_register_and_not_a_second_before(reserved):
    reserved.later(days=7, seconds=-1)
    assert Outcome.ALREADY_REGISTERED == reserved.text(BINH, TEXT)[0]
    reserved.later(seconds=1)
    assert Outcome.REGISTERED == reserved.text(BINH, TEXT)[0]


def test_reservation_that_is_over_is_forgotten(reserved):
    assert reserved.store.any_reservation(reserved.now)
    reserved.later(days=7)
    reserved.gateway.tidy(reserved.now)
    assert [] == reserved.store._all("SELECT * FROM reservations")


def test_reservation_outlives_a_restart(reserved):
    reserved.restart()
    assert Outcome.ALREADY_REGISTERED == reserved.text(BINH, TEXT)[0]


def test_reservation_by_a_command_counts_at_once_for_the_daemon_that_runs(house):
    house.text(AN, TEXT)
    house.text(BINH, "hallo")
    with closing(open_store(house.path)) as store:
        nobodys = Vault([bytes(32)])
        command = Hotline(Gateway(store, house.gateway.rules, nobodys, house.issuer))
        command.close_account("201234567", "why", "lan", house.now, reserve_for=OWNER)
    assert Outcome.ALREADY_REGISTERED == house.text(BINH, TEXT)[0]


def test_other_cmnd_may_be_registered_as_ever(reserved):
    assert Outcome.REGISTERED == reserved.text(BINH, TEXT.replace("201234567", "201999999"))[0]


def test_owner_whose_phone_has_an_account_is_refused_as_always(house):
    house.text(OWNER, TEXT.replace("201234567", "201999999"))
    house.text(AN, TEXT)
    close(house)
    assert Outcome.ALREADY_REGISTERED == house.text(OWNER, TEXT)[0]
    house.hotline.close_account("201999999", "moves", "lan", house.now)
    assert Outcome.REGISTERED == house.text(OWNER, TEXT)[0]


def test_long_text_meets_the_reservation_too(reserved):
    halves = TEXT[:20], TEXT[20:]
    parts = [
        reserved.mo(BINH, None, part=Part("8:7", 2, n, 0, text.encode(), (0, 0)))
        for n, text in enumerate(halves, start=1)
    ]
    assert {Outcome.ALREADY_REGISTERED: 1} == reserved.take(*parts).outcomes


def test_second_word_replaces_the_first_also_once_the_account_is_closed(reserved):
    close(reserved, BINH)
    assert Outcome.ALREADY_REGISTERED == reserved.text(OWNER, TEXT)[0]
    assert Outcome.REGISTERED == reserved.text(BINH, TEXT)[0]


def test_account_that_is_closed_without_a_reservation_is_anybody_s(reserved):
    reserved.text(OWNER, TEXT)
    reserved.hotline.close_account("201234567", "moves", "lan", reserved.now)
    assert Outcome.REGISTERED == reserved.text(BINH, TEXT)[0]


def test_phone_that_is_none_closes_nothing(house):
    house.text(AN, TEXT)
    with pytest.raises(SmsgwError, match="'ABC' is not a telephone number"):
        close(house, "ABC")
    assert AccountState.ISSUED == house.account().state


def test_history_tells_for_whom_it_was_reserved_and_why(reserved):
    told = [
        (e.what, e.actor, e.reason)
        for e in story_of(reserved.hotline.history("201234567"))
        if e.actor is not None
    ]
    assert [
        ("closed", "lan", "not its owner"),
        ("reserved for +84905777001 until 2026-05-11 12:00", "lan", "not its owner"),
    ] == told


def test_try_tells_for_whom_it_is_reserved(reserved):
    trial = reserved.hotline.try_text(BINH, TEXT, reserved.now)
    assert Outcome.ALREADY_REGISTERED == trial.outcome
    assert "the CMND is reserved for +84905777001 until 2026-05-11 12:00" == trial.detail
    assert Outcome.REGISTERED == reserved.hotline.try_text(OWNER, TEXT, reserved.now).outcome


def test_many_reservations_cost_a_registration_next_to_nothing(reserved):
    with reserved.store.transaction():
        reserved.store._db.executemany(
            "INSERT INTO reservations VALUES (?, '+84905777001', ?)",
            [(f"{n:012}", stamp(reserved.now) * 2) for n in range(20_000)],
        )
    mos = [reserved.mo(phone, TEXT) for phone in SIM_CARDS]
    assert cost_ms(lambda: reserved.take(*mos)) < BUDGET_MS
