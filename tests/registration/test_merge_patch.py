"""A program's change of a profile."""

from dataclasses import asdict
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw.registration import units
from smsgw.registration.fields import Reason
from smsgw.registration.merge_patch import PatchFault, merged
from smsgw.registration.profile import Address, Answers, Gender, Texted

TODAY = date(2026, 5, 4)
AN = Texted("Nguyen Van An", "201234567", date(1990, 2, 1))
DA_NANG, HUE = units.province("48"), units.province("46")
assert DA_NANG is not None
assert HUE is not None
HOME = Address(DA_NANG.name, "48", DA_NANG.wards[0].name, DA_NANG.wards[0].code, "24 Trần Phú")
AWAY = Address(HUE.name, "46", HUE.wards[0].name, HUE.wards[0].code, "1 Lê Lợi")
BEFORE = Answers(
    full_name="Nguyễn Văn An",
    gender=Gender.MALE,
    id_issued_on=date(2015, 3, 27),
    id_issued_by="Công an thành phố Đà Nẵng",
    home=HOME,
    living_same=True,
    email="an@vidu.vn",
)


def shown(answers):
    return {
        "full_name": answers.full_name,
        "gender": answers.gender.value,
        "birth_date": "1990-02-01",
        "cmnd": "201234567",
        "phone": "+84905123456",
        "id_issued_on": answers.id_issued_on.isoformat(),
        "id_issued_by": answers.id_issued_by,
        "home": asdict(answers.home),
        "living": asdict(answers.lives_at),
        "email": answers.email or None,
    }


def patched(patch, before=BEFORE):
    return merged(patch, before, AN, shown(before), TODAY)


def test_what_was_read_may_be_sent_back():
    assert patched(shown(BEFORE)) == BEFORE
    assert patched({}) == BEFORE


def test_single_members_change():
    found = patched({"full_name": "NGUYỄN VĂN AN", "gender": "female", "email": "b@vidu.vn"})
    assert ("NGUYỄN VĂN AN", Gender.FEMALE, "b@vidu.vn") == (
        *(found.full_name, found.gender, found.email),
    )
    assert found.home == BEFORE.home


def test_null_takes_the_email_away():
    assert not patched({"email": None}).email


def test_an_address_is_merged_too():
    assert "2 Trần Phú" == patched({"home": {"street": "2 Trần Phú"}}).home.street
    ward = DA_NANG.wards[1]
    found = patched({"home": {"ward_code": ward.code}})
    assert (ward.name, "24 Trần Phú") == (found.home.ward, found.home.street)
    away = {"province_code": "46", "ward_code": AWAY.ward_code, "street": "1 Lê Lợi"}
    assert patched({"home": away}).home == AWAY


def test_a_new_province_wants_a_commune_of_its_own():
    assert patched({"home": {"province_code": "46"}}) == (
        PatchFault("/profile/home/ward_code", Reason.NOT_IN_PROVINCE),
    )


def test_who_lives_at_home_moves_with_it():
    found = patched({"home": {"street": "2 Trần Phú"}})
    assert found.lives_at == found.home
    both = patched({"home": {"street": "2 Trần Phú"}, "living": asdict(HOME)})
    assert both.lives_at == both.home


def test_who_lives_elsewhere_and_then_at_home():
    away = patched({"living": asdict(AWAY)})
    assert (HOME, AWAY) == (away.home, away.lives_at)
    assert HOME == patched({"living": None}, away).lives_at


FAULTS = {
    "no object": ("x", "", Reason.WRONG_TYPE),
    "an array": ([], "", Reason.WRONG_TYPE),
    "unknown": ({"religion": "x"}, "/religion", Reason.UNKNOWN_FIELD),
    "unknown, with a slash": ({"a/b~c": 1}, "/a~1b~0c", Reason.UNKNOWN_FIELD),
    "unknown of an address": ({"home": {"x": 1}}, "/home/x", Reason.UNKNOWN_FIELD),
    "date of birth": ({"birth_date": "1991-02-01"}, "/birth_date", Reason.READ_ONLY),
    "CMND": ({"cmnd": "201234568"}, "/cmnd", Reason.READ_ONLY),
    "phone": ({"phone": None}, "/phone", Reason.READ_ONLY),
    "name of a commune": ({"home": {"ward": "Huế"}}, "/home/ward", Reason.READ_ONLY),
    "a number": ({"full_name": 1}, "/full_name", Reason.WRONG_TYPE),
    "a boolean": ({"gender": True}, "/gender", Reason.WRONG_TYPE),
    "an address that is a text": ({"home": "1"}, "/home", Reason.WRONG_TYPE),
    "a street that is a list": ({"home": {"street": []}}, "/home/street", Reason.WRONG_TYPE),
    "no name": ({"full_name": None}, "/full_name", Reason.REQUIRED),
    "no home": ({"home": None}, "/home", Reason.REQUIRED),
    "no street": ({"home": {"street": None}}, "/home/street", Reason.REQUIRED),
    "blank street": ({"home": {"street": " "}}, "/home/street", Reason.REQUIRED),
    "another name": ({"full_name": "Trần An"}, "/full_name", Reason.NOT_THE_TEXTED_NAME),
    "a third gender": ({"gender": "x"}, "/gender", Reason.UNKNOWN_CODE),
    "no date": ({"id_issued_on": "27.3.2015"}, "/id_issued_on", Reason.NO_SUCH_DATE),
    "a week": ({"id_issued_on": "2015-W10-1"}, "/id_issued_on", Reason.NO_SUCH_DATE),
    "tomorrow": ({"id_issued_on": "2026-05-05"}, "/id_issued_on", Reason.IN_THE_FUTURE),
    "at birth": ({"id_issued_on": "1990-02-01"}, "/id_issued_on", Reason.NOT_AFTER_BIRTH),
    "long": ({"id_issued_by": "a" * 201}, "/id_issued_by", Reason.TOO_LONG),
    "half a character": ({"id_issued_by": "a\ud800"}, "/id_issued_by", Reason.CHARACTERS),
    "no email": ({"email": "an"}, "/email", Reason.NO_ADDRESS),
    "no province": (
        {"living": {"province_code": "99"}},
        "/living/province_code",
        Reason.UNKNOWN_CODE,
    ),
}


@pytest.mark.parametrize(("patch", "place", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_fault_has_its_place_and_reason(patch, place, reason):
    assert patched(patch) == (PatchFault(f"/profile{place}", reason),)


def test_all_faults_at_once():
    found = patched({"gender": "x", "email": "x", "home": {"street": "", "ward_code": "0"}})
    assert {"/profile/gender", "/profile/email", "/profile/home/street"} < {
        fault.pointer for fault in found
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = st.sampled_from([*shown(BEFORE), "x"])


@given(
    JSON
    | st.dictionaries(MEMBERS, JSON | st.dictionaries(st.sampled_from(sorted(asdict(HOME))), JSON))
)
def test_any_json_is_judged(patch):
    found = patched(patch)
    assert isinstance(found, Answers) or found
