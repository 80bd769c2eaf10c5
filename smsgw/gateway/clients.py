"""Programs that citizens come from, or that ask for themselves: which there are, and their secrets.

A secret has 256 bits, is shown once and kept by its SHA-256. People change clients at the command
line; the portal reads them.
"""

import hmac
import ipaddress
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import urlsplit

from smsgw.errors import (
    ClientExists,
    ClientRevoked,
    NoClient,
    OneSecret,
    TwoSecrets,
    UnfitClient,
)
from smsgw.gateway.over import OverGateway
from smsgw.store import ClientRow

_NAME = re.compile(r"[a-z0-9.-]{1,64}")
_DOMAIN = re.compile(r"(?=.{1,190}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_LONGEST_URI = 2048
_LONGEST_TITLE = 100
_SECRET_OCTETS = 32


class Scope(StrEnum):
    """What a client may ask for: claims of a citizen who comes from it, or calls of its own."""

    OPENID = "openid"
    PROFILE = "profile"
    PHONE = "phone"
    ADDRESS = "address"
    EMAIL = "email"
    CITIZEN_ID = "citizen_id"
    VERIFY = "verify"
    CHANGE = "change"
    READ = "read"


#: Of the JSON interface; for these alone a client needs no place to send citizens back to.
INTERFACE_SCOPES = frozenset((Scope.VERIFY, Scope.CHANGE, Scope.READ))


class Pkce(StrEnum):
    """Whether a client must show that it is who began (RFC 7636)."""

    REQUIRED = "required"
    OPTIONAL = "optional"  #: for one that cannot, and keeps a secret


class Secret(NamedTuple):
    """What a client is told once."""

    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"Secret({self.client_id}, ********)"


class NewClient(NamedTuple):
    """What is wanted of a client."""

    name: str
    redirect_uris: Sequence[str] = ()
    post_logout_uris: Sequence[str] = ()
    scopes: Sequence[str] = ()  #: none: openid
    title: str = ""  #: what citizens read; "": the name
    pkce: Pkce = Pkce.REQUIRED
    national_claims: bool = False
    synthetic_email: str | None = None


def knows(client: ClientRow, secret: str) -> bool:
    """Whether *secret* is one of the client's; a revoked one has none."""
    digest = _digest(secret)
    found = [hmac.compare_digest(digest, known) for known in client.digests]
    return any(found) and client.revoked_at is None


class Clients(OverGateway):
    """Each change leaves a line in the audit."""

    def all(self) -> list[ClientRow]:
        """All that there ever were, by name."""
        return self._store.clients()

    def find(self, client_id: str) -> ClientRow | None:
        """One by its id; it may be revoked."""
        return self._store.client(client_id)

    def create(
        self, new: NewClient, actor: str, now: datetime, reason: str | None = None
    ) -> Secret:
        """A new client and its first secret.

        Raises:
            UnfitClient: something about it cannot be taken.
            ClientExists: there is or was one of that name.
        """
        secret = _new_secret()
        row = _checked(new, now, secret)
        with self._store.transaction():
            if self._store.client_named(new.name):
                raise ClientExists(new.name)
            self._store.add_client(row)
            self._note("create", row.name, actor, now, reason)
        return Secret(row.client_id, secret)

    def rotate(self, name: str, actor: str, now: datetime, reason: str | None = None) -> Secret:
        """A second secret; both count until the older one is retired.

        Raises:
            NoClient, ClientRevoked: there is none such.
            TwoSecrets: it has a second one.
        """
        secret = _new_secret()
        with self._store.transaction():
            client = self._good(name)
            if len(client.digests) > 1:
                raise TwoSecrets(name)
            self._store.add_client_secret(client.id, _digest(secret), now)
            self._note("rotate", name, actor, now, reason)
        return Secret(client.client_id, secret)

    def retire(self, name: str, actor: str, now: datetime, reason: str | None = None) -> None:
        """End the older of two secrets.

        Raises:
            NoClient, ClientRevoked: there is none such.
            OneSecret: it has no older one.
        """
        with self._store.transaction():
            client = self._good(name)
            if len(client.digests) < 2:
                raise OneSecret(name)
            self._store.keep_client_secret(client.id, client.digests[0])
            self._note("retire", name, actor, now, reason)

    def revoke(self, name: str, actor: str, now: datetime, reason: str | None = None) -> None:
        """End a client.

        Raises:
            NoClient, ClientRevoked: there is none such.
        """
        with self._store.transaction():
            client = self._good(name)
            self._store.revoke_client(client.id, now)
            self._note("revoke", name, actor, now, reason)

    def _good(self, name: str) -> ClientRow:
        client = self._store.client_named(name)
        if client is None:
            raise NoClient(name)
        if client.revoked_at is not None:
            raise ClientRevoked(name)
        return client

    def _note(self, did: str, name: str, actor: str, now: datetime, reason: str | None) -> None:
        detail = f"{name}: {reason}" if reason else name
        self._tools.audit(actor, f"clients {did}", None, detail, now)


def _new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_OCTETS)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _checked(new: NewClient, now: datetime, secret: str) -> ClientRow:
    """
    Raises:
        UnfitClient: something about it cannot be taken.
    """
    if not _NAME.fullmatch(new.name):
        raise UnfitClient(
            repr(new.name), "a client's name has 1 to 64 of the characters a-z 0-9 - ."
        )
    scopes = _scopes(new.scopes)
    if not new.redirect_uris and not INTERFACE_SCOPES.issuperset(scopes):
        raise UnfitClient(new.name, "citizens must be sent back somewhere: give a --redirect-uri")
    for uri in (*new.redirect_uris, *new.post_logout_uris):
        if why := uri_fault(uri):
            raise UnfitClient(repr(uri), why)
    title = " ".join((new.title or new.name).split())
    if not title.isprintable() or len(title) > _LONGEST_TITLE:
        raise UnfitClient("--title", f"it is a line of at most {_LONGEST_TITLE} characters")
    domain = new.synthetic_email and new.synthetic_email.lower().removeprefix("@")
    if domain and not _DOMAIN.fullmatch(domain):
        raise UnfitClient(repr(domain), "it is not a domain such as dvc.danang.gov.vn")
    return ClientRow(
        id=0,
        name=new.name,
        client_id=secrets.token_hex(12),
        title=title,
        redirect_uris=tuple(dict.fromkeys(new.redirect_uris)),
        post_logout_uris=tuple(dict.fromkeys(new.post_logout_uris)),
        scopes=scopes,
        pkce=new.pkce.value,
        national_claims=new.national_claims,
        synthetic_email=domain,
        created_at=now,
        revoked_at=None,
        digests=(_digest(secret),),
    )


def _scopes(given: Sequence[str]) -> tuple[str, ...]:
    """In the order of `Scope`; who asks for claims of a citizen asks by openid."""
    wanted = {word for text in given for word in text.split()} or {Scope.OPENID.value}
    for word in sorted(wanted):
        if word not in tuple(Scope):
            raise UnfitClient(repr(word), f"no such scope; there are {' '.join(Scope)}")
    if not INTERFACE_SCOPES.issuperset(wanted):
        wanted.add(Scope.OPENID.value)
    return tuple(scope.value for scope in Scope if scope in wanted)


def uri_fault(uri: str) -> str | None:
    """Why citizens must not be sent to *uri*; None if they may.

    Source: RFC 9700, sections 2.1 and 4.1.
    """
    if not uri.isascii() or not uri.isprintable() or " " in uri or "\\" in uri:
        return "an address has no blanks, backslashes or letters beyond ASCII"
    if len(uri) > _LONGEST_URI:
        return f"it is longer than {_LONGEST_URI} characters"
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "it is not an address"
    if parts.scheme not in ("https", "http") or not host or port == 0:
        return "it is not an address such as https://dvc.danang.gov.vn/callback"
    if "#" in uri:
        return "it must not have a fragment (#)"
    if "@" in parts.netloc:
        return "it must not have a user name"
    if "*" in uri:
        return "it is matched to the letter: there are no wildcards"
    if parts.scheme == "http" and not _is_loopback(host):
        return "http is for the loopback alone: use https"
    return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
