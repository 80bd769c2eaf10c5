"""Through every page and every error state of the portal: what a look at all of them goes by.

Whoever goes along is shown one after another, each by the name of its screenshot. It needs a
browser with scripts, which puts into forms what citizens cannot type.
"""

from collections.abc import Iterator

from smsgw import clock
from tests.house import BINH, OTHER_TEXT
from tests.portal.clients import Portal
from tests.portal.conftest import CMND, DATA, OWN

NOBODY = "999999999"
BINHS = OTHER_TEXT.split(",")[2]
DIACRITICS = "mèo đen ăn cá"


def walk(screen, city) -> Iterator[str]:
    """Name after name, with *screen* at that page."""
    portal = Portal(city)  # who comes from it goes back to it; the policy names it
    yield from stranger(screen)
    yield from wrong(screen)
    issued = city.register()
    screen.open(portal.request())
    screen.fill(username=CMND, password=issued).press()
    yield from own_password(screen)
    yield from questions(screen)
    yield from whole(screen, city)
    yield from ended(screen, city)
    yield from moved(screen, city)
    yield from busy(screen, city)


def log_in(screen, username, password):
    screen.open("/dang-nhap").fill(username=username, password=password).press()


def stranger(screen):
    screen.open("/dang-nhap")
    yield "dang-nhap"
    screen.open("/dang-nhap?hien=1")
    yield "dang-nhap-hien"
    screen.open("/quen-mat-khau")
    yield "quen-mat-khau"
    screen.open("/tro-giup")
    yield "tro-giup"
    screen.open("/chinh-sach")
    yield "chinh-sach"
    screen.open("/khong-co")
    yield "loi-404"
    screen.open("/oauth2/authorize?client_id=x")
    yield "loi-400"
    screen.open("/dang-nhap").put("username", "9" * 20_000).press()
    yield "loi-413"


def wrong(screen):
    log_in(screen, "", "")
    yield "dang-nhap-trong"
    log_in(screen, "12345", "x")
    yield "dang-nhap-ten"
    screen.open("/dang-nhap").put("token", "x").press()
    yield "dang-nhap-cu"
    log_in(screen, NOBODY, "mật khẩu")
    yield "dang-nhap-sai"
    for _ in range(5):
        screen.fill(password="sai").press()
    assert screen.notice.startswith("Đã nhập sai nhiều lần cho tên tài khoản này.")
    yield "dang-nhap-cho"


def own_password(screen):
    assert "/mat-khau-moi" == screen.path
    yield "mat-khau-moi"
    screen.press()
    yield "mat-khau-moi-trong"
    screen.fill(new_password="Anhyeuem99!").press()
    yield "mat-khau-moi-de-doan"
    screen.fill(new_password=DIACRITICS).press()
    assert "Mật khẩu của bạn có chữ có dấu" == screen.heading
    yield "mat-khau-dau"
    screen.press("Dùng mật khẩu này")
    yield "mat-khau-moi-dau"
    screen.open("/mat-khau-moi").fill(new_password=OWN).press()


#: Page -> what is refused there; the name of its screenshot is the page's.
REFUSED = {
    "/thong-tin/ho-ten": {"full_name": "Nguyễn Văn Bình"},
    "/thong-tin/gioi-tinh": {},
    "/thong-tin/giay-to": {"id_issued_day": "31", "id_issued_month": "2", "id_issued_year": "2015"},
    "/thong-tin/thuong-tru": {},
    "/thong-tin/thuong-tru/xa": {},
    "/thong-tin/noi-o": {"living_same": "no"},
    "/thong-tin/noi-o/xa": {},
    "/thong-tin/email": {"email": "x"},
}
ELSEWHERE = {
    "/thong-tin/noi-o": {"living_same": "no", "living_province": "48"},
    "/thong-tin/noi-o/xa": {"living_ward": "20242", "living_street": "34 Lê Lợi"},
}


def questions(screen):
    for path, fields in REFUSED.items():
        assert path == screen.path
        name = path.removeprefix("/thong-tin/").replace("/", "-")
        yield name
        screen.fill(**fields).press()
        assert screen.faults, path
        yield f"{name}-sai"
        screen.fill(**(ELSEWHERE.get(path) or DATA[path])).press()
    assert "/thong-tin/kiem-tra" == screen.path
    yield "kiem-tra"
    screen.press()
    yield "kiem-tra-sai"
    screen.fill(agree="yes").press()
    assert "Tiếp tục tới Cổng dịch vụ công Đà Nẵng" in screen.words
    yield "hoan-tat"


def whole(screen, city):
    other = city.browser()
    other.log_in(CMND, "sai")
    assert 303 == other.log_in(CMND, OWN).status
    screen.open("/tai-khoan")
    yield "tai-khoan"
    screen.follow("/thong-tin/gioi-tinh?sua=1").press()
    assert screen.words.count("Đã lưu.")
    yield "tai-khoan-da-luu"
    screen.follow("Đổi mật khẩu")
    yield "doi-mat-khau"
    screen.press()
    yield "doi-mat-khau-sai"
    screen.open("/du-lieu-cua-toi")
    yield "du-lieu-cua-toi"
    screen.open("/dang-xuat")
    yield "dang-xuat"


def ended(screen, city):
    screen.press()
    yield "da-dang-xuat"
    log_in(screen, CMND, OWN)
    city.reset()
    screen.open("/tai-khoan")
    assert screen.notice.startswith("Mật khẩu của tài khoản đã thay đổi")
    yield "dang-nhap-da-doi"


def moved(screen, city):
    issued = city.register(BINH, OTHER_TEXT)
    log_in(screen, BINHS, issued)
    screen.fill(new_password=OWN)
    city.reset(BINHS)
    screen.press()
    assert "Mật khẩu trong tin nhắn đã được thay" == screen.heading
    yield "da-thay"


def busy(screen, city):
    screen.open("/dang-nhap").fill(username=BINHS, password="abcd2345")
    city.house.now = clock.now()
    with city.house.store.transaction():
        screen.press()
    assert screen.notice.startswith("Hệ thống đang bận")
    yield "dang-nhap-ban"
