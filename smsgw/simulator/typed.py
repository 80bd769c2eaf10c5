"""What is typed at a simulated SMSC: a number with a citizen's text, or a trick to be played."""

import re
from typing import NamedTuple

from smsgw.simulator.playbook import Unclear

EXAMPLE = "84905123456 TK,Nguyen Van An,201234567,01.02.1990"
_LINE = re.compile(r"\s*(\+?\d{3,20})\s+(\S.*?)\s*", re.DOTALL)


class Typed(NamedTuple):
    """A text that somebody wants to send."""

    number: str
    text: str


class Trick(NamedTuple):
    """Something odd that somebody wants done: a line that begins with `!`."""

    line: str  #: without the `!`


def read_line(octets: bytes, number: str | None = None) -> Typed | Trick | None:
    """One typed line; None if it is empty.

    Args:
        number: the sender where the line names none.

    Raises:
        Unclear: it is not UTF-8, or names no number or no text.
    """
    try:
        line = octets.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise Unclear("this line is not UTF-8") from None
    if not line:
        return None
    if line.startswith("!"):
        return Trick(line[1:])
    if found := _LINE.fullmatch(line):
        return Typed(*found.groups())
    if number is None:
        raise Unclear(f"write a number, a space and a text, such as\n  {EXAMPLE}")
    return Typed(number, line)
