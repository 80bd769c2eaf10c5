"""A program of the city: a token, and calls of the interface."""

import itertools
import json
from urllib.parse import urlencode

from smsgw import clock
from smsgw.gateway import NewClient

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
#: All that a program may be given.
ALL = ("verify", "change", "read")
COUNT = itertools.count(1)


class Program:
    """One client, by its own name."""

    def __init__(self, city, name=None, scopes=ALL):
        name = name or f"dvc-{next(COUNT)}"  # a name is given once
        new = NewClient(name, scopes=scopes)
        self.city = city
        self.name = name
        self.secret = city.citizens.clients.create(new, "test", clock.now())
        self.token = self.ask_token()

    def ask_token(self):
        fields = {"grant_type": "client_credentials"} | self.secret._asdict()
        answer = self.city.browser().ask("POST", "/oauth2/token", urlencode(fields), FORM)
        assert 200 == answer.status, answer.body
        return json.loads(answer.body)["access_token"]

    def ask(self, method, path, body=None, **headers):
        """One call; what is no octets goes as JSON."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            sent["Content-Type"] = "application/json"
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value is not None}
        return self.city.browser().ask(method, f"/api/v1{path}", body, sent)

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def verify(self, username, password, **more):
        body = {"username": username, "password": password} | more
        return self.ask("POST", "/password/verify", body)

    def change(self, username, password, new_password, key=None, **more):
        body = {"username": username, "password": password, "new_password": new_password} | more
        return self.ask("POST", "/password/change", body, Idempotency_Key=key)

    def patch(self, sub, change, if_match="*", kind="application/merge-patch+json"):
        document = {"profile": change}
        return self.ask("PATCH", f"/accounts/{sub}", document, If_Match=if_match, Content_Type=kind)


def told(answer):
    return json.loads(answer.body)


def problem(answer):
    """Status and name of a problem, whose form is checked."""
    assert "application/problem+json" == answer.headers["content-type"], answer.body
    assert "no-store" == answer.headers["cache-control"]
    assert answer.headers["x-request-id"]
    document = told(answer)
    assert answer.status == document["status"]
    assert document["title"]
    url, _, name = document["type"].rpartition("/problems/")
    assert url.startswith("http://127.0.0.1:")
    return answer.status, name
