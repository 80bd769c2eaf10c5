"""One phone is one phone, however it is written."""

import string

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw import phone
from smsgw.model import Address

TONS, NPIS = range(7), (0, 1, 3, 9, 18)


def normalise(number, ton=0, npi=0, region="VN"):
    return phone.normalise(Address(number, ton, npi), region)


SAME = [
    "84905123456",
    "+84905123456",
    "0905123456",
    "905123456",
    "0084905123456",
    "+840905123456",  # trunk prefix left in
    "840905123456",
    "+0905123456",  # plus before whatever it is
    "84 905 123 456",
    "+84-905-123-456",
    "(0905) 123.456",
]


@pytest.mark.parametrize("ton", TONS)
@pytest.mark.parametrize("written", SAME)
def test_any_writing_with_any_ton_and_npi_is_the_same_number(written, ton):
    assert {"+84905123456"} == {normalise(written, ton, npi) for npi in NPIS}


WRITINGS = ["84{}", "+84{}", "0{}", "{}", "0084{}"]


@given(
    st.sampled_from(WRITINGS),
    st.from_regex("[35789][0-9]{8}", fullmatch=True),
    st.integers(0, 255),
    st.integers(0, 255),
)
def test_every_vietnamese_mobile_is_the_same_in_every_writing(form, national, ton, npi):
    assert "+84" + national == normalise(form.format(national), ton, npi)


NUMBERS = {
    "mobile with the 11 digits of before 2018": ("01201234567", "+841201234567"),
    "the same with country code": ("841201234567", "+841201234567"),
    "range that is not in use": ("0401234567", "+84401234567"),
    "range that is not in use, with country code": ("84401234567", "+84401234567"),
    "landline of Da Nang": ("02363123456", "+842363123456"),
    "abroad with a plus": ("+6591234567", "+6591234567"),
    "abroad with the prefix for it": ("006591234567", "+6591234567"),
    "too long for home": ("16502530000", "+16502530000"),
}


@pytest.mark.parametrize("ton", TONS)
@pytest.mark.parametrize(("written", "number"), NUMBERS.values(), ids=NUMBERS)
def test_whatever_could_be_a_number_by_country_and_length_is_one(written, number, ton):
    assert number == normalise(written, ton)


def test_foreign_number_without_plus_is_known_by_its_ton():
    assert "+6591234567" == normalise("6591234567", ton=1)
    assert "+4512345678" == normalise("4512345678", ton=1)


def test_ton_international_does_not_make_a_home_number_foreign():
    # As a Turkish, a Congolese and an American number these would be possible, or nearly so.
    assert "+84905123456" == normalise("905123456", ton=1)
    assert "+842435123456" == normalise("2435123456", ton=1)
    assert "+841201234567" == normalise("1201234567", ton=1)


NO_NUMBER = {
    "our short code": "8188",
    "short code of a carrier": "1414",
    "the police": "113",
    "short code with country code": "848188",
    "short code with a plus": "+8188",
    "six digits that start like a country": "431234",
    "name": "VIETTEL",
    "name with digits": "F88",
    "name that a dial would spell": "1800-FLOWERS",
    "name after a number": "0905123456 Lan",
    "number with an extension": "0905123456;ext=5",
    "service code": "*101#",
    "empty": "",
    "blank": " ",
    "a plus": "+",
    "two numbers": "0905123456,0905123457",
    "too long": "9" * 20,
    "far too long": "0905123456" * 1000,
    "country that does not exist": "+999123456789",
    "too short for its country": "+84905",
    "only a town knows it": "+12530000",
    "digits of another script": "٠٩٠٥١٢٣٤٥٦",
    "NUL": "0905123456\0",
    "line end": "0905123456\n",
}


@pytest.mark.parametrize("ton", TONS)
@pytest.mark.parametrize("written", NO_NUMBER.values(), ids=NO_NUMBER)
def test_what_is_no_telephone_number(written, ton):
    assert normalise(written, ton) is None


@given(st.text(string.digits, max_size=6), st.integers(0, 6))
def test_no_short_code_is_a_telephone_number(digits, ton):
    assert normalise(digits, ton) is None


writings = (
    st.from_regex(r"(\+?84|0)?[0-9]{8,10}", fullmatch=True)
    | st.text("+0123456789", max_size=16)
    | st.text("+0123456789 .-()aA", max_size=20)
    | st.text()
)


@given(writings, st.integers(0, 6), st.sampled_from(["VN", "SG", "US"]))
def test_the_fast_way_never_gives_another_answer_than_the_slow_one(written, ton, region):
    slow = phone._by_phonenumbers(written, ton == phone.INTERNATIONAL, region)
    fast = normalise(written, ton, region=region)
    assert slow == fast
    if fast is not None:
        parsed = phonenumbers.parse(fast)
        assert phonenumbers.is_possible_number(parsed)
        assert fast == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        assert {fast} == {normalise(fast, ton) for ton in TONS}


def test_numbers_without_country_code_belong_to_the_region():
    assert "+6591234567" == normalise("91234567", region="SG")
    assert "+84905123456" == normalise("+84905123456", region="SG")
    assert "+84905123456" == normalise("84905123456", ton=1, region="SG")


def test_what_a_person_types_may_have_blanks_and_full_width_digits():
    assert "+84905123456" == phone.from_text("  0905 123 456\n", "VN")
    assert "+84905123456" == phone.from_text("０９０５１２３４５６", "VN")
    assert phone.from_text("Lan", "VN") is None


BEGINNINGS = {
    "+84907": "+84907",
    "84907": "+84907",
    "0084907": "+84907",
    "0907": "+84907",
    "907": "+84907",
    "+0907": "+84907",
    " 84 (907)-1 ": "+849071",
    "0842": "+84842",
    "+855": "+855",
    "0": "+84",
    "０９０７": "+84907",
}


@pytest.mark.parametrize(("written", "read"), BEGINNINGS.items())
def test_beginning_of_a_number_is_read_in_any_writing(written, read):
    assert read == phone.beginning(written, "VN")


def test_beginning_is_read_as_the_region_dials():
    assert "+390612" == phone.beginning("0612", "IT")  # the zero is part of the number
    assert "+12125" == phone.beginning("1212 5", "US")


@pytest.mark.parametrize("written", ["", "+", "00", "ABC", "+84a", "0907;", "9" * 19, "-"])
def test_what_begins_no_number_is_none(written):
    assert phone.beginning(written, "VN") is None
