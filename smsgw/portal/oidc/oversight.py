"""`/oauth2/introspect` and `/oauth2/revoke`: a client asks about its own tokens, and ends them."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from smsgw.portal.oidc.answers import Refused, form, told
from smsgw.portal.oidc.clients import asked_by
from smsgw.portal.oidc.parameters import Unreadable, read
from smsgw.portal.oidc.tokens import Granted, Tokens, bearer, digest
from smsgw.portal.portal import Portal

_INACTIVE = {"active": False}


class Introspection:
    """RFC 7662. A client proves who it is, or shows the very token that it asks about, as OpenCPS
    does."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._tokens = Tokens(portal)

    async def __call__(self, request: Request) -> Response:
        shown = bearer(request.headers.getlist("authorization"))
        if shown is not None:
            return await self._of_itself(request, shown)
        client, sent = await asked_by(request, self._portal)
        granted = await self._tokens.granted(_named(sent.get("token")))
        if granted is None or granted.client.client_id != client.client_id:
            return told(_INACTIVE)
        return told(self._told(granted))

    async def _of_itself(self, request: Request, shown: str) -> Response:
        try:
            sent = read(await form(request))
        except Unreadable as fault:
            raise Refused("invalid_request", str(fault)) from None
        asked = _named(sent.get("token"))
        granted = await self._tokens.granted(shown)
        if granted is None:
            raise Refused(
                "invalid_token", "unknown, lapsed or revoked", HTTPStatus.UNAUTHORIZED, "Bearer"
            )
        return told(self._told(granted) if digest(asked) == granted.row.key else _INACTIVE)

    def _told(self, granted: Granted) -> dict[str, object]:
        row = granted.row
        return {
            "active": True,
            "scope": row.scopes,
            "client_id": row.client,
            "token_type": "Bearer",
            "exp": int(row.until.timestamp()),
            "iat": int(row.made_at.timestamp()),
            "sub": row.sub or row.client,
            "iss": self._portal.options.public_url,
        }


class Revocation:
    """RFC 7009."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._tokens = Tokens(portal)

    async def __call__(self, request: Request) -> Response:
        client, sent = await asked_by(request, self._portal)
        granted = await self._tokens.granted(_named(sent.get("token")))
        if granted is not None:
            if granted.client.client_id != client.client_id:
                raise Refused("invalid_grant", "the token is another client's")
            await self._portal.shortly(self._portal.short.grants.end_token, granted.row.key)
        return told({})


def _named(token: str | None) -> str:
    if token is None:
        raise Refused("invalid_request", "token is missing")
    return token
