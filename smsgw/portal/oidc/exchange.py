"""`/oauth2/token`: a code, or a client's own name, for an access token."""

import logging
from collections.abc import Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from smsgw import clock
from smsgw.gateway import INTERFACE_SCOPES, Scope
from smsgw.portal.oidc import tokens
from smsgw.portal.oidc.answers import Refused
from smsgw.portal.oidc.claims import ACR, AMR
from smsgw.portal.oidc.clients import asked_by
from smsgw.portal.oidc.codes import Bound
from smsgw.portal.oidc.signing import Signing
from smsgw.portal.portal import Portal
from smsgw.portal.short import CodeRow, TokenRow
from smsgw.store import ClientRow

log = logging.getLogger("smsgw.portal")


class Exchange:
    """The token endpoint (RFC 6749, section 3.2)."""

    def __init__(self, portal: Portal, signing: Signing) -> None:
        self._portal = portal
        self._signing = signing

    async def __call__(self, request: Request) -> Response:
        client, sent = await asked_by(request, self._portal)
        match sent.get("grant_type"):
            case None:
                raise Refused("invalid_request", "grant_type is missing")
            case "authorization_code":
                return await self._for_code(client, sent)
            case "client_credentials":
                return await self._for_itself(client, sent)
            case _:
                raise Refused(
                    "unsupported_grant_type", "there are authorization_code, client_credentials"
                )

    # --- for a citizen --------------------------------------------------------------------------

    async def _for_code(self, client: ClientRow, sent: Mapping[str, str]) -> Response:
        if Scope.OPENID not in client.scopes:
            raise Refused("unauthorized_client", "citizens do not come from this client")
        for name in ("code", "redirect_uri"):
            if name not in sent:
                raise Refused("invalid_request", f"{name} is missing")
        portal, grants, now = self._portal, self._portal.short.grants, clock.now()
        code = await portal.shortly(grants.code, tokens.digest(sent["code"]))
        if code is None or code.client != client.client_id:
            raise _no_good("there is no such code")
        if code.spent:
            raise await self._used_again(client, code)
        bound = Bound.from_json(code.document)
        if now >= code.until:
            raise _no_good("the code has lapsed")
        if sent["redirect_uri"] != bound.redirect_uri:
            raise _no_good("the redirect_uri is another one")
        if not bound.verifies(sent.get("code_verifier")):
            raise _no_good("the code_verifier is not that of the code_challenge")
        mark = await self._mark(code, now)
        token = tokens.new_secret()
        id_token = self._signing.id_token(_claims(client, code, bound), now)
        if bound.scopes == Scope.OPENID:  # of more, userinfo writes it down when it goes
            told = (portal.citizens.disclosed, [code.account], client.name, [bound.scopes], now)
            await portal.ask(*told)
        row = _row(token, code, bound, mark, now)
        if not await portal.shortly(grants.spend, code.key, row, now):
            raise await self._used_again(client, code)
        return tokens.answered(token, bound.scopes.split(), id_token=id_token)

    async def _mark(self, code: CodeRow, now: datetime) -> str:
        """The mark of the password by which the code's session is still open.

        Raises:
            Refused: it has ended.
        """
        portal = self._portal
        marks = await portal.shortly(
            portal.short.marks_of, code.account, code.sid, portal.limits, now
        )
        proof = await portal.ask(portal.citizens.proof_of, code.account, now)
        if not proof.mark or proof.mark not in marks:
            raise _no_good("the session has ended")
        return proof.mark

    async def _used_again(self, client: ClientRow, code: CodeRow) -> Refused:
        """Somebody has got hold of a code: what was given for it ends (RFC 6749, 4.1.2)."""
        ended = await self._portal.shortly(self._portal.short.grants.used_again, code.key)
        log.warning("code used twice client=%s tokens_ended=%d", client.name, ended)
        return _no_good("the code was used already")

    # --- for itself -----------------------------------------------------------------------------

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
        return tokens.answered(token, scopes)


def _no_good(why: str) -> Refused:
    return Refused("invalid_grant", why)


def _claims(client: ClientRow, code: CodeRow, bound: Bound) -> dict[str, object]:
    """Who logged in, when and how; who that is, userinfo says."""
    claims = {
        "sub": bound.sub,
        "aud": client.client_id,
        "auth_time": bound.auth_seconds,
        "acr": ACR,
        "amr": list(AMR),
        "sid": code.sid,
    }
    return claims if bound.nonce is None else claims | {"nonce": bound.nonce}


def _row(token: str, code: CodeRow, bound: Bound, mark: str, now: datetime) -> TokenRow:
    return TokenRow(
        key=tokens.digest(token),
        client=code.client,
        scopes=bound.scopes,
        account=code.account,
        mark=mark,
        sub=bound.sub,
        sid=code.sid,
        code=code.key,
        made_at=now,
        until=now + tokens.LIVES,
    )
