"""`/dang-nhap` and `/dang-xuat`, over HTTP, with the portal as a child process."""

import re
import threading
import time

import pytest

from tests.house import AN, BINH, OTHER_TEXT, TEXT
from tests.portal.conftest import CMND, OWN

WRONG = (
    "Tên tài khoản hoặc mật khẩu không đúng. Nếu đã nhận nhiều tin nhắn, hãy dùng mật khẩu trong "
    "tin nhắn mới nhất. Mật khẩu trong tin nhắn không có các ký tự 0, o, 1, l, i."
)
OVER = "Phiên làm việc đã kết thúc. Hãy đăng nhập lại."


def test_issued_password_of_the_text_leads_to_the_own_password(city, browser):
    password = city.register()
    answer = browser.log_in(CMND, password)
    assert (303, "/mat-khau-moi") == answer.leads
    assert "Chọn mật khẩu của riêng bạn" in browser.follow(answer).words


@pytest.mark.parametrize(
    "typed", ["{}.", " {} ", "{}\n", "{}"], ids=["dot", "blanks", "end", "plain"]
)
def test_issued_password_is_read_as_phones_spoil_it(city, browser, typed):
    password = city.register()
    typed = typed.format(password.upper() if typed == "{}" else password)
    assert "/mat-khau-moi" == browser.log_in(CMND, typed).location


def test_user_name_may_have_blanks_and_dots(city, browser):
    password = city.register()
    assert 303 == browser.log_in("201 234.567", password).status


def test_own_password_is_read_as_it_was_typed(city, browser):
    city.own()
    assert 422 == browser.log_in(CMND, OWN.upper()).status
    assert (303, "/thong-tin/ho-ten") == browser.log_in(CMND, OWN).leads


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
    city.own()
    answer = browser.log_in(CMND, "sai mat khau")
    assert (422, {"password": WRONG}) == (answer.status, answer.faults)
    assert CMND == answer.value("username")


def test_diacritics_in_a_wrong_password_are_told(city, browser):
    city.own()
    told = browser.log_in(CMND, "mật khẩu").faults["password"]
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
    wrong = city.own(phone=AN, text=TEXT)
    closed = city.own(phone=BINH, text=OTHER_TEXT)
    city.house.hotline.close_account(closed, "asked", "test", city.house.now)
    answers = [
        alike(city.browser().log_in(cmnd, "sai mat khau"), cmnd)
        for cmnd in (wrong, closed, "999999999")
    ]
    assert answers[0] == answers[1] == answers[2]


def test_after_five_wrong_ones_a_stranger_waits_and_nothing_is_judged(city, browser):
    city.own()
    for _ in range(5):
        assert 422 == browser.log_in(CMND, "sai").status
    answer = browser.log_in(CMND, OWN)
    assert 429 == answer.status
    assert 25 <= int(answer.headers["retry-after"]) <= 30
    assert re.fullmatch(
        r"Đã nhập sai nhiều lần cho tên tài khoản này. Hãy thử lại sau \d+ giây. Nhập lại trước "
        r"lúc đó không được kiểm tra và không làm thời gian chờ dài thêm.",
        answer.notice,
    )
    assert {} == answer.faults


def test_name_that_nobody_has_is_waited_for_likewise(city, browser):
    statuses = [browser.log_in("999999999", "sai").status for _ in range(6)]
    assert [422] * 5 + [429] == statuses


def test_owners_browser_opens_while_strangers_wait(city, browser):
    city.own()
    assert 303 == browser.log_in(CMND, OWN).status
    browser.log_out()
    stranger = city.browser()
    assert 429 == [stranger.log_in(CMND, "sai").status for _ in range(6)][-1]
    assert 303 == browser.log_in(CMND, OWN).status
    browser.log_out()
    assert [422] * 10 + [429] == [browser.log_in(CMND, "sai").status for _ in range(11)]


def test_new_password_ends_the_wait(city, browser):
    city.own()
    for _ in range(6):
        browser.log_in(CMND, "sai")
    password = city.reset()
    assert 303 == browser.log_in(CMND, password).status


def test_restart_keeps_the_counters(city, browser):
    for _ in range(5):
        browser.log_in("999999999", "sai")
    city.stop()
    city.start()
    assert 429 == browser.log_in("999999999", "sai").status


def test_vanished_file_begins_anew(city, browser):
    city.own()
    browser.log_in(CMND, OWN)
    for end in ("", "-wal", "-shm"):
        (city.house.path.with_name(f"portal.db{end}")).unlink(missing_ok=True)
    answer = browser.get("/tai-khoan")
    assert "/dang-nhap" == answer.location
    assert OVER == browser.follow(answer).notice
    assert 303 == browser.log_in(CMND, OWN).status
    assert 0o600 == city.house.path.with_name("portal.db").stat().st_mode & 0o777


def test_two_hundred_guesses_at_once_are_five(city):
    city.own()
    form = city.browser()
    token = form.get("/dang-nhap").token
    fields = {"token": token, "username": CMND, "password": "sai"}
    statuses = []

    def guess():
        one = city.browser()
        one.jar = dict(form.jar)
        statuses.append(one.post("/dang-nhap", fields).status)

    guessers = [threading.Thread(target=guess) for _ in range(200)]
    for each in guessers:
        each.start()
    for each in guessers:
        each.join()
    assert 5 == statuses.count(422)
    assert set(statuses) <= {422, 429, 503}
    assert 5 == city.log.count("outcome=wrong")


def test_locked_database_counts_nothing(city, browser):
    city.own()
    for _ in range(4):
        browser.log_in(CMND, "sai")
    with city.house.store.transaction():
        for _ in range(2):
            answer = browser.log_in(CMND, OWN)
            assert 503 == answer.status
            assert answer.headers["retry-after"]
            assert answer.notice.startswith("Hệ thống đang bận, yêu cầu của bạn chưa được xử lý.")
            assert CMND == answer.value("username")
    assert 303 == browser.log_in(CMND, OWN).status


def test_failed_tries_write_nothing_into_the_database(city, browser):
    city.own()
    with city.house.store.transaction():  # whoever wants to write would wait
        began = time.monotonic()
        assert 422 == browser.log_in(CMND, "sai").status
        assert time.monotonic() - began < 2


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
    city.own()
    token = browser.get("/dang-nhap").token
    fields = {"token": token, "username": CMND, "password": OWN}
    assert 403 == browser.post("/dang-nhap", fields, **headers).status
    good = {"Origin": f"http://127.0.0.1:{city.port}", "Sec_Fetch_Site": "same-origin"}
    assert 303 == browser.post("/dang-nhap", fields, **good).status


def test_log_in_makes_new_cookies_that_scripts_and_sites_do_not_get(city, browser):
    city.own()
    browser.jar["__Host-phien"] = "A" * 43  # as somebody would fix it
    browser.log_in(CMND, OWN)
    assert "A" * 43 != browser.jar["__Host-phien"]
    assert len(browser.jar["__Host-phien"]) == 43  # 256 bits
    for line in browser.cookies_set:
        assert line.startswith("__Host-")
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(line.split("; "))
    kept = city.house.path.with_name("portal.db").read_bytes()
    kept += city.house.path.with_name("portal.db-wal").read_bytes()
    assert not [value for value in browser.jar.values() if value.encode() in kept]


def test_log_in_form_sent_twice_leads_on(city, browser):
    password = city.register()
    token = browser.get("/dang-nhap").token
    fields = {"token": token, "username": CMND, "password": password}
    first = browser.post("/dang-nhap", fields)
    session = browser.jar["__Host-phien"]
    assert first.leads == browser.post("/dang-nhap", fields).leads
    assert session == browser.jar["__Host-phien"]


def test_two_tabs_with_log_in_forms(city, browser):
    city.own()
    other_tab = browser.get("/dang-nhap").token
    browser.log_in(CMND, OWN)
    fields = {"token": other_tab, "username": CMND, "password": OWN}
    assert 303 == browser.post("/dang-nhap", fields).status


def test_form_of_another_citizens_session_saves_nothing(city, browser):
    city.own()
    other = city.own(phone=BINH, text=OTHER_TEXT)
    browser.log_in(CMND, OWN)
    form = browser.get("/thong-tin/gioi-tinh")
    browser.log_out()
    browser.log_in(other, OWN)
    answer = browser.post("/thong-tin/gioi-tinh", {"token": form.token, "gender": "male"})
    assert 403 == answer.status
    assert city.citizens.citizen(city.account(other).id, city.mark(other)).answers.gender is None


def test_log_out_asks_and_ends(city, browser):
    city.whole()
    browser.log_in(CMND, OWN)
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


def test_idle_session_is_told_why_it_ended(make_city):
    city = make_city(portal={"session_idle": "1s"})
    city.whole()
    browser = city.browser()
    browser.log_in(CMND, OWN)
    assert 200 == browser.get("/tai-khoan").status
    time.sleep(1.1)
    assert (
        "Bạn đã không dùng trang này trong 1 giây nên đã được đăng xuất. Hãy đăng nhập lại."
        == browser.follow(browser.get("/tai-khoan")).notice
    )


def test_session_in_use_ends_at_its_absolute_limit(make_city):
    city = make_city(portal={"session_idle": "1h", "session_absolute": "1s"})
    city.whole()
    browser = city.browser()
    browser.log_in(CMND, OWN)
    time.sleep(1.1)
    assert OVER == browser.follow(browser.get("/tai-khoan")).notice


def test_replaced_password_ends_every_session(city, browser):
    city.whole()
    browser.log_in(CMND, OWN)
    city.reset()
    assert browser.follow(browser.get("/tai-khoan")).notice.startswith(
        "Mật khẩu của tài khoản đã thay đổi nên phiên làm việc này đã kết thúc."
    )


def test_closed_account_ends_its_sessions(city, browser):
    city.whole()
    browser.log_in(CMND, OWN)
    city.house.hotline.close_account(CMND, "asked", "test", city.house.now)
    assert OVER == browser.follow(browser.get("/tai-khoan")).notice


def test_eleventh_session_ends_the_one_unused_for_longest(city):
    city.whole()
    browsers = [city.browser() for _ in range(11)]
    for each in browsers:
        assert 303 == each.log_in(CMND, OWN).status
    assert [303] + [200] * 10 == [each.get("/tai-khoan").status for each in browsers]
    assert OVER == browsers[0].follow(browsers[0].get("/tai-khoan")).notice


def test_open_session_does_not_see_the_log_in_again(city, browser):
    city.whole()
    browser.log_in(CMND, OWN)
    for path in ("/", "/dang-nhap", "/mat-khau-moi", "/thong-tin/kiem-tra"):
        assert "/tai-khoan" == browser.get(path).location, path
