"""The audit of the lock files finds what is known, and stops nobody who cannot ask."""

import http.server
import json
import socket
import threading

import pytest

from tools import audit_locks
from tools.imports import ROOT

LOCK = """
good==1.0 \\
    --hash=sha256:aa
bad-one==2.0 ; python_version < '3.12' \\
    --hash=sha256:bb
"""
KNOWN = {
    "/pypi/good/1.0/json": {"vulnerabilities": [{"id": "OLD-1", "withdrawn": "2026-01-01"}]},
    "/pypi/bad-one/2.0/json": {"vulnerabilities": [{"id": "PYSEC-1", "fixed_in": ["2.1"]}]},
}


class Index(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answer = getattr(self.server, "known").get(self.path)
        self.send_response(200 if answer else 404)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def index(monkeypatch):
    """An index that knows what a test puts into `known`."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        setattr(server, "known", KNOWN)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        yield server
        server.shutdown()


@pytest.fixture
def lock(tmp_path):
    file = tmp_path / "requirements.lock"
    file.write_text(LOCK)
    return file


def test_known_hole_is_named_with_the_version_that_mends_it(index, lock):
    assert (["audit: bad-one 2.0: PYSEC-1; mended by 2.1"], 1) == audit_locks.audit([lock])


def test_packages_without_a_known_hole_pass(index, lock):
    index.known = KNOWN | {"/pypi/bad-one/2.0/json": {"vulnerabilities": []}}
    assert (["audit of the lock files: 2 packages, no known hole"], 0) == audit_locks.audit([lock])


def test_index_that_knows_nothing_of_holes_is_a_plain_skip(index, lock):
    index.known = {}
    ([line], status) = audit_locks.audit([lock])
    assert (True, 0) == ("skipped, the index knows nothing" in line, status)


def test_index_that_cannot_be_reached_is_a_plain_skip(lock, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
        ([line], status) = audit_locks.audit([lock])
    assert (True, 0) == ("skipped, the index cannot be asked" in line, status)


def test_every_package_of_the_lock_files_is_asked_for():
    for name in audit_locks.LOCKS:
        text = (ROOT / name).read_text()
        assert text.count("\n") > 100
        assert [line.split("==")[0] for line in text.splitlines() if line[:1].isalnum()] == [
            package for package, _ in audit_locks.pinned(text)
        ]
