"""`heartbeat.url`: asked while we live, never in the way, and never shown."""

import asyncio
import logging
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from smsgw import config, heartbeat
from smsgw.config import Url
from smsgw.heartbeat import Heartbeat

SECRET = "0f2c7e1b-secret"


class Server(HTTPServer):
    """Of a page with that status; `asked` is what it was asked."""

    def __init__(self, status):
        super().__init__(("127.0.0.1", 0), Page)
        self.asked = []
        self.status = status


class Page(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Host"], self.headers["User-Agent"]))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def page(status=200, context=None):
    """A real server on a free port."""
    server = Server(status)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def mute(octets=b""):
    """A server that takes the question, says *octets* and nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ends = threading.Event()

        def serve():
            client, _ = listener.accept()
            with client:
                client.sendall(octets)
                ends.wait(20)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            ends.set()
            thread.join()


def url_of(server, scheme="http", host="127.0.0.1"):
    port = server if isinstance(server, int) else server.server_address[1]
    return Url.parse(f"{scheme}://{host}:{port}/ping/{SECRET}?a=b")


async def lives():
    return None


def beat(url, times=1, alive=lives):
    async def scenario():
        beats = Heartbeat(url, alive)
        for _ in range(times):
            await beats.beat()

    asyncio.run(scenario())


def test_page_is_asked_for_each_time():
    with page() as server:
        beat(url_of(server), times=2)
        host = f"127.0.0.1:{server.server_address[1]}"
        assert 2 == len(server.asked)
        path, asked_host, agent = server.asked[0]
        assert (f"/ping/{SECRET}?a=b", host) == (path, asked_host)
        assert agent.startswith("smsgw/")


def test_no_page_no_question():
    beat(None)


def test_page_is_not_asked_for_while_the_store_takes_nothing(caplog):
    async def silent():
        return "the store takes nothing: disk full"

    with page() as server:
        beat(url_of(server), alive=silent)
        assert [] == server.asked
    [line] = caplog.messages
    assert "is not asked: the store takes nothing: disk full" in line


def test_certificate_of_the_page_is_verified(certificates, monkeypatch):
    with page(context=certificates.server_context()) as server:
        assert "cannot be trusted" in heartbeat.ask(url_of(server, "https", "localhost"))
        assert [] == server.asked
        monkeypatch.setenv("SSL_CERT_FILE", certificates.ca)
        assert None is heartbeat.ask(url_of(server, "https", "localhost"))
        assert 1 == len(server.asked)


REFUSED = {"not there": (404, "status 404"), "broken": (500, "500"), "moved": (302, "elsewhere")}


@pytest.mark.parametrize(("status", "said"), REFUSED.values(), ids=REFUSED)
def test_any_answer_but_success_is_a_fault(status, said):
    with page(status) as server:
        assert said in heartbeat.ask(url_of(server))
        assert 1 == len(server.asked)


def test_peer_that_speaks_something_else_is_a_fault():
    with mute(b"SSH-2.0-OpenSSH_9.2p1\r\n") as port:
        assert "does not speak HTTP" == heartbeat.ask(url_of(port))


def test_endless_line_is_read_so_far_and_no_further():
    with mute(b"HTTP/1.1 " * 1000) as port:
        assert "does not speak HTTP" == heartbeat.ask(url_of(port))


def test_server_that_says_nothing_holds_up_nobody(monkeypatch):
    monkeypatch.setattr(heartbeat, "PATIENCE_SECONDS", 0.3)
    with mute(b"HTTP/1.1 2") as port:

        async def scenario():
            turns = 0
            asking = asyncio.create_task(Heartbeat(url_of(port), lives).beat())
            while not asking.done():
                turns += 1
                await asyncio.sleep(0.001)
            return turns

        began = time.monotonic()
        assert asyncio.run(scenario()) > 20
        assert time.monotonic() - began < 10


def test_trouble_is_said_when_it_begins_and_when_it_ends(caplog):
    caplog.set_level(logging.INFO)
    with page(503) as server:

        async def scenario():
            beats = Heartbeat(url_of(server), lives)
            for server.status in (503, 503, 500, 200, 200):
                await beats.beat()

        asyncio.run(scenario())
    assert [
        "heartbeat.url at 127.0.0.1 answers with status 503; tried again each minute",
        "heartbeat.url at 127.0.0.1 answers again",
    ] == caplog.messages


def test_address_is_shown_nowhere(caplog):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = url_of(port)
    beat(url)
    assert "cannot be reached" in caplog.text
    assert SECRET not in caplog.text + repr(url) + str(url)


FAULTS = {
    "another scheme": f"ftp://example.org/{SECRET}",
    "no host": f"https:///{SECRET}",
    "a space": f"https://example.org/{SECRET} x",
    "a line end": f"https://example.org/{SECRET}\\r\\nX: y",
    "letters with marks": f"https://exämple.org/{SECRET}",
    "a password": f"https://me:{SECRET}@example.org/",
    "a port that is none": f"https://example.org:99999/{SECRET}",
    "no text at all": "",
}


@pytest.mark.parametrize("url", FAULTS.values(), ids=FAULTS)
def test_fault_in_the_configuration_does_not_quote_the_address(smsc, config_file, smsgw, url):
    file = config_file(smsc, heartbeat={"url": "here"})
    file.write_text(file.read_text().replace('"here"', f'"{url}"'), encoding="utf-8")
    with pytest.raises(config.ConfigError) as refused:
        config.load(file)
    assert "heartbeat.url" in str(refused.value)
    assert SECRET not in str(refused.value)


def test_daemon_asks_once_it_lives(smsc, config_file, daemon):
    with page() as server:
        url = f"http://127.0.0.1:{server.server_address[1]}/ping/{SECRET}"
        child = daemon(config_file(smsc, heartbeat={"url": url}), smsc)
        child.until(lambda: server.asked, what="a heartbeat")
        assert SECRET not in child.log


def test_page_of_a_reload_is_asked_at_once(smsc, config_file, daemon, smsgw):
    with page() as server:
        config_path = config_file(smsc)
        child = daemon(config_path, smsc)
        url = f"http://127.0.0.1:{server.server_address[1]}/ping/{SECRET}"
        config_file(smsc, heartbeat={"url": url})
        done = smsgw("-c", config_path, "reload")
        assert done.stdout.endswith("taken over; new: heartbeat.url\n")
        child.until(lambda: server.asked, what="a heartbeat")
        assert SECRET not in child.log + done.stdout
