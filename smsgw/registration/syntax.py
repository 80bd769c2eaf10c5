"""A citizen's text -> a request for an account, or the reason why it is none.

Knows the form that dispatch 1232 gives, `TK,Ho va Ten,CMND,ngaysinh`, and the ways in which phones
and people bend it. Pure: no clock (today is passed in), no account, no reply text.
"""

import re
import unicodedata
from datetime import date
from typing import NamedTuple

from smsgw.model import from_tuple

# A request written in the most wasteful way (100 letters, each with two combining marks) has 500
# characters. Unicode normalisation takes quadratic time on a row of combining marks: 3 s for the
# 64 K that a message_payload may hold, 3 ms for these.
MAX_CHARACTERS = 2000
MAX_NAME = 100
MIN_NAME = 2
EARLIEST_BIRTH = date(1900, 1, 1)

# Nearly every valid text looks like this. What does not is taken apart below, where it is also
# said what is wrong with it.
_USUAL = re.compile(
    r" *[Tt][Kk] *[,;]([ '-]*[A-Za-z][A-Za-z '-]*)[,;] *([0-9]{9}|[0-9]{12}) *[,;]"
    r" *([0-9]{1,2}) *([./]) *([0-9]{1,2}) *\4 *([0-9]{4}) *[,;.]? *"
)
_NAME = re.compile(r"[ '-]*[A-Za-z][A-Za-z '-]*")
_CMND = re.compile(r"[0-9]{9}(?:[0-9]{3})?")
_DATE = re.compile(r"([0-9]{1,2}) *([./]) *([0-9]{1,2}) *\2 *([0-9]{4})")


class Request(NamedTuple):
    """A registration as the citizen meant it, free of diacritics and of the way of writing."""

    name: str  #: letters A-Z, single spaces, apostrophes, hyphens; 2 to 100 characters
    cmnd: str  #: 9 or 12 digits
    birth_date: date


class SyntaxFault(NamedTuple):
    """Why a text is no registration; fit for the log, since nothing of the text is in it."""

    reason: str


UNREADABLE = SyntaxFault("cannot be read")
TOO_LONG = SyntaxFault(f"longer than {MAX_CHARACTERS} characters")
NOT_FOUR_PARTS = SyntaxFault("not four parts")
NO_KEYWORD = SyntaxFault("keyword is not TK")
BAD_NAME = SyntaxFault("name has other characters than letters")
BAD_NAME_LENGTH = SyntaxFault(f"name is not of {MIN_NAME} to {MAX_NAME} characters")
BAD_CMND = SyntaxFault("CMND is not of 9 or 12 digits")
BAD_DATE_FORM = SyntaxFault("date is not dd.mm.yyyy or dd/mm/yyyy")
NO_SUCH_DAY = SyntaxFault("no such day")
BAD_BIRTH_DATE = SyntaxFault("date of birth is before 1900 or in the future")
CONTRADICTION = SyntaxFault("personal number contradicts the date of birth")


def parse(
    text: str | None, today: date, *, check_personal_number: bool = False
) -> Request | SyntaxFault:
    """Read *text* as a registration. Never raises, and takes bounded time, whatever the text.

    Args:
        text: as the phone sent it; None if its octets could not be decoded.
        today: in the gateway's time zone; a later date of birth is refused.
        check_personal_number: refuse a 12-digit number that contradicts the date of birth.

    Source: dispatch 1232/STTTT-CNTT.
    """
    if text is None:
        return UNREADABLE
    if len(text) > MAX_CHARACTERS:
        return TOO_LONG
    if not (text.isascii() and text.isprintable()):
        text = fold(text)
    usual = _USUAL.fullmatch(text)
    read = usual.groups() if usual else _take_apart(text)
    if isinstance(read, SyntaxFault):
        return read
    name, cmnd, day, _, month, year = read
    name = name.strip(" ")
    if "  " in name:
        name = " ".join(name.split())
    if not MIN_NAME <= len(name) <= MAX_NAME:
        return BAD_NAME_LENGTH
    try:
        birth_date = date(int(year), int(month), int(day))
    except ValueError:
        return NO_SUCH_DAY
    if not EARLIEST_BIRTH <= birth_date <= today:
        return BAD_BIRTH_DATE
    if check_personal_number and len(cmnd) == 12 and not _agree(cmnd, birth_date):
        return CONTRADICTION
    return from_tuple(Request, (name, cmnd, birth_date))


def _take_apart(text: str) -> tuple[str, ...] | SyntaxFault:
    """The groups of `_USUAL`, or what is wrong with a text that is not usual."""
    text = text.strip(" ")
    if text.endswith((",", ";", ".")):
        text = text[:-1]
    parts = text.replace(";", ",").split(",")
    if len(parts) != 4:
        return NOT_FOUR_PARTS
    keyword, name, cmnd, written_date = parts
    if keyword.strip(" ").upper() != "TK":
        return NO_KEYWORD
    if not _NAME.fullmatch(name):
        return BAD_NAME
    cmnd = cmnd.replace(" ", "").replace(".", "")
    if not _CMND.fullmatch(cmnd):
        return BAD_CMND
    match = _DATE.fullmatch(written_date.strip(" "))
    if not match:
        return BAD_DATE_FORM
    return (name, cmnd, *match.groups())


def _agree(cmnd: str, birth_date: date) -> bool:
    """Whether digits 4 (century and sex) and 5 to 6 (year) of a 12-digit number fit the date.

    Digit 4 is 0 or 1 for men and women born in 1900 to 1999, 2 or 3 in 2000 to 2099, and so on.

    Source: Decree 137/2015/ND-CP, article 7.
    """
    return 1900 + int(cmnd[3]) // 2 * 100 + int(cmnd[4:6]) == birth_date.year


class _Folding(dict[int, str | None]):
    """What becomes of one character after NFKD, for `str.translate`.

    The common ones stand in the table; others are decided anew each time, since a table that
    learns them could be made to grow by whoever sends texts.
    """

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        if unicodedata.category(character) in ("Mn", "Cf"):
            return None
        return " " if character.isspace() else character


_FOLDING = _Folding()
_FOLDING.update({code: chr(code) for code in range(0x80)})
# Control characters other than these stay and make the text a syntax error.
_FOLDING.update(dict.fromkeys(map(ord, "\t\n\v\f\r\x85\u2028\u2029"), " "))
_FOLDING.update(dict.fromkeys(range(0x300, 0x370)))  # combining marks
_FOLDING.update(dict.fromkeys(map(ord, "\u115f\u1160")))  # blank letters, of no category to tell
# A crossed d is a letter of its own, not a d with a mark. The rest is what phones make of ' and -.
_FOLDING.update({ord("đ"): "d", ord("Đ"): "D", ord("\u2010"): "-"})
_FOLDING.update(dict.fromkeys(map(ord, "\u2018\u2019\u02bc"), "'"))


def fold(text: str) -> str:
    """*text* in NFKC, without diacritics and invisible characters, and each blank a space.

    `Nguyễn Thị Đào` becomes `Nguyen Thi Dao`, composed or not. Takes time that is quadratic in
    the length of *text* if somebody means harm.
    """
    # NFKD is NFKC taken apart: a letter, then its marks.
    return unicodedata.normalize("NFKD", text).translate(_FOLDING)
