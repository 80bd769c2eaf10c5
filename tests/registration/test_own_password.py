"""What may be a citizen's own password."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw.model import AccountState
from smsgw.passwords import ALPHABET
from smsgw.registration import own_password
from smsgw.registration.own_password import Person, Reason, fault

AN = Person("201234567", "+84905123456", date(1990, 2, 1), "Nguyen Van An")

GOOD = {
    "three words": "ba con cho nho",
    "words without a blank": "correcthorse9",
    "with diacritics": "mật kho báu xanh",
    "a word in which two letters of the name stand": "bananacake",
    "what the phone makes of one that was drawn": "K7m2p9xwQ",
    "a hundred and twenty-eight": "ab3 " * 31 + "xyz!",
}


@pytest.mark.parametrize("password", GOOD.values(), ids=GOOD)
def test_good_password_is_taken(password):
    assert fault(password, 8, AN, same_as_old=False) is None


REFUSED = {
    "seven": ("ba con ", Reason.TOO_SHORT),
    "a hundred and twenty-nine": ("ab3 " * 32 + "!", Reason.TOO_LONG),
    "beyond 512 octets": ("\U0001f600" * 129, Reason.TOO_LONG),
    "a tab": ("ba con\tcho nho", Reason.CONTROL_CHARACTERS),
    "NUL": ("ba con\0cho nho", Reason.CONTROL_CHARACTERS),
    "half a character": ("ba con cho \ud800", Reason.CONTROL_CHARACTERS),
    "something invisible": ("ba con\u200bcho nho", Reason.CONTROL_CHARACTERS),
    "the CMND": ("201234567", Reason.PERSONAL),
    "the CMND with dots": ("201.234.567!", Reason.PERSONAL),
    "the CMND and a word": ("abc201234567", Reason.PERSONAL),
    "the phone": ("0905123456", Reason.PERSONAL),
    "the phone with blanks": ("0905 123 456", Reason.PERSONAL),
    "the phone from abroad": ("+84905123456", Reason.PERSONAL),
    "date of birth": ("01.02.1990", Reason.PERSONAL),
    "date of birth without noughts": ("1/2/1990", Reason.PERSONAL),
    "date of birth the other way round": ("1990-02-01", Reason.PERSONAL),
    "date of birth as Americans write it": ("02/01/1990", Reason.PERSONAL),
    "date of birth in words": ("1 tháng 2 năm 1990", Reason.PERSONAL),
    "date of birth in English": ("1feb1990", Reason.PERSONAL),
    "the name": ("nguyenvanan", Reason.PERSONAL),
    "the name with diacritics": ("Nguyễn Văn An", Reason.PERSONAL),
    "the name the other way round": ("An Van Nguyen", Reason.PERSONAL),
    "a part of the name and digits": ("nguyen12345!", Reason.PERSONAL),
    "two parts and the year": ("VanAn@1990", Reason.PERSONAL),
    "one character": ("aaaaaaaa", Reason.REPEATED),
    "one character in two cases": ("aAaAaAaA", Reason.REPEATED),
    "one character, but for one": ("aaaaaaab", Reason.REPEATED),
    "blanks": (" " * 8, Reason.REPEATED),
    "a run repeated": ("abcabcabc", Reason.REPEATED),
    "a run and a beginning of it": ("xyzwxyzwxy", Reason.REPEATED),
    "up": ("12345678", Reason.REPEATED),
    "down": ("hgfedcba", Reason.REPEATED),
    "over the nought": ("7890123456", Reason.REPEATED),
    "each twice": ("1122334455", Reason.REPEATED),
    "many have it": ("password", Reason.COMMON),
    "many Vietnamese have it": ("anhyeuem", Reason.COMMON),
    "with marks and digits at its ends": ("Anhyeuem99!", Reason.COMMON),
    "with digits at its end": ("matkhau123", Reason.COMMON),
    "with diacritics and blanks": ("Mật Khẩu 2026", Reason.COMMON),
}


@pytest.mark.parametrize(("password", "reason"), REFUSED.values(), ids=REFUSED)
def test_refused_with_its_reason(password, reason):
    assert reason == fault(password, 8, AN, same_as_old=False)


def test_the_first_reason_is_told():
    """too_short too_long control_characters same_as_old personal repeated common"""
    assert list(Reason) == [
        *("too_short", "too_long", "control_characters", "same_as_old", "personal"),
        *("repeated", "common"),
    ]
    assert Reason.TOO_SHORT == fault("12345", 8, AN, same_as_old=True)
    assert Reason.SAME_AS_OLD == fault("201234567", 8, AN, same_as_old=True)
    assert Reason.PERSONAL == fault("Nguyen", 6, AN, same_as_old=False)


def test_every_reason_has_words_for_the_command():
    assert set(Reason) == set(own_password.RULES)


@given(st.text(max_size=200))
def test_any_text_is_judged(password):
    assert fault(own_password.own(password), 8, AN, same_as_old=False) in {None, *Reason}


# --- reading ------------------------------------------------------------------------------------

AS_TYPED = {
    "as it is": "k7m2p9xw",
    "capitals": "K7M2P9XW",
    "the phone's capital": "K7m2p9xw",
    "a blank behind": "k7m2p9xw ",
    "copied with the sentence's blank": " k7m2 p9xw",
    "a full stop": "k7m2p9xw.",
    "a comma": "k7m2p9xw,",
    "a line end": "k7m2p9xw\r\n",
    "full width": "ｋ７ｍ２ｐ９ｘｗ",
}


@pytest.mark.parametrize("typed", AS_TYPED.values(), ids=AS_TYPED)
def test_issued_password_is_read_forgivingly(typed):
    assert "k7m2p9xw" == own_password.read(typed, AccountState.ISSUED)


def test_one_mark_alone_is_forgiven():
    assert "k7m2p9xw." == own_password.issued("k7m2p9xw..")


@given(st.text(ALPHABET, min_size=8, max_size=16))
def test_what_was_issued_is_never_read_as_something_else(password):
    assert password == own_password.issued(password)


def test_own_password_is_taken_as_typed():
    assert " Ba Con. " == own_password.read(" Ba Con. ", AccountState.ACTIVE)


def test_keyboards_agree_on_an_own_password():
    assert own_password.own("ma\u0323\u0302t") == own_password.own("m\u1eadt")


@pytest.mark.parametrize("password", ["mật khẩu", "dđ", "Đ", "é"])
def test_diacritics_are_noticed(password):
    assert own_password.has_diacritics(password)


@pytest.mark.parametrize("password", ["mat khau", "K7!?", "日本", ""])
def test_no_diacritics(password):
    assert not own_password.has_diacritics(password)
