"""What a client, or somebody who would be one, may not do."""

import hmac
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwk, jwt

from smsgw import clock
from smsgw.gateway import Pkce
from tests.portal.clients import (
    CALLBACK,
    CHALLENGE,
    FORM,
    GOODBYE,
    Liferay,
    Portal,
    Told,
    fields_of,
    raw,
    segment,
)
from tests.portal.conftest import OWN, newcomer, said
from tests.portal.short import rows


@pytest.fixture
def city(anywhere):
    return anywhere


@pytest.fixture
def portal(city):
    return Portal(city)


@pytest.fixture
def cmnd(city):
    """Of a complete citizen."""
    return city.whole(**newcomer())


@pytest.fixture
def an(cmnd, browser):
    """That citizen, logged in."""
    browser.log_in(cmnd, OWN)
    return browser


def assert_page(answer):
    """A page says so, and nobody is led anywhere."""
    assert (400, None) == answer.leads, answer.location
    assert "Không mở được trang đăng nhập" in answer.words
    assert "bấm Đăng nhập lần nữa" in answer.words


# --- where citizens are sent ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        CALLBACK + "/more",
        CALLBACK[:-1],
        CALLBACK + "/",
        CALLBACK + "?a=b",
        CALLBACK + "#",
        CALLBACK + "#fragment",
        CALLBACK + "%00",
        CALLBACK + " ",
        CALLBACK.upper(),
        CALLBACK.replace("callback", "Callback"),
        CALLBACK.replace("callback", "c%61llback"),
        CALLBACK.replace("/callback", "/x/../callback"),
        CALLBACK.replace("/callback", "//callback"),
        CALLBACK.replace("https://", "https://evil.example@"),
        CALLBACK.replace("dvc.example.vn", "dvc.example.vn:443"),
        CALLBACK.replace("dvc.example.vn", "dvc.example.vn:8443"),
        CALLBACK.replace("dvc.example.vn", "dvc.example.vn.evil.example"),
        CALLBACK.replace("dvc.example.vn", "dvc.example.vn."),
        CALLBACK.replace("https:", "http:"),
        CALLBACK.replace("https:", ""),
        "https://evil.example/callback",
        "//dvc.example.vn/callback",
        "/callback",
        "javascript:alert(1)",
        "",
        None,
    ],
)
def test_citizens_are_sent_to_no_address_but_to_the_letter_one_that_was_given(portal, an, uri):
    assert_page(an.get(portal.request(redirect_uri=uri)))
    assert_page(an.get(portal.request(redirect_uri=uri, response_type="token")))


def test_an_unknown_client_gets_a_page(city, portal, an):
    assert_page(an.get(portal.request(client_id="0" * 24)))
    assert_page(an.get(portal.request(client_id=None)))
    city.citizens.clients.revoke(portal.new.name, "test", clock.now())
    assert_page(an.get(portal.request()))


@pytest.mark.parametrize("name", ["state", "client_id", "redirect_uri", "scope", "whatever"])
def test_a_parameter_given_twice_is_a_page_and_never_a_redirect(portal, an, name):
    twice = raw((name, "one"), (name, "two"))
    assert_page(an.get(f"{portal.request()}&{twice}"))


def test_what_cannot_be_read_is_a_page(portal, an):
    assert_page(an.get(portal.request() + "&a=%ff"))
    assert_page(an.get(portal.request() + "".join(f"&a{n}=" for n in range(100))))
    assert_page(an.ask("POST", "/oauth2/authorize", "{}", {"Content-Type": "application/json"}))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openid read"}, "invalid_scope"),
        ({"scope": "openid offline_access"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "whatever"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"nonce": "n" * 513}, "invalid_request"),
        ({"request": "x.y.z"}, "request_not_supported"),
        ({"request_uri": "https://dvc.example.vn/r"}, "request_uri_not_supported"),
    ],
)
def test_another_fault_goes_back_to_the_client(portal, an, changes, error):
    told = Told.of(an.get(portal.request(**changes)))
    assert (CALLBACK, error, "a state", portal.issuer) == (
        told.uri,
        *(told.parameters[name] for name in ("error", "state", "iss")),
    )


def test_a_state_of_2_kib_comes_back_as_it_was_and_a_longer_one_is_refused(portal, an):
    state = ('ờ&=#+ "%' * 300).encode()[:2048].decode(errors="ignore")
    assert state == Told.of(an.get(portal.request(state=state))).parameters["state"]
    told = Told.of(an.get(portal.request(state="s" * 2049)))
    assert "invalid_request" == told.parameters["error"]


# --- codes ----------------------------------------------------------------------------------------


def refused(answer, error="invalid_grant"):
    return (400, error) == (answer.status, said(answer)["error"])


def test_a_code_that_is_used_twice_ends_what_was_given_for_it(portal, an):
    code = portal.code(an)
    token = said(portal.exchange(code))["access_token"]
    assert 200 == portal.userinfo(token).status
    assert refused(portal.exchange(code))
    answer = portal.userinfo(token)
    assert 401 == answer.status
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_of_many_who_exchange_a_code_at_a_time_one_is_served_and_its_token_ends(portal, an):
    code = portal.code(an)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: portal.exchange(code), range(8)))
    assert [200] + [400] * 7 == sorted(answer.status for answer in answers)
    [served] = [answer for answer in answers if answer.status == 200]
    assert 401 == portal.userinfo(said(served)["access_token"]).status


def test_a_failed_exchange_leaves_the_code_as_it_is(city, portal, an):
    other = Liferay(city, pkce=Pkce.REQUIRED)
    code = portal.code(an)
    for answer in (
        other.exchange(code, code_verifier="v" * 43),
        portal.exchange(code, redirect_uri=CALLBACK + "/"),
        portal.exchange(code, code_verifier="w" * 43),
        portal.exchange(code, code_verifier="v"),
        portal.exchange(code, code_verifier=CHALLENGE),
        portal.exchange(code, code_verifier=None),
        portal.exchange(code + "x"),
    ):
        assert refused(answer), answer.body
    assert refused(portal.exchange(code, redirect_uri=None), "invalid_request")
    assert 200 == portal.exchange(code).status


def test_a_used_code_in_the_hands_of_another_client_ends_nothing(city, portal, an):
    other = Liferay(city)
    code = portal.code(an)
    token = said(portal.exchange(code))["access_token"]
    assert refused(other.exchange(code))
    assert 200 == portal.userinfo(token).status


def test_a_verifier_that_nobody_announced_is_refused(city, an):
    liferay = Liferay(city)
    code = liferay.code(an)
    assert refused(liferay.exchange(code, code_verifier="v" * 43))
    assert 200 == liferay.exchange(code).status


def test_a_code_lapses_after_a_minute(city, portal, an):
    code = portal.code(an)
    short = city.short()
    rows(short, "UPDATE codes SET until = until - 60000000")
    short.close()
    assert refused(portal.exchange(code))


def test_a_code_is_worth_nothing_after_its_session(city, portal, cmnd, an):
    code = portal.code(an)
    an.log_out()
    assert refused(portal.exchange(code))
    an.log_in(cmnd, OWN)
    code = portal.code(an)
    city.reset(cmnd)
    assert refused(portal.exchange(code))


def test_a_change_of_the_own_password_keeps_session_and_codes(portal, an):
    code = portal.code(an)
    changed = an.send("/doi-mat-khau", password=OWN, new_password="meo con leo cay")
    assert (303, "/tai-khoan") == changed.leads
    assert 200 == portal.exchange(code).status


def test_neither_codes_nor_tokens_stand_in_a_file_or_a_log(city, portal, an):
    code = portal.code(an)
    token = said(portal.exchange(code))["access_token"]
    kept = b"".join(each.read_bytes() for each in city.log_file.parent.glob("portal.*"))
    for secret in (code, token, portal.secret):
        assert secret.encode() not in kept


# --- tokens ---------------------------------------------------------------------------------------


def test_a_new_password_and_the_end_of_all_sessions_end_the_tokens(city, portal, cmnd, an):
    token = portal.tokens(an)["access_token"]
    short = city.short()
    short.end_sessions(city.account(cmnd).id)
    short.close()
    assert 401 == portal.userinfo(token).status
    an.log_in(cmnd, OWN)
    token = portal.tokens(an)["access_token"]
    an.send("/doi-mat-khau", password=OWN, new_password="meo con leo cay")
    assert 401 == portal.userinfo(token).status


def test_a_token_dies_with_its_client_and_after_ten_minutes(city, portal, an):
    token = portal.tokens(an)["access_token"]
    short = city.short()
    rows(short, "UPDATE tokens SET until = until - 600000000")
    short.close()
    assert 401 == portal.userinfo(token).status
    token = portal.tokens(an)["access_token"]
    city.citizens.clients.revoke(portal.new.name, "test", clock.now())
    assert 401 == portal.userinfo(token).status


def test_userinfo_wants_one_token_that_is_good_for_it(city, portal, an, browser):
    token = portal.tokens(an)["access_token"]
    bare = browser.get("/oauth2/userinfo")
    assert (401, 'Bearer realm="smsgw"') == (bare.status, bare.headers["www-authenticate"])
    by_form = browser.ask("POST", "/oauth2/userinfo", f"access_token={token}", FORM)
    assert 200 == by_form.status
    assert 401 == browser.get(f"/oauth2/userinfo?access_token={token}").status
    both = browser.ask(
        "POST",
        "/oauth2/userinfo",
        f"access_token={token}",
        FORM | {"Authorization": f"Bearer {token}"},
    )
    assert (400, "invalid_request") == (both.status, said(both)["error"])
    own = Portal(city, name="program", scopes=("read",), redirect_uris=(), post_logout_uris=())
    its = said(own.ask("/oauth2/token", grant_type="client_credentials"))["access_token"]
    answer = own.userinfo(its)
    assert (403, "insufficient_scope") == (answer.status, said(answer)["error"])


def test_a_client_sees_and_revokes_its_own_tokens_alone(city, portal, an):
    other = Liferay(city)
    token = portal.tokens(an)["access_token"]
    seen = said(portal.ask("/oauth2/introspect", token=token))
    assert (True, portal.id, "Bearer") == (seen["active"], seen["client_id"], seen["token_type"])
    assert {"active": False} == said(other.ask("/oauth2/introspect", token=token))
    assert refused(other.ask("/oauth2/revoke", token=token))
    assert 200 == portal.userinfo(token).status
    assert 200 == portal.ask("/oauth2/revoke", token="of nobody").status
    assert 200 == portal.ask("/oauth2/revoke", token=token, token_type_hint="x").status
    assert {"active": False} == said(portal.ask("/oauth2/introspect", token=token))
    assert 401 == portal.userinfo(token).status
    assert refused(portal.ask("/oauth2/introspect"), "invalid_request")
    assert refused(portal.ask("/oauth2/revoke"), "invalid_request")


def test_a_token_shows_nothing_but_itself(city, portal, an):
    first, second = (portal.tokens(an)["access_token"] for _ in range(2))
    headers = FORM | {"Authorization": f"Bearer {first}"}
    answer = portal.browser.ask("POST", "/oauth2/introspect", f"token={second}", headers)
    assert {"active": False} == said(answer)
    headers = FORM | {"Authorization": "Bearer of-nobody"}
    answer = portal.browser.ask("POST", "/oauth2/introspect", f"token={second}", headers)
    assert 401 == answer.status


# --- id_tokens, log-out ---------------------------------------------------------------------------


def goodbye(browser, **parameters):
    from urllib.parse import urlencode

    return browser.get("/oidc/logout?" + urlencode(parameters))


def is_logged_in(browser):
    return browser.get("/tai-khoan").status == 200


def test_a_client_ends_the_session_of_its_id_token_without_a_question(portal, an):
    id_token = portal.tokens(an)["id_token"]
    told = Told.of(
        goodbye(an, id_token_hint=id_token, post_logout_redirect_uri=GOODBYE, state="bye")
    )
    assert (GOODBYE, {"state": "bye"}) == (told.uri, told.parameters)
    assert not is_logged_in(an)


def test_an_id_token_that_has_lapsed_counts(city, portal, an):
    claims = portal.read(portal.tokens(an)["id_token"])[1]
    old = forged(city, claims | {"exp": claims["iat"] - 1})
    goodbye(an, id_token_hint=old)
    assert not is_logged_in(an)


@pytest.mark.parametrize("uri", [GOODBYE + "/", CALLBACK, "https://evil.example/", GOODBYE + "#a"])
def test_nobody_is_sent_to_another_place_after_the_log_out(portal, an, uri):
    id_token = portal.tokens(an)["id_token"]
    answer = goodbye(an, id_token_hint=id_token, post_logout_redirect_uri=uri)
    assert (303, "/dang-xuat?xong=1") == answer.leads


def test_without_a_good_hint_the_page_asks_and_leads_back_then(city, portal, cmnd, an):
    for hint in (None, "x.y.z", portal.tokens(another(city, cmnd))["id_token"]):
        parameters = {
            "client_id": portal.id,
            "post_logout_redirect_uri": GOODBYE,
            "state": "bye",
            "id_token_hint": hint,
        }
        asks = goodbye(an, **{name: value for name, value in parameters.items() if value})
        assert 200 == asks.status
        assert "Bạn muốn đăng xuất?" in asks.words
        csp = asks.headers["content-security-policy"]
        assert csp.endswith("form-action 'self' https://dvc.example.vn")
    foreign = an.post("/oidc/logout", fields_of(asks.page) | {"token": "forged"})
    assert 403 == foreign.status
    assert is_logged_in(an)
    told = Told.of(an.post("/oidc/logout", fields_of(asks.page)))
    assert (GOODBYE, {"state": "bye"}) == (told.uri, told.parameters)
    assert not is_logged_in(an)


def another(city, cmnd):
    """The same citizen in another browser."""
    browser = city.browser()
    browser.log_in(cmnd, OWN)
    return browser


def test_a_hint_for_one_client_is_none_for_another(city, portal, an):
    other = Liferay(city)
    id_token = portal.tokens(an)["id_token"]
    assert_page(goodbye(an, id_token_hint=id_token, client_id=other.id))
    assert is_logged_in(an)


def test_a_server_ends_the_session_without_its_browser_as_opencps_does(city, an):
    from tests.portal.clients import OpenCps

    opencps = OpenCps(city)
    id_token = opencps.tokens(an)["id_token"]
    assert 200 == opencps.log_out(id_token).status
    assert not is_logged_in(an)


def forged(city, claims, key=None, header=None):
    """An id_token that *key* signs: the portal's own, unless another is given."""
    pem = (city.log_file.parent / "portal.key").read_text().partition("\n")[2]
    key = key or jwk.RSAKey.import_key(pem)
    return jwt.encode(header or {"alg": "RS256"}, claims, key, [(header or {}).get("alg", "RS256")])


def test_neither_no_algorithm_nor_a_public_key_as_a_secret_makes_an_id_token(city, portal, an):
    id_token = portal.tokens(an)["id_token"]
    header, claims = portal.read(id_token)
    _, payload, signature = id_token.split(".")
    [public] = said(an.get("/oauth2/jwks"))["keys"]
    pem = jwk.RSAKey.import_key(public).as_pem(private=False)

    def sealed_by(secret):
        head = f"{segment(header | {'alg': 'HS256'})}.{payload}"
        seal = hmac.digest(secret, head.encode(), sha256)
        return f"{head}.{urlsafe_b64encode(seal).rstrip(b'=').decode()}"

    stranger = jwk.RSAKey.generate_key(2048)
    for hint in (
        f"{segment({'alg': 'none'})}.{payload}.",
        f"{segment(header | {'alg': 'none'})}.{payload}.{signature}",
        f"{segment(header | {'alg': 'None'})}.{payload}.",
        sealed_by(pem),
        sealed_by(pem.strip()),
        forged(city, claims, stranger),
        forged(city, claims, stranger, header | {"jwk": stranger.as_dict(private=False)}),
        forged(city, claims | {"iss": "https://evil.example"}),
        f"{segment(header)}.{segment(claims | {'sid': 'x'})}.{signature}",
        id_token[:-4],
        "[" * 5000,
        f"{urlsafe_b64encode(b'[' * 4000).decode()}.{payload}.{signature}",
    ):
        assert 200 == goodbye(an, id_token_hint=hint).status, hint
    assert is_logged_in(an)


def test_a_key_is_rotated_while_what_the_older_one_signed_counts(make_city):
    city = make_city()
    portal, an = Portal(city), another(city, city.whole())
    older = portal.tokens(an)["id_token"]
    assert 0 == city.stop()
    file = city.log_file.parent / "portal.key"
    secret, _, rest = file.read_text().partition("\n")
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    file.write_text(f"{secret}\n{pem}{rest}")
    city.start()
    newer = portal.tokens(an)["id_token"]
    (first, _), (second, _) = portal.read(older), portal.read(newer)
    assert first["kid"] != second["kid"]
    assert 2 == len(said(an.get("/oauth2/jwks"))["keys"])
    goodbye(an, id_token_hint=older)
    assert not is_logged_in(an)


# --- whatever is sent -----------------------------------------------------------------------------

JUNK = [
    "",
    "&&&===",
    "%",
    "%00=%00&token=%00&id_token_hint=%00&client_id=%00",
    "client_id=%ed%a0%80",
    "uri=a&self=b&path=c&status=d&token=e",
    "token=" + "x" * 15_000,
    "&".join(f"f{n}" for n in range(4000)),
    "max_age=9999999999999&prompt=%F0%9F%98%80&nonce=%CC%81" + "%CC%81" * 200,
    "id_token_hint=..&token=..&code=..&grant_type=authorization_code&redirect_uri=x",
    "id_token_hint=e30.e30.e30",
]
NASTY_HEADERS = [
    {},
    {"Authorization": "Basic"},
    {"Authorization": "Basic " + "A" * 8000},
    {"Authorization": "Basic gICAOoCA"},
    {"Authorization": "Bearer \x00".replace("\x00", "\x80")},
    {"Authorization": "Bearer a b c"},
    {"Content-Type": "application/json"},
    {"Content-Type": ""},
]
PATHS = ["authorize", "token", "userinfo", "jwks", "revoke", "introspect", "../oidc/logout"]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_that_is_sent_is_a_fault_of_ours(portal, an, path):
    path = f"/oidc/{path[8:]}" if path.startswith("..") else f"/oauth2/{path}"
    for junk in JUNK:
        for headers in NASTY_HEADERS:
            answer = an.ask("POST", path, junk, FORM | headers)
            assert answer.status < 500, (junk[:80], headers, answer.body)
        signed = an.ask("POST", path, junk, portal.headers())
        assert signed.status < 500, (junk[:80], signed.body)
        if len(junk) < 10_000:
            assert an.get(f"{path}?{junk}").status < 500, junk[:80]
    for method in ("PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"):
        assert an.ask(method, path, "").status < 500
