"""What every page owes to those who do not see it, to old browsers and to thin lines."""

import gzip
from collections import Counter
from html.parser import HTMLParser

import pytest

from tests.portal.conftest import CMND, DATA, OWN

MOST_OCTETS = 14 * 1024
VOID = {"input", "meta", "link", "br", "option"}


class Markup(HTMLParser):
    """A page as a list of tags, its ids, and what does not close."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.ids, self.open = [], Counter(), []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        if "id" in found:
            self.ids[found["id"]] += 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert tag == self.open.pop(), tag

    def all(self, *names):
        return [attributes for tag, attributes in self.tags if tag in names]


def pages(city):
    """Each page with its empty and its refused form: name -> page."""
    stranger = city.browser()
    found = {
        path: stranger.get(path)
        for path in ("/dang-nhap", "/dang-nhap?hien=1", "/tro-giup", "/quen-mat-khau")
    }
    found |= {
        path: stranger.get(path) for path in ("/chinh-sach", "/khong-co", "/dang-xuat?xong=1")
    }
    found["log-in refused"] = stranger.log_in("", "")
    found["log-in stale"] = stranger.post("/dang-nhap", {})
    newcomer = city.browser()
    newcomer.log_in(CMND, city.register())
    found["/mat-khau-moi"] = newcomer.get("/mat-khau-moi?dau=1")
    found["own refused"] = newcomer.send("/mat-khau-moi", new_password="x")
    found["diacritics"] = newcomer.send("/mat-khau-moi", new_password="mèo đen ăn cá")
    newcomer.send("/mat-khau-moi", new_password=OWN)
    for path, fields in DATA.items():
        found[f"{path} refused"] = newcomer.send(path, email="x")
        found[path] = newcomer.get(path)
        newcomer.send(path, **fields)
    check = "/thong-tin/kiem-tra"
    found[f"{check} refused"] = newcomer.send(check)
    version = newcomer.get(check).value("version")
    found[check] = newcomer.get(check)
    found["/hoan-tat"] = newcomer.follow(newcomer.send(check, version=version, agree="yes"))
    city.browser().log_in(CMND, OWN)
    for path in ("/tai-khoan", "/doi-mat-khau", "/du-lieu-cua-toi", "/dang-xuat"):
        found[path] = newcomer.get(path)
    found["change refused"] = newcomer.send("/doi-mat-khau")
    city.reset()
    return found


@pytest.fixture
def found(city):
    return pages(city)


def test_pages_are_whole_plain_and_tied_together(found):
    for name, answer in found.items():
        assert answer.status != 303, name
        markup = Markup(answer.page)
        assert [] == markup.open, name
        assert [] == [each for each, count in markup.ids.items() if count > 1], name
        assert 1 == len(markup.all("h1")), name
        assert [{"lang": "vi"}] == markup.all("html"), name
        assert [] == markup.all("script", "style", "img", "iframe", "object"), name
        for tag, attributes in markup.tags:
            assert not {"style", "maxlength", "autofocus"} & set(attributes), (name, tag)
            assert not [each for each in attributes if each.startswith("on")], (name, tag)
            for link in ("href", "action", "src"):
                target = attributes.get(link, "/")
                assert target[:1] in ("/", "#") or target.startswith("sms:"), (name, target)
                if target.startswith("#"):
                    assert target[1:] in markup.ids, (name, target)
            for id_ in attributes.get("aria-describedby", "").split():
                assert id_ in markup.ids, (name, id_)
        labels = {attributes["for"] for attributes in markup.all("label")}
        for attributes in markup.all("input", "select"):
            if attributes.get("type") != "hidden" and "hidden" not in attributes:
                assert attributes["id"] in labels, (name, attributes)
                assert "autocomplete" in attributes or attributes["type"] in ("radio", "checkbox")


def test_each_refused_page_says_so_in_title_summary_and_field(found):
    for name, answer in found.items():
        if name.endswith("refused"):
            assert "<title>Lỗi: " in answer.page, name
            assert answer.faults, name
            assert "Có lỗi cần sửa" in answer.words, name
            for field, text in answer.faults.items():
                assert f'id="{field}"' in answer.page, (name, field)
                assert 2 == answer.words.count(text), (name, text)


def test_pages_and_stylesheet_are_small(city, found):
    for name, answer in found.items():
        assert len(gzip.compress(answer.body)) < MOST_OCTETS, name
    [link] = Markup(found["/dang-nhap"].page).all("link")
    style = city.browser().get(link["href"])
    assert ("text/css; charset=utf-8", "public, max-age=86400") == (
        style.headers["content-type"],
        style.headers["cache-control"],
    )
    assert len(gzip.compress(style.body)) < MOST_OCTETS
    assert b"url(" not in style.body
    assert b"@import" not in style.body


def test_skip_link_and_footer_are_on_every_page(found):
    for name, answer in found.items():
        words = answer.words
        assert words.startswith("Chuyển đến nội dung chính"), name
        assert words.endswith("Tổng đài: 0236 3881 888 · Trợ giúp · Chính sách dữ liệu"), name
        assert "Cán bộ và tổng đài không bao giờ hỏi mật khẩu của bạn." in words, name
