"""The city's portal as its programmers would build it: a web server that has Authlib do OIDC."""

import html
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

PAGE = """<!doctype html><html lang="vi"><meta charset="utf-8"><title>Dịch vụ công</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><main><h1>{heading}</h1><p><a href="/vao">Đăng nhập</a></p></main>"""


class CityPortal:
    """Listens on the loopback; `client` makes it one of the issuer's clients."""

    def __init__(self):
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                portal.answer(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.callback = f"{self.url}/ve"
        self.told = []  #: (claims of the id_token, what userinfo says) of each citizen
        self._verifiers = {}  # state -> (PKCE's verifier, nonce)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def client(self, issuer, client_id, client_secret):
        self.issuer, self._id, self._secret = issuer, client_id, client_secret
        found = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=20)
        self._metadata = found.json()

    def answer(self, request):
        match urlsplit(request.path).path:
            case "/":
                self._page(request, "Cổng dịch vụ công")
            case "/vao":
                request.send_response(303)
                request.send_header("location", self._ask())
                request.end_headers()
            case "/ve":
                name = self._take(self.url + request.path)
                self._page(request, f"Xin chào {name}")
            case _:
                request.send_error(404)

    def _session(self):
        return OAuth2Session(
            self._id,
            self._secret,
            scope="openid profile citizen_id",
            redirect_uri=self.callback,
            code_challenge_method="S256",
        )

    def _ask(self):
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe()
        with self._session() as session:
            url, state = session.create_authorization_url(
                self._metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
            )
        self._verifiers[state] = verifier, nonce
        return url

    def _take(self, url):
        """The name of who came back."""
        with self._session() as session:
            state = dict(pair.split("=", 1) for pair in urlsplit(url).query.split("&"))["state"]
            verifier, nonce = self._verifiers.pop(state)
            token = session.fetch_token(
                self._metadata["token_endpoint"],
                authorization_response=url,
                state=state,
                code_verifier=verifier,
            )
            keys = KeySet.import_key_set(session.get(self._metadata["jwks_uri"]).json())
            claims = jwt.decode(token["id_token"], keys, ["RS256"]).claims
            assert (self.issuer, self._id, nonce) == tuple(
                claims[name] for name in ("iss", "aud", "nonce")
            )
            info = session.get(self._metadata["userinfo_endpoint"]).json()
        self.told.append((claims, info))
        return info["name"]

    @staticmethod
    def _page(request, heading):
        body = PAGE.format(heading=html.escape(heading)).encode()
        request.send_response(200)
        request.send_header("content-type", "text/html; charset=utf-8")
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
