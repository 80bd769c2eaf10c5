"""What lives shortly: sessions, tries, known browsers, codes, tokens. A file beside the database,
`portal.db`, so that no flood of log-ins ever holds the lock on which the gateway commits citizens'
texts.

It may vanish: then citizens log in again, and counts begin at 0. Commands end sessions in it, and
make none.

    sqlite   the file        guesses  reserved tries, in it        sql   its statements
    grants   what waits for a log-in, codes, access tokens, in it
    rows     what goes in and comes out
"""

from smsgw.config import Settings
from smsgw.portal.short.rows import (
    CodeRow,
    Denied,
    Guess,
    Limits,
    Promise,
    SessionRow,
    Ticket,
    TokenRow,
    Totals,
    TransactionRow,
    Why,
)
from smsgw.portal.short.sqlite import Short

__all__ = [
    "CodeRow",
    "Denied",
    "Guess",
    "Limits",
    "Promise",
    "SessionRow",
    "Short",
    "Ticket",
    "TokenRow",
    "Totals",
    "TransactionRow",
    "Why",
    "open_short",
]


def open_short(settings: Settings, *, make: bool = True) -> Short | None:
    """The portal's short-lived file.

    Args:
        make: make it where there is none; a command does not.

    Returns:
        None: there is none (and none was made), so nobody is logged in.

    Raises:
        SmsgwError: it cannot be made, or opened.
    """
    path = settings.gateway.files.with_name("portal.db")
    return Short.open(path, make=make)
