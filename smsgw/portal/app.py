"""Which page stands where."""

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Scope

from smsgw.portal import api, oidc
from smsgw.portal.figures import check
from smsgw.portal.forms import TooManyFields
from smsgw.portal.guard import Guard
from smsgw.portal.guessing import Guessing
from smsgw.portal.page import Page
from smsgw.portal.pages import account, guide, log_in, passwords, questions
from smsgw.portal.portal import Portal
from smsgw.portal.wire import BUSY_SECONDS
from smsgw.store import Unavailable

log = logging.getLogger("smsgw.portal")


def pages(guessing: Guessing) -> list[Page]:
    """Every page."""
    return [
        account.Front(),
        log_in.LogIn(guessing),
        log_in.LogOut(),
        passwords.OwnPassword(),
        passwords.ChangePassword(guessing),
        *questions.questions(),
        questions.Check(),
        questions.Done(),
        account.Account(),
        account.OwnData(),
        account.OwnDataFile(),
        guide.Forgotten(),
        guide.Help(),
        guide.Policy(),
    ]


def make(portal: Portal) -> Guard:
    """The application, with its guard around it."""

    def error(scope: Scope, status: int) -> Response:
        if api.is_below(scope["path"]):
            return api.of_guard(portal, status, scope["state"]["id"])
        return portal.pages.error(status, scope["state"]["id"])

    async def told(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, HTTPException)  # noqa: S101 - registered for nothing else
        answer = error(request.scope, fault.status_code)
        for name, value in (fault.headers or {}).items():
            answer.headers[name] = value
        return answer

    async def too_long(request: Request, fault: Exception) -> Response:
        return error(request.scope, 413)

    async def unavailable(request: Request, fault: Exception) -> Response:
        log.error("request failed id=%s reason=%s", request.state.id, fault)
        answer = error(request.scope, 503)
        answer.headers["retry-after"] = str(BUSY_SECONDS)
        return answer

    async def failed(request: Request, fault: Exception) -> Response:
        return error(request.scope, 500)  # the guard logs it

    application = Starlette(
        routes=routes(portal),
        exception_handlers={
            HTTPException: told,
            TooManyFields: too_long,
            Unavailable: unavailable,
            Exception: failed,
        },
    )
    application.router.redirect_slashes = False
    return Guard(application, portal.options, error)


def routes(portal: Portal) -> list[BaseRoute]:
    """What is served where."""

    async def stylesheet(request: Request) -> Response:
        headers = {"cache-control": "public, max-age=86400"}
        return Response(portal.pages.stylesheet, 200, headers, "text/css")

    async def health(request: Request) -> Response:
        try:
            await check(portal)
        except Unavailable:
            return PlainTextResponse("the database does not answer\n", 503)
        return PlainTextResponse("ok\n")

    async def problem(request: Request) -> Response:
        return api.problem_page(request)

    guessing = Guessing(portal)
    return [
        *(page.route(portal) for page in pages(guessing)),
        Mount(api.PREFIX, api.make(portal, guessing)),
        Route("/problems/{name}", problem),
        *oidc.routes(portal),
        Route("/static/portal.css", stylesheet),
        Route("/healthz", health),
    ]
