"""What lives shortly: sessions, tries, known browsers. A file beside the database, `portal.db`, so
that no flood of log-ins ever holds the lock on which the gateway commits citizens' texts.

It may vanish: then citizens log in again, and counts begin at 0. Commands end sessions in it, and
make none.

    sqlite   the file        guesses  reserved tries, in it        sql   its statements
    rows     what goes in and comes out
"""

from smsgw.config import Settings
from smsgw.portal.short.rows import (
    Denied,
    Guess,
    Limits,
    SessionRow,
    Ticket,
    Totals,
    Why,
)
from smsgw.portal.short.sqlite import Short

__all__ = [
    "Denied",
    "Guess",
    "Limits",
    "SessionRow",
    "Short",
    "Ticket",
    "Totals",
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
        SmsgwError: it cannot be made.
    """
    path = settings.gateway.files.with_name("portal.db")
    return Short.open(path, make=make)
