"""A text of ours that comes back: known however it is bent, and without its password."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw import passwords
from smsgw.config import MessagesSettings
from smsgw.model import Reply
from smsgw.registration import own_wording
from smsgw.registration.own_wording import MASK, OwnWording
from smsgw.registration.replies import templates
from tests.budget import BUDGET_MS, cost_ms

TEMPLATES = templates(MessagesSettings())
OURS = OwnWording(TEMPLATES.values())
USERNAME, PASSWORD = "201234567", "kx7m4q2p"
TEXTS = {reply: template.format(USERNAME, PASSWORD) for reply, template in TEMPLATES.items()}
TELLING = (Reply.REGISTERED, Reply.REMINDER)


def with_marks(text):
    return "".join(char + "\u0301" if char in "aeiouAEIOU" else char for char in text)


BENT = {
    "as it was": lambda text: text,
    "forwarded": lambda text: f"Fwd: {text}",
    "quoted with a question": lambda text: f'"{text}" la sao ha ban?',
    "upper case": str.upper,
    "with diacritics": with_marks,
    "with diacritics, composed": lambda text: unicodedata.normalize("NFC", with_marks(text)),
    "with a crossed d": lambda text: text.replace("d", "đ").replace("D", "Đ"),
    "a word a line": lambda text: text.replace(" ", "\r\n"),
    "wrapped anywhere": lambda text: "\n> ".join(text[n : n + 20] for n in range(0, len(text), 20)),
    "without its blanks": lambda text: text.replace(" ", ""),
    "no-break spaces": lambda text: text.replace(" ", "\xa0"),
    "cut at its end": lambda text: text[: len(text) // 2],
    "cut at its beginning": lambda text: text[len(text) // 2 :],
    "in a receipt": lambda text: (
        "id:4711 sub:001 dlvrd:001 submit date:2605041200 done date:2605041201 stat:DELIVRD "
        f"err:000 text:{text[:50]}"
    ),
}


@pytest.mark.parametrize("bent", BENT.values(), ids=BENT)
@pytest.mark.parametrize("reply", Reply)
def test_our_own_wording_is_known_however_it_comes_back(reply, bent):
    # Half of a text is known from 24 letters on: a default text has twice as many, so that a
    # machine that cuts our texts and sends them back gets no answer.
    assert OURS.holds(bent(TEXTS[reply])), f"{reply}: too short, or too much like other texts?"


@pytest.mark.parametrize("bent", BENT.values(), ids=BENT)
@pytest.mark.parametrize("reply", TELLING)
def test_no_password_is_left_of_what_comes_back(reply, bent):
    text = OURS.mask(bent(TEXTS[reply]))
    assert PASSWORD not in own_wording.letters(text)


def test_only_the_password_is_masked_of_a_text_that_was_forwarded():
    text = f"Fwd: {TEXTS[Reply.REGISTERED]} Giup em voi"
    assert text.replace(PASSWORD, MASK) == OURS.mask(text)


@pytest.mark.parametrize("reply", TELLING)
def test_no_piece_of_a_password_is_left_where_a_text_was_cut_within_it(reply):
    text = TEXTS[reply]
    start = text.index(PASSWORD)
    for cut in range(1, len(PASSWORD) + 1):
        head = f"{text[: start + cut]}"
        assert text[:start] + MASK == OURS.mask(head)
        assert OURS.mask(head + " giup em").startswith(text[:start] + MASK)
        tail = text[start + cut - 1 :]
        assert MASK + text[start + len(PASSWORD) :] == OURS.mask(tail)


def test_password_that_was_broken_by_a_line_or_hidden_letters_is_masked_as_a_whole():
    text = TEXTS[Reply.REGISTERED]
    for within in ("\n", "\n> ", "\u200b", "-"):
        broken = text.replace(PASSWORD, PASSWORD[:3] + within + PASSWORD[3:])
        assert text.replace(PASSWORD, MASK) == OURS.mask(broken)


def test_password_that_was_written_elsewhere_in_the_text_is_masked():
    text = f"mat khau {PASSWORD.upper()} nhe. {TEXTS[Reply.ALREADY_REGISTERED]}"
    assert f"mat khau {MASK} nhe. {TEXTS[Reply.ALREADY_REGISTERED]}" == OURS.mask(text)


CITIZENS = {
    "none": None,
    "nothing": "",
    "hello": "hallo",
    "a registration with a fault": "TK,Nguyen Van An,20123456,01.02.1990",
    "a question": "toi muon dang ky tai khoan thi soan tin the nao?",
    "what it is about": "He thong Chinh quyen dien tu la gi vay",
    "asking for an account": "Toi muon co tai khoan de su dung HT CQDT",
    "the fault's name": "tin nhan sai cu phap la sao ban",
    "a code of another service": "OTP: 482913, het han trong 03 phut",
}


@pytest.mark.parametrize("text", CITIZENS.values(), ids=CITIZENS)
def test_texts_of_citizens_are_theirs(text):
    assert not OURS.holds(text)
    assert text is None or text == OURS.mask(text)


def test_words_of_the_operators_choice_are_known_too():
    ours = OwnWording(["Xin chao {0}! {1}", "Ma: {1}; ten: {0}. Tam biet.", "Sai roi, soan lai di"])
    assert ours.holds("sai rồi soạn lại đi")
    assert f"Ma: {MASK}; ten: 201234567. Tam biet." == ours.mask(
        f"Ma: {PASSWORD}; ten: 201234567. Tam biet."
    )
    assert PASSWORD not in ours.mask(f"Xin chao {USERNAME}! {PASSWORD}")


def test_passwords_are_drawn_from_the_letters_that_are_masked():
    every = {char for char in map(chr, range(128)) if own_wording._LIKE_A_PASSWORD.match(char * 8)}
    assert set(passwords.ALPHABET) == every


HARMFUL = {
    "one letter": "m" * 65_536,
    "names of passwords": "mk" * 32_768,
    "user names": "tk201234567mk" * 5_000,
    "our wording many times": TEXTS[Reply.REGISTERED] * 400,
    "marks": "\u0f73" * 65_536,
    "ligatures that become many letters": "\ufdfa" * 65_536,
    "rare letters": "\U0001d400" * 65_536,
    "digits": "9" * 65_536,
}


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL)
def test_no_text_costs_more_than_its_time(text):
    assert BUDGET_MS > cost_ms(lambda: OURS.mask(text))


@given(st.text(max_size=300), st.sampled_from(list(TEXTS.values())), st.text(max_size=300))
def test_whatever_stands_around_our_wording_no_password_is_kept(before, text, after):
    whole = f"{before} {text} {after}"
    assert OURS.holds(whole)
    assert PASSWORD not in OURS.mask(whole)
