"""The whole way by keyboard alone: TAB, ENTER, SPACE and arrows, in a browser without scripts."""

from selenium.webdriver import Keys

from tests.portal.conftest import CMND, OWN

MOST_TABS = 30


def tab_to(screen, name="", *, text=""):
    """Go on to the field of that name, or to what says *text*; it must be seen where one is."""
    for _ in range(MOST_TABS):
        focused = screen.keys(Keys.TAB).focused
        if focused.tag_name == "body":
            continue
        if focused.text == text if text else focused.get_attribute("name") == name:
            marks = {focused.value_of_css_property(css) for css in ("outline-style", "box-shadow")}
            assert marks != {"none"}, f"nothing shows that the keys go to {name}{text}"
            place = focused.rect
            assert min(place["width"], place["height"]) >= 24, place  # WCAG 2.2, 2.5.8
            return screen
    raise AssertionError(f"TAB does not lead to {name}{text} at {screen.path}")


def button(screen, label, key=Keys.SPACE):
    return tab_to(screen, text=label).enter(key)


def test_skip_link_is_the_first_stop_and_leads_to_the_page_itself(city, make_screen):
    screen = make_screen(f"http://127.0.0.1:{city.port}").open("/tro-giup")
    assert "Chuyển đến nội dung chính" == screen.keys(Keys.TAB).focused.text
    screen.keys(Keys.ENTER, Keys.TAB)
    assert "Quên mật khẩu" == screen.focused.text


def test_from_log_in_to_log_out(city, make_screen):
    issued = city.register()
    screen = make_screen(f"http://127.0.0.1:{city.port}").open("/dang-nhap")
    button(screen, "Đăng nhập", Keys.ENTER)
    screen.keys(Keys.TAB, Keys.TAB)  # skip link, service
    tab_to(screen, text="Bạn cần nhập mật khẩu").keys(Keys.ENTER)  # of the summary
    assert "password" == screen.focused.get_attribute("name")
    screen.open("/dang-nhap")
    tab_to(screen, "username").keys(CMND)
    tab_to(screen, "password").keys(issued).enter()
    tab_to(screen, "new_password").keys(OWN)
    button(screen, "Lưu mật khẩu")
    tab_to(screen, "full_name").keys("Nguyễn Văn An").enter()
    tab_to(screen, "gender").keys(Keys.SPACE)
    button(screen, "Tiếp tục")
    tab_to(screen, "id_issued_day").keys("27", Keys.TAB, "3", Keys.TAB, "2015")
    tab_to(screen, "id_issued_by").keys("Công an thành phố Đà Nẵng").enter()
    tab_to(screen, "home_province").keys(Keys.ARROW_DOWN)  # Đà Nẵng stands first
    button(screen, "Tiếp tục")
    assert "Thành phố Đà Nẵng" in screen.words
    tab_to(screen, "home_ward").keys(Keys.ARROW_DOWN)
    tab_to(screen, "home_street").keys("12 Trần Phú")
    button(screen, "Tiếp tục")
    tab_to(screen, "living_same").keys(Keys.SPACE)
    button(screen, "Tiếp tục")
    button(screen, "Bỏ qua")
    assert "/thong-tin/kiem-tra" == screen.path
    tab_to(screen, "agree").keys(Keys.SPACE)
    button(screen, "Xác nhận và lưu", Keys.ENTER)
    assert "Tài khoản của bạn đã sẵn sàng" == screen.heading
    button(screen, "Đến tài khoản của tôi", Keys.ENTER)
    for label in ("Đăng xuất", "Đăng xuất"):  # the link, then the button of the page that asks
        button(screen, label, Keys.ENTER)
    assert "Bạn đã đăng xuất" == screen.heading
