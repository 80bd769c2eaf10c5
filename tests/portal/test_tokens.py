"""Access tokens for programs that ask for themselves: `/oauth2/token` by `client_credentials`."""

import itertools
from base64 import b64encode
from urllib.parse import urlencode

import pytest

from smsgw import clock
from smsgw.gateway import NewClient
from tests.portal.conftest import said

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
AGAIN = {"grant_type": "client_credentials"}
COUNT = itertools.count(1)


@pytest.fixture
def city(anywhere):
    return anywhere


@pytest.fixture
def name():
    """Of a program that no portal has met."""
    return f"dvc-{next(COUNT)}"


@pytest.fixture
def program(city, name):
    """What a client of the interface was told."""
    new = NewClient(name, scopes=("read", "verify"))
    return city.citizens.clients.create(new, "test", clock.now())


def basic(secret):
    pair = f"{secret.client_id}:{secret.client_secret}"
    return {"Authorization": "Basic " + b64encode(pair.encode()).decode()}


def by_body(secret):
    return {"client_id": secret.client_id, "client_secret": secret.client_secret}


def ask(browser, fields, path="/oauth2/token", **headers):
    body = fields if isinstance(fields, str) else urlencode(fields)
    return browser.ask("POST", path, body, FORM | headers)


def test_a_program_gets_a_token_for_all_its_scopes_by_header_or_by_body(browser, program):
    for answer in (
        ask(browser, AGAIN, **basic(program)),
        ask(browser, AGAIN | by_body(program)),
    ):
        assert 200 == answer.status, answer.body
        told = said(answer)
        assert ("Bearer", 600, "verify read") == (
            told["token_type"],
            told["expires_in"],
            told["scope"],
        )
        assert "no-store" == answer.headers["cache-control"]
        assert program.client_secret not in answer.page


def test_a_program_may_ask_for_less(browser, program):
    told = said(ask(browser, AGAIN | {"scope": "read"}, **basic(program)))
    assert "read" == told["scope"]


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, 400, "unsupported_grant_type"),
        (AGAIN | {"scope": "change"}, 400, "invalid_scope"),
        (AGAIN | {"scope": "openid"}, 400, "invalid_scope"),
        (AGAIN | {"scope": " "}, 400, "invalid_scope"),
        ("grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
        ("grant_type=%ff", 400, "invalid_request"),
        ("&".join(f"a{n}=1" for n in range(1000)), 400, "invalid_request"),
        (AGAIN | {"client_id": "somebody"}, 401, "invalid_client"),
        (AGAIN | {"client_secret": "twice"}, 400, "invalid_request"),
    ],
)
def test_a_request_that_is_none_is_refused_by_the_word_of_the_rfc(
    browser, program, fields, status, error
):
    answer = ask(browser, fields, **basic(program))
    assert (status, error) == (answer.status, said(answer)["error"])


def test_who_does_not_prove_who_it_is_gets_nothing(city, browser, name, program):
    wrong = program._replace(client_secret=program.client_secret[:-1])
    other = program._replace(client_id="0" * 24)
    for fields, headers in (
        (AGAIN, {}),
        (AGAIN, basic(wrong)),
        (AGAIN, basic(other)),
        (AGAIN, {"Authorization": "Basic %%%"}),
        (AGAIN, {"Authorization": "Bearer x"}),
        (AGAIN | by_body(wrong), {}),
    ):
        answer = ask(browser, fields, **headers)
        assert (401, "invalid_client") == (answer.status, said(answer)["error"])
        assert answer.headers["www-authenticate"].startswith("Basic ")
    city.citizens.clients.revoke(name, "test", clock.now())
    assert 401 == ask(browser, AGAIN, **basic(program)).status


def test_two_secrets_are_good_until_the_older_one_is_retired(city, browser, name, program):
    newer = city.citizens.clients.rotate(name, "test", clock.now())
    assert [200, 200] == [ask(browser, AGAIN, **basic(each)).status for each in (program, newer)]
    city.citizens.clients.retire(name, "test", clock.now())
    assert [401, 200] == [ask(browser, AGAIN, **basic(each)).status for each in (program, newer)]


def test_a_client_of_citizens_alone_has_no_token_of_its_own(city, browser):
    new = NewClient("cong", redirect_uris=("https://dvc.example.vn/cb",))
    secret = city.citizens.clients.create(new, "test", clock.now())
    answer = ask(browser, AGAIN, **basic(secret))
    assert (400, "unauthorized_client") == (answer.status, said(answer)["error"])


def test_a_browser_that_comes_here_is_told_how_to_ask(browser):
    answer = browser.get("/oauth2/token")
    assert (405, "POST") == (answer.status, answer.headers["allow"])
    assert 400 == browser.ask("POST", "/oauth2/token", "{}", {}).status
