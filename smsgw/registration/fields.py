"""Single answers: how each is read, and why it cannot be taken. Pure."""

import re
import unicodedata
from datetime import date
from enum import StrEnum

from smsgw.registration.syntax import fold

LONGEST_NAME = 100
LONGEST_TEXT = 200
LONGEST_EMAIL = 254  # RFC 5321, section 4.5.3.1.3, without its angle brackets
_LONGEST_LOCAL_PART = 64
#: Besides letters.
_IN_NAMES = " '-\u2019\u2010"
#: Marks on one letter: more than any writing has are there to do harm.
_MOST_MARKS = 4


class Reason(StrEnum):
    """Why an answer cannot be taken."""

    REQUIRED = "required"
    NOT_THE_TEXTED_NAME = "not_the_texted_name"
    INCOMPLETE = "incomplete"  #: of a date: a part is missing
    NO_SUCH_DATE = "no_such_date"
    IN_THE_FUTURE = "in_the_future"
    NOT_AFTER_BIRTH = "not_after_birth"
    NOT_IN_PROVINCE = "not_in_province"
    NO_ADDRESS = "no_address"  #: of an e-mail
    TOO_LONG = "too_long"
    CHARACTERS = "characters"  #: some that no form needs: controls, heaps of marks
    # Of an interface for programs alone:
    WRONG_TYPE = "wrong_type"
    UNKNOWN_FIELD = "unknown_field"
    READ_ONLY = "read_only"  #: it is not changed here
    UNKNOWN_CODE = "unknown_code"  #: no such value, province or commune


def tidy(text: str) -> str:
    """*text* in NFC, with single blanks and none at its ends; else as typed."""
    return " ".join(unicodedata.normalize("NFC", text[: 4 * LONGEST_TEXT]).split())


def name_fault(name: str, texted: str) -> Reason | None:
    """Whether *name*, once `tidy`, is the *texted* one with its diacritics."""
    if not name:
        return Reason.REQUIRED
    # Folding forgives what a text may hold: a mark that no letter is one with, what is invisible,
    # letters of another width. A name that is kept is letters.
    if len(name) > LONGEST_NAME or not all(char.isalpha() or char in _IN_NAMES for char in name):
        return Reason.NOT_THE_TEXTED_NAME
    if unicodedata.normalize("NFKC", name) != name or _bare(name) != _bare(texted):
        return Reason.NOT_THE_TEXTED_NAME
    return None


def _bare(name: str) -> str:
    """A name without diacritics and case, with single blanks."""
    return " ".join((fold(name) or "").casefold().split())


def text_fault(text: str) -> Reason | None:
    """What is wrong with a free text, once `tidy`."""
    if not text:
        return Reason.REQUIRED
    if len(text) > LONGEST_TEXT:
        return Reason.TOO_LONG
    if not text.isprintable() or _heaps_marks(text):
        return Reason.CHARACTERS
    return None


def _heaps_marks(text: str) -> bool:
    row = 0
    for char in text:
        row = row + 1 if unicodedata.category(char).startswith("M") else 0
        if row > _MOST_MARKS:
            return True
    return False


def date_fault(issued: date, birth_date: date, today: date) -> Reason | None:
    """What is wrong with the day on which a document was issued."""
    if issued > today:
        return Reason.IN_THE_FUTURE
    return Reason.NOT_AFTER_BIRTH if issued <= birth_date else None


def date_of(day: str, month: str, year: str) -> date | Reason:
    parts = [unicodedata.normalize("NFKC", part) for part in (day, month, year)]
    if not any(parts):
        return Reason.REQUIRED
    if not all(parts):
        return Reason.INCOMPLETE
    if not all(part.isascii() and part.isdigit() for part in parts):
        return Reason.NO_SUCH_DATE
    if len(parts[2]) != 4 or max(map(len, parts[:2])) > 2:
        return Reason.NO_SUCH_DATE
    try:
        return date(int(parts[2]), int(parts[1]), int(parts[0]))
    except ValueError:
        return Reason.NO_SUCH_DATE


_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


def is_email(text: str) -> bool:
    """Whether *text* has the form of an address that every mail server takes."""
    return (
        len(text) <= LONGEST_EMAIL
        and _EMAIL.fullmatch(text) is not None
        and text.index("@") <= _LONGEST_LOCAL_PART
    )
