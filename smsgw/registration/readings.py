"""Octets that contradict their data_coding -> the one registration that they can be.

Some SMSCs and phones declare one alphabet and write another. A text that is a registration in one
reading and nonsense in the declared one is that registration; where two readings would register
different people, it stays nonsense. Pure, like `syntax`, and asked only about texts that are no
registration as they were declared.
"""

from datetime import date

from smsgw.model import Octets
from smsgw.registration import syntax
from smsgw.registration.syntax import Request
from smsgw.smpp.alphabets import readings

#: The longest registration in its most wasteful form has 500 characters, in UTF-16 twice as many
#: octets.
MAX_OCTETS = 1024


def reread(
    octets: Octets, today: date, *, check_personal_number: bool = False
) -> tuple[str, Request] | None:
    """The text and the request that *octets* write in exactly one way; None: in none, or several.

    Args:
        today: as in `syntax.parse`.
        check_personal_number: as in `syntax.parse`.
    """
    if sum(map(len, octets.pieces)) > MAX_OCTETS:
        return None
    found: dict[Request, str] = {}
    for text in readings(octets):
        request = syntax.parse(text, today, check_personal_number=check_personal_number)
        if isinstance(request, Request):
            found.setdefault(request, text)
    if len(found) != 1:
        return None
    ((request, text),) = found.items()
    return text, request
