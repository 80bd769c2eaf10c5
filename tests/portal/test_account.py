"""`/tai-khoan` and what belongs to it, and the pages that everybody may read."""

import json

import pytest

from tests.portal.conftest import CMND, OWN
from tests.portal.short import rows


@pytest.fixture
def owner(city, browser):
    city.whole()
    browser.log_in(CMND, OWN)
    return browser


def test_wrong_tries_since_the_log_in_before_are_told(city, owner):
    assert "Lần đăng nhập trước" not in owner.get("/tai-khoan").words
    stranger = city.browser()
    for _ in range(2):
        stranger.log_in(CMND, "sai")
    owner.log_out()
    owner.log_in(CMND, OWN)
    page = owner.get("/tai-khoan")
    assert "Lần đăng nhập trước: " in page.words
    assert "Số lần nhập sai từ đó: 2. Nếu không phải bạn, hãy đổi mật khẩu ngay." in page.words
    stranger.log_in(CMND, "sai")
    assert "Số lần nhập sai từ đó: 3." in owner.get("/tai-khoan").words


def test_other_devices_are_shown_and_ended_at_once(city, owner):
    others = [city.browser() for _ in range(2)]
    for other in others:
        other.log_in(CMND, OWN)
    page = owner.get("/tai-khoan")
    assert 1 == page.words.count("Thiết bị này")
    assert 3 == page.words.count("dùng lần cuối")
    answer = owner.post("/tai-khoan", {"token": page.token, "end_others": "yes"})
    assert (303, "/tai-khoan") == answer.leads
    assert 1 == owner.get("/tai-khoan").words.count("dùng lần cuối")
    for other in others:
        notice = other.follow(other.get("/tai-khoan")).notice
        assert "Phiên làm việc đã kết thúc. Hãy đăng nhập lại." == notice


def test_all_that_is_kept_can_be_read_and_taken_along(owner):
    page = owner.get("/du-lieu-cua-toi")
    for words in ("Thông tin đang lưu", "Lịch sử tài khoản", "Đã chuyển cho", "Tải về"):
        assert words in page.words
    assert "Nguyen Van An" in page.words
    taken = owner.get("/du-lieu-cua-toi.json")
    assert "attachment" in taken.headers["content-disposition"]
    assert CMND == json.loads(taken.body)["account"]["cmnd"]


def test_command_ends_sessions(city, owner):
    from smsgw.portal.short import open_short

    short = open_short(city.house.settings, make=False)
    assert 1 == short.end_sessions(city.account().id)
    short.close()
    assert "/dang-nhap" == owner.get("/tai-khoan").location


@pytest.mark.parametrize(
    ("repeat", "told"),
    [
        ("reset", "nhắn lại tin đăng ký tới 8188 (1.500 đồng mỗi tin)"),
        ("refuse", "Hãy gọi tổng đài"),
    ],
)
def test_forgotten_password_page_takes_no_name(make_city, repeat, told):
    city = make_city(registration={"repeat": repeat})
    page = city.browser().get("/quen-mat-khau")
    assert told in page.words
    assert "<form" not in page.page
    assert ('href="sms:8188"' in page.page) == (repeat == "reset")


def test_help_and_policy_are_open(city, browser):
    assert "0236 3881 888" in browser.get("/tro-giup").words
    assert "Sở Thông tin và Truyền thông dùng các thông tin này" in browser.get("/chinh-sach").words


def test_erased_account_leaves_nothing_in_the_short_lived_file(city, owner):
    from smsgw.portal.short import open_short

    city.browser().log_in(CMND, "sai")
    account = city.account().id
    short = open_short(city.house.settings, make=False)
    short.forget_account(account)
    for table in ("sessions", "devices", "tries", "totals"):
        assert [] == rows(short, f"SELECT * FROM {table}"), table  # noqa: S608
    short.close()
