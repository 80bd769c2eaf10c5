"""Where a database is: a file, or a server with an address such as
`postgresql://smsgw@db1,db2:5433/smsgw`.

Knows how an address is written, and how it is shown: never with a password. Opens nothing.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, quote, unquote, urlencode

#: What an address of a server begins with; anything else is a file.
_SCHEMES = ("postgresql://", "postgres://")
_URL = re.compile(
    r"""(?P<scheme>postgres(?:ql)?)://
        (?:(?P<user>[^:/?\#@]*)(?::(?P<password>[^/?\#@]*))?@)?
        (?P<hosts>[^/?\#@]*)
        (?:/(?P<name>[^/?\#]*))?
        (?:\?(?P<query>[^\#]*))?""",
    re.VERBOSE,
)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s:\[\],]*)(?::[0-9]{1,5})?")
#: Of the query, what is shown.
_SHOWN = ("host", "port", "user", "dbname")
#: Where files lie that would lie beside a database file; systemd names the folder of its unit.
_STATE = "/var/lib/smsgw"


@dataclass(frozen=True)
class Server:
    """The address of a PostgreSQL database.

    Attributes:
        url: without password.
        password: None: libpq looks for one (PGPASSFILE, ~/.pgpass).
        files: named as a database file beside which lie ours that a server has no place for: the
            lock, the data keys, the control socket.
    """

    url: str
    password: str | None = field(default=None, repr=False)
    files: Path = Path(_STATE, "smsgw.db")

    @classmethod
    def parse(cls, address: str) -> Self:
        """*address*, `postgresql://USER@HOST[:PORT],HOST…/NAME?…`.

        Raises:
            ValueError: it is none; says why, without the address.
        """
        match = _URL.fullmatch(address)
        if match is None:
            raise ValueError("is no address of a PostgreSQL database")
        parts = match.groupdict()
        for host in parts["hosts"].split(","):
            if not _HOST.fullmatch(unquote(host)) and not host.startswith("%2F"):
                raise ValueError("has a host that is none")
        try:
            query = parse_qsl(parts["query"] or "", strict_parsing=bool(parts["query"]))
        except ValueError:
            raise ValueError("has something after the ? that is no list of settings") from None
        settings = dict(query)
        password = settings.pop("password", None)
        if parts["password"]:
            password = unquote(parts["password"])
        if not (parts["name"] or settings.get("dbname")):
            raise ValueError("names no database")
        user = f"{parts['user']}@" if parts["user"] else ""
        rest = f"?{urlencode(settings, quote_via=quote)}" if settings else ""
        url = f"postgresql://{user}{parts['hosts']}/{parts['name'] or ''}{rest}"
        return cls(url, password, files_of_servers())

    def __str__(self) -> str:
        """The address as people may see it."""
        plain, _, rest = self.url.partition("?")
        shown = {key: value for key, value in parse_qsl(rest) if key in _SHOWN}
        return f"{plain}?{urlencode(shown, safe='/')}" if shown else plain


Database = Path | Server


def is_server(address: str) -> bool:
    """Whether *address* is meant to be that of a server."""
    return address.startswith(_SCHEMES)


def files_of_servers() -> Path:
    """The path beside which files lie that a server has no place for."""
    return Path(os.environ.get("STATE_DIRECTORY", _STATE), "smsgw.db")


def files_of(database: Database) -> Path:
    """The path beside which the gateway's own files lie."""
    return database.files if isinstance(database, Server) else database
