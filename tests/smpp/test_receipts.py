"""Delivery receipts in the dialects of real SMSCs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw.model import MtState
from smsgw.smpp import receipts
from smsgw.smpp.pdu import Tlv
from smsgw.smpp.receipts import match_keys
from tests.budget import BUDGET_MS, cost_ms
from tests.smpp.dialogue import CITIZEN, TEXT, deliver_sm

DELIVERED, FAILED = MtState.DELIVERED, MtState.FAILED

SPEC = (
    "id:{id} sub:001 dlvrd:001 submit date:2501010000 done date:2501010001 "
    "stat:{stat} err:{err} text:{text}"
)


def text(smsc_id="0123456789", stat="DELIVRD", err="000", quoted="TK: 201234567, MK:"):
    return SPEC.format(id=smsc_id, stat=stat, err=err, text=quoted)


def receipt(octets=b"", esm_class=4, tlvs=None, **changes):
    if isinstance(octets, str):
        octets = octets.encode()
    pdu = deliver_sm(short_message=octets, esm_class=esm_class, tlvs=tlvs or {}, **changes)
    assert receipts.is_receipt(pdu)
    return receipts.read(pdu, "viettel")


def test_receipt_of_the_specification():
    expected = ("viettel", "0123456789", DELIVERED, "DELIVRD err:000", CITIZEN, None)
    assert expected == receipt(text())


KNOWN_AS_RECEIPT = {
    "delivery receipt": (0x04, {}, text()),
    "SME delivery acknowledgement": (0x08, {}, text()),
    "intermediate notification": (0x20, {}, text()),
    "with UDHI": (0x44, {}, text()),
    "with message mode": (0x07, {}, text()),
    "bits, and a text that says nothing": (0x04, {}, "delivered"),
    "bits, and a citizen's words": (0x04, {}, TEXT),
    "TLV alone": (0, {Tlv.RECEIPTED_MESSAGE_ID: b"4711\0"}, ""),
    "text alone": (0, {}, text()),
    "text alone, in capitals": (0, {}, text().replace("id:", "ID:").replace("stat:", "STAT:")),
    "text alone, without sub": (0, {}, "id:47 done date:2501010001 stat:UNDELIV err:1"),
    "text alone, led by a blank": (0, {}, " " + text()),
}


@pytest.mark.parametrize(
    ("esm_class", "tlvs", "words"), KNOWN_AS_RECEIPT.values(), ids=KNOWN_AS_RECEIPT
)
def test_receipt_is_known_by_bits_by_tlv_or_by_its_text(esm_class, tlvs, words):
    receipt(words, esm_class, tlvs)


def test_receipt_is_known_by_its_text_in_ucs2():
    octets = text("4711").encode("utf-16-be")
    assert "4711" == receipt(octets, esm_class=0, data_coding=8).smsc_id


CITIZENS = {
    "registration": TEXT,
    "empty": "",
    "id alone": "id:4711",
    "id and stat": "id:4711 stat:good",
    "id in the middle": "TK,id:4711 sub:1 dlvrd:1 stat:DELIVRD",
    "without an id": "sub:001 dlvrd:001 stat:DELIVRD",
}


@pytest.mark.parametrize("words", CITIZENS.values(), ids=CITIZENS)
def test_citizens_text_is_no_receipt(words):
    assert not receipts.is_receipt(deliver_sm(text=words))
    assert not receipts.is_receipt(deliver_sm(text=words, esm_class=0x43))


STATES = {
    "DELIVRD": DELIVERED,
    "delivrd": DELIVERED,
    "DELIVERED": DELIVERED,
    "EXPIRED": FAILED,
    "DELETED": FAILED,
    "UNDELIV": FAILED,
    "REJECTD": FAILED,
    "REJECTED": FAILED,
    "FAILED": FAILED,
    "ACCEPTD": None,
    "ENROUTE": None,
    "UNKNOWN": None,
    "0": None,
    "ESTRANGE": None,
}


@pytest.mark.parametrize(("stat", "state"), STATES.items(), ids=STATES)
def test_state_in_the_carriers_words(stat, state):
    read = receipt(text(stat=stat, err="0A1"))
    assert (state, f"{stat.upper()} err:0A1") == (read.state, read.reason)


@pytest.mark.parametrize(
    ("code", "state"),
    [(1, None), (2, DELIVERED), (3, FAILED), (4, FAILED), (5, FAILED), (6, None), (8, FAILED)],
)
def test_state_by_tlv(code, state):
    tlvs: dict[int, bytes] = {
        Tlv.RECEIPTED_MESSAGE_ID: b"4711\0",
        Tlv.MESSAGE_STATE: bytes((code,)),
    }
    assert ("4711", state) == receipt(b"", 0, tlvs)[1:3]


def test_state_by_tlv_goes_before_the_text():
    tlvs: dict[int, bytes] = {Tlv.RECEIPTED_MESSAGE_ID: b"4711\0", Tlv.MESSAGE_STATE: b"\5"}
    read = receipt(text(stat="SENT"), 4, tlvs)
    assert ("4711", FAILED, "SENT err:000") == read[1:4]


@pytest.mark.parametrize("value", [b"", b"\0", b"\x63", b"\0\0\0\2", b"\xff" * 30])
def test_state_tlv_that_makes_no_sense_is_not_final(value):
    tlvs: dict[int, bytes] = {Tlv.RECEIPTED_MESSAGE_ID: b"4711\0", Tlv.MESSAGE_STATE: value}
    assert receipt(b"", 0, tlvs).state is None


IDS = {
    "with NUL": b"ABCD\0",
    "without NUL": b"ABCD",
    "filled up with NULs": b"ABCD\0\0\0",
}


@pytest.mark.parametrize("value", IDS.values(), ids=IDS)
def test_id_in_a_tlv_keeps_all_its_characters(value):
    assert "ABCD" == receipt(b"", 0, {Tlv.RECEIPTED_MESSAGE_ID: value}).smsc_id


def test_id_of_the_text_serves_where_the_tlv_is_empty():
    assert "0123456789" == receipt(text(), 4, {Tlv.RECEIPTED_MESSAGE_ID: b"\0"}).smsc_id


ERRORS = {
    "network type and number": (b"\3\0\x0c", "UNDELIV err:012"),
    "three digits": (b"012", "UNDELIV err:012"),
    "another size": (b"\1", "UNDELIV err:099"),
}


@pytest.mark.parametrize(("value", "reason"), ERRORS.values(), ids=ERRORS)
def test_network_error_code_is_part_of_the_reason(value, reason):
    tlvs = {Tlv.NETWORK_ERROR_CODE: value}
    assert reason == receipt(text(stat="UNDELIV", err="099"), 4, tlvs).reason


def test_what_the_receipt_quotes_of_our_text_goes_nowhere():
    read = receipt("id:4711 text:MK: abcdefgh stat:geheim err:geheim")
    assert ("4711", None) == read[1:3]
    assert "geheim" not in repr(read)
    assert "abcdefgh" not in repr(read)


@given(st.binary(max_size=200), st.dictionaries(st.sampled_from(list(Tlv)), st.binary(max_size=8)))
def test_any_octets_give_a_receipt(octets, tlvs):
    read = receipt(octets, 4, tlvs)
    assert len(read.smsc_id) <= 64
    assert len(read.reason) <= 64


# --- ids ------------------------------------------------------------------------------------


def finds(answered, reported):
    """Whether a text taken under one id is found by a receipt with the other."""
    stored = match_keys(answered).normal
    keys = match_keys(reported)
    return stored in (keys.normal, *keys.others)


@given(st.integers(0, 2**64), st.data())
def test_id_matches_in_either_base_in_any_case_with_zeros_or_without(number, data):
    forms = [f"{number}", f"{number:x}", f"{number:X}", f"{number:010}", f"{number:016X}"]
    assert finds(data.draw(st.sampled_from(forms)), data.draw(st.sampled_from(forms)))


@pytest.mark.parametrize("smsc_id", ["", "0", "000", "a-b-c", "4711-xyz", "Ñandú", "٣", " 7 "])
def test_any_id_matches_itself(smsc_id):
    assert finds(smsc_id, smsc_id)


def test_id_longer_than_smpp_has_any_is_read_and_cut():
    read = receipt(b"", 4, {Tlv.RECEIPTED_MESSAGE_ID: b"7" * 60_000})
    assert "7" * 64 == read.smsc_id
    assert finds(read.smsc_id, read.smsc_id)
    assert finds("7" * 60_000, "7" * 60_000)


def test_different_ids_do_not_match():
    assert not finds("4711", "4712")
    assert not finds("abc-1", "abc-2")


def test_own_reading_comes_first():
    assert ("10", ("a", "16")) == match_keys("0010")
    assert ("a", ("10",)) == match_keys("0A")


ENDLESS = {
    "one word of the form again and again": b"id:1 " + b"sub:" * 16_000,
    "blanks": b" " * 64_000,
    "an id without an end": b"id:" + b"1" * 64_000,
    "ids": b"id:1 " * 13_000,
    "dates": b"id:1 submit date:" + b"done date: " * 6_000,
    "states that are none": b"id:1 sub:1 " + b"stat: " * 10_000,
    "in UCS-2": ("id:1 " + "sub:" * 8_000).encode("utf-16-be"),
}


@pytest.mark.parametrize("octets", ENDLESS.values(), ids=ENDLESS)
def test_text_of_64_kib_that_begins_like_a_receipt_costs_next_to_nothing(octets):
    payload = {Tlv.MESSAGE_PAYLOAD: octets}
    plain = deliver_sm(short_message=b"", tlvs=payload, esm_class=0)
    flagged = plain._replace(esm_class=4)
    assert BUDGET_MS > cost_ms(lambda: receipts.is_receipt(plain))
    assert BUDGET_MS > cost_ms(lambda: receipts.read(flagged, "viettel"))
