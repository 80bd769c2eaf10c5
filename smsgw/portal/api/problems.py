"""Every refusal of the interface, by name: status, title and what to do.

Source: RFC 9457. None of it holds anything of what was sent.
"""

from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from typing import Any, NamedTuple

from starlette.responses import JSONResponse, Response

MEDIA_TYPE = "application/problem+json"
BUSY = timedelta(seconds=5)


class Kind(NamedTuple):
    status: int
    title: str
    detail: str  #: for the programmer who reads it in a log


PROBLEMS: Mapping[str, Kind] = {
    "bad-request": Kind(400, "Bad request", "It could not be read as a request."),
    "malformed-json": Kind(
        400,
        "No JSON",
        "The body must be one JSON text in UTF-8 without a byte order mark, and no object of it "
        "may have a name twice.",
    ),
    "wrong-parameters": Kind(
        400,
        "Wrong parameters",
        "There are after (a cursor) and limit (1 to 1000), each at most once.",
    ),
    "unknown-cursor": Kind(
        400, "Unknown cursor", "It never was one of this list. Send back what next gave, unchanged."
    ),
    "unauthorized": Kind(
        401,
        "No good token",
        "Ask /oauth2/token for one by client_credentials and send it as Authorization: Bearer.",
    ),
    "insufficient-scope": Kind(
        403,
        "Scope is lacking",
        "The token does not hold the scope of this call; see WWW-Authenticate.",
    ),
    "wrong-password": Kind(
        403, "Wrong password", "User name and password do not belong together; nothing was changed."
    ),
    "not-found": Kind(404, "Not found", "There is nothing here."),
    "no-such-account": Kind(404, "No such account", "It never was, or it was erased."),
    "method-not-allowed": Kind(405, "Method not allowed", "See Allow."),
    "too-slow": Kind(408, "Too slow", "The whole request must be here within 10 seconds."),
    "password-moved": Kind(
        409,
        "Password was replaced",
        "It was right, but was replaced meanwhile; nothing was changed. The newest one counts.",
    ),
    "no-profile": Kind(
        409,
        "No profile",
        "The account is closed, or its citizen has an issued password or has not confirmed data.",
    ),
    "cursor-too-old": Kind(
        410,
        "Cursor is too old",
        "What followed it is not kept any more. Go through /changes from the beginning to its end "
        "and keep that next, then make a first copy by /accounts again.",
    ),
    "other-version": Kind(
        412, "Another version", "The account has changed since it was read. Read it again."
    ),
    "too-long": Kind(413, "Too long", "A request holds at most 16 KiB."),
    "unsupported-media-type": Kind(
        415,
        "Unsupported media type",
        "Send application/json (of a PATCH also application/merge-patch+json) in UTF-8, "
        "not compressed.",
    ),
    "misdirected": Kind(421, "Misdirected", "Ask by the portal's public address."),
    "wrong-fields": Kind(422, "Wrong fields", "See errors."),
    "password-refused": Kind(422, "Password refused", "See reason; nothing was changed."),
    "bad-idempotency-key": Kind(
        400, "Bad Idempotency-Key", "It has 1 to 255 printable characters of ASCII, and is one."
    ),
    "idempotency-key-reused": Kind(
        422, "Idempotency-Key was used", "It belongs to another request: make a new one for each."
    ),
    "if-match-required": Kind(428, "If-Match is required", "Send the ETag that you read."),
    "name-waits": Kind(
        429,
        "Wait",
        "Too many wrong passwords for this user name. Nothing was judged; a try before "
        "Retry-After is not judged either, and prolongs nothing.",
    ),
    "name-shut": Kind(
        429,
        "User name is shut",
        "Very many wrong passwords for this user name: it opens with a new password.",
    ),
    "address-waits": Kind(
        429, "Wait", "Too many failures from the citizen's address; nothing was judged."
    ),
    "failed": Kind(500, "Failed", "Tell the operator the X-Request-Id."),
    "busy": Kind(503, "Busy", "Nothing was judged and nothing changed. Try again."),
    "unavailable": Kind(503, "Unavailable", "The database does not answer. Try again."),
}
_OF_STATUS = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    413: "too-long",
    421: "misdirected",
    500: "failed",
    503: "busy",
}


class Problem(Exception):
    """A call is refused.

    Args:
        name: of the table.
        wait: what Retry-After says.
        members: what else the document holds.
    """

    def __init__(
        self,
        name: str,
        *,
        wait: timedelta | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(name)
        self.name = name
        self.kind = PROBLEMS[name]
        self.members = members
        self.headers = dict(headers or {})
        if wait is None and self.kind.status == 503:
            wait = BUSY
        if wait is not None:
            self.headers["retry-after"] = str(max(1, ceil(wait.total_seconds())))


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """What only a status tells."""
    return Problem(_OF_STATUS.get(status, "bad-request"), headers=headers)


def answer(problem: Problem, public_url: str) -> Response:
    kind = problem.kind
    document = {
        "type": f"{public_url}/problems/{problem.name}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.detail,
    }
    return JSONResponse(
        document | problem.members, kind.status, problem.headers, media_type=MEDIA_TYPE
    )
