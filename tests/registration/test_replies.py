"""The texts that citizens get."""

import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw.config import MessagesSettings
from smsgw.model import Reply
from smsgw.registration.replies import can_be_written, fault, templates
from smsgw.smpp.alphabets import Alphabet, septets

TO_THE_LETTER = {
    Reply.REGISTERED: "TK: 201234567, MK: k7m2p9xw la tai khoan su dung HT Chinh quyen dien tu. "
    "De nghi anh chi doi mat khau trong vong 03 ngay de bao mat. Cam on!",
    Reply.SYNTAX_ERROR: "Loi. Tin nhan sai cu phap. Cu phap dung la: "
    "TK,Ho va ten,soCMND,nn.tt.nnnn (ngay thang nam sinh)",
    Reply.ALREADY_REGISTERED: "So CMND da duoc su dung de dang ky tai khoan tren he thong "
    "Chinh quyen dien tu",
    Reply.PHONE_REGISTERED: "So CMND da duoc su dung de dang ky tai khoan tren he thong "
    "Chinh quyen dien tu",
    Reply.REMINDER: "Mat khau cu da het han. TK: 201234567, MK moi: k7m2p9xw la tai khoan su dung "
    "HT Chinh quyen dien tu. De nghi anh chi doi mat khau trong vong 03 ngay. Cam on!",
}


@pytest.mark.parametrize("reply", Reply)
def test_text_to_the_letter_of_the_dispatch(reply):
    template = templates(MessagesSettings())[reply]
    assert reply in TO_THE_LETTER, "write into TO_THE_LETTER what a citizen gets to read"
    assert TO_THE_LETTER[reply] == template.format("201234567", "k7m2p9xw")


@pytest.mark.parametrize("reply", Reply)
def test_default_text_fits_one_sms_with_the_longest_values(reply):
    text = templates(MessagesSettings())[reply].format("0" * 12, "w" * 8)
    assert septets(text) <= 160
    assert fault(reply, getattr(MessagesSettings(), reply.value), 8) is None


USABLE = {
    "placeholders in any order": (Reply.REGISTERED, "{1} cho {0}", "k7 cho 20"),
    "a placeholder twice": (Reply.REGISTERED, "{0}{0} {1}", "2020 k7"),
    "literal braces": (Reply.REMINDER, "{{{0}}} {1}", "{20} k7"),
    "literal braces in a plain text": (Reply.SYNTAX_ERROR, "{{sai}}", "{sai}"),
    "line end": (Reply.SYNTAX_ERROR, "sai\ncu phap", "sai\ncu phap"),
    "full at 160": (Reply.SYNTAX_ERROR, "a" * 160, "a" * 160),
    "full at 160 with extensions": (Reply.SYNTAX_ERROR, "€" * 80, "€" * 80),
    "full at 160 with a brace": (Reply.SYNTAX_ERROR, "{{" + "a" * 158, "{" + "a" * 158),
    "full at 160 with values": (Reply.REMINDER, "{0}{1}" + "a" * 140, "20k7" + "a" * 140),
}


@pytest.mark.parametrize(("reply", "template", "text"), USABLE.values(), ids=USABLE)
def test_usable_template(reply, template, text):
    assert fault(reply, template, 8) is None
    messages = SimpleNamespace(**{each.value: template for each in Reply})
    assert text == templates(messages)[reply].format("20", "k7")


UNUSABLE = {
    "too long": (Reply.SYNTAX_ERROR, "a" * 161, "has 161 septets"),
    "too long with the longest values": (Reply.REMINDER, "{0}{1}" + "a" * 141, "161 septets"),
    "too long with a value twice": (Reply.REMINDER, "{0}{0}{1}" + "a" * 129, "161 septets"),
    "extensions count two": (Reply.SYNTAX_ERROR, "a" * 159 + "€", "has 161 septets"),
    "literal braces count two": (Reply.SYNTAX_ERROR, "a" * 159 + "{{", "has 161 septets"),
    "Vietnamese": (Reply.SYNTAX_ERROR, "Sai cú pháp", "'á' 'ú'"),
    "a character that GSM 7 bit lacks": (Reply.REMINDER, "{0} {1} `", "'`'"),
    "stray opening brace": (Reply.REGISTERED, "{0} {1} {", "brace"),
    "stray closing brace": (Reply.REGISTERED, "{0} {1} }", "brace"),
    "stray brace in a plain text": (Reply.SYNTAX_ERROR, "sai }", "brace"),
    "unknown number": (Reply.REGISTERED, "{0} {1} {2}", r"\{2\}"),
    "unknown name": (Reply.REGISTERED, "{0} {1} {x}", r"\{x\}"),
    "no number": (Reply.REGISTERED, "{} {}", r"\{\}"),
    "attribute": (Reply.REGISTERED, "{0.__class__} {1}", r"\{0.__class__\}"),
    "index": (Reply.REGISTERED, "{0[0]} {1}", r"\{0\[0\]\}"),
    "conversion": (Reply.REGISTERED, "{0!r} {1}", "no value"),
    "width": (Reply.REGISTERED, "{0:>999} {1}", "no value"),
    "nested": (Reply.REGISTERED, "{0:{1}} {1}", "no value"),
    "password missing": (Reply.REGISTERED, "TK: {0}", r"lacks \{1\}"),
    "user name missing": (Reply.REMINDER, "MK: {1}", r"lacks \{0\}"),
    "both missing": (Reply.REMINDER, "xin chao", r"lacks \{0\} and \{1\}"),
    "password where there is none": (Reply.SYNTAX_ERROR, "MK: {1}", r"has \{1\}"),
    "user name where there is none": (Reply.ALREADY_REGISTERED, "TK: {0}", r"has \{0\}"),
    "nothing": (Reply.SYNTAX_ERROR, " ", "empty"),
}


@pytest.mark.parametrize(("reply", "template", "problem"), UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_template_is_told_why(reply, template, problem):
    found, remedy = fault(reply, template, 8)
    assert re.search(problem, found)
    assert remedy


def test_length_depends_on_the_password():
    template = "{0}{1}" + "a" * 140
    assert fault(Reply.REMINDER, template, 8) is None
    problem, remedy = fault(Reply.REMINDER, template, 9)
    assert "161 septets with 12 digits for {0} and 9 characters for {1}" in problem
    assert "password_length" in remedy


any_template = st.text(st.sampled_from("ab {}01!:.[]€ú\n")) | st.text(max_size=170)


@given(st.sampled_from(Reply), any_template, st.integers(8, 16))
def test_a_template_without_fault_always_gives_one_sms(reply, template, length):
    if fault(reply, template, length) is None:
        for username, password in (("1" * 9, "a" * length), ("1" * 12, "w" * length)):
            text = template.format(username, password)
            assert 1 <= septets(text) <= 160
            if reply in (Reply.REGISTERED, Reply.REMINDER):
                assert username in text
                assert password in text


@pytest.mark.parametrize(
    ("alphabet", "text", "possible"),
    [
        (Alphabet.GSM7, "à Δ €", True),
        (Alphabet.ASCII, "TK: 1", True),
        (Alphabet.ASCII, "à", False),
        (Alphabet.LATIN1, "à", True),
        (Alphabet.LATIN1, "Δ", False),
        (Alphabet.LATIN1, "€", False),
    ],
)
def test_text_must_be_in_the_alphabet_of_the_link(alphabet, text, possible):
    assert possible == can_be_written(text, alphabet)
