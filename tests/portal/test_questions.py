"""`/thong-tin/…`: the data that are missing, one question a page, and the consent."""

import pytest

from smsgw import clock
from tests.portal.conftest import CMND, DATA, OWN

CHECK = "/thong-tin/kiem-tra"
ORDER = [*DATA]


@pytest.fixture
def citizen(city, browser):
    """Logged in, with an own password and no data."""
    city.own()
    assert (303, "/thong-tin/ho-ten") == browser.log_in(CMND, OWN).leads
    return browser


def fill(browser, upto=None):
    """Answer all questions, or those before *upto*."""
    for path, fields in DATA.items():
        if path == upto:
            return
        answer = browser.send(path, **fields)
        assert 303 == answer.status, (path, answer.faults)


def test_questions_follow_one_another_and_the_account_is_ready(city, citizen):
    leads = [citizen.send(path, **fields).location for path, fields in DATA.items()]
    assert [*ORDER[1:], CHECK] == leads
    page = citizen.get(CHECK)
    for shown in ("Nguyễn Văn An", "Nam", "27/3/2015", "12 Trần Phú", CMND, "1/2/1990", "+84905"):
        assert shown in page.words, shown
    answer = citizen.post(
        CHECK, {"token": page.token, "version": page.value("version"), "agree": "yes"}
    )
    assert (303, "/hoan-tat") == answer.leads
    done = citizen.follow(answer)
    assert "Tài khoản của bạn đã sẵn sàng" in done.words
    assert "Đến tài khoản của tôi" in done.words
    found = city.citizens.citizen(city.account().id, city.mark())
    assert not found.must_complete
    assert "Nguyễn Văn An" == found.answers.full_name
    assert 200 == citizen.get("/tai-khoan").status


def test_log_in_leads_to_the_first_question_without_an_answer(city, citizen):
    fill(citizen, upto="/thong-tin/noi-o")
    assert "/thong-tin/noi-o" == city.browser().log_in(CMND, OWN).location
    assert "/thong-tin/noi-o" == citizen.get(CHECK).location
    assert "/thong-tin/noi-o" == citizen.get("/tai-khoan").location
    assert 200 == citizen.get("/du-lieu-cua-toi").status
    assert 200 == citizen.get("/dang-xuat").status


FAULTS = [
    ("ho-ten", {"full_name": ""}, {"full_name": "Bạn cần nhập họ và tên"}),
    (
        "ho-ten",
        {"full_name": "Trần Văn An"},
        {
            "full_name": "Họ và tên khi bỏ dấu phải giống tên đã đăng ký: Nguyen Van An. "
            "Nếu tên đã đăng ký bị sai, hãy gọi tổng đài 0236 3881 888"
        },
    ),
    ("gioi-tinh", {}, {"gender": "Bạn cần chọn giới tính"}),
    (
        "giay-to",
        {},
        {"id_issued_day": "Bạn cần nhập ngày cấp", "id_issued_by": "Bạn cần nhập nơi cấp"},
    ),
    (
        "giay-to",
        {"id_issued_day": "31", "id_issued_month": "2", "id_issued_year": "2015"},
        {
            "id_issued_day": "Ngày cấp phải là một ngày có thật",
            "id_issued_by": "Bạn cần nhập nơi cấp",
        },
    ),
    (
        "giay-to",
        {"id_issued_day": "31", "id_issued_by": "x"},
        {"id_issued_day": "Ngày cấp phải có đủ ngày, tháng, năm"},
    ),
    ("thuong-tru", {"home_province": "99"}, {"home_province": "Bạn cần chọn tỉnh hoặc thành phố"}),
    ("noi-o", {}, {"living_same": "Bạn cần chọn một câu trả lời"}),
    (
        "noi-o",
        {"living_same": "no"},
        {"living_province": "Bạn cần chọn tỉnh hoặc thành phố"},
    ),
    ("email", {"email": "an@"}, {"email": "Thư điện tử phải có dạng ten@vidu.vn"}),
]


def test_each_fault_is_told_and_what_was_typed_stays(citizen):
    for page, fields, faults in FAULTS:
        answer = citizen.send(f"/thong-tin/{page}", **fields)
        assert (422, faults) == (answer.status, answer.faults), page
        for name, value in fields.items():
            if "province" not in name and name != "living_same":
                assert value == answer.value(name), (page, name)


def test_commune_belongs_to_the_province(citizen):
    citizen.send("/thong-tin/thuong-tru", home_province="48")
    answer = citizen.send("/thong-tin/thuong-tru/xa", home_ward="00004", home_street="")
    assert {
        "home_ward": "Phường, xã đã chọn không thuộc Thành phố Đà Nẵng",
        "home_street": "Bạn cần nhập số nhà, đường, tổ hoặc thôn",
    } == answer.faults


def test_commune_without_a_province_leads_to_it(citizen):
    assert "/thong-tin/thuong-tru" == citizen.get("/thong-tin/thuong-tru/xa").location
    assert "/thong-tin/noi-o" == citizen.get("/thong-tin/noi-o/xa").location


def test_da_nang_is_the_first_province(citizen):
    page = citizen.get("/thong-tin/thuong-tru").page
    assert page.index('<option value=""></option>') < page.index('<option value="48"')
    assert page.index('<option value="48"') < page.index('<option value="01"')
    assert 35 == page.count("<option")


def test_living_elsewhere_asks_for_its_commune(citizen):
    fill(citizen, upto="/thong-tin/noi-o")
    answer = citizen.send("/thong-tin/noi-o", living_same="no", living_province="48")
    assert "/thong-tin/noi-o/xa" == answer.location
    answer = citizen.send("/thong-tin/noi-o/xa", living_ward="20242", living_street="5 Lê Lợi")
    assert "/thong-tin/email" == answer.location


def test_email_may_be_skipped(city, citizen):
    fill(citizen, upto="/thong-tin/email")
    assert CHECK == citizen.send("/thong-tin/email", email="an@", skip="yes").location
    assert "" == city.citizens.citizen(city.account().id, city.mark()).answers.email


def test_change_on_the_last_page_leads_back_to_it(citizen):
    fill(citizen)
    page = citizen.get(CHECK)
    assert "/thong-tin/ho-ten?sua=1" in page.page
    assert "Sửa họ và tên" in page.words
    for path in ("/thong-tin/ho-ten", "/thong-tin/giay-to", "/thong-tin/email"):
        assert CHECK == citizen.send(f"{path}?sua=1", **DATA[path]).location
    answer = citizen.send("/thong-tin/thuong-tru?sua=1", home_province="48")
    assert "/thong-tin/thuong-tru/xa?sua=1" == answer.location
    answer = citizen.send(answer.location, **DATA["/thong-tin/thuong-tru/xa"])
    assert CHECK == answer.location


def test_consent_is_a_box_that_is_empty(citizen):
    fill(citizen)
    page = citizen.get(CHECK)
    assert "checked" not in page.page
    answer = citizen.send(CHECK, version=page.value("version"))
    assert (422, {"agree": "Bạn cần đánh dấu vào ô đồng ý để hoàn tất"}) == (
        answer.status,
        answer.faults,
    )


def test_change_in_another_window_is_told(city, citizen):
    fill(citizen)
    page = citizen.get(CHECK)
    citizen.send("/thong-tin/gioi-tinh?sua=1", gender="female")
    fields = {"token": page.token, "version": page.value("version"), "agree": "yes"}
    answer = citizen.post(CHECK, fields)
    assert 422 == answer.status
    assert {"agree": "Thông tin đã được sửa ở một cửa sổ khác. Hãy kiểm tra lại"} == answer.faults
    fields |= {"version": answer.value("version")}
    assert "/hoan-tat" == citizen.post(CHECK, fields).location
    assert "/hoan-tat" == citizen.post(CHECK, fields).location  # a double click
    assert "/tai-khoan" == citizen.get(CHECK).location


def test_complete_account_changes_its_data_without_new_consent(city, browser):
    city.whole()
    browser.log_in(CMND, OWN)
    answer = browser.send("/thong-tin/gioi-tinh?sua=1", gender="female")
    assert (303, "/tai-khoan") == answer.leads
    assert "Đã lưu." == browser.follow(answer).notice
    assert not city.citizens.citizen(city.account().id, city.mark()).must_complete


def test_new_province_counts_once_its_commune_is_answered(city, browser):
    city.whole()
    browser.log_in(CMND, OWN)
    answer = browser.send("/thong-tin/thuong-tru?sua=1", home_province="01")
    assert answer.location.startswith("/thong-tin/thuong-tru/xa")
    found = city.citizens.citizen(city.account().id, city.mark())
    assert ("48", False) == (found.answers.home.province_code, found.must_complete)
    assert 200 == browser.get("/tai-khoan").status
    assert 200 == browser.get(answer.location).status


def test_script_in_every_field_is_text(citizen):
    script = "<script>alert(1)</script>"
    pages = (
        ("ho-ten", "full_name"),
        ("giay-to", "id_issued_by"),
        ("email", "email"),
        ("gioi-tinh", "gender"),
        ("thuong-tru", "home_province"),
    )
    for page, field in pages:
        answer = citizen.send(f"/thong-tin/{page}", **{field: script})
        assert 422 == answer.status
        assert "<script" not in answer.page
    citizen.send("/thong-tin/thuong-tru", home_province="48")
    citizen.send("/thong-tin/thuong-tru/xa", home_ward="20242", home_street=script)
    assert "<script" not in citizen.get("/thong-tin/thuong-tru/xa").page


@pytest.mark.parametrize(
    "odd", ["\x00", "\ud800", "a" + "\u0301" * 200], ids=["NUL", "lone", "marks"]
)
def test_odd_characters_are_refused_in_words(citizen, odd):
    octets = odd.encode("utf-8", "surrogatepass")
    answer = citizen.send("/thong-tin/giay-to", id_issued_by=octets, id_issued_day=octets)
    assert 422 == answer.status
    assert {"id_issued_day", "id_issued_by"} == set(answer.faults)


def test_stale_form_keeps_what_was_typed(city, citizen):
    answer = citizen.post("/thong-tin/ho-ten", {"token": "x", "full_name": "Nguyễn Văn An"})
    assert 403 == answer.status
    assert answer.notice.startswith("Trang này đã mở quá lâu nên chưa gửi được.")
    assert "Nguyễn Văn An" == answer.value("full_name")


def test_locked_database_is_told_with_the_form(city, citizen):
    form = citizen.get("/thong-tin/ho-ten")
    with city.house.store.transaction():
        answer = citizen.post(
            "/thong-tin/ho-ten", {"token": form.token, "full_name": "Nguyễn Văn An"}
        )
    assert 503 == answer.status
    assert answer.headers["retry-after"]
    assert (
        "Hệ thống đang bận, yêu cầu của bạn chưa được xử lý. Hãy thử lại sau ít phút."
        == answer.notice
    )
    assert "Nguyễn Văn An" == answer.value("full_name")
    assert clock.now()


def test_twelve_digit_number_tells_the_gender(city, browser):
    text = "TK,Nguyen Van An,048090123456,01.02.1990"
    city.own(text=text)
    browser.log_in("048090123456", OWN)
    assert 'value="male" checked' in browser.get("/thong-tin/gioi-tinh").page
