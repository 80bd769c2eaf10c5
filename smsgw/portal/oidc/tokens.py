"""Access tokens: opaque, ten minutes, kept by digest alone.

Whoever serves programs asks `Tokens.granted` what a token is good for. A citizen's token dies with
the password by which its session was opened; a client's tokens die with the client.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from starlette.responses import Response

from smsgw import clock
from smsgw.portal.oidc.answers import told
from smsgw.portal.portal import Portal
from smsgw.portal.short import TokenRow
from smsgw.store import ClientRow

LIVES = timedelta(minutes=10)
_OCTETS = 32


class Granted(NamedTuple):
    """What a token is good for."""

    client: ClientRow
    scopes: frozenset[str]
    row: TokenRow

    @property
    def account(self) -> int | None:
        """The citizen of whom may be asked; None: the client asks for itself."""
        return self.row.account


def digest(secret: str) -> bytes:
    """What is kept of a code or token."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def new_secret() -> str:
    """A code or token: 256 bits."""
    return secrets.token_urlsafe(_OCTETS)


def row_of_client(token: str, client: ClientRow, scopes: Iterable[str], now: datetime) -> TokenRow:
    """A token with which a client asks for itself."""
    return TokenRow(
        key=digest(token),
        client=client.client_id,
        scopes=" ".join(scopes),
        account=None,
        mark="",
        sub="",
        sid="",
        code=None,
        made_at=now,
        until=now + LIVES,
    )


def answered(token: str, scopes: Iterable[str], **more: str) -> Response:
    """What a client hears of a new token (RFC 6749, section 5.1)."""
    return told(
        {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(LIVES.total_seconds()),
            "scope": " ".join(scopes),
            **more,
        }
    )


class Tokens:
    """Access tokens that were given out."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    async def granted(self, token: str) -> Granted | None:
        """What *token* is good for; None: nothing (any more).

        Raises:
            Unavailable: a file is locked or gone.
        """
        portal, now = self._portal, clock.now()
        row = await portal.shortly(portal.short.grants.token, digest(token), now)
        if row is None:
            return None
        client = await portal.ask(portal.citizens.clients.find, row.client)
        if client is None or client.revoked_at is not None:
            return None
        if row.account is not None:
            proof = await portal.ask(portal.citizens.proof_of, row.account, now)
            if proof.mark != row.mark:
                return None
        return Granted(client, frozenset(row.scopes.split()), row)


def bearer(headers: list[str]) -> str | None:
    """The token of an Authorization header; None: there is none (RFC 6750, section 2.1).

    Args:
        headers: all of that name.
    """
    if len(headers) != 1:
        return None
    scheme, _, token = headers[0].partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
