"""OpenID Connect: how the city's portal is told who has logged in; and tokens for programs.

exchange    /oauth2/token                 clients   which client asks
tokens      what an access token is good for
parameters  what a client sends (pure)    answers   how it is answered
"""

from starlette.routing import BaseRoute

from smsgw.portal.oidc.answers import route
from smsgw.portal.oidc.exchange import Exchange
from smsgw.portal.oidc.tokens import Granted, Tokens, bearer
from smsgw.portal.portal import Portal

__all__ = ["Granted", "Tokens", "bearer", "routes"]


def routes(portal: Portal) -> list[BaseRoute]:
    """What programs are served."""
    return [route("/oauth2/token", Exchange(portal), "POST")]
