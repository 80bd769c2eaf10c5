"""Which language is spoken, and what becomes of a sentence in it."""

import gettext
import time

import pytest

from smsgw import speech
from smsgw.speech import language, said, say, say_many, say_state


@pytest.fixture
def vietnamese():
    speech.speak("vi")
    yield
    speech.speak(None)


@pytest.mark.parametrize(
    "environ",
    [
        {"LC_ALL": "vi_VN.UTF-8"},
        {"LC_MESSAGES": "vi_VN"},
        {"LANG": "vi"},
        {"LANG": "vi_VN.UTF-8@whatever"},
        {"LC_ALL": "vi_VN", "LC_MESSAGES": "en_US", "LANG": "C"},
        {"LC_ALL": "", "LC_MESSAGES": "vi_VN", "LANG": "en_US"},
        {"LANG": "de_DE.UTF-8", "LANGUAGE": "vi"},
        {"LANG": "en_US.UTF-8", "LANGUAGE": "vi:en"},
        {"LANG": "vi_VN.UTF-8", "LANGUAGE": "fr:vi"},
        {"LANG": "vi_VN.UTF-8", "LANGUAGE": ""},
    ],
    ids=str,
)
def test_vietnamese_is_asked_for(environ):
    assert "vi" == language(environ)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LANGUAGE": "vi"},
        {"LANG": "C.UTF-8", "LANGUAGE": "vi"},
        {"LC_ALL": "C", "LANG": "vi_VN.UTF-8"},
        {"LC_ALL": "POSIX", "LANGUAGE": "vi"},
        {"LC_ALL": "en_GB.UTF-8", "LANG": "vi_VN.UTF-8"},
        {"LC_CTYPE": "vi_VN.UTF-8"},
        {"LANG": "vi_VN.UTF-8", "LANGUAGE": "en:vi"},
        {"LANG": "vie"},
        {"LANG": "../../vi"},
    ],
    ids=str,
)
def test_english_is_asked_for(environ):
    assert language(environ) is None


def test_english_is_what_stands_in_the_code(monkeypatch, tmp_path):
    monkeypatch.setattr(speech, "FOLDER", tmp_path)  # nothing is read
    assert "in 3 d" == say("in {span}", span="3 d")
    assert "1 problem" == say_many(1, "{n} problem", "{n} problems")
    assert "no problems" == say_many(0, "{n} problem", "{n} problems")
    assert "link mobi is stopped: not bound" == said("link mobi is stopped: not bound")
    assert "issued" == say_state("issued")


def test_vietnamese_has_the_facts_in_it(vietnamese):
    assert "sau 3 ngày" == say("in {span}", span="3 ngày")
    assert "2 vấn đề" == say_many(2, "{n} problem", "{n} problems")
    assert "0 vấn đề" == say_many(0, "{n} problem", "{n} problems")


def test_state_and_column_of_one_name_differ(vietnamese):
    assert "cấp lúc" == say("issued")
    assert "chờ đổi MK" == say_state("issued")


@pytest.mark.parametrize(
    ("english", "vietnamese_"),
    [
        ("the daemon is not running", "dịch vụ không chạy"),
        ("link mobi is waiting: not bound", "kết nối mobi chờ nối lại: chưa nối được"),
        ("3 texts held: see `smsgw outbox list`", "3 tin bị giữ: xem `smsgw outbox list`"),
        ("given up after 24 hours; last: 0x58", "đã thôi gửi sau 24 giờ; lần cuối: 0x58"),
        (
            "/x/smsgw.db cannot be opened (Permission denied)",
            "không mở được /x/smsgw.db (Không có quyền)",
        ),
    ],
)
def test_ready_made_sentence_is_known_again(vietnamese, english, vietnamese_):
    assert vietnamese_ == said(english)


@pytest.mark.parametrize(
    "text",
    [
        *("", "mất điện thoại", "ESME_RINVDSTADR (0x0000000B)", "{", "a; b", "Closed", "(+.*"),
        *("the phone is not hers.", "a; ; b", "a; "),
    ],
)
def test_what_is_no_sentence_of_ours_stays(vietnamese, text):
    assert text == said(text)


def test_fact_is_not_read_as_a_format(vietnamese):
    assert "kết nối {x} đã dừng: {y}" == said("link {x} is stopped: {y}")


def test_fact_named_like_a_sentence_stays_a_name(vietnamese):
    assert "không có kết nối 'closed'" == said("no link 'closed'")


def test_long_text_is_left_as_it_is(vietnamese):
    text = "name from " + " to " * 200_000
    assert text == said(text)


@pytest.mark.parametrize(
    "text",
    [
        "by x" + ", x x" * 399,
        "by x" + ", x x: " * 284,
        "Remove for good account x" + " of x, x" * 246 + "?",
        "x queued (x held), " * 105,
    ],
    ids=lambda text: text[:20],
)
def test_text_that_is_nearly_a_sentence_costs_little(vietnamese, text):
    """What a carrier or a colleague writes is looked at as well, a line of a list each."""
    assert len(text) in range(1900, 2001)
    said(text)  # the catalogue is prepared at the first
    spent = []
    for _ in range(3):
        begin = time.thread_time()
        said(text)
        spent.append(time.thread_time() - begin)
    assert 0.02 > min(spent)


def test_click_is_english_again_afterwards(vietnamese, monkeypatch):
    monkeypatch.setenv("LC_ALL", "vi_VN.UTF-8")
    assert "Cách dùng:" == gettext.gettext("Usage:")
    speech.speak(None)
    assert "Usage:" == gettext.gettext("Usage:")
