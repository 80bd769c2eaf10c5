"""`/oauth2/token`: a code, or a client's own name, for an access token."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from smsgw import clock
from smsgw.gateway import INTERFACE_SCOPES
from smsgw.portal.oidc import tokens
from smsgw.portal.oidc.answers import Refused, told
from smsgw.portal.oidc.clients import asked_by
from smsgw.portal.portal import Portal
from smsgw.store import ClientRow


class Exchange:
    """The token endpoint (RFC 6749, section 3.2)."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    async def __call__(self, request: Request) -> Response:
        client, sent = await asked_by(request, self._portal)
        match sent.get("grant_type"):
            case None:
                raise Refused("invalid_request", "grant_type is missing")
            case "client_credentials":
                return await self._for_itself(client, sent)
            case _:
                raise Refused(
                    "unsupported_grant_type", "there are authorization_code, client_credentials"
                )

    async def _for_itself(self, client: ClientRow, sent: Mapping[str, str]) -> Response:
        own = [scope for scope in client.scopes if scope in INTERFACE_SCOPES]
        if not own:
            raise Refused("unauthorized_client", "this client has no scope of the interface")
        wanted = sent["scope"].split() if "scope" in sent else own
        if not wanted or not set(wanted) <= set(own):
            raise Refused("invalid_scope", f"this client has {' '.join(own)}")
        scopes = [scope for scope in own if scope in wanted]
        token, portal = tokens.new_secret(), self._portal
        row = tokens.row_of_client(token, client, scopes, clock.now())
        await portal.shortly(portal.short.grants.add_token, row)
        return told(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": int(tokens.LIVES.total_seconds()),
                "scope": " ".join(scopes),
            }
        )
