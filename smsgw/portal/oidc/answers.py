"""How programs are answered: JSON, and refusals by the words of the RFCs."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from smsgw.portal.wire import BUSY_SECONDS
from smsgw.store import Unavailable

REALM = "smsgw"
_FORM = "application/x-www-form-urlencoded"

Endpoint = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """What was asked for is not given; the client is told why.

    Args:
        error: one of the words of RFC 6749, section 5.2, or RFC 6750, section 3.1.
        why: for the client's programmer; nothing of what was sent.
        challenge: how to say who asks: "Basic" or "Bearer".
    """

    def __init__(
        self, error: str, why: str, status: int = HTTPStatus.BAD_REQUEST, challenge: str = ""
    ) -> None:
        super().__init__(error)
        self.error = error
        self.why = why
        self.status = status
        self.challenge = challenge

    def answer(self) -> Response:
        headers = {}
        if self.challenge:
            headers["www-authenticate"] = f'{self.challenge} realm="{REALM}"'
            if self.challenge == "Bearer" and self.error:
                headers["www-authenticate"] += f', error="{self.error}"'
        body = {"error": self.error, "error_description": self.why} if self.error else {}
        return told(body, self.status, headers)


def told(
    body: dict[str, Any], status: int = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response:
    """*body* as JSON that nobody keeps."""
    return JSONResponse(
        body, status, {"cache-control": "no-store", "pragma": "no-cache"} | (headers or {})
    )


def route(path: str, endpoint: Endpoint, *methods: str) -> Route:
    """Where *endpoint* stands; its refusals are answers."""
    allowed = ", ".join(methods)

    async def answering(request: Request) -> Response:
        if request.method not in methods:
            refused = Refused("invalid_request", f"only {allowed}", HTTPStatus.METHOD_NOT_ALLOWED)
            answer = refused.answer()
            answer.headers["allow"] = allowed
            return answer
        try:
            return await endpoint(request)
        except Refused as refused:
            return refused.answer()
        except Unavailable:
            busy = Refused(
                "temporarily_unavailable", "come again", HTTPStatus.SERVICE_UNAVAILABLE
            ).answer()
            busy.headers["retry-after"] = str(BUSY_SECONDS)
            return busy

    every = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return Route(path, answering, methods=every)


def is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == _FORM


async def form(request: Request) -> bytes:
    """The body of a form.

    Raises:
        Refused: it is something else.
    """
    if not is_form(request):
        raise Refused("invalid_request", f"the body must be {_FORM}")
    return await request.body()
