"""The request of a client that waits in a browser until its citizen has logged in, has an own
password and complete data. One a browser; a newer one replaces it. Pure."""

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from smsgw.clock import stamp, unstamp
from smsgw.portal.short import SessionRow, TransactionRow

#: Where it goes on.
ONWARD = "/tiep-tuc"
#: So long after it was answered it is answered once more: a double click, whose first answer the
#: browser has thrown away.
AGAIN = timedelta(seconds=30)

_SOURCE = re.compile(r"[A-Za-z0-9.\-]+(:[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a client asked for.

    Attributes:
        title: of the client, as citizens read it.
        since: the log-in must not be older; None: it may be.
        hint: a user name that the client proposes; "": none.
    """

    client_id: str
    title: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    challenge: str | None
    since: datetime | None = None
    hint: str = ""

    @property
    def origin(self) -> str | None:
        """For `form-action`; None: it cannot stand there."""
        return origin(self.redirect_uri)

    @property
    def next(self) -> "Next":
        return Next(ONWARD, self.title)

    def is_fresh(self, session: SessionRow) -> bool:
        """Whether the log-in of *session* is young enough for the client."""
        return self.since is None or session.auth_at >= self.since

    def to_json(self) -> str:
        since = None if self.since is None else stamp(self.since)
        return json.dumps(asdict(self) | {"since": since}, ensure_ascii=False)

    @classmethod
    def from_json(cls, document: str) -> Self:
        found = json.loads(document)
        since = None if found["since"] is None else unstamp(found["since"])
        return cls(**found | {"scopes": tuple(found["scopes"]), "since": since})


class Next(NamedTuple):
    """A link onward, as a page shows it."""

    url: str
    title: str


def origin(uri: str) -> str | None:
    """Scheme, name and port of *uri*; None where a policy cannot tell them."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if _SOURCE.fullmatch(parts.netloc) else None


def lives(row: TransactionRow, session: SessionRow | None, now: datetime) -> bool:
    """Whether what waits is still to go on: it dies with its session, and when it was answered."""
    if row.sid and (session is None or session.sid != row.sid):
        return False
    return row.answered_at is None or row.answered_at <= now < row.answered_at + AGAIN
