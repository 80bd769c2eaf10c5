"""`/dang-nhap` and `/dang-xuat`, over HTTP, with the portal as a child process."""

import re
import time

import pytest

from tests.portal.conftest import CMND, OWN, newcomer

WRONG = (
    "Tên tài khoản hoặc mật khẩu không đúng. Nếu đã nhận nhiều tin nhắn, hãy dùng mật khẩu trong "
    "tin nhắn mới nhất. Mật khẩu trong tin nhắn không có các ký tự 0, o, 1, l, i."
)
OVER = "Phiên làm việc đã kết thúc. Hãy đăng nhập lại."


@pytest.fixture
def city(anywhere):
    return anywhere


def issued(city):
    """CMND and password of one who has just texted."""
    person = newcomer()
    return person["text"].split(",")[2], city.register(**person)


def test_issued_password_of_the_text_leads_to_the_own_password(city, browser):
    cmnd, password = issued(city)
    answer = browser.log_in(cmnd, password)
    assert (303, "/mat-khau-moi") == answer.leads
    assert "Chọn mật khẩu của riêng bạn" in browser.follow(answer).words


@pytest.mark.parametrize(
    "typed", ["{}.", " {} ", "{}\n", "{}"], ids=["dot", "blanks", "end", "plain"]
)
def test_issued_password_is_read_as_phones_spoil_it(city, browser, typed):
    cmnd, password = issued(city)
    typed = typed.format(password.upper() if typed == "{}" else password)
    assert "/mat-khau-moi" == browser.log_in(cmnd, typed).location


def test_user_name_may_have_blanks_and_dots(city, browser):
    cmnd, password = issued(city)
    assert 303 == browser.log_in(f"{cmnd[:3]} {cmnd[3:6]}.{cmnd[6:]}", password).status


def test_own_password_is_read_as_it_was_typed(city, browser):
    cmnd = city.own(**newcomer())
    assert 422 == browser.log_in(cmnd, OWN.upper()).status
    assert (303, "/thong-tin/ho-ten") == browser.log_in(cmnd, OWN).leads


def test_what_is_missing_is_told_at_once(browser):
    answer = browser.log_in("", "")
    assert 422 == answer.status
    assert {
        "username": "Bạn cần nhập tên tài khoản",
        "password": "Bạn cần nhập mật khẩu",
    } == answer.faults
    assert "<title>Lỗi: Đăng nhập" in answer.page


def test_user_name_that_is_no_number_stays_in_its_field(browser):
    answer = browser.log_in("<b>12345</b>", "x")
    assert {"username": "Tên tài khoản phải có 9 hoặc 12 chữ số"} == answer.faults
    assert "<b>12345</b>" == answer.value("username")
    assert "" == answer.value("password")


def test_wrong_password_is_the_fault_of_its_field(city, browser):
    cmnd = city.own(**newcomer())
    answer = browser.log_in(cmnd, "sai mat khau")
    assert (422, {"password": WRONG}) == (answer.status, answer.faults)
    assert cmnd == answer.value("username")


def test_diacritics_in_a_wrong_password_are_told(city, browser):
    cmnd = city.own(**newcomer())
    told = browser.log_in(cmnd, "mật khẩu").faults["password"]
    assert f"{WRONG} Mật khẩu bạn vừa nhập có chữ có dấu. " in told


def test_password_field_is_visible_when_asked_for(browser):
    assert 'type="password"' in browser.get("/dang-nhap").page
    shown = browser.get("/dang-nhap?hien=1")
    assert 'type="password"' not in shown.page
    assert "Ẩn mật khẩu khi nhập" in shown.words


def alike(answer, cmnd):
    """An answer without what is fresh in each: token, cookie, date."""
    page = re.sub(r'value="[^"]*"', "", answer.page).replace(cmnd, "")
    headers = {k: v for k, v in answer.headers.items() if k not in ("date", "set-cookie")}
    cookies = [re.sub(r"=[^;]*", "", c, count=1) for c in answer.headers.get_all("set-cookie", [])]
    return answer.status, page, headers, cookies


def test_nobody_learns_which_names_exist(city):
    wrong = city.own(**newcomer())
    closed = city.own(**newcomer())
    city.house.hotline.close_account(closed, "asked", "test", city.house.now)
    answers = [
        alike(city.browser().log_in(cmnd, "sai mat khau"), cmnd)
        for cmnd in (wrong, closed, "999999999")
    ]
    assert answers[0] == answers[1] == answers[2]


# --- forms and sessions -------------------------------------------------------------------------


def test_form_without_cookie_is_told_to_allow_them(browser):
    answer = browser.post("/dang-nhap", {"username": CMND, "password": "x", "token": "x"})
    assert 403 == answer.status
    assert answer.notice.startswith("Trình duyệt đang chặn cookie.")
    assert CMND == answer.value("username")
    again = browser.post("/dang-nhap", {"username": CMND, "password": "x", "token": answer.token})
    assert 422 == again.status


@pytest.mark.parametrize("token", ["", "x", "x.y", "é.ü"])
def test_form_that_is_not_ours_is_stale(browser, token):
    browser.get("/dang-nhap")
    answer = browser.post("/dang-nhap", {"username": CMND, "password": "x", "token": token})
    assert 403 == answer.status
    assert answer.notice.startswith("Trang này đã mở quá lâu nên chưa gửi được.")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
def test_form_from_another_site_is_refused(city, browser, headers):
    cmnd = city.own(**newcomer())
    token = browser.get("/dang-nhap").token
    fields = {"token": token, "username": cmnd, "password": OWN}
    assert 403 == browser.post("/dang-nhap", fields, **headers).status
    good = {"Origin": f"http://127.0.0.1:{city.port}", "Sec_Fetch_Site": "same-origin"}
    assert 303 == browser.post("/dang-nhap", fields, **good).status


def test_log_in_makes_new_cookies_that_scripts_and_sites_do_not_get(city, browser):
    cmnd = city.own(**newcomer())
    browser.jar["__Host-phien"] = "A" * 43  # as somebody would fix it
    browser.log_in(cmnd, OWN)
    assert "A" * 43 != browser.jar["__Host-phien"]
    assert len(browser.jar["__Host-phien"]) == 43  # 256 bits
    for line in browser.cookies_set:
        assert line.startswith("__Host-")
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(line.split("; "))
    kept = city.house.path.with_name("portal.db").read_bytes()
    kept += city.house.path.with_name("portal.db-wal").read_bytes()
    assert not [value for value in browser.jar.values() if value.encode() in kept]


def test_log_in_form_sent_twice_leads_on(city, browser):
    cmnd, password = issued(city)
    token = browser.get("/dang-nhap").token
    fields = {"token": token, "username": cmnd, "password": password}
    first = browser.post("/dang-nhap", fields)
    session = browser.jar["__Host-phien"]
    assert first.leads == browser.post("/dang-nhap", fields).leads
    assert session == browser.jar["__Host-phien"]


def test_two_tabs_with_log_in_forms(city, browser):
    cmnd = city.own(**newcomer())
    other_tab = browser.get("/dang-nhap").token
    browser.log_in(cmnd, OWN)
    fields = {"token": other_tab, "username": cmnd, "password": OWN}
    assert 303 == browser.post("/dang-nhap", fields).status


def test_form_of_another_citizens_session_saves_nothing(city, browser):
    cmnd = city.own(**newcomer())
    other = city.own(**newcomer())
    browser.log_in(cmnd, OWN)
    form = browser.get("/thong-tin/gioi-tinh")
    browser.log_out()
    browser.log_in(other, OWN)
    answer = browser.post("/thong-tin/gioi-tinh", {"token": form.token, "gender": "male"})
    assert 403 == answer.status
    assert city.citizens.citizen(city.account(other).id, city.mark(other)).answers.gender is None


def test_log_out_asks_and_ends(city, browser):
    cmnd = city.whole(**newcomer())
    browser.log_in(cmnd, OWN)
    asked = browser.get("/dang-xuat")
    assert "Bạn muốn đăng xuất?" in asked.words
    assert "Ở lại" in asked.words
    session, device = browser.jar["__Host-phien"], browser.jar["__Host-may"]
    answer = browser.post("/dang-xuat", {"token": asked.token})
    assert "Bạn đã đăng xuất Nếu dùng máy chung, hãy đóng trình duyệt." in (
        browser.follow(answer).words
    )
    assert device == browser.jar["__Host-may"]
    assert 303 == browser.post("/dang-xuat", {"token": asked.token}).status
    browser.jar["__Host-phien"] = session  # Back, with what a browser kept
    assert "/dang-nhap" == browser.get("/tai-khoan").location


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/tai-khoan", "/doi-mat-khau", "/du-lieu-cua-toi", "/du-lieu-cua-toi.json"),
        *("/mat-khau-moi", "/hoan-tat", "/thong-tin/ho-ten", "/thong-tin/kiem-tra", "/dang-xuat"),
    ],
)
def test_pages_of_the_account_lead_strangers_to_the_log_in(browser, path):
    answer = browser.get(path)
    assert (303, "/dang-nhap") == answer.leads
    assert browser.follow(answer).notice is None


@pytest.mark.parametrize("cookie", ["x", "A" * 43, "é"])
def test_unknown_cookie_is_told_that_the_session_is_over(browser, cookie):
    browser.jar["__Host-phien"] = cookie.encode().decode("latin-1")
    assert OVER == browser.follow(browser.get("/tai-khoan")).notice


def test_vanished_file_begins_anew(make_city):
    city = make_city()
    browser = city.browser()
    city.own()
    browser.log_in(CMND, OWN)
    for end in ("", "-wal", "-shm"):
        (city.house.path.with_name(f"portal.db{end}")).unlink(missing_ok=True)
    answer = browser.get("/tai-khoan")
    assert "/dang-nhap" == answer.location
    assert OVER == browser.follow(answer).notice
    assert 303 == browser.log_in(CMND, OWN).status
    assert 0o600 == city.house.path.with_name("portal.db").stat().st_mode & 0o777


def test_idle_session_is_told_why_it_ended(make_city):
    city = make_city(portal={"session_idle": "1s"})
    cmnd = city.whole(**newcomer())
    browser = city.browser()
    browser.log_in(cmnd, OWN)
    assert 200 == browser.get("/tai-khoan").status
    time.sleep(1.1)
    assert (
        "Bạn đã không dùng trang này trong 1 giây nên đã được đăng xuất. Hãy đăng nhập lại."
        == browser.follow(browser.get("/tai-khoan")).notice
    )


def test_session_in_use_ends_at_its_absolute_limit(make_city):
    city = make_city(portal={"session_idle": "1h", "session_absolute": "1s"})
    cmnd = city.whole(**newcomer())
    browser = city.browser()
    browser.log_in(cmnd, OWN)
    time.sleep(1.1)
    assert OVER == browser.follow(browser.get("/tai-khoan")).notice


def test_replaced_password_ends_every_session(city, browser):
    cmnd = city.whole(**newcomer())
    browser.log_in(cmnd, OWN)
    city.reset(cmnd)
    assert browser.follow(browser.get("/tai-khoan")).notice.startswith(
        "Mật khẩu của tài khoản đã thay đổi nên phiên làm việc này đã kết thúc."
    )


def test_closed_account_ends_its_sessions(city, browser):
    cmnd = city.whole(**newcomer())
    browser.log_in(cmnd, OWN)
    city.house.hotline.close_account(cmnd, "asked", "test", city.house.now)
    assert OVER == browser.follow(browser.get("/tai-khoan")).notice


def test_eleventh_session_ends_the_one_unused_for_longest(city):
    cmnd = city.whole(**newcomer())
    browsers = [city.browser() for _ in range(11)]
    for each in browsers:
        assert 303 == each.log_in(cmnd, OWN).status
    assert [303] + [200] * 10 == [each.get("/tai-khoan").status for each in browsers]
    assert OVER == browsers[0].follow(browsers[0].get("/tai-khoan")).notice


def test_open_session_does_not_see_the_log_in_again(city, browser):
    cmnd = city.whole(**newcomer())
    browser.log_in(cmnd, OWN)
    for path in ("/", "/dang-nhap", "/mat-khau-moi", "/thong-tin/kiem-tra"):
        assert "/tai-khoan" == browser.get(path).location, path
