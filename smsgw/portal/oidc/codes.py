"""Codes: 60 seconds, once, kept by digest with all that they are bound to."""

import hmac
import json
import re
from base64 import urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple, Self

from smsgw.clock import unstamp

LIVES = timedelta(seconds=60)

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class Bound(NamedTuple):
    """What a code is bound to, besides client, account and session."""

    redirect_uri: str
    challenge: str | None
    nonce: str | None
    scopes: str
    sub: str
    auth_at: int  #: µs since 1970

    def to_json(self) -> str:
        return json.dumps(self, ensure_ascii=False)

    @classmethod
    def from_json(cls, document: str) -> Self:
        return cls(*json.loads(document))

    @property
    def auth_seconds(self) -> int:
        return int(unstamp(self.auth_at).timestamp())

    def verifies(self, verifier: str | None) -> bool:
        """Whether *verifier* is of whoever began (RFC 7636, section 4.6).

        One that nobody announced is refused, too: somebody took the challenge out of the request
        (RFC 9700, section 2.1.1).
        """
        if self.challenge is None or verifier is None:
            return self.challenge is None and verifier is None
        if not _VERIFIER.fullmatch(verifier):
            return False
        made = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=")
        return hmac.compare_digest(made, self.challenge.encode())
