"""A citizen comes from the city's portal, logs in, and goes back as who they are."""

import pytest

from smsgw import clock
from tests.portal.clients import (
    CALLBACK,
    EVERYTHING,
    Liferay,
    OpenCps,
    Portal,
    Told,
)
from tests.portal.conftest import CMND, DATA, OWN, said

TOM = "+84905000002"
TOM_TEXT = "TK,Le Van Tom,048090000123,02.03.1990"


@pytest.fixture
def city(anywhere):
    return anywhere


@pytest.fixture
def portal(city):
    return Portal(city)


@pytest.fixture
def an(city, browser, person, cmnd):
    """A complete citizen, logged in."""
    city.whole(**person)
    assert (303, "/tai-khoan") == browser.log_in(cmnd, OWN).leads
    return browser


def fill_in(browser):
    """Answer all questions and agree; where that leads."""
    for path, fields in DATA.items():
        assert 303 == browser.send(path, **fields).status
    form = browser.get("/thong-tin/kiem-tra")
    fields = {"token": form.token, "version": form.value("version"), "agree": "yes"}
    return browser.post("/thong-tin/kiem-tra", fields)


def test_a_new_citizen_goes_back_after_own_password_and_data(city, portal, browser, person, cmnd):
    issued = city.register(**person)
    assert (303, "/dang-nhap") == browser.get(portal.request()).leads
    assert (303, "/mat-khau-moi") == browser.log_in(cmnd, issued).leads
    assert (303, "/thong-tin/ho-ten") == browser.send("/mat-khau-moi", new_password=OWN).leads
    assert (303, "/hoan-tat") == fill_in(browser).leads
    done = browser.get("/hoan-tat")
    assert "Tiếp tục tới Cổng dịch vụ công Đà Nẵng" in done.words
    told = Told.of(browser.get("/tiep-tuc"))
    assert (CALLBACK, {"code", "state", "iss"}) == (told.uri, set(told.parameters))
    assert ("a state", portal.issuer) == (told.parameters["state"], told.parameters["iss"])
    answer = portal.exchange(told.parameters["code"])
    assert 200 == answer.status, answer.body
    header, claims = portal.read(said(answer)["id_token"])
    assert "RS256" == header["alg"]
    assert header["kid"]
    assert {*("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid")} == set(
        claims
    )
    assert (portal.issuer, portal.id, "a nonce", "LoA1", ["pwd"]) == (
        *(claims[name] for name in ("iss", "aud", "nonce", "acr", "amr")),
    )
    info = said(portal.userinfo(said(answer)["access_token"]))
    assert claims["sub"] == info["sub"]
    assert "Nguyễn Văn An" == info["name"]


def test_who_is_logged_in_already_goes_back_at_once(portal, an):
    told = Told.of(an.get(portal.request()))
    assert "code" in told.parameters


def test_a_complete_citizen_goes_back_from_the_log_in(city, portal, browser, person, cmnd):
    city.whole(**person)
    browser.get(portal.request())
    assert (303, "/tiep-tuc") == browser.log_in(cmnd, OWN).leads
    assert "code" in Told.of(browser.get("/tiep-tuc")).parameters


def test_each_scope_tells_its_claims(city, portal, an, person, cmnd):
    tokens = portal.tokens(an)
    info = said(portal.userinfo(tokens["access_token"]))
    sub = info.pop("sub")
    assert cmnd not in sub
    assert abs(info.pop("updated_at") - clock.now().timestamp()) < 600
    assert {
        "name": "Nguyen Van An",
        "family_name": "Nguyen",
        "middle_name": "Van",
        "given_name": "An",
        "birthdate": "1990-02-01",
        "gender": "male",
        "preferred_username": cmnd,
        "locale": "vi-VN",
        "phone_number": f"+{person['phone']}",
        "phone_number_verified": True,
        "address": {
            "street_address": "12 Trần Phú",
            "locality": "Phường Hải Châu",
            "region": "Thành phố Đà Nẵng",
            "country": "VN",
            "formatted": "12 Trần Phú, Phường Hải Châu, Thành phố Đà Nẵng",
        },
        "cmnd": cmnd,
    } == info


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("openid", {"sub"}),
        ("openid phone", {"sub", "phone_number", "phone_number_verified"}),
        ("openid email", {"sub"}),
        ("openid citizen_id", {"sub", "cmnd"}),
        ("openid address", {"sub", "address"}),
    ],
)
def test_what_was_not_asked_for_is_not_told(portal, an, scope, names):
    tokens = portal.tokens(an, scope=scope)
    assert scope == tokens["scope"]
    assert names == set(said(portal.userinfo(tokens["access_token"])))


def test_a_portal_like_opencps_is_told_by_the_national_names(city, an, person, cmnd):
    opencps = OpenCps(city)
    tokens = opencps.tokens(an)
    _, claims = opencps.read(tokens["id_token"])
    assert "nonce" not in claims
    info = said(opencps.userinfo(tokens["access_token"]))
    national = {
        "TechID": info["sub"],
        "LoaiTaiKhoan": "1",
        "HoVaTen": "Nguyen Van An",
        "SoCMND": cmnd,
        "NgayThangNamSinh": "19900201",
        "GioiTinh": "1",
        "SoDienThoai": f"0{person['phone'][2:]}",
        "DiaChi": "12 Trần Phú, Phường Hải Châu, Thành phố Đà Nẵng",
    }
    assert national.items() <= info.items()
    assert "SoDinhDanh" not in info
    good = opencps.is_good(tokens["access_token"])
    assert (True, opencps.id) == (good["active"], good["client_id"])
    assert good["exp"] > clock.now().timestamp()


def test_a_number_of_twelve_digits_has_a_national_name_of_its_own(city, browser):
    opencps = OpenCps(city)
    cmnd = city.whole(phone=TOM, text=TOM_TEXT)
    browser.log_in(cmnd, OWN)
    info = said(opencps.userinfo(opencps.tokens(browser)["access_token"]))
    assert cmnd == info["SoDinhDanh"]
    assert "SoCMND" not in info


def test_a_portal_like_liferay_finds_its_users_by_an_address_that_nobody_else_has(city, an):
    liferay = Liferay(city)
    info = said(liferay.userinfo(liferay.tokens(an)["access_token"]))
    assert (f"{info['sub']}@dvc.example.vn", False) == (info["email"], info["email_verified"])
    assert {"given_name", "family_name"} <= set(info)


def test_a_citizen_is_one_sub_to_all_portals_and_another_one_with_a_new_account(
    city, an, person, cmnd
):
    first, second = Portal(city), Liferay(city)
    subs = {each.read(each.tokens(an)["id_token"])[1]["sub"] for each in (first, second)}
    assert 1 == len(subs)
    city.house.hotline.close_account(cmnd, "asked", "test", clock.now())
    city.whole(**person)
    other = city.browser()
    other.log_in(cmnd, OWN)
    assert first.read(first.tokens(other)["id_token"])[1]["sub"] not in subs


def test_the_history_tells_to_whom_data_went_and_the_citizen_reads_it(city, portal, an, cmnd):
    assert portal.userinfo(portal.tokens(an)["access_token"]).status == 200
    history = city.house.store.portal_history(city.account(cmnd).id)
    [line] = [each for each in history if each.what == "disclosed"]
    assert portal.new.name in line.detail
    assert " ".join(sorted(EVERYTHING)) in line.detail
    assert "Cổng dịch vụ công Đà Nẵng" in an.get("/du-lieu-cua-toi").words


def test_who_is_told_nothing_but_the_sub_stands_in_the_history_as_well(city, portal, an, cmnd):
    portal.tokens(an, scope="openid")
    history = city.house.store.portal_history(city.account(cmnd).id)
    [line] = [each for each in history if each.what == "disclosed"]
    assert "openid" in line.detail


def test_the_discovery_document_names_what_is_there(city, portal, browser):
    found = said(browser.get("/.well-known/openid-configuration"))
    assert portal.issuer == found["issuer"]
    for name in ("token", "revocation", "introspection"):
        path = found[f"{name}_endpoint"].removeprefix(portal.issuer)
        assert (
            401
            == browser.ask(
                "POST", path, "", {"Content-Type": portal.headers()["Content-Type"]}
            ).status
        )
    for name in ("userinfo_endpoint", "jwks_uri", "authorization_endpoint", "end_session_endpoint"):
        assert 404 != browser.get(found[name].removeprefix(portal.issuer)).status
    [key] = said(browser.get("/oauth2/jwks"))["keys"]
    assert {"kty", "n", "e", "kid", "use", "alg"} == set(key)


# --- who must do something first ----------------------------------------------------------------


def test_nobody_gets_a_code_before_own_password_and_data(city, portal, browser, person, cmnd):
    issued = city.register(**person)
    browser.log_in(cmnd, issued)
    for path in (portal.request(), "/tiep-tuc"):
        assert (303, "/mat-khau-moi") == browser.get(path).leads
    refused = Told.of(browser.get(portal.request(prompt="none")))
    assert "interaction_required" == refused.parameters["error"]
    browser.send("/mat-khau-moi", new_password=OWN)
    for path in (portal.request(), "/tiep-tuc"):
        assert (303, "/thong-tin/ho-ten") == browser.get(path).leads
    refused = Told.of(browser.get(portal.request(prompt="none")))
    assert "interaction_required" == refused.parameters["error"]


def test_an_account_that_got_a_new_issued_password_changes_it_first(
    city, portal, browser, person, cmnd
):
    city.whole(**person)
    issued = city.reset(cmnd)
    browser.get(portal.request())
    assert (303, "/mat-khau-moi") == browser.log_in(cmnd, issued).leads
    assert (303, "/tiep-tuc") == browser.send("/mat-khau-moi", new_password="meo con leo cay").leads
    assert "code" in Told.of(browser.get("/tiep-tuc")).parameters


def test_who_must_complete_again_is_not_told_by_an_older_token(city, portal, an, cmnd):
    token = portal.tokens(an)["access_token"]
    city.house.store.set_answers(city.account(cmnd).id, {}, 99)
    assert 401 == portal.userinfo(token).status


# --- prompt, max_age, login_hint ----------------------------------------------------------------


def test_without_a_session_a_silent_request_is_told_so(portal, browser):
    told = Told.of(browser.get(portal.request(prompt="none")))
    assert {"error", "error_description", "state", "iss"} == set(told.parameters)
    assert ("login_required", "a state") == (told.parameters["error"], told.parameters["state"])


def test_a_portal_may_want_the_password_once_more(city, portal, an, cmnd):
    before = portal.read(portal.tokens(an)["id_token"])[1]["auth_time"]
    assert (303, "/dang-nhap") == an.get(portal.request(prompt="login")).leads
    assert (303, "/dang-nhap") == an.get("/tiep-tuc").leads
    assert 200 == an.get("/dang-nhap").status
    assert (303, "/tiep-tuc") == an.log_in(cmnd, OWN).leads
    code = Told.of(an.get("/tiep-tuc")).parameters["code"]
    _, claims = portal.read(said(portal.exchange(code))["id_token"])
    assert claims["auth_time"] >= before
    assert "code" in Told.of(an.get(portal.request(prompt="none"))).parameters


def test_a_log_in_that_is_older_than_the_portal_wants_is_made_anew(portal, an):
    assert "code" in Told.of(an.get(portal.request(max_age="600"))).parameters
    told = Told.of(an.get(portal.request(max_age="0", prompt="none")))
    assert "login_required" == told.parameters["error"]
    assert (303, "/dang-nhap") == an.get(portal.request(max_age="0")).leads


@pytest.mark.parametrize(("hint", "shown"), [(CMND, CMND), ("<script>", ""), ("12345", "")])
def test_the_log_in_form_takes_a_hint_that_could_be_a_name(portal, browser, hint, shown):
    browser.get(portal.request(login_hint=hint))
    assert shown == browser.get("/dang-nhap").value("username")


# --- one transaction a browser ------------------------------------------------------------------


def test_a_newer_request_replaces_the_one_that_waits(city, portal, browser, person, cmnd):
    city.whole(**person)
    browser.get(portal.request(state="older"))
    browser.get(portal.request(state="newer"))
    browser.log_in(cmnd, OWN)
    assert "newer" == Told.of(browser.get("/tiep-tuc")).parameters["state"]


def test_a_request_is_answered_once_more_for_a_double_click_and_not_after_log_out(
    city, portal, browser, person, cmnd
):
    city.whole(**person)
    browser.get(portal.request())
    form = browser.get("/dang-nhap")
    fields = {"token": form.token, "username": cmnd, "password": OWN}
    for _ in range(2):
        assert (303, "/tiep-tuc") == browser.post("/dang-nhap", fields).leads
        assert "code" in Told.of(browser.get("/tiep-tuc")).parameters
    browser.log_out()
    assert (303, "/tai-khoan") == browser.log_in(cmnd, OWN).leads


def test_what_waits_ends_with_its_session(city, portal, browser, person, cmnd):
    city.own(**person)
    browser.get(portal.request())
    assert (303, "/thong-tin/ho-ten") == browser.log_in(cmnd, OWN).leads
    city.complete(cmnd)
    browser.jar.pop("__Host-phien")
    assert (303, "/tai-khoan") == browser.log_in(cmnd, OWN).leads


def test_pages_of_a_request_may_lead_to_its_portal_and_others_may_not(
    city, portal, browser, person, cmnd
):
    def goes_to(answer):
        return answer.headers["content-security-policy"].partition("form-action ")[2]

    issued = city.register(**person)
    assert "'self'" == goes_to(browser.get("/dang-nhap"))
    browser.get(portal.request())
    assert "'self' https://dvc.example.vn" == goes_to(browser.get("/dang-nhap"))
    wrong = browser.log_in(cmnd, "wrong")
    assert (422, "'self' https://dvc.example.vn") == (wrong.status, goes_to(wrong))
    browser.log_in(cmnd, issued)
    assert "'self' https://dvc.example.vn" == goes_to(browser.get("/mat-khau-moi"))


def test_a_portal_that_was_revoked_meanwhile_gets_nobody(city, portal, browser, person, cmnd):
    city.whole(**person)
    browser.get(portal.request())
    city.citizens.clients.revoke(portal.new.name, "test", clock.now())
    browser.log_in(cmnd, OWN)
    answer = browser.get("/tiep-tuc")
    assert (400, True) == (answer.status, "Không mở được trang đăng nhập" in answer.words)
    assert (303, "/tai-khoan") == browser.get("/tiep-tuc").leads


def test_a_portal_may_send_its_request_by_post(portal, an):
    path, _, query = portal.request().partition("?")
    alone = portal.city.browser()  # a cookie that is SameSite does not come along
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert 303 == alone.ask("POST", "/oidc/logout", "uri=a&self=b&visit=c", kind).status
    leads = alone.ask("POST", path, f"{query}&uri=a&self=b&visit=c", kind)
    assert 303 == leads.status
    assert "code" in Told.of(an.get(leads.location)).parameters
