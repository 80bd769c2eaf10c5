"""What is typed into a form, and whether the form is one of ours.

Each form that is sent by POST has a token: a number of its own, and a seal over it, the browser's
cookie and the session. Of a form that was sent twice the number tells it.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from enum import Enum
from urllib.parse import parse_qsl

from starlette.requests import Request

from smsgw.portal.keys import Keys

TOKEN = "token"  # noqa: S105 - the field's name
_MOST_FIELDS = 64
#: Of a field, in a form or in JSON; every rule refuses what is half as long. To bring letters into
#: one form takes time with the square of their number, where each of them is a mark.
MOST_CHARACTERS = 1000
#: What was no UTF-8 becomes a character that every rule refuses and that can be shown and kept.
_UNREADABLE, _REFUSED = "\ufffd", "\ufffe"
_TYPE = "application/x-www-form-urlencoded"


class Foreign(Enum):
    """Why a form is not taken."""

    STALE = "notice.stale"
    NO_COOKIE = "notice.cookie"


class TooManyFields(Exception):
    """No form of ours has so many."""


def read(request: Request, body: bytes) -> dict[str, str]:
    """The fields of a form; of a doubled one the first. What is no form has none.

    Raises:
        TooManyFields: it is no form of ours.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _TYPE:
        return {}
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
            errors="replace",
        )
    except ValueError:
        raise TooManyFields from None
    return {
        name: value[:MOST_CHARACTERS].replace(_UNREADABLE, _REFUSED)
        for name, value in reversed(pairs)
    }


def is_foreign(headers: Mapping[str, str], public_url: str) -> bool:
    """Whether the browser says that the form came from another site than ours."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and origin.lower() != public_url.lower()


def token(keys: Keys, browser: str, sid: str) -> str:
    """For a new form in this browser and session ("": in none)."""
    number = secrets.token_urlsafe(9)
    return f"{number}.{_seal(keys, number, browser, sid)}"


def number(keys: Keys, value: str, browser: str, sid: str) -> str | None:
    """The number of the form that *value* is from; None: no form of this browser and session."""
    number, _, seal = value.partition(".")
    good = hmac.compare_digest(_seal(keys, number, browser, sid).encode(), seal.encode())
    return number if good and number else None


def _seal(keys: Keys, number: str, browser: str, sid: str) -> str:
    sealed = keys.digest("form", number.encode(), browser.encode(), sid.encode())
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()
