"""What the interface refuses before it asks anybody: who calls, by what method, with what body."""

import json
import time

import pytest

from smsgw import clock
from smsgw.portal.api import problems
from tests.portal.conftest import OWN
from tests.portal.program import ALL, Program, problem, told
from tests.portal.test_guard import raw

CALLS = {
    ("POST", "/password/verify"): "verify",
    ("POST", "/password/change"): "change",
    ("GET", "/accounts"): "read",
    ("GET", "/accounts/x"): "read",
    ("PATCH", "/accounts/x"): "change",
    ("GET", "/changes"): "read",
}


@pytest.fixture(scope="module")
def program(anywhere):
    return Program(anywhere)


# --- who calls ----------------------------------------------------------------------------------


def test_without_a_token_nothing_is_told(program):
    for method, path in CALLS:
        answer = program.ask(method, path, Authorization=None)
        assert (401, "unauthorized") == problem(answer)
        assert "Bearer" == answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    "sent", ["Bearer x", "bearer", "Bearer ", "Basic eDp5", "Bearer a b", "Bearer \xe9", "x"]
)
def test_unknown_token_is_refused(program, sent):
    for method, path in CALLS:
        answer = program.ask(method, path, Authorization=sent)
        assert (401, "unauthorized") == problem(answer)
        assert 'Bearer error="invalid_token"' == answer.headers["www-authenticate"]


def test_two_tokens_are_none(anywhere, program):
    head = b"Authorization: Bearer %s\r\n" % program.token.encode()
    ask = b"GET /api/v1/changes HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%sConnection: close\r\n\r\n"
    assert raw(anywhere.port, ask % (anywhere.port, head)).startswith("HTTP/1.1 200 ")
    assert raw(anywhere.port, ask % (anywhere.port, head * 2)).startswith("HTTP/1.1 401 ")


def test_token_opens_what_its_scopes_say(anywhere):
    for scope in ALL:
        program = Program(anywhere, f"only-{scope}", (scope,))
        for (method, path), needed in CALLS.items():
            answer = program.ask(method, path)
            if needed == scope:
                assert answer.status not in (401, 403)
            else:
                assert (403, "insufficient-scope") == problem(answer)
                challenge = f'Bearer error="insufficient_scope", scope="{needed}"'
                assert challenge == answer.headers["www-authenticate"]


def test_token_of_a_citizen_opens_nothing_here(anywhere, program, person, cmnd):
    """Whatever scope it may hold."""
    from smsgw.portal.oidc.tokens import row_of_client
    from smsgw.portal.short import open_short

    anywhere.own(**person)
    client = anywhere.citizens.clients.find(program.secret.client_id)
    row = row_of_client("citizens-token", client, ALL, clock.now())
    short = open_short(anywhere.house.settings, make=False)
    short.grants.add_token(
        row._replace(account=anywhere.account(cmnd).id, mark=anywhere.mark(cmnd))
    )
    short.close()
    for method, path in CALLS:
        answer = program.ask(method, path, Authorization="Bearer citizens-token")
        assert (403, "insufficient-scope") == problem(answer)


def test_token_of_a_revoked_client_ends(anywhere):
    program = Program(anywhere)
    anywhere.citizens.clients.revoke(program.name, "test", clock.now())
    assert 401 == program.get("/changes").status


# --- by what method, where ----------------------------------------------------------------------


def test_other_methods_are_told_which_there_are(program):
    for path, allowed in {
        "/password/verify": {"POST"},
        "/accounts/x": {"GET", "HEAD", "PATCH"},
        "/changes": {"GET", "HEAD"},
        "/openapi.json": {"GET", "HEAD"},
    }.items():
        for method in ("DELETE", "PUT", "OPTIONS", "TRACE", "PROPFIND"):
            answer = program.ask(method, path)
            assert (405, "method-not-allowed") == problem(answer)
            assert allowed == set(answer.headers["allow"].split(", "))
    assert 200 == program.ask("HEAD", "/changes").status


def test_unknown_places_are_problems(program):
    for path in (
        "",
        "/",
        "/x",
        "/password",
        "/changes/",
        "/accounts/",
        "/accounts/x/y",
        "//changes",
    ):
        assert (404, "not-found") == problem(program.get(path)), path


def test_type_of_a_problem_leads_to_what_it_means(anywhere, program):
    browser = anywhere.browser()
    path = "/" + told(program.get("/x"))["type"].split("/", 3)[3]
    answer = browser.get(path)
    assert (200, "404 Not found\n\nThere is nothing here.\n") == (answer.status, answer.page)
    assert 404 == browser.get("/problems/none").status
    for name, kind in problems.PROBLEMS.items():
        assert f"{kind.status} {kind.title}" in browser.get(f"/problems/{name}").page


# --- with what body -----------------------------------------------------------------------------

GOOD = json.dumps({"username": "999999999", "password": "x"}).encode()
NO_JSON = {
    "nothing": b"",
    "a word": b"hello",
    "a form": b"username=1&password=2",
    "two texts": GOOD + GOOD,
    "end is missing": GOOD[:-1],
    "comma too many": GOOD[:-1] + b",}",
    "single quotes": b"{'username':'1','password':'2'}",
    "Latin-1": GOOD.replace(b"x", b"\xe9"),
    "overlong UTF-8": GOOD.replace(b"x", b"\xc0\x80"),
    "surrogate in UTF-8": GOOD.replace(b"x", b"\xed\xa0\x80"),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "NUL itself": GOOD.replace(b"x", b"\x00"),
    "NaN": b'{"username":NaN,"password":"x"}',
    "Infinity": b'{"username":-Infinity,"password":"x"}',
    "name twice": b'{"username":"999999999","password":"x","password":"y"}',
    "name twice, spelt otherwise": b'{"username":"9","password":"x","p\\u0061ssword":"y"}',
    "name twice, inside": b'{"username":{"a":1,"a":2},"password":"x"}',
    "deep": b"[" * 8000 + b"]" * 8000,
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_is_refused(program, body):
    answer = program.ask("POST", "/password/verify", body)
    assert (400, "malformed-json") == problem(answer)


OTHER_FIELDS = {
    "list": ([], "", "wrong_type"),
    "null": (None, "", "wrong_type"),
    "text": ("x", "", "wrong_type"),
    "number": (1, "", "wrong_type"),
    "none of them": ({}, "/username", "required"),
    "one is missing": ({"username": "1"}, "/password", "required"),
    "null instead of a text": ({"username": "1", "password": None}, "/password", "wrong_type"),
    "number instead of a text": ({"username": 1, "password": "x"}, "/username", "wrong_type"),
    "unknown besides": ({"username": "1", "password": "x", "hunter2": 1}, "", "unknown_field"),
    "null address": ({"username": "1", "password": "x", "address": None}, "/address", "wrong_type"),
    "lone surrogate": ({"username": "1", "password": "\ud800"}, "", "characters"),
    "lone surrogate in a name": ({"username": "1", "\udfff": "x"}, "", "characters"),
}


@pytest.mark.parametrize(("body", "pointer", "reason"), OTHER_FIELDS.values(), ids=OTHER_FIELDS)
def test_other_fields_are_refused_with_their_place(program, body, pointer, reason):
    answer = program.ask("POST", "/password/verify", json.dumps(body).encode())
    assert (422, "wrong-fields") == problem(answer)
    errors = told(answer)["errors"]
    assert (pointer, reason) in [(error["pointer"], error["reason"]) for error in errors]
    assert b"hunter2" not in answer.body


def test_huge_numbers_cost_nothing(program):
    body = b'{"username":%s,"password":1e999}' % (b"9" * 16_000)
    answer = program.ask("POST", "/password/verify", body)
    assert (422, "wrong-fields") == problem(answer)


def test_patch_without_a_profile_is_refused(program):
    for body, pointer in (({}, "/profile"), ({"profile": {}, "sub": "x"}, ""), ([], "")):
        answer = program.ask("PATCH", "/accounts/x", body, If_Match="*")
        assert (422, "wrong-fields") == problem(answer)
        assert [pointer] == [error["pointer"] for error in told(answer)["errors"]]


def test_nul_in_every_field_is_judged_like_any_other(anywhere, program, person, cmnd):
    anywhere.own(**person)
    assert 200 == program.verify("\x00" + cmnd, "\x00").status
    assert told(program.verify(cmnd, OWN + "\x00")) == {"valid": False}


@pytest.mark.parametrize(
    "kind",
    [
        *(None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"),
        *("application/json; charset=latin1", "application/merge-patch+json"),
        "multipart/form-data; boundary=x",
    ],
)
def test_other_types_are_refused(program, kind):
    for path in ("/password/verify", "/password/change"):
        answer = program.ask("POST", path, GOOD, Content_Type=kind)
        assert (415, "unsupported-media-type") == problem(answer)
        assert "application/json" == answer.headers["accept-post"]


def test_compressed_bodies_are_refused(program):
    answer = program.ask("POST", "/password/verify", GOOD, Content_Encoding="gzip")
    assert (415, "unsupported-media-type") == problem(answer)


def test_patch_is_told_its_types(program):
    answer = program.ask("PATCH", "/accounts/x", b"{}", If_Match="*", Content_Type="text/plain")
    assert 415 == answer.status
    assert "application/json, application/merge-patch+json" == answer.headers["accept-patch"]


def test_too_much_is_refused_whatever_it_is(program):
    fields = json.dumps({f"f{number}": "" for number in range(100_000)}).encode()
    for body in (GOOD + b" " * 16_384, fields[: 200 * 1024], fields):
        answer = program.ask("POST", "/password/verify", body)
        assert (413, "too-long") == problem(answer)
    assert 200 == program.ask("POST", "/password/verify", GOOD.ljust(16_384)).status


def test_as_many_fields_as_fit_are_refused_quickly(program):
    body = json.dumps({f"{number:x}": 0 for number in range(1600)}).encode()
    began = time.monotonic()
    answer = program.ask("POST", "/password/verify", body)
    assert (422, "wrong-fields") == problem(answer)
    assert len(answer.body) < 2000
    assert time.monotonic() - began < 2


def test_slow_body_ends_after_ten_seconds(anywhere, program):
    head = (
        f"POST /api/v1/password/verify HTTP/1.1\r\nHost: 127.0.0.1:{anywhere.port}\r\n"
        f"Authorization: Bearer {program.token}\r\nContent-Type: application/json\r\n"
        'Content-Length: 50\r\n\r\n{"username":'
    )
    began = time.monotonic()
    answer = raw(anywhere.port, head.encode())
    assert 9 < time.monotonic() - began < 14
    assert answer.startswith("HTTP/1.1 408 ")
    assert '"type":"http://127.0.0.1:' in answer
    assert "/problems/too-slow" in answer


# --- what never comes back ----------------------------------------------------------------------

MARK = "zqxj-marked-77"


def test_nothing_that_was_sent_comes_back(anywhere, program, person, cmnd):
    anywhere.own(**person)
    texts = {"username": MARK, "password": MARK, "new_password": MARK, "address": MARK}
    answers = [
        program.ask("POST", "/password/verify", texts),
        program.ask("POST", "/password/change", texts),
        program.ask("POST", "/password/change", {MARK: MARK}),
        program.ask("POST", "/password/change", MARK),
        program.ask("POST", "/password/change", MARK.encode()),
        program.ask("POST", f"/{MARK}", {MARK: MARK}),
        program.change(cmnd, MARK, MARK, key=MARK),
        program.change(cmnd, OWN, "ngan" + MARK * 20),
        program.patch(MARK, {MARK: {MARK: MARK}}, f'"{MARK}"'),
        program.get(f"/accounts?after={MARK}&{MARK}={MARK}"),
        program.get(f"/changes?after={MARK}"),
        program.get("/changes", Authorization=f"Bearer {MARK}", X_Request_Id=MARK),
    ]
    for number, answer in enumerate(answers):
        assert MARK not in answer.page, number
        assert MARK not in str(answer.headers), number
    assert MARK not in anywhere.log
    assert OWN not in anywhere.log


def test_locked_database_is_told_and_nothing_is_counted(anywhere, program, person, cmnd):
    anywhere.own(**person)
    blocker = anywhere.house.store._db
    blocker.execute("BEGIN IMMEDIATE")
    try:
        answer = program.verify(cmnd, OWN)
        assert (503, "unavailable") == problem(answer)
        assert "5" == answer.headers["retry-after"]
    finally:
        blocker.execute("ROLLBACK")
    assert told(program.verify(cmnd, OWN))["valid"]
