"""What may be a citizen's own password, and how long who guesses one must wait.

Pure: password, person and count are passed in, the answer comes back. One rule for page, interface
and command; each says it in words of its own.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise, permutations
from typing import NamedTuple

from smsgw.model import Account, AccountState
from smsgw.registration import common_passwords
from smsgw.registration.syntax import fold

#: Hashing costs time with length: nobody types more, and a file given by mistake is refused.
MOST_CHARACTERS = 128
MOST_OCTETS = 512
#: So many wrong ones in a row are looked at before anybody has to wait.
FREE_GUESSES = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)

#: What is left of a password beside what everybody may know of its owner: fewer characters are a
#: guess or two.
_FEWEST_OF_ITS_OWN = 4
#: The same beside a whole CMND or telephone number, which is long enough by itself.
_FEWEST_BESIDE_A_NUMBER = 8
_SHORTEST_NUMBER = 9
_SHORTEST_TELLING_PART = 3
_SHORTEST_SEQUENCE = 3
#: Different ones, in a password that is more than one character over and over.
_FEWEST_CHARACTERS = 3
_MONTHS = (*("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),)
_MARKS_AND_DIGITS = re.compile(r"^[\W\d_]+|[\W\d_]+$")


class Reason(StrEnum):
    """Why a password cannot be a citizen's own; the first that holds is the one that is told."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    CONTROL_CHARACTERS = "control_characters"
    SAME_AS_OLD = "same_as_old"
    PERSONAL = "personal"
    REPEATED = "repeated"
    COMMON = "common"


#: Each in words for the command line; {least} is the shortest one's length.
RULES: Mapping[Reason, str] = {
    Reason.TOO_SHORT: "it must have at least {least} characters",
    Reason.TOO_LONG: f"it must have at most {MOST_CHARACTERS} characters",
    Reason.CONTROL_CHARACTERS: "it has control characters in it",
    Reason.SAME_AS_OLD: "it is the password of now",
    Reason.PERSONAL: "it is made of the citizen's name, date of birth, phone or CMND",
    Reason.REPEATED: "it is one character or run over and over, or a sequence",
    Reason.COMMON: "many people have it, and so it is guessed first",
}


class Person(NamedTuple):
    """What others may know of who chooses a password."""

    cmnd: str
    phone: str  #: E.164
    birth_date: date
    name: str  #: with diacritics or without


def person(account: Account) -> Person:
    """Whose *account* it is."""
    return Person(account.cmnd, account.phone, account.birth_date, account.full_name)


def own(typed: str) -> str:
    """A citizen's own password as it is kept: the letters that every keyboard ends in (NFKC),
    else exactly as typed.

    Source: NIST SP 800-63B-4, section 3.1.1.2.
    """
    return unicodedata.normalize("NFKC", typed)


def issued(typed: str) -> str:
    """An issued password as it was texted, read forgivingly: what a phone's keyboard adds to it,
    capitals, blanks and a final mark, is in no issued password, so that nothing is lost."""
    read = "".join(unicodedata.normalize("NFKC", typed).split())
    return read.removesuffix(read[-1:] if read[-1:] in (".", ",") else "").lower()


def read(typed: str, state: AccountState | None) -> str:
    """What somebody *typed* to log in to an account of that state, as its hash knows it."""
    return issued(typed) if state is AccountState.ISSUED else own(typed)


def has_diacritics(password: str) -> bool:
    """Whether it holds what a keyboard without Vietnamese cannot type: đ, a letter with marks."""
    return any(
        char in "đĐ" or any(map(unicodedata.combining, unicodedata.normalize("NFD", char)))
        for char in password
    )


def fault(password: str, least: int, who: Person, *, same_as_old: bool) -> Reason | None:
    """Why *password* cannot be a citizen's own; None if it can.

    Args:
        password: as `own` gives it.
        least: characters of the shortest one (registration.own_password_min).
        same_as_old: it is the password of now. That takes a hash to know: who can spare it asks
            `form_fault` first, and `content_fault` after it.
    """
    return (
        form_fault(password, least)
        or (Reason.SAME_AS_OLD if same_as_old else None)
        or content_fault(password, who)
    )


def form_fault(password: str, least: int) -> Reason | None:
    """What can be said before anything is hashed."""
    if len(password) < least:
        return Reason.TOO_SHORT
    if len(password) > MOST_CHARACTERS or _octets(password) > MOST_OCTETS:
        return Reason.TOO_LONG
    if not password.isprintable():
        return Reason.CONTROL_CHARACTERS
    return None


def content_fault(password: str, who: Person) -> Reason | None:
    """What can be said of a password whose form is right, and which is a new one."""
    folded = _folded(password)
    if _is_personal(folded, who):
        return Reason.PERSONAL
    if _is_repeated(folded):
        return Reason.REPEATED
    if _is_common(folded):
        return Reason.COMMON
    return None


def wait_after(wrong: int) -> timedelta:
    """How long nothing is looked at after *wrong* guesses in a row, the last of them included."""
    if wrong < FREE_GUESSES:
        return timedelta(0)
    doublings = min(wrong - FREE_GUESSES, 20)
    wait: timedelta = FIRST_WAIT * 2**doublings
    return min(wait, LONGEST_WAIT)


def _octets(password: str) -> int:
    return len(password.encode("utf-8", "surrogatepass"))


def _folded(text: str) -> str:
    """In lower case and without diacritics."""
    return (fold(text) or text).lower()


def _compact(folded: str) -> str:
    """Letters and digits alone."""
    return "".join(filter(str.isalnum, folded))


# --- personal -----------------------------------------------------------------------------------


def _is_personal(folded: str, who: Person) -> bool:
    """Whether there is too little in it besides what others may know."""
    whole = _compact(folded)
    numbers = _numbers(who)
    parts = numbers | _dates(who.birth_date) | _name_parts(who.name)
    for text in (whole, _compact(_core(folded))):
        if not text:
            continue
        left, telling = _left_over(text, parts)
        if left == 0 or (telling and left < _FEWEST_OF_ITS_OWN):
            return True
    besides = [len(whole) - len(number) for number in numbers if number in whole]
    return min(besides, default=_FEWEST_BESIDE_A_NUMBER) < _FEWEST_BESIDE_A_NUMBER


def _left_over(text: str, parts: set[str]) -> tuple[int, bool]:
    """The fewest characters of *text* that are in none of *parts* laid end to end, and whether
    any of these says something by itself: two letters of a name stand in many words."""
    parts = {part for part in parts if part in text}
    best: list[tuple[int, bool]] = [(0, False)]
    for end in range(1, len(text) + 1):
        left, telling = best[end - 1]
        found = (left + 1, telling)
        for part in parts:
            if text.endswith(part, 0, end):
                before, told = best[end - len(part)]
                candidate = (before, told or len(part) >= _SHORTEST_TELLING_PART)
                if (candidate[0], not candidate[1]) < (found[0], not found[1]):
                    found = candidate
        best.append(found)
    return best[-1]


def _numbers(who: Person) -> set[str]:
    digits = "".join(filter(str.isdigit, who.phone))
    national = digits.removeprefix("84")
    written = {who.cmnd, digits, national, f"0{national}", f"0084{national}"}
    return {number for number in written if len(number) >= _SHORTEST_NUMBER}


def _dates(born: date) -> set[str]:
    """A date of birth in any notation, without what stands between its parts."""
    days = {str(born.day), f"{born.day:02}"}
    months = {str(born.month), f"{born.month:02}", _MONTHS[born.month - 1]}
    years = {str(born.year), f"{born.year % 100:02}"}
    written = {"".join(parts) for d in days for m in months for y in years
               for parts in permutations((d, m, y))}  # fmt: skip
    written |= {f"{d}{m}" for d in days for m in months} | {f"{m}{d}" for d in days for m in months}
    spelt = {f"{d}thang{m}nam{y}" for d in days for m in months for y in years}
    written |= spelt | {f"ngay{words}" for words in spelt}
    return {text for text in written if len(text) >= 4} | {str(born.year)}


def _name_parts(name: str) -> set[str]:
    words = map(_compact, _folded(name).replace("-", " ").split())
    return {word for word in words if len(word) > 1}


# --- repeated and common ------------------------------------------------------------------------


def _is_repeated(folded: str) -> bool:
    """One character or run over and over, or one that goes up or down all along."""
    text = "".join(folded.split())
    return len(set(text)) < _FEWEST_CHARACTERS or _has_period(text) or _is_sequence(text)


def _has_period(text: str) -> bool:
    return any(text.startswith(text[period:]) for period in range(1, len(text) // 2 + 1))


def _is_sequence(text: str) -> bool:
    """`12345678`, `hgfedcba`, `1122334455`, `7890123`."""
    single = text[0] + "".join(b for a, b in pairwise(text) if a != b)
    if len(single) < _SHORTEST_SEQUENCE:
        return False
    steps = {_step(a, b) for a, b in pairwise(single)}
    return steps in ({1}, {-1})


def _step(before: str, after: str) -> int:
    if (before, after) == ("9", "0"):
        return 1
    if (before, after) == ("0", "9"):
        return -1
    return ord(after) - ord(before)


def _is_common(folded: str) -> bool:
    """As it is, or without the digits and marks at its ends; blanks are as typed, but single."""
    known = common_passwords.known()
    return any(" ".join(form.split()) in known for form in (folded, _core(folded)))


def _core(folded: str) -> str:
    return _MARKS_AND_DIGITS.sub("", folded)
