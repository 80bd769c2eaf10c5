"""`/mat-khau-moi` and `/doi-mat-khau`: choosing a password, and what may come between."""

import pytest

from smsgw import clock
from smsgw.model import AccountState
from smsgw.passwords import hash_password
from tests.portal.conftest import CMND, OWN

FIRST, CHANGE = "/mat-khau-moi", "/doi-mat-khau"


@pytest.fixture
def city(anywhere):
    return anywhere


@pytest.fixture
def newcomer(city, browser, person, cmnd):
    """A citizen who has logged in with the issued password, which is given."""
    password = city.register(**person)
    assert (303, FIRST) == browser.log_in(cmnd, password).leads
    return password


def test_page_says_until_when_the_issued_password_lasts(city, browser, newcomer):
    page = browser.get(FIRST)
    assert "Chọn mật khẩu của riêng bạn" in page.words
    assert "Mật khẩu trong tin nhắn chỉ dùng được đến " in page.words
    assert "Cần ít nhất 8 ký tự." in page.words
    assert "Trang này tự đóng sau 15 phút không dùng." in page.words
    assert 'autocomplete="new-password"' in page.page


def test_own_password_makes_the_account_active_and_the_cookie_new(city, browser, newcomer, cmnd):
    before = browser.jar["__Host-phien"]
    assert (303, "/thong-tin/ho-ten") == browser.send(FIRST, new_password=OWN).leads
    assert before != browser.jar["__Host-phien"]
    assert AccountState.ACTIVE is city.account(cmnd).state
    assert 200 == browser.get("/thong-tin/ho-ten").status
    assert 303 == city.browser().log_in(cmnd, OWN).status
    assert 422 == city.browser().log_in(cmnd, newcomer).status


REFUSED = {
    "": "Bạn chưa nhập mật khẩu mới",
    "ngan": "Mật khẩu mới phải có ít nhất 8 ký tự",
    "x" * 129: "Mật khẩu mới không được dài quá 128 ký tự",
    "meo den\x00ba con": "Mật khẩu có ký tự không dùng được. Hãy gõ lại, đừng dán",
    "Anhyeuem99!": "Mật khẩu này có nhiều người dùng nên dễ bị đoán. Hãy chọn mật khẩu khác",
    "01021990": "Mật khẩu không được là họ tên, ngày sinh, số điện thoại hoặc số CMND/CCCD của bạn",
    "aaaaaaaaaa": "Mật khẩu không được chỉ là một ký tự lặp lại hoặc một dãy liên tiếp",
}


def test_each_refused_password_is_told_why_and_is_in_no_answer(city, browser, newcomer, cmnd):
    tries = REFUSED | {
        newcomer: "Mật khẩu mới giống mật khẩu cũ, hãy chọn một mật khẩu khác",
    }
    for password, why in tries.items():
        answer = browser.send(FIRST, new_password=password)
        assert (422, {"new_password": why}) == (answer.status, answer.faults), password
        assert not password or password not in answer.page
    assert AccountState.ISSUED is city.account(cmnd).state


def test_diacritics_are_asked_about_once(city, browser, newcomer, cmnd):
    with_marks = "mèo đen ăn cá"
    asked = browser.send(FIRST, new_password=with_marks)
    assert 422 == asked.status
    assert "Mật khẩu của bạn có chữ có dấu" in asked.words
    assert f"Bạn đã nhập: {with_marks}." in asked.words
    assert AccountState.ISSUED is city.account(cmnd).state
    form = browser.get(f"{FIRST}?dau=1")
    assert "Tôi muốn dùng mật khẩu có dấu" in form.words
    assert "" == form.value("new_password")
    assert "có dấu" not in browser.get(FIRST).words
    fields = {"token": form.token, "new_password": with_marks, "accept_diacritics": "yes"}
    assert 303 == browser.post(FIRST, fields).status
    assert 303 == city.browser().log_in(cmnd, with_marks).status


def test_text_that_came_meanwhile_is_never_overwritten(city, browser, newcomer, cmnd):
    form = browser.get(FIRST)
    texted = city.reset(cmnd)
    answer = browser.post(FIRST, {"token": form.token, "new_password": OWN})
    assert 409 == answer.status
    assert "Mật khẩu trong tin nhắn đã được thay" in answer.words
    assert "Đăng nhập lại" in answer.words
    again = browser.get(FIRST)
    assert "/dang-nhap" == again.location
    assert browser.follow(again).notice.startswith("Mật khẩu của tài khoản đã thay đổi")
    assert 422 == city.browser().log_in(cmnd, OWN).status
    assert (303, FIRST) == browser.log_in(cmnd, texted).leads


def test_double_click_on_the_own_password_leads_on(city, browser, newcomer, cmnd):
    form = browser.get(FIRST)
    old = dict(browser.jar)
    fields = {"token": form.token, "new_password": OWN}
    browser.post(FIRST, fields)
    new = dict(browser.jar)
    assert (303, "/thong-tin/ho-ten") == browser.post(FIRST, fields).leads  # Back, and once more
    browser.jar = old  # the second click left before the first answer came
    assert (303, "/dang-nhap") == browser.post(FIRST, fields).leads
    browser.jar = new
    assert "/thong-tin/ho-ten" == browser.get("/dang-nhap").location
    assert 303 == city.browser().log_in(cmnd, OWN).status


def test_password_that_the_hotline_set_leads_to_the_log_in(city, browser, newcomer, cmnd):
    form = browser.get(FIRST)
    account = city.account(cmnd)
    city.citizens.set_own_password(
        account.id, city.mark(cmnd), hash_password("mot hai ba"), clock.now()
    )
    answer = browser.post(FIRST, {"token": form.token, "new_password": OWN})
    assert (303, "/dang-nhap") == answer.leads


@pytest.mark.parametrize(
    "path",
    ["/", "/tai-khoan", "/doi-mat-khau", "/du-lieu-cua-toi", "/thong-tin/ho-ten", "/hoan-tat"],
)
def test_before_the_own_password_nothing_else_is_open(city, browser, newcomer, path):
    assert (303, FIRST) == browser.get(path).leads


def test_log_out_and_help_are_open_before_the_own_password(city, browser, newcomer):
    for path in ("/dang-xuat", "/tro-giup", "/quen-mat-khau", "/chinh-sach"):
        assert 200 == browser.get(path).status, path


# --- changing it --------------------------------------------------------------------------------


@pytest.fixture
def owner(city, browser, person, cmnd):
    city.whole(**person)
    assert (303, "/tai-khoan") == browser.log_in(cmnd, OWN).leads
    return browser


def test_change_ends_the_other_devices(city, owner, cmnd):
    other = city.browser()
    other.log_in(cmnd, OWN)
    answer = owner.send(CHANGE, password=OWN, new_password="nam con ga mai")
    assert (303, "/tai-khoan") == answer.leads
    page = owner.follow(answer)
    assert "Đã đổi mật khẩu. Các thiết bị khác đã được đăng xuất." == page.notice
    assert owner.get("/tai-khoan").notice is None  # told once
    assert other.follow(other.get("/tai-khoan")).notice.startswith("Mật khẩu của tài khoản đã")
    assert 303 == city.browser().log_in(cmnd, "nam con ga mai").status


def test_all_faults_of_a_change_are_told_at_once(owner):
    answer = owner.send(CHANGE, password="", new_password="")
    assert 422 == answer.status
    assert {
        "password": "Bạn cần nhập mật khẩu hiện tại",
        "new_password": "Bạn chưa nhập mật khẩu mới",
    } == answer.faults


def test_wrong_password_changes_nothing_and_counts(city, owner, cmnd):
    answers = [
        owner.send(CHANGE, password="sai roi", new_password="nam con ga mai") for _ in range(11)
    ]
    assert {"password": "Mật khẩu hiện tại không đúng"} == answers[0].faults
    assert [422] * 10 + [429] == [answer.status for answer in answers]
    assert "Số lần nhập sai từ đó" not in owner.get("/tai-khoan").words  # there was none before
    assert 303 == city.browser().log_in(cmnd, OWN).status


def test_same_password_is_no_change(owner):
    answer = owner.send(CHANGE, password=OWN, new_password=OWN)
    assert {
        "new_password": "Mật khẩu mới giống mật khẩu cũ, hãy chọn một mật khẩu khác"
    } == answer.faults


def test_double_click_on_a_change_leads_on(owner):
    form = owner.get(CHANGE)
    fields = {"token": form.token, "password": OWN, "new_password": "nam con ga mai"}
    assert (303, "/tai-khoan") == owner.post(CHANGE, fields).leads
    assert (303, "/tai-khoan") == owner.post(CHANGE, fields).leads


def test_no_password_of_the_run_is_in_log_or_file(make_city):
    city = make_city()
    city.whole()
    owner = city.browser()
    owner.log_in(CMND, OWN)
    owner.send(CHANGE, password=OWN, new_password="nam con ga mai")
    owner.send(CHANGE, password="sai roi nhe", new_password="bay con vit bau")
    city.browser().log_in(CMND, "chin con chim")
    city.stop()
    kept = city.log.encode()
    kept += b"".join(path.read_bytes() for path in city.house.path.parent.iterdir())
    secrets = (OWN, "nam con ga mai", "sai roi nhe", "bay con vit bau", "chin con chim")
    assert [] == [secret for secret in secrets if secret.encode() in kept]
    assert CMND not in city.log
