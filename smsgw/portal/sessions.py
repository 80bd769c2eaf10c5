"""Who is logged in: cookies, sessions, and why one has ended.

A cookie holds 256 bits; the file has its digest alone. A session carries the mark of the password
by which it was opened, and dies when that is another one, whoever replaced it.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256

from smsgw.config import PortalSettings
from smsgw.portal.short import Limits, SessionRow

SESSION_COOKIE = "__Host-phien"
BROWSER_COOKIE = "__Host-may"  #: known browsers, and the forms that were shown to one
TOKEN_OCTETS = 32
#: A session that may choose an own password and nothing else.
NARROW_IDLE = timedelta(minutes=15)


class Ended(Enum):
    """Why a cookie opens nothing any more."""

    IDLE = "notice.idle"
    OVER = "notice.over"
    REPLACED = "notice.replaced"


def limits_of(options: PortalSettings) -> Limits:
    return Limits(options.session_idle, NARROW_IDLE, options.session_absolute)


def why_ended(row: SessionRow | None, limits: Limits) -> Ended:
    """Why the session of a cookie has ended by itself; None: nothing is known of it."""
    if row is None:
        return Ended.OVER
    idle = limits.narrow_idle if row.narrow else limits.idle
    return Ended.IDLE if row.seen_at + idle < row.auth_at + limits.absolute else Ended.OVER


def new_token() -> str:
    """What a cookie holds: 256 bits."""
    return secrets.token_urlsafe(TOKEN_OCTETS)


def digest(token: str) -> bytes:
    """What is kept of a cookie."""
    return sha256(token.encode()).digest()


def cookies(lines: Iterable[str]) -> Mapping[str, str]:
    """The cookies of *lines*, as they stand there; of a doubled one the last.

    Ours need no quotes. To read those of others, Python's library takes time with the square of
    their length (CVE-2024-7592).
    """
    pairs = (pair.partition("=") for line in lines for pair in line.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def read_token(value: str | None) -> str | None:
    """A cookie that could be ours; None: it is none."""
    if value is None or len(value) != 43 or not value.isascii():
        return None
    try:
        octets = urlsafe_b64decode(value + "=")
    except ValueError:
        return None
    return value if urlsafe_b64encode(octets).rstrip(b"=").decode() == value else None


def opened(
    token: str, *, account: int, mark: str, browser: str, now: datetime, narrow: bool
) -> SessionRow:
    """A session that begins now."""
    return SessionRow(
        key=digest(token),
        sid=secrets.token_urlsafe(16),
        account=account,
        mark=mark,
        narrow=narrow,
        auth_at=now,
        seen_at=now,
        browser=digest(browser),
    )
