"""`/oauth2/userinfo`: who has logged in, to the client that got a token for it."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from smsgw import clock
from smsgw.errors import SecretReplaced
from smsgw.gateway import Citizens, Portrait, Scope
from smsgw.portal.oidc.answers import Refused, form, is_form, told
from smsgw.portal.oidc.claims import claims
from smsgw.portal.oidc.parameters import Unreadable, read
from smsgw.portal.oidc.tokens import Granted, Tokens, bearer
from smsgw.portal.portal import Portal


class UserInfo:
    """Source: OpenID Connect Core 1.0, section 5.3; RFC 6750."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._tokens = Tokens(portal)

    async def __call__(self, request: Request) -> Response:
        granted = await self._tokens.granted(await _token(request))
        if granted is None:
            raise _worthless()
        if Scope.OPENID not in granted.scopes:
            raise Refused(
                "insufficient_scope", "the scope openid is missing", HTTPStatus.FORBIDDEN, "Bearer"
            )
        portal = self._portal
        try:
            portrait = await portal.ask(_portrait, portal.citizens, granted)
        except SecretReplaced:
            raise _worthless() from None
        if portrait is None:
            raise _worthless()
        await portal.ask(
            portal.citizens.disclosed,
            [portrait.account],
            granted.client.name,
            granted.scopes,
            clock.now(),
        )
        return told(claims(portrait, granted.scopes, granted.client))


def _portrait(citizens: Citizens, granted: Granted) -> Portrait | None:
    """Of the token's citizen; None: something is to be completed again, or the account is gone.

    Raises:
        SecretReplaced: since the token was looked up.
    """
    row = granted.row
    assert row.account is not None  # noqa: S101 - the scope says so
    citizens.citizen(row.account, row.mark)
    portrait = citizens.interface.by_sub(row.sub)
    return portrait if portrait is not None and portrait.profile is not None else None


async def _token(request: Request) -> str:
    """The token that came with the request, in its header or its form.

    Raises:
        Refused: there is none, or there are two.
    """
    headers = request.headers.getlist("authorization")
    found = [token] if (token := bearer(headers)) else []
    if request.method == "POST" and is_form(request):
        try:
            sent = read(await form(request))
        except Unreadable as fault:
            raise Refused("invalid_request", str(fault), challenge="Bearer") from None
        found += [sent["access_token"]] if "access_token" in sent else []
    if len(found) > 1 or len(headers) > 1:
        raise Refused("invalid_request", "a token comes in one way", challenge="Bearer")
    if not found:
        raise Refused("", "", HTTPStatus.UNAUTHORIZED, "Bearer")
    return found[0]


def _worthless() -> Refused:
    return Refused("invalid_token", "unknown, lapsed or revoked", HTTPStatus.UNAUTHORIZED, "Bearer")
