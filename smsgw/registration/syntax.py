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
# characters.
MAX_CHARACTERS = 2000
# Taken apart, the name of such a request has three characters for one, and the rest stays as long
# as it is. One character of another script may become eighteen.
_MAX_UNFOLDED = MAX_CHARACTERS + 1000
# Unicode normalisation takes time quadratic in the length of a row of combining marks, since it
# sorts them; 19 ms for 2,000 of U+0F73. These are dropped, so nobody needs them sorted, and a text
# can be taken apart piece by piece. Nearly every text is one piece.
_PIECE = 64
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
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


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
        folded = fold(text)
        if folded is None:
            return TOO_LONG
        text = folded
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
    if check_personal_number and contradicts(cmnd, birth_date):
        return CONTRADICTION
    return from_tuple(Request, (name, cmnd, birth_date))


# A text whose other parts are nobody's: what one part of it would be read as.
_SOMEBODY, _NUMBER, _DAY = "Nguyen Van An", "000000000", "1.1.1990"


def read_name(text: str, today: date) -> str | SyntaxFault:
    """*text* as the name in a registration is read."""
    read = parse(f"TK,{text},{_NUMBER},{_DAY}", today)
    if isinstance(read, SyntaxFault):
        return BAD_NAME if read is NOT_FOUR_PARTS else read
    return read.name


def read_birth_date(text: str, today: date) -> date | SyntaxFault:
    """*text* as the date of birth in a registration is read; ISO's way (yyyy-mm-dd), too."""
    if iso := _ISO_DATE.fullmatch(text.strip()):
        year, month, day = iso.groups()
        text = f"{day}.{month}.{year}"
    read = parse(f"TK,{_SOMEBODY},{_NUMBER},{text}", today)
    if isinstance(read, SyntaxFault):
        return BAD_DATE_FORM if read is NOT_FOUR_PARTS else read
    return read.birth_date


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


def contradicts(cmnd: str, birth_date: date) -> bool:
    """Whether digits 4 (century and sex) and 5 to 6 (year) of a 12-digit number tell another year.

    Digit 4 is 0 or 1 for men and women born in 1900 to 1999, 2 or 3 in 2000 to 2099, and so on.

    Source: Decree 137/2015/ND-CP, article 7.
    """
    return len(cmnd) == 12 and (1900 + int(cmnd[3]) // 2 * 100 + int(cmnd[4:6]) != birth_date.year)


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
_FOLDING.update(dict.fromkeys(map(ord, "\t\n\v\f\r\x85\u2028\u2029\u2800"), " "))
_FOLDING.update(dict.fromkeys(range(0x300, 0x370)))  # combining marks
# What shows nothing and is of no category to tell: blank letters, the place of an object that is
# no text (dictation leaves it), an empty head of a note, and code points that Unicode keeps free
# for what will show nothing (Default_Ignorable_Code_Point).
_FOLDING.update(dict.fromkeys((0x115F, 0x1160, 0x3164, 0xFFA0, 0xFFFC, 0x1D159, 0x2065)))
_FOLDING.update(dict.fromkeys(range(0xFFF0, 0xFFF9)))
_FOLDING.update(dict.fromkeys(range(0xE0000, 0xE1000)))
# A crossed d is a letter of its own, not a d with a mark. Phones and keyboards write it with other
# letters that look like it: eth, the d's of African and of phonetic alphabets, and the sign of the
# dong, which is an underlined crossed d.
_FOLDING.update(dict.fromkeys(map(ord, "ĐÐƉƊƋᴆꟇ"), "D"))
_FOLDING.update(dict.fromkeys(map(ord, "đðɖɗƌȡᵭᶁᶑꟈ₫"), "d"))
# The rest is what phones make of ' and -.
_FOLDING.update({ord("\u2010"): "-"})
_FOLDING.update(dict.fromkeys(map(ord, "\u2018\u2019\u02bc"), "'"))


def fold(text: str) -> str | None:
    """*text* in NFKC, without diacritics and invisible characters, and each blank a space; None:
    it grows beyond all that a registration may be.

    `Nguyễn Thị Đào` becomes `Nguyen Thi Dao`, composed or not. Takes time linear in the length of
    *text*.
    """
    # NFKD is NFKC taken apart: a letter, then its marks.
    if len(text) <= _PIECE:
        return unicodedata.normalize("NFKD", text).translate(_FOLDING)
    pieces, length = [], 0
    for at in range(0, len(text), _PIECE):
        pieces.append(unicodedata.normalize("NFKD", text[at : at + _PIECE]))
        length += len(pieces[-1])
        if length > _MAX_UNFOLDED:
            return None
    return "".join(pieces).translate(_FOLDING)
