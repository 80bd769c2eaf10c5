"""id_tokens: RS256 by the portal's keys, so that a client can tell who said it.

All keys of the portal's file are shown; the first one signs, and the others are for what was signed
before they were moved down. No other algorithm is read, so that neither `none` nor a public key
taken for a shared secret gets through.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, RSAKey

LIVES = timedelta(minutes=10)
ALGORITHM = "RS256"


class Signing:
    """
    Args:
        issuer: what stands in `iss`.
        keys: the first one signs.
    """

    def __init__(self, issuer: str, keys: Iterable[RSAPrivateKey]) -> None:
        self._issuer = issuer
        found: list[Key] = []
        for each in keys:
            key = RSAKey.import_key(each, {"use": "sig", "alg": ALGORITHM})
            key.ensure_kid()
            found.append(key)
        self._key = found[0]
        self._all = KeySet(found)

    def public(self) -> dict[str, Any]:
        """The keys as clients fetch them."""
        return {"keys": [key.as_dict(private=False) for key in self._all.keys]}

    def id_token(self, claims: Mapping[str, Any], now: datetime) -> str:
        """*claims*, signed now. A millisecond's work: the loop does it."""
        at = int(now.timestamp())
        life = int(LIVES.total_seconds())
        header = {"alg": ALGORITHM, "kid": self._key.kid}
        whole = {"iss": self._issuer, "iat": at, "exp": at + life, **claims}
        return jwt.encode(header, whole, self._key, [ALGORITHM])

    def read(self, token: str) -> Mapping[str, Any] | None:
        """The claims of an id_token of ours, lapsed or not; None: it is none."""
        try:
            claims = jwt.decode(token, self._all, [ALGORITHM]).claims
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            return None
        named = (claims.get(name) for name in ("aud", "sid", "sub"))
        ours = claims.get("iss") == self._issuer and all(isinstance(each, str) for each in named)
        return claims if ours else None
