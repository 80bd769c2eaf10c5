"""Any writing of a telephone number -> E.164, so that one phone is one phone.

Knows countries and lengths (phonenumbers), not which ranges are in use: these change, and a new
one must refuse nobody. No account, no link.
"""

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from smsgw.model import Address

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

INTERNATIONAL = 1  #: type of number, SMPP v3.4 §5.2.5

# Today's mobile numbers of Vietnam in the ways carriers write them. phonenumbers reads them the
# same (a test compares), fifty times slower.
_VIETNAMESE_MOBILE = re.compile(r"(?:\+?84|0)?([35789][0-9]{8})")
# Longer than any number with its punctuation; phonenumbers itself takes 250 characters.
_MAX_CHARACTERS = 40
# Without a plus, fewer digits are a short code and not a small country's number.
_FEWEST_DIGITS_ABROAD = 7
# No letters: phonenumbers would read a name such as 1800-FLOWERS as the number on its keys.
_WRITTEN = re.compile(rf"\+?[0-9 ().\-/\u00a0]{{1,{_MAX_CHARACTERS}}}")

# Of a number, of which E.164 has 15 digits at most, with what is dialled before it.
_BEGINNING = re.compile(r"\+?[0-9]{1,18}")


def normalise(address: Address, region: str) -> str | None:
    """The E.164 form of *address*, such as `+84905123456`; None if it is no telephone number.

    The same number comes out whatever TON and NPI the carrier puts beside it, since carriers put
    anything there. Only a number that does not look like one of *region* is taken as
    international when its TON says so.

    Args:
        region: where numbers without a country code belong, such as "VN".
    """
    if region == "VN" and (mobile := _VIETNAMESE_MOBILE.fullmatch(address.number)):
        return "+84" + mobile[1]
    return _by_phonenumbers(address.number, address.ton == INTERNATIONAL, region)


def from_text(text: str, region: str) -> str | None:
    """The E.164 form of what a person typed; None if it is no telephone number."""
    return normalise(Address(unicodedata.normalize("NFKC", text).strip(), 0, 0), region)


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
    if (
        (number is None or (international and _looks_foreign(written, number, region)))
        and not written.startswith("+")
        and len(_digits(written)) >= _FEWEST_DIGITS_ABROAD
    ):
        number = _possible("+" + written, region) or number
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
