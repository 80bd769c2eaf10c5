"""The whole way in a browser of text, which knows neither scripts nor stylesheets."""

import pytest

from tests.browser.w3m import TlsFront, W3m
from tests.portal.conftest import CMND, OWN


@pytest.fixture
def front(certificates, free_port):
    front = TlsFront(certificates.server_context(), free_port)
    yield front
    front.close()


@pytest.fixture
def w3m(tmp_path, certificates):
    folder = tmp_path / "w3m"
    folder.mkdir()
    w3m = W3m(folder, certificates.ca)
    yield w3m
    w3m.close()


def test_from_log_in_to_done(front, make_city, w3m):
    url = f"https://localhost:{front.port}"
    issued = make_city(public_url=url).register()
    w3m.open(f"{url}/dang-nhap")
    w3m.fill("Tên tài khoản", CMND).fill("Mật khẩu", "sai")
    assert "Có lỗi cần sửa" in w3m.press("Đăng nhập")
    w3m.fill("^Mật khẩu", issued)
    assert "Chọn mật khẩu của riêng bạn" in w3m.press("Đăng nhập")
    w3m.fill("^Mật khẩu mới", OWN)
    assert "Họ và tên có dấu của bạn là gì?" in w3m.press("Lưu mật khẩu")
    w3m.fill("Viết như trên", "Nguyễn Văn An")
    assert "Giới tính của bạn là gì?" in w3m.press("Tiếp tục")
    w3m.tick("Nam")
    assert "CMND/CCCD của bạn được cấp khi nào, ở đâu?" in w3m.press("Tiếp tục")
    w3m.fill("Ngày cấp", "27", "3", "2015").fill("Nơi cấp", "Công an thành phố Đà Nẵng")
    assert "Nơi thường trú của bạn ở tỉnh, thành phố nào?" in w3m.press("Tiếp tục")
    w3m.choose("Tỉnh, thành phố")
    assert "Thành phố Đà Nẵng" in w3m.press("Tiếp tục")
    w3m.choose("Phường, xã hoặc").fill("Số nhà, đường", "12 Trần Phú")
    assert "có phải là nơi thường trú không?" in w3m.press("Tiếp tục")
    w3m.tick("Phải")
    assert "Thư điện tử (không bắt buộc)" in w3m.press("Tiếp tục")
    assert "Kiểm tra lại thông tin" in w3m.press("Bỏ qua")
    w3m.tick("Tôi đã đọc")
    assert "Tài khoản của bạn đã sẵn sàng" in w3m.press("Xác nhận và lưu")
    account = w3m.press("Đến tài khoản của tôi")
    for told in ("Nguyễn Văn An", "Nam", "27/3/2015", "12 Trần Phú", "Thành phố Đà Nẵng"):
        assert told in account
