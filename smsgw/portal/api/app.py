"""Which call stands where, and who may call it.

A call passes in this order: its place and method, its token, the token's scope; then its own rules.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple
from weakref import WeakValueDictionary

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from smsgw import clock
from smsgw.gateway import Scope
from smsgw.portal.api import accounts, openapi, passwords
from smsgw.portal.api.call import Call
from smsgw.portal.api.problems import PROBLEMS, Problem, answer, of_status
from smsgw.portal.guessing import Guessing
from smsgw.portal.oidc import Tokens
from smsgw.portal.portal import Portal
from smsgw.store import Unavailable

log = logging.getLogger("smsgw.portal")

PREFIX = "/api/v1"
#: RFC 6750, section 2.1.
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)

Act = Callable[[Call], Awaitable[Response]]


class Verb(NamedTuple):
    scope: Scope  #: which the token must hold
    act: Act


CALLS: Mapping[str, Mapping[str, Verb]] = {
    "/password/verify": {"POST": Verb(Scope.VERIFY, passwords.verify)},
    "/password/change": {"POST": Verb(Scope.CHANGE, passwords.change)},
    "/accounts": {"GET": Verb(Scope.READ, accounts.first_copy)},
    "/accounts/{sub}": {
        "GET": Verb(Scope.READ, accounts.show),
        "PATCH": Verb(Scope.CHANGE, accounts.patch),
    },
    "/changes": {"GET": Verb(Scope.READ, accounts.changes)},
}


def is_below(path: str) -> bool:
    """Whether *path* is of the interface, whether there is anything or not."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def make(portal: Portal, guessing: Guessing) -> ASGIApp:
    """What stands below `PREFIX`."""
    api = _Api(portal, guessing)
    application = Starlette(
        routes=[
            *(Route(path, api.served(verbs), methods=list(verbs)) for path, verbs in CALLS.items()),
            Route("/openapi.json", api.description),
        ],
        exception_handlers={
            HTTPException: api.told,
            Problem: api.problem,
            Unavailable: api.unavailable,
            Exception: api.failed,
        },
    )
    application.router.redirect_slashes = False
    return application


class _Api:
    """What each call passes, and how it ends."""

    def __init__(self, portal: Portal, guessing: Guessing) -> None:
        self._portal = portal
        self._guessing = guessing
        self._tokens = Tokens(portal)
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        self._public_url = portal.options.public_url
        self._description = openapi.document(self._public_url)

    def served(self, verbs: Mapping[str, Verb]) -> Callable[[Request], Awaitable[Response]]:
        """What answers at a place."""

        async def serve(request: Request) -> Response:
            verb = verbs["GET" if request.method == "HEAD" else request.method]
            client = await self._client(request, verb.scope)
            call = Call(self._portal, self._guessing, request, client, clock.now(), self._locks)
            return _completed(await verb.act(call), request.state.id)

        return serve

    async def _client(self, request: Request, scope: Scope) -> str:
        """The NAME of who asks.

        Raises:
            Problem: nobody who may.
        """
        granted = await self._tokens.granted(_token(request.headers))
        if granted is None:
            raise _unauthorized('Bearer error="invalid_token"')
        # A citizen's token is for userinfo, whatever else its client may ask for.
        if granted.account is not None or scope not in granted.scopes:
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            raise Problem("insufficient-scope", headers={"www-authenticate": challenge})
        return granted.client.name

    async def description(self, request: Request) -> Response:
        return _completed(JSONResponse(self._description), request.state.id)

    # --- how a call ends that is refused --------------------------------------------------------

    async def told(self, request: Request, fault: Exception) -> Response:
        assert isinstance(fault, HTTPException)  # noqa: S101 - registered for nothing else
        return self._refused(request, of_status(fault.status_code, fault.headers))

    async def problem(self, request: Request, fault: Exception) -> Response:
        assert isinstance(fault, Problem)  # noqa: S101 - likewise
        return self._refused(request, fault)

    async def unavailable(self, request: Request, fault: Exception) -> Response:
        log.error("request failed id=%s reason=%s", request.state.id, fault)
        return self._refused(request, Problem("unavailable"))

    async def failed(self, request: Request, fault: Exception) -> Response:
        return self._refused(request, Problem("failed"))  # the guard logs it

    def _refused(self, request: Request, problem: Problem) -> Response:
        return _completed(answer(problem, self._public_url), request.state.id)


def of_guard(portal: Portal, status: int, request_id: str) -> Response:
    """What the guard answers to a request that it does not let in."""
    return _completed(answer(of_status(status), portal.options.public_url), request_id)


def problem_page(request: Request) -> Response:
    """What the `type` of a problem leads to."""
    kind = PROBLEMS.get(request.path_params["name"])
    if kind is None:
        raise HTTPException(404)
    return PlainTextResponse(f"{kind.status} {kind.title}\n\n{kind.detail}\n")


def _token(headers: Headers) -> str:
    """
    Raises:
        Problem: there is none.
    """
    found = headers.getlist("authorization")
    if not found:
        raise _unauthorized("Bearer")
    token = _BEARER.fullmatch(found[0]) if len(found) == 1 else None
    if token is None:
        raise _unauthorized('Bearer error="invalid_token"')
    return token[1]


def _unauthorized(challenge: str) -> Problem:
    return Problem("unauthorized", headers={"www-authenticate": challenge})


def _completed(response: Response, request_id: str) -> Response:
    response.headers["x-request-id"] = request_id
    response.headers["cache-control"] = "no-store"
    return response
