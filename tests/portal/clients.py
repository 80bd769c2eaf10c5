"""Stand-ins for the city's portals: what each of them sends, and how it reads what comes back."""

import itertools
import json
import re
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet

from smsgw import clock
from smsgw.gateway import NewClient, Pkce
from tests.portal.conftest import said

CALLBACK = "https://dvc.example.vn/callback"
GOODBYE = "https://dvc.example.vn/goodbye"
EVERYTHING = ("openid", "profile", "phone", "address", "email", "citizen_id")
VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
COUNT = itertools.count(1)


class Told(NamedTuple):
    """What came back at the redirect URI."""

    uri: str
    parameters: dict

    @classmethod
    def of(cls, answer):
        assert answer.status == 303, (answer.status, answer.words)
        parts = urlsplit(answer.location)
        found = parse_qs(parts.query, strict_parsing=True)
        assert all(len(values) == 1 for values in found.values())
        uri = f"{parts.scheme}://{parts.netloc}{parts.path}"
        return cls(uri, {name: values[0] for name, values in found.items()})


class Portal:
    """A client with all that the RFCs offer: a secret in the header, PKCE, state, nonce."""

    name = "dvc"
    pkce = Pkce.REQUIRED
    scopes: tuple = EVERYTHING
    options: dict = {}  # noqa: RUF012 - nobody changes it

    def __init__(self, city, **options):
        given = {
            "name": f"{self.name}-{next(COUNT)}",  # a name is given once
            "title": "Cổng dịch vụ công Đà Nẵng",
            "redirect_uris": (CALLBACK,),
            "post_logout_uris": (GOODBYE,),
            "scopes": self.scopes,
            "pkce": self.pkce,
        }
        new = NewClient(**(given | self.options | options))
        self.city = city
        self.new = new
        self.id, self.secret = city.citizens.clients.create(new, "test", clock.now())
        self.browser = city.browser()  # its own, on the server's side
        self.issuer = f"http://127.0.0.1:{city.port}"

    def request(self, **changes):
        """Where it sends a citizen. A parameter of None is left out."""
        parameters = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": CALLBACK,
            "scope": " ".join(self.scopes),
            "state": "a state",
            "nonce": "a nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | changes
        told = {name: value for name, value in parameters.items() if value is not None}
        return "/oauth2/authorize?" + urlencode(told)

    def headers(self):
        pair = f"{self.id}:{self.secret}"
        return FORM | {"Authorization": "Basic " + b64encode(pair.encode()).decode()}

    def ask(self, path, **fields):
        told = {name: value for name, value in fields.items() if value is not None}
        return self.browser.ask("POST", path, urlencode(told), self.headers())

    def exchange(self, code, **changes):
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return self.ask("/oauth2/token", **(fields | changes))

    def userinfo(self, token):
        headers = {"Authorization": f"Bearer {token}"}
        return self.browser.ask("GET", "/oauth2/userinfo", headers=headers)

    def read(self, id_token):
        """Header and claims of an id_token, checked by the keys that are shown."""
        keys = KeySet.import_key_set(said(self.browser.get("/oauth2/jwks")))
        found = jwt.decode(id_token, keys, ["RS256"])
        return found.header, found.claims

    def code(self, browser, **changes):
        """The code of a citizen who is logged in and complete."""
        told = Told.of(browser.get(self.request(**changes)))
        assert "code" in told.parameters, told
        return told.parameters["code"]

    def tokens(self, browser, **changes):
        answer = self.exchange(self.code(browser, **changes))
        assert answer.status == 200, answer.body
        return said(answer)


class OpenCps(Portal):
    """VietOpenCPS/opencps-v2: nothing is quoted, the secret stands in the body, no PKCE, no nonce;
    userinfo by POST with a JSON type and no body."""

    name = "opencps"
    pkce = Pkce.OPTIONAL
    options = {"national_claims": True}  # noqa: RUF012

    def request(self, **changes):
        return (
            f"/oauth2/authorize?response_type=code&client_id={self.id}&redirect_uri={CALLBACK}"
            f"&scope={'+'.join(self.scopes)}&acr_values=&state=czEyM0BodHRwczovL2R2Yw=="
        )

    def headers(self):
        return FORM | {"Accept": "application/json"}

    def ask(self, path, **fields):
        fields |= {"client_id": self.id, "client_secret": self.secret}
        body = "&".join(f"{name}={value}" for name, value in fields.items())
        return self.browser.ask("POST", path, body, self.headers())

    def exchange(self, code, **_):
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return self.ask("/oauth2/token", **grant)

    def userinfo(self, token):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return self.browser.ask("POST", "/oauth2/userinfo", headers=headers)

    def is_good(self, token):
        """How it asks whether a token still counts: by the token itself."""
        headers = FORM | {"Authorization": f"Bearer {token}"}
        body = f"token={token}&state=0"
        return said(self.browser.ask("POST", "/oauth2/introspect", body, headers))

    def log_out(self, id_token):
        """From its server, without the citizen's browser; redirects are followed."""
        body = f"id_token_hint={id_token}&post_logout_redirect_uri={CALLBACK}&state=abc"
        answer = self.browser.ask("POST", "/oidc/logout", body, self.headers())
        return self.browser.follow(answer)


class Liferay(Portal):
    """Liferay up to 7.3: no PKCE; users are found by `email`, which it must be given."""

    name = "liferay"
    pkce = Pkce.OPTIONAL
    scopes = ("openid", "profile", "email")
    options = {"synthetic_email": "dvc.example.vn"}  # noqa: RUF012

    def request(self, **changes):
        without = {"code_challenge": None, "code_challenge_method": None}
        return super().request(**(without | changes))

    def exchange(self, code, **changes):
        return super().exchange(code, **({"code_verifier": None} | changes))


def fields_of(page):
    """The hidden fields of a page's form."""
    return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page))


def raw(*pairs):
    """A query in which a name may stand twice."""
    return "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)


def segment(document):
    """One part of a token as its sender writes it."""
    return urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()
