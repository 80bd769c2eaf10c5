"""`smsgw clients`: which programs there are; `accounts end-sessions`."""

import csv
import io
import json
import os
import re

import pytest

from smsgw.gateway import Citizens, knows
from smsgw.portal.short import open_short
from smsgw.portal.short.rows import SessionRow
from tests.portal.short import rows

URL = "https://dvc.danang.gov.vn/callback"


def create(town, command, *more, name="dvc"):
    return command(town, "clients", "create", name, "--redirect-uri", URL, *more)


def told(result):
    """The two lines of a command that shows a secret."""
    assert 0 == result.status, result.stderr
    found = re.fullmatch(r"client_id: (\S+)\nclient_secret: (\S+)\n", result.stdout)
    assert found, result.stdout
    return found.groups()


def listed(town, command):
    return json.loads(command(town, "clients", "list", "--format", "json").stdout)


def stored(town, client_id):
    return Citizens(town.gateway).clients.find(client_id)


def test_a_new_client_and_its_secret(town, command):
    client_id, secret = told(create(town, command))
    client = stored(town, client_id)
    assert knows(client, secret)
    assert not knows(client, secret + "x")
    assert ("dvc", "dvc", (URL,), ("openid",), "required") == (
        *(client.name, client.title, client.redirect_uris, client.scopes, client.pkce),
    )
    assert len(secret) >= 43  # 256 bits
    assert secret.encode() not in town.database.read_bytes()


def test_a_new_client_for_scripts(town, command):
    (found,) = json.loads(create(town, command, "--format", "json").stdout)
    assert ["client_id", "client_secret"] == [*found]
    (row,) = csv.DictReader(io.StringIO(create(town, command, "--format", "csv", name="b").stdout))
    assert ["client_id", "client_secret"] == [*row]


def test_all_that_a_client_may_be(town, command):
    result = create(
        *(town, command, "--redirect-uri", "http://127.0.0.1:8000/x?y=z"),
        *("--post-logout-uri", "https://dvc.danang.gov.vn/"),
        *("--scope", "profile citizen_id", "--scope", "email"),
        *("--title", "Cổng dịch vụ công", "--pkce", "optional"),
        *("--national-claims", "--synthetic-email", "dvc.example.vn", "--reason", "pilot"),
    )
    client = stored(town, told(result)[0])
    assert ("openid", "profile", "email", "citizen_id") == client.scopes
    assert ("Cổng dịch vụ công", "optional", True, "dvc.example.vn") == (
        *(client.title, client.pkce, client.national_claims, client.synthetic_email),
    )
    audit = json.loads(command(town, "audit", "--format", "json").stdout)
    assert ("clients create", "dvc: pilot") == (audit[-1]["command"], audit[-1]["detail"])


def test_a_program_that_asks_for_itself_needs_no_redirect_uri(town, command):
    result = command(town, "clients", "create", "kiosk", "--scope", "verify change read")
    assert ("verify", "change", "read") == stored(town, told(result)[0]).scopes


def test_the_list_keeps_its_keys_and_tells_no_secret(town, command):
    client_id, secret = told(create(town, command))
    (line,) = listed(town, command)
    assert [
        *("name", "client_id", "redirect_uris", "scopes", "pkce", "created_at", "revoked_at"),
        "secrets",
    ] == [*line]
    assert ("dvc", client_id, [URL], ["openid"], None, 1) == (
        *(line["name"], line["client_id"], line["redirect_uris"], line["scopes"]),
        *(line["revoked_at"], line["secrets"]),
    )
    for form in ("table", "json", "csv"):
        assert secret not in command(town, "clients", "list", "--format", form).stdout


def test_no_clients(town, command):
    assert "No clients.\n" == command(town, "clients", "list").stdout


def test_two_secrets_until_the_old_one_is_retired(town, command):
    client_id, old = told(create(town, command))
    again, new = told(command(town, "clients", "rotate", "dvc"))
    assert client_id == again
    assert knows(stored(town, client_id), old)
    assert knows(stored(town, client_id), new)
    assert 2 == listed(town, command)[0]["secrets"]
    third = command(town, "clients", "rotate", "dvc")
    assert (1, 1) == (third.status, len(third.stderr.splitlines()))
    assert "clients retire dvc" in third.stderr
    assert 0 == command(town, "clients", "retire", "dvc").status
    assert not knows(stored(town, client_id), old)
    assert knows(stored(town, client_id), new)
    assert 1 == command(town, "clients", "retire", "dvc").status


def test_a_revoked_client_is_worth_nothing_and_keeps_its_name(town, command):
    client_id, secret = told(create(town, command))
    assert "dvc: revoked\n" == command(town, "clients", "revoke", "dvc").stdout
    assert not knows(stored(town, client_id), secret)
    (line,) = listed(town, command)
    assert line["revoked_at"]
    assert 0 == line["secrets"]
    for verb in ("rotate", "retire", "revoke"):
        result = command(town, "clients", verb, "dvc")
        assert (1, "") == (result.status, result.stdout)
        assert "is revoked" in result.stderr
    assert 1 == create(town, command).status


def test_a_name_is_given_once(town, command):
    told(create(town, command))
    result = create(town, command)
    assert (1, "", 1) == (result.status, result.stdout, len(result.stderr.splitlines()))
    assert "there is a client dvc already" in result.stderr


@pytest.mark.parametrize("verb", ["rotate", "retire", "revoke"])
def test_nobody_of_that_name(town, command, verb):
    result = command(town, "clients", verb, "nobody")
    assert (1, "", 1) == (result.status, result.stdout, len(result.stderr.splitlines()))
    assert "no client 'nobody'" in result.stderr


@pytest.mark.parametrize("name", ["", "DVC", "a b", "a_b", "đvc", "a" * 65, "../x", "a\n"])
def test_no_name(town, command, name):
    result = create(town, command, name=name)
    assert (1, "", 1) == (result.status, result.stdout, len(result.stderr.splitlines()))
    assert [] == listed(town, command)


@pytest.mark.parametrize("name", ["a", "a" * 64, "cong.dich-vu-1"])
def test_a_name(town, command, name):
    told(create(town, command, name=name))


BAD_URLS = [
    *("dvc", "/callback", "//dvc.danang.gov.vn/x", "ftp://dvc.danang.gov.vn/", "https://"),
    *("http://dvc.danang.gov.vn/", "https://dvc.danang.gov.vn/#x", "https://a@b.vn/", "https:///x"),
    *("https://*.danang.gov.vn/", "javascript:alert(1)", "https://b.vn/ x", "https://b.vn/\\x"),
    *("https://b.vn:99999/", "https://[::1", "https://đvc.vn/", "http://127.0.0.1.evil.vn/", ""),
    *("https://b.vn/" + "x" * 2048, "https://b.vn/\n", "com.example.app://callback"),
]


@pytest.mark.parametrize("url", BAD_URLS)
@pytest.mark.parametrize("option", ["--redirect-uri", "--post-logout-uri"])
def test_no_address_to_send_citizens_to(town, command, option, url):
    result = create(town, command, option, url)
    assert (1, "", 1) == (result.status, result.stdout, len(result.stderr.splitlines()))
    assert [] == listed(town, command)


@pytest.mark.parametrize(
    "url", ["https://b.vn", "https://b.vn:8443/x?y=z", "http://localhost/x", "http://[::1]:1/x"]
)
def test_an_address_to_send_citizens_to(town, command, url):
    told(create(town, command, "--redirect-uri", url))


UNFIT = {
    "scope": (["--scope", "openid admin"], "no such scope"),
    "title": (["--title", "a\nb\x1b[2J"], "--title"),
    "domain": (["--synthetic-email", "not a domain"], "not a domain"),
}


@pytest.mark.parametrize(("options", "words"), UNFIT.values(), ids=UNFIT)
def test_what_no_client_can_have(town, command, options, words):
    result = create(town, command, *options)
    assert (1, "", 1) == (result.status, result.stdout, len(result.stderr.splitlines()))
    assert words in result.stderr


def test_citizens_must_be_sent_back_somewhere(town, command):
    result = command(town, "clients", "create", "dvc", "--scope", "openid read")
    assert 1 == result.status
    assert "--redirect-uri" in result.stderr


def test_before_the_daemon_ran_there_are_no_clients(links_config, command):
    result = command(links_config(), "clients", "list")
    assert (1, "", 1) == (result.status, result.stdout, len(result.stderr.splitlines()))
    assert "smsgw run" in result.stderr


# --- sessions -----------------------------------------------------------------------------------


def test_sessions_of_one_citizen_end(town, command):
    row = town.hotline.exact("201234568")
    short = open_short(town.settings)
    assert short is not None
    for account in (row.account.id, row.account.id, row.account.id + 1):
        short.add_session(session(account, town.now))
    result = command(town, "accounts", "end-sessions", "0905000002", "--reason", "library")
    assert (0, "201234568: 2 sessions ended\n") == (result.status, result.stdout)
    assert [] == short.sessions_of(row.account.id)
    assert 1 == len(short.sessions_of(row.account.id + 1))
    short.close()
    (line,) = json.loads(command(town, "audit", "--format", "json").stdout)[-1:]
    assert ("accounts end-sessions", "*****568", "library") == (
        *(line["command"], line["account"], line["detail"]),
    )


def test_the_end_of_an_account_ends_its_sessions(town, command):
    row = town.hotline.exact("201234568")
    short = open_short(town.settings)
    assert short is not None
    short.add_session(session(row.account.id, town.now))
    assert 0 == command(town, "accounts", "close", "201234568", "--reason", "moved").status
    assert [] == short.sessions_of(row.account.id)
    short.close()


def test_an_account_that_is_erased_leaves_nothing_with_the_portal(town, command):
    account = town.hotline.exact("201234568").account.id
    short = open_short(town.settings)
    assert short is not None
    for each in (account, account + 1):
        short.know_device(b"browser", each, town.now)
    for verb in ("close", "erase"):
        assert 0 == command(town, "accounts", verb, "201234568", "--reason", "moved").status
    assert [account + 1] == [each for (each,) in rows(short, "SELECT account FROM devices")]
    short.close()


def test_where_no_portal_ran_there_are_no_sessions(town, command):
    result = command(town, "accounts", "end-sessions", "201234568")
    assert (0, "201234568: no sessions ended\n") == (result.status, result.stdout)
    assert not town.database.with_name("portal.db").exists()


def session(account, now):
    """Somebody is logged in in a browser that nobody else has."""
    return SessionRow(
        key=os.urandom(32),
        sid=os.urandom(8).hex(),
        account=account,
        mark="x",
        narrow=False,
        auth_at=now,
        seen_at=now,
        browser=os.urandom(32),
    )


def test_key_of_all_portals_is_forgotten_and_the_audit_says_by_whom(town, command):
    with town.store.transaction():
        town.store.set_fact("portal_key", "former marks")
    result = command(town, "portal", "--forget-key", "--reason", "the disk died")
    assert (0, "the next portal that starts says which key all have\n") == (
        *(result.status, result.stdout),
    )
    assert town.store.fact("portal_key") is None
    (line,) = json.loads(command(town, "audit", "--format", "json").stdout)[-1:]
    assert ("portal --forget-key", "the disk died") == (line["command"], line["detail"])
