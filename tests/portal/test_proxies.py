"""The examples of docs/portal.md, as they stand there, before a portal that runs."""

import re
import shutil
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.conftest import PATIENCE
from tests.portal.clients import Portal
from tests.portal.conftest import CMND

PAGE = (Path(__file__).parents[2] / "docs" / "portal.md").read_text("utf-8")
NAME = "dangky.example.vn"


def example(language):
    [text] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return text


def port_of_somebody_gone():
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


@pytest.fixture
def behind(make_city, certificates, tmp_path):
    """Starts a proxy with a configuration; the portal's City and a way to ask by the proxy."""
    running = []
    port = port_of_somebody_gone()
    # A proxy of ours comes from 127.0.0.2, so that the tester at 127.0.0.1 is none.
    trusted = {"trusted_proxies": ["127.0.0.2"]}
    city = make_city(public_url=f"https://{NAME}:{port}", portal=trusted)

    def start(command, text, file):
        file.write_text(text)
        with (tmp_path / "proxy.log").open("w") as log:
            running.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path))

        def ask(path, data=None, *, follow=True, **headers):
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            request = urllib.request.Request(
                f"https://127.0.0.1:{port}{path}",
                data,
                {"Host": f"{NAME}:{port}"} | headers,
            )
            https = urllib.request.HTTPSHandler(context=context)
            opener = urllib.request.build_opener(https, *([] if follow else [Stays]))
            try:
                return opener.open(request, timeout=PATIENCE)
            except urllib.error.HTTPError as error:
                return error

        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                ask("/healthz")
                return city, ask
            except OSError:
                assert time.monotonic() < deadline, (tmp_path / "proxy.log").read_text()
                time.sleep(0.05)

    yield start, city, port
    for proxy in running:
        proxy.terminate()
        proxy.wait(PATIENCE)


def works(city, ask):
    with ask("/dang-nhap") as page:
        assert 200 == page.status
        assert page.headers["content-security-policy"]
        assert not page.headers["content-encoding"]
        cookie = page.headers["set-cookie"].partition(";")[0]
        token = re.search(r'name="token" value="([^"]*)"', page.read().decode())[1]
    fields = f"token={token}&username={CMND}&password=sai".encode()
    # Who forges an address at the proxy is counted by the true one.
    statuses = [
        ask(
            "/dang-nhap",
            fields.replace(CMND.encode(), b"%09d" % (900_000_000 + number)),
            **{"Cookie": cookie, "X-Forwarded-For": f"192.0.2.{number}"},
        ).status
        for number in range(21)
    ]
    assert [422] * 20 + [429] == statuses
    assert 413 == ask("/dang-nhap", b"x" * 20_000).status
    lets_long_addresses_through(city, ask)


def lets_long_addresses_through(city, ask):
    """A state of 2 KiB in letters that are quoted comes to the portal, and back to its client."""
    client = Portal(city)
    state = "ế" * (2048 // 3)
    with ask(client.request(state=state, prompt="none"), follow=False) as answer:
        assert 303 == answer.status
        assert quote(state) in answer.headers["location"]


@pytest.mark.skipif(not shutil.which("nginx"), reason="needs nginx")
def test_nginx_as_the_page_says(behind, certificates, tmp_path):
    start, city, port = behind
    server = (
        example("nginx")
        .replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
        .replace("127.0.0.1:8080;", f"127.0.0.1:{city.port};\nproxy_bind 127.0.0.2;")
        .replace("/etc/ssl/dangky.example.vn.pem", str(certificates.server))
        .replace("/etc/ssl/private/dangky.example.vn.key", str(certificates.server_key))
    )
    folders = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = (
        f"user root; pid {tmp_path}/pid; daemon off; error_log stderr; events {{}}\n"
        "http { access_log off;\n"
    )
    file = tmp_path / "nginx.conf"
    command = ["nginx", "-p", str(tmp_path), "-e", "stderr", "-c", str(file)]
    works(*start(command, f"{text}{folders}{server}}}", file))


@pytest.mark.skipif(not shutil.which("caddy"), reason="needs caddy")
def test_caddy_as_the_page_says(behind, certificates, tmp_path):
    start, city, port = behind
    pair = f"tls {certificates.server} {certificates.server_key}"
    text = (
        example("caddy")
        .replace("{\n\tservers", "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers", 1)
        .replace(f"{NAME} {{", f"https://{NAME}:{port}, https://127.0.0.1:{port} {{\n\t{pair}")
        .replace("127.0.0.1:8080", f"127.0.0.1:{city.port}")  # says itself who asks
    )
    file = tmp_path / "Caddyfile"
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)]
    works(*start(command, text, file))
