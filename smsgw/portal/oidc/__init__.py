"""OpenID Connect: how the city's portal is told who has logged in; and tokens for programs.

authorize   /oauth2/authorize: a client sends a citizen, and gets them back with a code
asking      what it may ask for (pure)       codes     what a code is bound to (pure)
exchange    /oauth2/token                    clients   which client asks
tokens      what an access token is good for
userinfo    /oauth2/userinfo                 claims    what stands in it (pure)
signing     id_tokens, /oauth2/jwks          metadata  the discovery document (pure)
oversight   /oauth2/introspect, /oauth2/revoke
log_out     /oidc/logout
parameters  what a client sends (pure)       answers   how it is answered
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from smsgw.portal.oidc import metadata
from smsgw.portal.oidc.answers import route, told
from smsgw.portal.oidc.authorize import Authorize, Onward
from smsgw.portal.oidc.exchange import Exchange
from smsgw.portal.oidc.log_out import ClientLogOut
from smsgw.portal.oidc.oversight import Introspection, Revocation
from smsgw.portal.oidc.signing import Signing
from smsgw.portal.oidc.tokens import Granted, Tokens, bearer
from smsgw.portal.oidc.userinfo import UserInfo
from smsgw.portal.portal import Portal

__all__ = ["Granted", "Tokens", "bearer", "routes"]


def routes(portal: Portal) -> list[BaseRoute]:
    """What is served where: pages of a log-in, and answers to programs."""
    issuer = portal.options.public_url
    signing = Signing(issuer, portal.keys.signing)
    document, keys = metadata.metadata(issuer), signing.public()

    async def discovery(request: Request) -> Response:
        return told(document)

    async def jwks(request: Request) -> Response:
        return told(keys)

    return [
        Route(metadata.AUTHORIZE, Authorize(portal).endpoint, methods=["GET", "POST"]),
        Onward().route(portal),
        ClientLogOut(signing).route(portal),
        route(metadata.DISCOVERY, discovery, "GET", "HEAD"),
        route(metadata.JWKS, jwks, "GET", "HEAD"),
        route(metadata.TOKEN, Exchange(portal, signing), "POST"),
        route(metadata.USERINFO, UserInfo(portal), "GET", "POST"),
        route(metadata.INTROSPECT, Introspection(portal), "POST"),
        route(metadata.REVOKE, Revocation(portal), "POST"),
    ]
