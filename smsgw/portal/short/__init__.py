"""What lives shortly: sessions, tries, known browsers, codes, tokens. This is its door.

Beside a database file it is a file of its own, `portal.db`, so that no flood of log-ins ever holds
the lock on which the gateway commits citizens' texts. In a PostgreSQL database it is tables that
are not logged, which all portals share.

It may vanish: then citizens log in again, and counts begin at 0, but those of names without free
tries on PostgreSQL. Commands end sessions in it, and make none.

    verbs    all that is done with it     guesses  reserved tries
    rows     what goes in and comes out   grants   what waits for a log-in, codes, access tokens
    engine   what verbs ask of an engine: `sqlite`, `postgres`
    sql      statements: those of both, and what each says in its own words

An engine is imported when it is opened.
"""

from pathlib import Path

from smsgw.config import Settings
from smsgw.database import Database, Server
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
from smsgw.portal.short.verbs import Short

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
    "open_at",
    "open_short",
]


def open_short(settings: Settings, *, make: bool = True) -> Short | None:
    """What the portal of *settings* keeps for a while; see `open_at`."""
    return open_at(settings.gateway.database, make=make)


def open_at(database: Database, *, make: bool = True) -> Short | None:
    """What a portal over *database* keeps for a while.

    Args:
        make: for a portal, which makes its file where there is none; a command does not.

    Returns:
        None: there is none (and none was made), so nobody is logged in.

    Raises:
        Unavailable: it is in a server, which does not answer.
        SmsgwError: it cannot be made, or opened.
    """
    short = _of_server(database) if isinstance(database, Server) else _of_file(database, make=make)
    if short is not None and make:
        short.settle()
    return short


def _of_file(database: Path, *, make: bool) -> Short | None:
    from smsgw.portal.short.sqlite import File

    file = File.open(database.with_name("portal.db"), make=make)
    return Short(file) if file else None


def _of_server(database: Server) -> Short:
    from smsgw.portal.short.postgres import Tables

    tables = Tables(database)
    try:
        tables.open()
    except BaseException:
        tables.close()
        raise
    return Short(tables)
