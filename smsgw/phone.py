"""Any writing of a telephone number -> E.164, so that one phone is one phone; and who pays for it.

Knows countries and lengths (phonenumbers). Which ranges are in use decides only between two
readings of one number: these ranges change, and a new one must refuse nobody. No account, no link.
"""

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from smsgw.model import Address, Ignored

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

INTERNATIONAL = 1  #: type of number, SMPP v3.4 §5.2.5

# Today's mobile numbers of Vietnam in the ways carriers write them. phonenumbers reads them the
# same (a test compares), fifty times slower.
_VIETNAMESE_MOBILE = re.compile(r"(?:\+?84|0)?([35789][0-9]{8})")
_THEIR_E164 = re.compile(r"\+84[35789][0-9]{8}")
# Longer than any number with its punctuation; phonenumbers itself takes 250 characters.
_MAX_CHARACTERS = 40
# Without a plus, fewer digits are a short code and not a small country's number.
_FEWEST_DIGITS_ABROAD = 7
# No letters: phonenumbers would read a name such as 1800-FLOWERS as the number on its keys.
_WRITTEN = re.compile(rf"\+?[0-9 ().\-/\u00a0]{{1,{_MAX_CHARACTERS}}}")

# Of a number, of which E.164 has 15 digits at most, with what is dialled before it.
_BEGINNING = re.compile(r"\+?[0-9]{1,18}")


def normalise(address: Address, region: str, national: bool = False) -> str | None:
    """The E.164 form of *address*, such as `+84905123456`; None if it is no telephone number.

    The same number comes out whatever TON and NPI the carrier puts beside it, since carriers put
    anything there. Only where it can be read in two ways does TON decide: with TON 1 an
    international reading that is valid by today's tables wins over a national one that is
    possible. `376312345` with TON 1 is in Andorra; `905123456` is no Turkish number.

    Args:
        region: where numbers without a country code belong, such as "VN".
        national: this carrier writes national numbers with TON 1, so that it says nothing.
    """
    number = address.number
    if (
        region == "VN"
        and (mobile := _VIETNAMESE_MOBILE.fullmatch(number))
        # Nine digits and no more are the one writing that may be another country's as well.
        and (address.ton != INTERNATIONAL or national or mobile.start(1))
    ):
        return "+84" + mobile[1]
    return _by_phonenumbers(number, address.ton == INTERNATIONAL and not national, region)


def is_written_nationally(address: Address, e164: str) -> bool:
    """Whether *address*, which was read as *e164*, has no country code."""
    digits = _digits(address.number).lstrip("0")
    return len(digits) < len(e164) - 1 and e164.endswith(digits)


def from_text(text: str, region: str) -> str | None:
    """The E.164 form of what a person typed; None if it is no telephone number."""
    return normalise(Address(unicodedata.normalize("NFKC", text).strip(), 0, 0), region)


def may_be_texted(e164: str, countries: tuple[str, ...]) -> Ignored | None:
    """Why nothing is sent to the number *e164*; None: it may get texts.

    None go to countries other than *countries* ("*" among them: all), and none to numbers known
    as premium-rate, shared-cost, toll-free, pager or voice mail. A number that today's tables do
    not know belongs to the main country of its code.
    """
    if _THEIR_E164.fullmatch(e164) and ("VN" in countries or "*" in countries):
        return None  # no number of any such kind begins so (a test looks at all of them)
    country, costs = _country_and_kind(e164)
    if "*" not in countries and country not in countries:
        return Ignored.COUNTRY
    return Ignored.KIND_OF_NUMBER if costs else None


@lru_cache(maxsize=4096)
def _country_and_kind(e164: str) -> tuple[str, bool]:
    """The country of *e164*, and whether it is of a kind that nobody must be made to pay for."""
    import phonenumbers

    kinds = phonenumbers.PhoneNumberType
    number = phonenumbers.parse(e164)
    country = phonenumbers.region_code_for_number(number)
    if country is None:
        country = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return country, phonenumbers.number_type(number) in (
        kinds.PREMIUM_RATE,
        kinds.SHARED_COST,
        kinds.TOLL_FREE,
        kinds.PAGER,
        kinds.VOICEMAIL,
    )


@lru_cache(maxsize=4096)
def _by_phonenumbers(written: str, international: bool, region: str) -> str | None:
    """*written* as E.164, by the metadata of phonenumbers."""
    import phonenumbers  # here: most processes never meet a number that needs it

    if not _WRITTEN.fullmatch(written):
        return None
    if written.startswith("+0"):
        # No country begins with 0, but some carriers put a plus before whatever they have.
        written = written[1:]
    number = _possible(written, region)
    if not written.startswith("+") and len(_digits(written)) >= _FEWEST_DIGITS_ABROAD:
        if number is None:
            number = _possible("+" + written, region)
        elif international and not _digits(written).startswith("0"):
            abroad = _possible("+" + written, region)
            if abroad is not None and phonenumbers.is_valid_number(abroad):
                number = abroad
    if number is None:
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # Zeros too many survive one reading and not the next: then it is no number.
    return e164 if number == _possible(e164, region) else None


def _possible(written: str, region: str) -> "PhoneNumber | None":
    """*written* as phonenumbers reads it, if country and length allow such a number.

    A number that could be dialled only inside a town, or a short code, is none: nothing reaches
    it from here.
    """
    import phonenumbers

    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    return number if reason == phonenumbers.ValidationResult.IS_POSSIBLE else None


def _looks_foreign(written: str, home: "PhoneNumber", region: str) -> bool:
    """Whether *written*, which could be the number *home* of *region*, may as well be foreign.

    It is not if it has a trunk or country code of home, is as long as a mobile number of home, or
    is in use there by today's table.
    """
    import phonenumbers

    digits = _digits(written)
    if digits.startswith(("0", str(home.country_code))) or phonenumbers.is_valid_number(home):
        return False
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    return example is None or len(digits) != len(str(example.national_number))


def beginning(text: str, region: str) -> str | None:
    """The beginning of E.164 numbers that a person typed in any writing; None if it is none.

    `+84907`, `84907`, `0084907`, `0907` and `907` are all `+84907`, where *region* is "VN".
    """
    import phonenumbers

    written = re.sub(r"[ ().\-/\u00a0]", "", unicodedata.normalize("NFKC", text))
    if not _BEGINNING.fullmatch(written):
        return None
    if written.startswith("+0"):
        written = written[1:]  # as some carriers have it
    if written.startswith(("+", "00")):
        digits = written.lstrip("+0")
        return f"+{digits}" if digits else None
    code = str(phonenumbers.country_code_for_region(region))
    if written.startswith(code):
        return f"+{written}"
    trunk = phonenumbers.ndd_prefix_for_region(region, True) or ""
    return f"+{code}{written.removeprefix(trunk)}"


def _digits(written: str) -> str:
    return re.sub("[^0-9]", "", written)
