"""What a command does in the portal's short-lived file; where no portal ever ran, nothing.

Raises everywhere:
    SmsgwError: there is such a file, and it cannot be changed.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # most commands need no portal
    from smsgw.config import Settings
    from smsgw.portal.short import Short


def end_sessions(settings: "Settings", account: int) -> int:
    """End all sessions of an account on the portal's pages; how many there were."""
    with _opened(settings) as short:
        return short.end_sessions(account) if short else 0


def forget_account(settings: "Settings", account: int) -> None:
    """Remove all that the portal keeps of an account for a while."""
    with _opened(settings) as short:
        if short:
            short.forget_account(account)


@contextmanager
def _opened(settings: "Settings") -> "Iterator[Short | None]":
    from smsgw.portal.short import open_short

    short = open_short(settings, make=False)
    if short is None:
        yield None
        return
    with closing(short):
        yield short
