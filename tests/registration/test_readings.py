"""Octets that say one alphabet and are written in another."""

from datetime import date

import pytest

from smsgw.model import Octets
from smsgw.registration.readings import MAX_OCTETS, reread
from smsgw.registration.syntax import Request
from smsgw.smpp.alphabets import Alphabet, encode
from tests.budget import BUDGET_MS, cost_ms

TODAY = date(2026, 3, 2)
HA = "TK,Lê Thị Hà,201234567,08.03.1988"
REQUEST = Request("Le Thi Ha", "201234567", date(1988, 3, 8))


def packed(septets, fill=0):
    """Septets, eight in seven octets, behind *fill* bits."""
    bits = sum(septet << 7 * n for n, septet in enumerate(septets)) << fill
    return bits.to_bytes((7 * len(septets) + fill + 7) // 8, "little")


GSM = encode("TK,Le Thì Hà,201234567,08.03.1988", Alphabet.GSM7)
CONTRADICTING = {
    "UTF-8": HA.encode(),
    "UTF-8 with a byte-order mark": HA.encode("utf-8-sig"),
    "UTF-8, NUL behind it": HA.encode() + b"\0",
    "UCS-2": HA.encode("utf-16-be"),
    "UCS-2 with a byte-order mark": "\ufeff".encode("utf-16-be") + HA.encode("utf-16-be"),
    "UCS-2 in the other order": HA.encode("utf-16-le"),
    "UCS-2 in the other order with a mark": HA.encode("utf-16"),
    "UCS-2, NUL behind it": HA.encode("utf-16-be") + b"\0",
    "UCS-2 in the other order, NULs behind it": HA.encode("utf-16-le") + b"\0\0",
    "Latin-1": "TK,Lê Thì Hà,201234567,08.03.1988".encode("latin-1"),
    "septets": GSM,
    "septets, packed": packed(GSM),
    "ASCII": b"TK,Le Thi Ha,201234567,08.03.1988",
    "ASCII, NUL behind it": b"TK,Le Thi Ha,201234567,08.03.1988\0",
}


@pytest.mark.parametrize("octets", CONTRADICTING.values(), ids=CONTRADICTING)
def test_registration_in_another_alphabet_is_that_registration(octets):
    text, request = reread(Octets((octets,)), TODAY)
    assert REQUEST == request
    assert text.startswith(("TK,", "\ufeffTK,"))


@pytest.mark.parametrize("name", ["A" * n for n in range(2, 10)])
def test_packed_septets_that_fill_their_octets_are_read(name):
    octets = packed(f"TK,{name},201234567,08.03.1988".encode())
    assert REQUEST._replace(name=name) == reread(Octets((octets,)), TODAY)[1]


@pytest.mark.parametrize(("fill", "septets"), [(0, 40), (1, 41)])  # such that octets are full
def test_long_text_in_another_alphabet_is_that_registration(fill, septets):
    text = f"TK,{'Nguyen ' * 9},201234567,08.03.1988".encode()
    pieces = tuple(packed(text[at : at + septets], fill) for at in range(0, len(text), septets))
    assert reread(Octets(pieces, fill), TODAY)[1].name == "Nguyen " * 8 + "Nguyen"


def test_long_text_cut_inside_a_character_is_read():
    octets = HA.encode()
    for cut in range(1, len(octets)):
        pieces = octets[:cut], octets[cut:]
        assert (HA, REQUEST) == reread(Octets(pieces), TODAY)


NONSENSE = {
    "nothing": b"",
    "a greeting in UTF-8": "xin chào".encode(),
    "a wrong date in UTF-8": HA.replace("08.03", "31.02").encode(),
    "binary": bytes(range(256)),
    "NULs": bytes(100),
}


@pytest.mark.parametrize("octets", NONSENSE.values(), ids=NONSENSE)
def test_what_is_a_registration_in_no_reading_stays_nonsense(octets):
    assert reread(Octets((octets,)), TODAY) is None


def test_utf8_is_never_read_as_latin1():
    octets = "TK,Lê Hà,201234567,08.03.1988".encode()
    assert "Le Ha" == reread(Octets((octets,)), TODAY)[1].name


def test_text_that_reads_as_two_people_is_nobody(monkeypatch):
    both = ["TK,Le Ha,201234567,08.03.1988", "TK,Le Hoa,201234567,08.03.1988"]
    monkeypatch.setattr("smsgw.registration.readings.readings", lambda octets: iter(both))
    assert reread(Octets((b"?",)), TODAY) is None


COSTLY = {
    "marks in UTF-8": ("\u0f73" * 400).encode()[:MAX_OCTETS],
    "marks in UCS-2": ("\u0f73" * 600).encode("utf-16-be")[:MAX_OCTETS],
    "letters of no table": ("\u4e00" * 600).encode("utf-16-le")[:MAX_OCTETS],
    "high octets": b"\xff" * MAX_OCTETS,
    "escapes": b"\x1b" * MAX_OCTETS,
    "too many": b"\xff" * 65_000,
}


@pytest.mark.parametrize("octets", COSTLY.values(), ids=COSTLY)
def test_no_octets_take_long_to_be_read_again(octets):
    pieces = tuple(octets[at : at + 255] for at in range(0, len(octets), 255))
    assert cost_ms(lambda: reread(Octets(pieces, 1), TODAY)) < BUDGET_MS
