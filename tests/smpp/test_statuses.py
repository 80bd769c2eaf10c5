"""What a status means; smpplib knows all their names."""

import pytest
from smpplib import consts

from smsgw.model import Taken
from smsgw.smpp import statuses
from smsgw.smpp.statuses import Status, Verdict

NAMES = {
    value: name.removeprefix("SMPP_")
    for name, value in vars(consts).items()
    if name.startswith("SMPP_ESME_")
}


def test_table_has_all_statuses_of_the_specification():
    assert set(NAMES) == set(Status)


@pytest.mark.parametrize("status", NAMES, ids=NAMES.get)
def test_name_is_the_one_of_the_specification(status):
    assert f"{NAMES[status]} (0x{status:08X})" == statuses.name(status)


def test_status_of_a_carrier_is_named_by_its_number():
    assert "0x00000410" == statuses.name(0x410)


VERDICTS = {
    "ESME_ROK": Verdict.TAKEN,
    "ESME_RTHROTTLED": Verdict.SLOW_DOWN,
    "ESME_RMSGQFUL": Verdict.FULL,
    "ESME_RSYSERR": Verdict.WAIT,
    "ESME_RX_T_APPN": Verdict.WAIT,
    "ESME_RSUBMITFAIL": Verdict.WAIT,
    "ESME_RINVBNDSTS": Verdict.WAIT,
    "ESME_RINVDSTADR": Verdict.NO_ADDRESS,
    "ESME_RINVDSTTON": Verdict.NO_ADDRESS,
    "ESME_RINVDSTNPI": Verdict.NO_ADDRESS,
    "ESME_RINVSRCADR": Verdict.BARRED,
    "ESME_RINVSRCTON": Verdict.BARRED,
    "ESME_RINVSRCNPI": Verdict.BARRED,
    "ESME_RINVEXPIRY": Verdict.WAIT,
    "ESME_RINVMSGLEN": Verdict.GIVE_UP,
    "ESME_RX_P_APPN": Verdict.GIVE_UP,
    "ESME_RX_R_APPN": Verdict.GIVE_UP,
}


@pytest.mark.parametrize(("name", "verdict"), VERDICTS.items(), ids=VERDICTS)
def test_verdict(name, verdict):
    assert verdict is statuses.verdict(getattr(consts, f"SMPP_{name}"))


def test_what_nobody_knows_is_tried_again():
    assert Verdict.WAIT is statuses.verdict(0x410)
    assert Verdict.WAIT is statuses.verdict(0xFFFFFFFF)


#: What the result of a text says besides that it was not taken.
RESULTS = {
    Verdict.WAIT: {"throttled": False, "full_for": "", "barred": False},
    Verdict.FULL: {"throttled": False, "full_for": "84905", "barred": False},
    Verdict.SLOW_DOWN: {"throttled": True, "full_for": "", "barred": False},
    Verdict.BARRED: {"throttled": False, "full_for": "", "barred": True},
    Verdict.NO_ADDRESS: {"address": True},
    Verdict.GIVE_UP: {"address": False},
}


@pytest.mark.parametrize("status", sorted({*Status, 0x410} - {Status.ROK}))
def test_result_says_what_the_verdict_says(status):
    result = statuses.result(5, status, "", "84905")._asdict()
    assert 5 == result.pop("mt_id")
    assert result.pop("reason").startswith(statuses.name(status))
    assert RESULTS[statuses.verdict(status)] == result


def test_text_that_was_taken_has_the_id_that_its_receipt_will_name():
    assert Taken(5, "4711") == statuses.result(5, Status.ROK, "4711", "84905")


@pytest.mark.parametrize("name", ["RALYBND", "RINVPASWD", "RINVSYSID", "RBINDFAIL", "RINVSYSTYP"])
def test_refused_bind_waits_long_and_says_what_to_check(name):
    status = getattr(consts, f"SMPP_ESME_{name}")
    assert statuses.waits_long(status)
    reason = statuses.bind_reason(status, "viettel")
    assert f"bind refused, ESME_{name}" in reason
    assert "[[smsc]] viettel" in reason


@pytest.mark.parametrize("status", [0x08, 0x14, 0x58, 0x64, 0x410])
def test_bind_refused_for_now_is_tried_soon(status):
    assert not statuses.waits_long(status)
    assert statuses.bind_reason(status, "viettel") == f"bind refused, {statuses.name(status)}"
