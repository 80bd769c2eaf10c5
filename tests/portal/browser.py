"""A browser without a screen: cookies, forms, redirects; and a look at what a page says."""

import html
import http.client
import re
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import urlencode


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def page(self):
        return self.body.decode("utf-8")

    @property
    def location(self):
        return self.headers["location"]

    @property
    def leads(self):
        """Status and where to."""
        return self.status, self.location

    @property
    def words(self):
        """What a reader reads: without tags, blanks made one."""
        bare = re.sub(r"<[^>]*>", " ", re.sub(r"<(head)\b.*?</\1>", "", self.page, flags=re.DOTALL))
        return " ".join(html.unescape(bare).split())

    @property
    def faults(self):
        """The lines of the error summary: field -> text."""
        found = re.search(r'<div class="summary".*?</div>', self.page, re.DOTALL)
        links = re.findall(r'<a href="#([^"]*)">(.*?)</a>', found[0]) if found else []
        return {field: html.unescape(text) for field, text in links}

    @property
    def notice(self):
        found = re.search(r'<div class="notice"[^>]*><p>(.*?)</p>', self.page)
        return html.unescape(found[1]) if found else None

    @property
    def token(self):
        found = re.search(r'name="token" value="([^"]*)"', self.page)
        return found[1] if found else None

    def value(self, name):
        """What stands in a field."""
        found = re.search(rf'<input[^>]* name="{name}"[^>]* value="([^"]*)"', self.page)
        return html.unescape(found[1]) if found else None


class Browser:
    """One jar of cookies. A Secure cookie over the loopback is taken, as browsers but Safari do."""

    def __init__(self, port, address=None, host=None):
        self.port = port
        self.host = host  #: what is asked for, where a balancer stands before the port
        self.address = address  #: as a proxy would tell it
        self.jar = {}
        self.cookies_set = []  #: each Set-Cookie, as it came

    def ask(self, method, path, body=None, headers=None):
        """One request; nothing is followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.jar.items())} if self.jar else {}
        if self.host:
            sent["Host"] = self.host
        if self.address:
            sent["X-Forwarded-For"] = self.address
        try:
            connection.request(method, path, body, sent | (headers or {}))
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        for line in answer.headers.get_all("set-cookie", []):
            self.cookies_set.append(line)
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.jar.pop(name, None)
                else:
                    self.jar[name] = morsel.value
        return answer

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, fields, **headers):
        sent = {"Content-Type": "application/x-www-form-urlencoded"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, urlencode(fields), sent)

    def send(self, path, **fields):
        """Open the form at *path* and send it."""
        form = self.get(path)
        assert form.status == 200, (form.status, form.location)
        return self.post(path, {"token": form.token} | fields)

    def follow(self, answer):
        """The page to which *answer* leads in the end."""
        for _ in range(5):
            if answer.status != 303:
                return answer
            answer = self.get(answer.location)
        raise AssertionError("goes round in circles")

    def log_out(self):
        return self.send("/dang-xuat")

    def log_in(self, username, password):
        return self.send("/dang-nhap", username=username, password=password)
