"""Texts and octets: alphabets, shift tables, parts."""

import itertools
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw.model import Part
from smsgw.smpp import alphabets, shift_tables
from smsgw.smpp.alphabets import Alphabet, decode, encode, join, septets, split_header
from smsgw.smpp.shift_tables import LOCKING, SINGLE
from tests.budget import BUDGET_MS, cost_ms

GSM7, ASCII, LATIN1 = Alphabet
EXTENSION = "^{}\\[~]|€\f"
CHARACTERS = [c for c in LOCKING[0] if c != "\x1b"] + list(EXTENSION)
gsm_texts = st.text(st.sampled_from(CHARACTERS))


# --- GSM 03.38 ------------------------------------------------------------------------------


@given(gsm_texts)
def test_gsm_text_comes_back(text):
    assert text == decode(encode(text, GSM7), 0, GSM7)


@given(gsm_texts)
def test_septets_are_counted_as_they_are_written(text):
    assert len(encode(text, GSM7)) == septets(text)


def test_every_septet_but_the_escape_is_one_character():
    octets = bytes(value for value in range(128) if value != 0x1B)
    assert 127 == len(set(decode(octets, 0, GSM7)))
    assert octets == encode(decode(octets, 0, GSM7), GSM7)


LANDMARKS = {0x00: "@", 0x02: "$", 0x09: "Ç", 0x10: "Δ", 0x11: "_", 0x1C: "Æ", 0x24: "¤"} | {
    0x40: "¡",
    0x5B: "Ä",
    0x5F: "§",
    0x60: "¿",
    0x7F: "à",
}


@pytest.mark.parametrize(("septet", "character"), LANDMARKS.items())
def test_default_alphabet_at_its_landmarks(septet, character):
    assert character == decode(bytes((septet,)), 0, GSM7)


def test_backtick_and_section_sign_are_not_mixed_up():
    assert (b"?", b"\x5f") == (encode("`", GSM7), encode("§", GSM7))


def test_escape_in_a_text_does_not_escape():
    assert b"?e" == encode("\x1be", GSM7)


@pytest.mark.parametrize("character", EXTENSION)
def test_extension_character_counts_two(character):
    assert 2 == septets(character)
    assert 2 == len(encode(character, GSM7))


def test_text_outside_the_alphabet_has_no_number_of_septets():
    assert septets("Nguyễn") is None
    assert septets("`") is None
    assert septets("\x1b") is None
    assert 0 == septets("")


UNKNOWN_ESCAPES = {
    "unknown extension": (b"a\x1bab", "aab"),
    "escape at the end": (b"a\x1b", "a"),
    "two escapes": (b"\x1b\x1be", "€"),
}


@pytest.mark.parametrize(("octets", "text"), UNKNOWN_ESCAPES.values(), ids=UNKNOWN_ESCAPES)
def test_escape_of_what_we_do_not_know_shows_the_plain_character(octets, text):
    assert text == decode(octets, 0, GSM7)


@given(st.text(), st.sampled_from(Alphabet))
def test_any_text_can_be_written(text, alphabet):
    assert decode(encode(text, alphabet), 0, alphabet) is not None


@pytest.mark.parametrize(
    ("alphabet", "octets"),
    [(GSM7, b"Nguyen ??a \x1be \x5f"), (ASCII, b"Nguyen ??a ? ?"), (LATIN1, b"Nguyen ??a ? \xa7")],
)
def test_what_the_alphabet_lacks_becomes_its_base_letter_or_a_question_mark(alphabet, octets):
    assert octets == encode("Nguyễn 你Đa € §", alphabet)


# --- data_coding ----------------------------------------------------------------------------


@given(st.binary(max_size=100), st.integers(0, 255), st.sampled_from(Alphabet))
def test_any_octets_are_a_text_or_none(octets, data_coding, alphabet):
    for shift in itertools.product((0, 1, 6, 255), (0, 3, 6, 255)):
        assert isinstance(decode(octets, data_coding, alphabet, shift), str | None)


RAW_DCS = {
    "default alphabet, class 1": (0x11, b"TK\x02"),
    "message class group": (0xF0, b"TK\x02"),
    "8-bit, class 1": (0xF5, b"TK$"),
    "8-bit, general group": (0x15, b"TK$"),
    "UCS-2, class 0": (0x18, "TK$".encode("utf-16-be")),
    "UCS-2, class 1": (0x19, "TK$".encode("utf-16-be")),
}


@pytest.mark.parametrize(("data_coding", "octets"), RAW_DCS.values(), ids=RAW_DCS)
def test_data_coding_scheme_of_the_handset_is_understood(data_coding, octets):
    assert "TK$" == decode(octets, data_coding, LATIN1)


def standard(data_coding):
    """The alphabet that 3GPP TS 23.038 §4 gives, bit by bit; None: compressed."""
    bits = f"{data_coding:08b}"
    alphabets = {"00": "gsm7", "01": "8-bit", "10": "ucs2", "11": "gsm7"}
    if bits[0] == "0":  # general, and automatic deletion
        return None if bits[2] == "1" else alphabets[bits[4:6]]
    if bits[:4] == "1111":
        return "8-bit" if bits[5] == "1" else "gsm7"
    return "ucs2" if bits[:4] == "1110" else "gsm7"


#: SMPP v3.4 §5.2.19 has other meanings for these.
SMPPS_OWN = {1: "ascii", 2: "8-bit", 3: "latin1"}
OCTETS = {
    "gsm7": b"TK\x02",
    "ascii": b"TK$",
    "latin1": b"TK$",
    "8-bit": b"TK$",
    "ucs2": "TK$".encode("utf-16-be"),
}


@pytest.mark.parametrize("data_coding", range(256))
def test_every_data_coding_is_read_as_the_standard_says(data_coding):
    alphabet = SMPPS_OWN.get(data_coding, standard(data_coding))
    if alphabet is None:
        assert decode(b"TK", data_coding, GSM7) is None
    else:
        assert "TK$" == decode(OCTETS[alphabet], data_coding, GSM7)


def test_beginning_of_a_text_beyond_all_limits_is_read_and_marked():
    assert "T" * 8192 + " [...]" == decode(b"T" * 65_000, 0, GSM7)
    emoji = "T" + "😀" * 20_000
    assert emoji[:2048] + " [...]" == decode(emoji.encode("utf-16-be"), 8, GSM7)


COSTLY = {
    "letters": b"T" * 65_000,
    "escapes": b"\x1b" * 65_000,
    "octets that are no septets at the end": b"T" * 64_999 + b"\xff",
    "every octet": bytes(range(256)) * 255,
    "NULs": bytes(65_000),
}


@pytest.mark.parametrize("octets", COSTLY.values(), ids=COSTLY)
def test_no_octets_take_long_to_be_read(octets):
    pieces = parts(octets, 255, 0, (1, 1))
    for coding in (0, 1, 3, 4, 8, 0x10, 0xC8, 0xFF):
        assert cost_ms(partial(decode, octets, coding, GSM7, (1, 1))) < BUDGET_MS
    assert cost_ms(lambda: split_header(octets)) < BUDGET_MS
    assert cost_ms(lambda: join(pieces, GSM7)) < BUDGET_MS


def test_emoji_in_ucs2_is_read():
    assert "TK 😀" == decode("TK 😀".encode("utf-16-be"), 8, GSM7)


def test_byte_order_mark_of_the_other_order_is_obeyed():
    assert "TK" == decode(b"\xff\xfeT\0K\0", 8, GSM7)


@pytest.mark.parametrize("data_coding", [2, 4])
def test_octets_that_are_not_utf8_are_read_as_latin1(data_coding):
    assert "TK,é" == decode(b"TK,\xe9", data_coding, GSM7)


# --- national languages ---------------------------------------------------------------------

SHIFTED = {
    "Turkish, single": ((1, 0), b"\x1bG\x1bs\x1be", "Ğş€"),
    "Turkish, locking": ((0, 1), b"\x0b\x07\x04\x1b(", "Ğı€{"),
    "Spanish, single": ((2, 0), b"\x1ba\x1bO\x09", "áÓÇ"),
    "Portuguese, single": ((3, 0), b"\x1b\x7b\x1b\x05a", "ãêa"),
    "Portuguese, locking": ((0, 3), b"\x7b\x12\x1be", "ãª€"),
    "Bengali, single": ((4, 0), b"\x1b\x19\x1b\x34", "\u09e6\u09fa"),
    "Hindi, locking": ((0, 6), b"\x00\x22\x5f\x60\x7f1a", "\u0901\u091f\u094d\u0950\u097f1a"),
    "Hindi, both": ((6, 6), b"\x1bT\x1bKtk,\x1b\x3a", "TKtk,\u0971"),
    "Tamil, locking": ((0, 11), b"\x3c\x4b\x7b", "\u0ba9\u0bb7\u0bd7"),
    "Telugu, single": ((12, 0), b"\x1b\x1c\x1b\x32", "\u0c66\u0c7f"),
    "Urdu, locking": ((0, 13), b"\x00\x1c\x3e\x40\x5f\x60\x7f", "اڌشص\u0657\u0654\u0670"),
    "Urdu, single": ((13, 0), b"\x1b\x25\x1b\x3f\x1be", "۹۔€"),
    "language without a table": ((99, 99), b"TK\x00\x1be", "TK@€"),
    "both": ((3, 3), b"\x7b\x1b\x12", "ãΦ"),
}


@pytest.mark.parametrize(("shift", "octets", "text"), SHIFTED.values(), ids=SHIFTED)
@pytest.mark.parametrize("alphabet", Alphabet)
def test_shift_tables_are_obeyed(alphabet, shift, octets, text):
    assert text == decode(octets, 0, alphabet, shift)


def test_tables_are_whole():
    assert {128} == {len(table) for table in LOCKING.values()}
    assert {"\x1b"} == {table[0x1B] for table in LOCKING.values()}
    for table in SINGLE.values():
        assert "€" == table[0x65]


@pytest.mark.parametrize("language", shift_tables._LETTERS)
def test_language_has_as_many_letters_as_its_table_has_places(language):
    locking, single = shift_tables._LETTERS[language]
    letters = list(shift_tables._letters(locking))
    assert shift_tables._LOCKING_FRAME.count("·") == len(letters) == len(set(letters))
    assert shift_tables._SINGLE_FRAME.count("·") >= len(list(shift_tables._letters(single)))


# --- user data header -----------------------------------------------------------------------


@pytest.mark.parametrize("element", [b"\x00\x03", b"\x08\x04", b"\x24\x01", b"\x25\x01"])
def test_header_with_an_element_that_goes_beyond_it_is_text(element):
    octets = b"\x02" + element + b"A" * (element[1] - 1)
    assert (None, octets) == split_header(octets)


@given(st.binary(max_size=60))
def test_any_octets_have_a_header_or_none(octets):
    header, rest = split_header(octets)
    assert octets.endswith(rest)
    assert (header is None) == (octets == rest)


# What stands before "TK,Le": the header as it came, and as it is meant.
MENDED = {
    "length counts itself": (b"\x06\0\3\xd5\2\1", ("8:213", 2, 1)),
    "length too short": (b"\x04\0\3\xd5\2\1", ("8:213", 2, 1)),
    "length of the element": (b"\x03\0\3\xd5\2\2", ("8:213", 2, 2)),
    "length nought beyond the text": (b"\xff\0\3\xd5\2\1", ("8:213", 2, 1)),
    "16-bit reference, length of the other kind": (b"\x05\x08\4\1\1\2\1", ("16:257", 2, 1)),
    "16-bit reference, length counts itself": (b"\x07\x08\4\1\1\2\1", ("16:257", 2, 1)),
    "two elements, length of the first": (b"\x05\0\3\xd5\2\1\x24\1\1", ("8:213", 2, 1)),
    "ports before the reference": (
        b"\x0c\x05\4\x0b\x84\x23\xf0\0\3\xd5\2\2",
        ("8:213", 2, 2),
    ),
    "element of a wrong length": (b"\x05\0\4\xd5\2\1", ("8:213", 2, 1)),
    "16-bit element of a wrong length": (b"\x06\x08\3\1\1\2\1", ("16:257", 2, 1)),
}


@pytest.mark.parametrize(("octets", "meant"), MENDED.values(), ids=MENDED)
@pytest.mark.parametrize("text", [b"TK,Le", "TK,Lê".encode("utf-16-be"), b""])
def test_header_of_a_wrong_length_is_read_by_its_elements(octets, meant, text):
    header, rest = split_header(octets + text)
    if octets[0] == 5 and meant[0] == "8:213" and octets[2] == 3:
        assert not header.mended  # its length is right: the second element is text
        return
    assert (meant, text, True) == (header[:3], rest, header.mended)


NO_HEADER = {
    "text under the UDHI bit": b"TK,Nguyen Van An",
    "text whose second octet is an element": b"T\0K,Nguyen",
    "an element cut": b"\x06\0\3\xd5\2",
    "ports alone": b"\x09\x05\4\x0b\x84\x23\xf0TK",
}


@pytest.mark.parametrize("octets", NO_HEADER.values(), ids=NO_HEADER)
def test_octets_without_elements_of_a_part_have_no_header(octets):
    assert (None, octets) == split_header(octets)


# --- join -----------------------------------------------------------------------------------


def parts(octets, size, data_coding, shift=(0, 0)):
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    return [
        Part("8:1", len(pieces), number, data_coding, piece, shift)
        for number, piece in enumerate(pieces, 1)
    ]


@given(st.text(min_size=1).filter(lambda t: t.isprintable()), st.integers(1, 9), st.randoms())
def test_long_text_cut_anywhere_is_joined_in_any_order(text, size, random):
    pieces = parts(text.encode("utf-16-be"), size, 8)
    random.shuffle(pieces)
    assert text == join(pieces, GSM7)


@given(gsm_texts.filter(bool), st.integers(1, 9))
def test_long_gsm_text_cut_inside_an_escape_is_joined(text, size):
    assert text == join(parts(encode(text, GSM7), size, 0), GSM7)


def test_parts_in_different_alphabets_are_joined():
    first = Part("8:1", 2, 1, 0, b"TK,\x1be", (0, 0))
    second = Part("8:1", 2, 2, 8, "ễ".encode("utf-16-be"), (0, 0))
    assert "TK,€ễ" == join([second, first], GSM7)


def test_part_that_cannot_be_read_makes_the_text_unreadable():
    assert join(parts(b"\0T\0", 2, 8), GSM7) is None


def test_shift_tables_of_each_part_are_obeyed():
    first = Part("8:1", 2, 1, 0, b"\x1bG", (1, 0))
    second = Part("8:1", 2, 2, 0, b"\x1bG", (0, 0))
    assert "ĞG" == join([first, second], GSM7)


def test_nothing_is_joined_to_nothing():
    assert "" == join([], GSM7)


def test_septet_table_and_alphabet_agree():
    assert set(CHARACTERS) == set(alphabets._septets)
