"""The whole dispatch: a text, its reply, a real browser without scripts, the city's portal."""

import json

import pytest

from tests.browser.city_portal import CityPortal
from tests.journeys.conftest import citizens, ledger
from tests.saboteur import command
from tests.wire import password_in

__all__ = ["citizens", "ledger"]

OWN = "ba con meo den"
SERVICE = " – Tài khoản chính quyền điện tử"
WRONG = "Tên tài khoản hoặc mật khẩu không đúng."
THREE_DAYS = 3 * 24 * 3600 + 60


@pytest.fixture
def city_portal():
    portal = CityPortal()
    yield portal
    portal.close()


class Calendar:
    """Lets days pass at once, for gateway and pages."""

    def __init__(self, file):
        self._file = file
        self.command = command("later", file)  #: stands for `smsgw`

    def passes(self, seconds):
        self._file.write_text(str(seconds))


@pytest.fixture
def calendar(tmp_path):
    return Calendar(tmp_path / "later")


@pytest.fixture
def city(smsc, config_file, daemon, calendar, free_port):
    """Gateway, carrier and pages, each as it is run; gives the address and the configuration."""
    url = f"http://127.0.0.1:{free_port}"
    config = config_file(
        smsc,
        registration={"tick_interval": "200ms", "reminder_hours": "00:00-24:00"},
        portal={
            "listen": f"127.0.0.1:{free_port}",
            "public_url": url,
            "hotline": "0236 3881 888",
            "authority": "Sở Thông tin và Truyền thông",
        },
    )
    daemon(config, smsc, command=calendar.command)
    pages = daemon(config, command=calendar.command, verb="portal")
    pages.wait_log("portal serving")
    return url, config


def register(smsc, citizen):
    smsc.send_mo(citizen.number, citizen.text)
    reply = smsc.wait_submit(to=citizen.number)
    return password_in(reply.text)


def answer_all(screen):
    """From the first question to the last, as the city's citizens answer them."""
    assert "Họ và tên có dấu của bạn là gì?" == screen.heading
    screen.fill(full_name="Nguyễn Văn An").press("Tiếp tục")
    assert "Giới tính của bạn là gì?" == screen.heading
    screen.fill(gender="male").press("Tiếp tục")
    assert "CMND/CCCD của bạn được cấp khi nào, ở đâu?" == screen.heading
    screen.fill(id_issued_day="27", id_issued_month="3", id_issued_year="2015")
    screen.fill(id_issued_by="Công an thành phố Đà Nẵng").press("Tiếp tục")
    assert "Nơi thường trú của bạn ở tỉnh, thành phố nào?" == screen.heading
    screen.fill(home_province="48").press("Tiếp tục")
    assert "Nơi thường trú của bạn ở phường, xã nào?" == screen.heading
    screen.fill(home_ward="20242", home_street="12 Trần Phú").press("Tiếp tục")
    assert "Nơi ở hiện tại của bạn có phải là nơi thường trú không?" == screen.heading
    screen.fill(living_same="yes").press("Tiếp tục")
    assert "Thư điện tử (không bắt buộc)" == screen.heading
    screen.press("Bỏ qua")


def test_browser_without_scripts_runs_none(make_screen):
    screen = make_screen("data:text/html,")
    screen.open("<title>none</title><script>document.title = 'one'</script>")
    assert "none" == screen.title


def test_from_the_text_to_the_citys_portal_and_three_days_later(
    city, city_portal, calendar, smsc, smsgw, make_screen, citizens, ledger
):
    url, config = city
    an, binh = citizens(2)
    told, idle = register(smsc, an), register(smsc, binh)

    # The city's portal becomes a client, and An comes to it first.
    made = smsgw(
        *("-c", config, "clients", "create", "dvc", "--title", "Cổng dịch vụ công Đà Nẵng"),
        *("--redirect-uri", city_portal.callback, "--scope", "openid profile citizen_id"),
        *("--format", "json"),
    )
    assert 0 == made.returncode, made.stderr
    [secret] = json.loads(made.stdout)
    city_portal.client(url, **secret)
    screen = make_screen(url)
    screen.driver.get(city_portal.url)
    screen.follow("Đăng nhập")
    assert ("/dang-nhap", f"Đăng nhập{SERVICE}") == (screen.path, screen.title)

    # Log in with what the text said; choose a password; complete the data; agree.
    screen.fill(username=an.cmnd, password=told).press("Đăng nhập")
    assert "Chọn mật khẩu của riêng bạn" == screen.heading
    assert "Mật khẩu trong tin nhắn chỉ dùng được đến" in screen.words
    screen.fill(new_password=OWN).press("Lưu mật khẩu")
    answer_all(screen)
    assert "Kiểm tra lại thông tin" == screen.heading
    for shown in ("Nguyễn Văn An", "27/3/2015", "12 Trần Phú", an.cmnd, "1/2/1990"):
        assert shown in screen.words
    screen.press("Xác nhận và lưu")
    assert {"agree": "Bạn cần đánh dấu vào ô đồng ý để hoàn tất"} == screen.faults
    screen.fill(agree="yes").press("Xác nhận và lưu")
    assert "Tài khoản của bạn đã sẵn sàng" == screen.heading

    # The portal that asked is told who it is.
    screen.follow("Tiếp tục tới Cổng dịch vụ công Đà Nẵng")
    assert "Xin chào Nguyễn Văn An" == screen.heading
    [(claims, info)] = city_portal.told
    assert claims["sub"] == info["sub"]
    assert an.cmnd == info["cmnd"]
    screen.open("/tai-khoan")
    assert "Tài khoản của tôi" == screen.heading
    screen.open("/dang-xuat").press("Đăng xuất")
    assert "Bạn đã đăng xuất" == screen.heading

    # Three days pass. Who did nothing is reminded, and has another password; An has neither.
    calendar.passes(THREE_DAYS)
    reminder = smsc.wait_submit(30, to=binh.number).text
    assert reminder.startswith("Mat khau cu da het han.")
    assert [1, 2] == [
        sum(1 for each in smsc.submits if each.destination.number == one.number)
        for one in (an, binh)
    ]
    other = make_screen(url).open("/dang-nhap")
    other.fill(username=binh.cmnd, password=idle).press("Đăng nhập")
    assert other.faults["password"].startswith(WRONG)
    assert (binh.cmnd, "") == (other.value("username"), other.value("password"))
    other.fill(password=password_in(reminder)).press("Đăng nhập")
    assert "Chọn mật khẩu của riêng bạn" == other.heading

    # An comes again: straight from the log-in to the city's portal, which `form-action` allows.
    screen.driver.get(city_portal.url)
    screen.follow("Đăng nhập")
    screen.fill(username=an.cmnd, password=OWN).press("Đăng nhập")
    assert "Xin chào Nguyễn Văn An" == screen.heading
    assert 1 == len({claims["sub"] for claims, _ in city_portal.told})

    # The hotline reads what happened.
    story = smsgw("-c", config, "accounts", "history", an.cmnd, "--format", "json").stdout
    for event in ("log-in", "own password", "data confirmed", "disclosed"):
        assert f'"{event}' in story
