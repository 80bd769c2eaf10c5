"""One phone is one phone, however it is written."""

import string

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw import phone
from smsgw.model import Address, Ignored

TONS, NPIS = range(7), (0, 1, 3, 9, 18)


def normalise(number, ton=0, npi=0, region="VN", national=False):
    return phone.normalise(Address(number, ton, npi), region, national)


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
    lies = form == "{}"  # the one writing that may be a foreign number with TON 1
    assert "+84" + national == normalise(form.format(national), ton, npi, national=lies)


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


# Possible in both countries: TON 1 means the other one where today's tables know the number there.
TWO_READINGS = {
    "Andorran mobile": ("376312345", "+376312345", "+84376312345"),
    "Singaporean": ("6591234567", "+6591234567", "+846591234567"),
    "Congolese, landline of Hanoi": ("2435123456", "+2435123456", "+842435123456"),
    "Italian, new range of ours": ("390123456", "+390123456", "+84390123456"),
}


@pytest.mark.parametrize(("written", "abroad", "home"), TWO_READINGS.values(), ids=TWO_READINGS)
def test_ton_international_decides_where_a_number_is_valid_abroad(written, abroad, home):
    assert abroad == normalise(written, ton=1)
    assert {home} == {normalise(written, ton) for ton in TONS if ton != 1}
    assert home == normalise(written, ton=1, national=True)


NO_NUMBER_ABROAD = {
    "no Turkish number": ("905123456", "+84905123456"),
    "no Chinese one": ("861234567", "+84861234567"),
    "no Iranian one": ("981234567", "+84981234567"),
    "no Danish one": ("4512345678", "+844512345678"),
    "too short for America": ("1201234567", "+841201234567"),
}


@pytest.mark.parametrize(("written", "home"), NO_NUMBER_ABROAD.values(), ids=NO_NUMBER_ABROAD)
def test_ton_international_does_not_make_a_home_number_foreign(written, home):
    assert {home} == {normalise(written, ton) for ton in TONS}


def test_number_with_a_trunk_prefix_is_never_foreign():
    assert "+84376312345" == normalise("0376312345", ton=1)


@pytest.mark.parametrize(
    ("written", "e164", "nationally"),
    [
        ("905123456", "+84905123456", True),
        ("0905123456", "+84905123456", True),
        ("(0905) 123.456", "+84905123456", True),
        ("84905123456", "+84905123456", False),
        ("+84905123456", "+84905123456", False),
        ("0084905123456", "+84905123456", False),
        ("840905123456", "+84905123456", False),
        ("376312345", "+376312345", False),
    ],
)
def test_number_without_country_code_is_told_from_one_that_has_it(written, e164, nationally):
    assert nationally == phone.is_written_nationally(Address(written, 1, 1), e164)


# --- who pays ---------------------------------------------------------------------------------

HOME, EVERYWHERE = ("VN",), ("*",)
NEVER_TEXTED = {
    "satellite": ("+881631234567", HOME, Ignored.COUNTRY),
    "Cuba": ("+5351234567", HOME, Ignored.COUNTRY),
    "US 1-900": ("+19005551234", HOME, Ignored.COUNTRY),
    "US 1-900, everywhere": ("+19005551234", EVERYWHERE, Ignored.KIND_OF_NUMBER),
    "VN 1900": ("+8419001234", HOME, Ignored.KIND_OF_NUMBER),
    "VN 1800": ("+841800561234", HOME, Ignored.KIND_OF_NUMBER),
    "VN mobile where only Lao ones are answered": ("+84905123456", ("LA",), Ignored.COUNTRY),
}
TEXTED = {
    "VN mobile": ("+84905123456", HOME),
    "VN mobile among others": ("+84905123456", ("LA", "VN")),
    "VN mobile, everywhere": ("+84905123456", EVERYWHERE),
    "range that is not in use": ("+84401234567", HOME),
    "eleven digits of before 2018": ("+841201234567", HOME),
    "satellite, everywhere": ("+881631234567", EVERYWHERE),
    "American range that is not in use": ("+12225550123", ("US",)),
}


@pytest.mark.parametrize(("e164", "countries", "why"), NEVER_TEXTED.values(), ids=NEVER_TEXTED)
def test_numbers_that_somebody_would_pay_for_are_never_texted(e164, countries, why):
    assert why is phone.may_be_texted(e164, countries)


@pytest.mark.parametrize(("e164", "countries"), TEXTED.values(), ids=TEXTED)
def test_numbers_of_the_countries_may_be_texted(e164, countries):
    assert phone.may_be_texted(e164, countries) is None


def test_no_vietnamese_mobile_is_of_a_kind_that_costs_so_none_has_to_be_looked_up():
    ranges = [f"{first}{rest:03}" for first in "35789" for rest in range(1000)]
    numbers = [f"+84{start}12345" for start in ranges]
    assert {("VN", False)} == {phone._country_and_kind.__wrapped__(e164) for e164 in numbers}
    before = phone._country_and_kind.cache_info()
    assert {None} == {phone.may_be_texted(e164, HOME) for e164 in numbers}
    assert before == phone._country_and_kind.cache_info()


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


@given(writings, st.integers(0, 6), st.sampled_from(["VN", "SG", "US"]), st.booleans())
def test_the_fast_way_never_gives_another_answer_than_the_slow_one(written, ton, region, national):
    international = ton == phone.INTERNATIONAL and not national
    slow = phone._by_phonenumbers(written, international, region)
    fast = normalise(written, ton, region=region, national=national)
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
