"""Odd and hostile SMSCs, seen by a peer that builds its PDUs by hand."""

import struct

import pytest

from smsgw.model import Address
from smsgw.simulator import playbook, tricks
from smsgw.smpp import codec

AN = "84905123456"
TEXT = "TK,Tran Thi Mai,201234567,08.03.1988"


@pytest.fixture
def carrier(smsc_with):
    return smsc_with()


@pytest.fixture
def peer(carrier, bound):
    return bound(carrier)


def message(pdu):
    """(data_coding, short_message, what stands behind it) of a deliver_sm."""
    at = pdu.octets.index(b"8188\0") + 5 + 3 + 2 + 2
    coding, length = pdu.octets[at], pdu.octets[at + 2]
    text = pdu.octets[at + 3 : at + 3 + length]
    return coding, text, pdu.octets[at + 3 + length :]


@pytest.mark.parametrize(
    ("trick", "coding", "text", "behind"),
    [
        ("stray-octets", 0, TEXT.encode(), b"\0"),
        ("stray-tlv", 0, TEXT.encode(), b"\x14\x01\x00"),
        ("as-utf8", 0, TEXT.encode(), b""),
        ("as-ucs2", 0, TEXT.encode("utf-16-be"), b""),
        ("coded 0xE0", 0xE0, TEXT.encode("utf-16-be"), b""),
        ("coded 0xD0", 0xD0, TEXT.encode(), b""),
    ],
)
def test_one_text_goes_out_as_no_standard_has_it(trick, coding, text, behind, carrier, peer):
    [handle] = playbook.play(carrier, f"{trick} {AN} {TEXT}")
    pdu = peer.read()
    assert (coding, text, behind) == message(pdu)
    assert len(pdu.octets) == struct.unpack(">I", pdu.octets[:4])[0]
    peer.answer(pdu)
    assert 0 == handle.answer()


def test_header_states_a_length_that_is_not_its_own(carrier, peer):
    handles = playbook.play(carrier, f"wrong-header {AN} {TEXT}")
    first, second = peer.read(), peer.read()
    assert 2 == len(handles)
    for number, pdu in enumerate((first, second), start=1):
        _, text, _ = message(pdu)
        assert bytes((6, 0, 3, 7, 2, number)) == text[:6]


def test_any_address_may_send(carrier, peer):
    playbook.play(carrier, f"from 1/1 376312345 {TEXT}")
    assert b"\x01\x01376312345\0" in peer.read().body
    playbook.play(carrier, "from 5/0 ABC xin chao")
    assert b"\x05\x00ABC\0" in peer.read().body


def test_own_wording_comes_back_from_its_reader_and_from_a_stranger(carrier, peer):
    with pytest.raises(playbook.Unclear, match="nothing to 84905123456 yet"):
        playbook.play(carrier, f"forward {AN}")
    peer.submit(AN, b"TK: 201234567, MK: abcdefgh")
    peer.read()
    playbook.play(carrier, f"forward {AN}")
    back = peer.read()
    assert b"TK: 201234567, MK: abcdefgh" == message(back)[1]
    assert AN.encode() in back.body
    playbook.play(carrier, f"plain-receipt ABC {AN}")
    receipt = peer.read()
    assert b"\x05\x00ABC\0" in receipt.body
    assert b"stat:UNDELIV" in message(receipt)[1]


def test_receipt_names_another_number_than_its_text_went_to(carrier, peer):
    peer.submit(AN, b"Cam on!")
    message_id = peer.read().body.rstrip(b"\0")
    playbook.play(carrier, f"receipt-from 84905999999 {AN}")
    receipt = peer.read()
    assert b"84905999999" in receipt.body
    assert b"id:%d " % int(message_id, 16) in receipt.body


def test_receipt_comes_by_another_session_than_took_the_text(carrier, bound):
    first, second = bound(carrier), bound(carrier)
    first.submit(AN, b"Cam on!")
    first.read()
    playbook.play(carrier, f"receipt-elsewhere {AN}")
    assert b"stat:DELIVRD" in second.read().body


@pytest.mark.parametrize(
    ("flood", "count"),
    [
        ("registrations 1000 0.02", 20),
        ("errors 1000 0.02", 20),
        (f"one-number {AN} 1000 0.02", 20),
        ("half-texts 1000 0.02", 20),
        ("marks 1000 0.005", 5),
        ("big-parts 6", 6),
        ("endless-receipts 2", 2),
        ("unknown-receipts 20", 20),
        ("one-receipt 20", 20),
        (f"copies {AN} {TEXT}", 3),
    ],
)
def test_flood_is_so_many_texts_and_ends(flood, count, carrier, peer):
    playbook.play(carrier, flood)
    pdus = [peer.read() for _ in range(count)]
    assert {0x05} == {pdu.command for pdu in pdus}
    assert peer.quiet()
    assert all(codec.decode(pdu.octets) for pdu in pdus)


def test_line_flaps_after_each_heap_of_texts(carrier, connect):
    peer = connect(carrier)
    peer.bind()
    playbook.play(carrier, "flap 0.3 10")
    assert [0x05] * 10 == [peer.read().command for _ in range(10)]
    assert peer.read() is None


def test_pdu_trickles_until_the_gateway_has_enough_of_it(carrier, peer):
    with pytest.raises(playbook.Unclear, match="still waits for more"):
        playbook.play(carrier, "trickle 0.1 0.01")
    assert b"\0\0\0\x34\0\0\0\x05" == peer.socket.recv(8)


def test_small_pdus_come_as_fast_as_they_are_read(carrier, peer):
    playbook.play(carrier, "small-pdus 0.05")
    assert {0x15} == {peer.read().command for _ in range(1000)}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nonsense", "there is no !nonsense"),
        ("stray-octets 84905123456", "a number and a text"),
        ("registrations 1e9", "at most 5000"),
        ("registrations many", "many is no number"),
        ("registrations 1 2 3", "too much"),
        ("coded 0xBB 84905123456 hello", "data_coding is one of"),
        ("from 1 ABC hello", "TON/NPI"),
        ("as-ucs2 ABC hello", "a number and a text"),
    ],
)
def test_trick_that_cannot_be_played_says_what_it_wants(line, says, carrier):
    with pytest.raises(playbook.Unclear, match=says):
        playbook.play(carrier, line)


def test_help_has_a_line_for_each_trick():
    lines = playbook.helps().splitlines()
    assert [f"!{name}" for name in playbook.TRICKS] == [line.split()[0] for line in lines]
    assert all(len(line) <= 100 for line in lines)


def test_every_group_that_the_simulator_writes_has_its_coding():
    for code in tricks.GROUPS:
        assert tricks.in_group(Address(AN, 1, 1), TEXT, code).pdu.data_coding == code
