"""The client that docs/integration.md hands to the programmer of the city's portal, run as it
stands there; and what that page says of addresses and claims."""

import json
import re
from pathlib import Path

import pytest

from smsgw.gateway import Scope
from tests.portal.clients import CALLBACK, GOODBYE, Portal
from tests.portal.conftest import CMND, OWN

PAGE = Path(__file__).parents[2].joinpath("docs", "integration.md").read_text("utf-8")


def block(language):
    return re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[1]


@pytest.fixture
def client(city, monkeypatch):
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    given = Portal(city)
    found = {}
    exec(compile(block("python"), "docs/integration.md", "exec"), found)  # noqa: S102 - ours
    return found["Citizens"](given.issuer, given.id, given.secret, CALLBACK)


@pytest.fixture
def an(city, browser):
    city.whole()
    browser.log_in(CMND, OWN)
    return browser


def came_back(client, browser):
    url, kept = client.begin()
    return browser.get(url.removeprefix(client.issuer)).location, kept


def test_the_python_client_is_told_who_came_and_logs_them_out(client, an):
    citizen, id_token = client.finish(*came_back(client, an))
    assert ("Nguyen Van An", "+84905123456") == (citizen["name"], citizen["phone_number"])
    away = client.log_out(id_token, GOODBYE)
    assert (303, GOODBYE) == an.get(away.removeprefix(client.issuer)).leads
    assert (303, "/dang-nhap") == an.get("/tai-khoan").leads


def test_the_python_client_takes_no_answer_that_is_not_for_it(client, an):
    from authlib.integrations.base_client import OAuthError
    from authlib.oauth2.rfc6749.errors import MismatchingStateException
    from joserfc.errors import JoseError

    url, kept = came_back(client, an)
    with pytest.raises(ValueError, match="another issuer"):
        client.finish(url.replace("iss=http", "iss=https"), kept)
    with pytest.raises(MismatchingStateException):
        client.finish(url, kept | {"state": "x"})
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.finish(url, kept | {"verifier": "x" * 48})
    with pytest.raises(JoseError):
        client.finish(url, kept | {"nonce": "x"})
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.finish(url, kept)  # the code is used by now


def test_the_page_names_every_scope_and_every_address(city, browser):
    found = json.loads(browser.get("/.well-known/openid-configuration").body)
    for name, value in found.items():
        if name.endswith(("_endpoint", "_uri")):
            assert value.removeprefix(found["issuer"]) in PAGE
    for scope in Scope:
        assert re.search(rf"[`\" ]{scope}[`\" ]", PAGE)
    for claim in found["claims_supported"]:
        assert claim in PAGE


def test_the_settings_for_opencps_are_json_with_addresses_of_ours(city, browser):
    settings = json.loads(block("json"))
    found = json.loads(browser.get("/.well-known/openid-configuration").body)
    ours = {str(value).removeprefix(found["issuer"]) for value in found.values()}
    assert {value for name, value in settings.items() if name.endswith("_endpoint")} <= ours
