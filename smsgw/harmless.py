"""Text that others wrote, made harmless where people and programs read it.

A citizen, a carrier or a file may hold characters that steer a terminal (escapes of either set, C0
and C1), begin a new line in a log, or reverse the direction of writing. What is harmless is one
question with one answer for logs, tables, CSV, the simulator and the faults of a configuration:
`str.isprintable`. Each place says what stands there instead. CSV has a danger of its own, formulas.

Knows text only.
"""

import re
from collections.abc import Callable

#: Of a number that people must recognise, and others must not learn.
MASK_OF_NUMBER = "*****"
_DIGITS_SHOWN = 3
_FEWEST_MASKED = 6


def harmless(text: str, keep: str = "") -> str:
    """*text* for people: white space becomes a space, what else could do harm a mark.

    Args:
        keep: characters that stay, such as a line end.
    """
    return _replaced(
        text, keep, lambda char: " " if char.isspace() else "\N{REPLACEMENT CHARACTER}"
    )


def escaped(text: str, keep: str = "") -> str:
    r"""*text* for a log: what could do harm is written as Python writes it, such as `\x1b`."""
    return _replaced(text, keep, lambda char: repr(char)[1:-1])


def harmless_json(document: str) -> str:
    r"""A JSON *document* of the same meaning; `\u009b` and the like for what could do harm."""
    return _replaced(document, "", _json_escape)


def csv_cell(text: str) -> str:
    """*text* such that no spreadsheet takes it, or a part of it, for a formula.

    A spreadsheet may split cells at another character than the comma (a semicolon, where commas
    stand in numbers), and may take a quotation mark or line end for the end of a cell: what begins
    a formula is told apart there as well. A telephone number is left as it is: behind its plus
    sign come digits only, and the worst that a spreadsheet can make of it is a number.

    Source: OWASP, CSV Injection.
    """
    if text.startswith("+") and text[1:].isascii() and text[1:].isdigit():
        return text
    found = _FORMULA.sub("'", harmless(text, keep="\t\n"))
    return f"'{found}" if found.startswith(("\t", "\n")) else found


# The signs behind the first four are their full-width forms: Excel in an East Asian language takes
# them too.
_FORMULA = re.compile(r"""(?:^|(?<=[,;|"\t\n]))(?= *[=+\-@＝＋－＠])""")


def masked(number: str) -> str:
    """The last three of *number*, such as `*****456`: enough for somebody who knows it."""
    shown = number[-_DIGITS_SHOWN:] if len(number) >= _FEWEST_MASKED else ""
    return f"{MASK_OF_NUMBER}{shown}"


def _replaced(text: str, keep: str, instead: Callable[[str], str]) -> str:
    if text.isprintable():  # nearly always
        return text
    return "".join(char if char.isprintable() or char in keep else instead(char) for char in text)


def _json_escape(char: str) -> str:
    octets = char.encode("utf-16-be", "surrogatepass")
    units = [octets[at : at + 2].hex() for at in range(0, len(octets), 2)]
    return "".join(f"\\u{unit}" for unit in units)
