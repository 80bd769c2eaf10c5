"""Which client asks: its id and secret, in a header or in the body.

Source: RFC 6749, section 2.3.1.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import unquote_plus

from starlette.requests import Request

from smsgw.gateway import knows
from smsgw.portal.oidc.answers import Refused, form
from smsgw.portal.oidc.parameters import Unreadable, read
from smsgw.portal.portal import Portal
from smsgw.store import ClientRow


async def asked_by(request: Request, portal: Portal) -> tuple[ClientRow, Mapping[str, str]]:
    """The client that sent this form, and the form.

    Raises:
        Refused: it does not prove who it is, or its form cannot be read.
    """
    try:
        sent = read(await form(request))
    except Unreadable as fault:
        raise Refused("invalid_request", str(fault)) from None
    client_id, secret = _credentials(request.headers.getlist("authorization"), sent)
    client = await portal.ask(portal.citizens.clients.find, client_id)
    if client is None or not knows(client, secret):
        raise _unknown()
    return client, sent


def _credentials(headers: list[str], sent: Mapping[str, str]) -> tuple[str, str]:
    if not headers:
        if "client_id" not in sent or "client_secret" not in sent:
            raise _unknown()
        return sent["client_id"], sent["client_secret"]
    if len(headers) > 1 or "client_secret" in sent:
        raise Refused("invalid_request", "a client says in one way who it is")
    scheme, _, value = headers[0].partition(" ")
    if scheme.lower() != "basic":
        raise _unknown()
    try:
        pair = b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise _unknown() from None
    client_id, colon, secret = pair.partition(":")
    client_id = unquote_plus(client_id)
    if not colon or sent.get("client_id", client_id) != client_id:
        raise _unknown()
    return client_id, unquote_plus(secret)


def _unknown() -> Refused:
    return Refused(
        "invalid_client",
        "unknown client_id, or wrong client_secret",
        HTTPStatus.UNAUTHORIZED,
        "Basic",
    )
