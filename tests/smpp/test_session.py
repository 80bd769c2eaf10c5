"""One session as a dialogue: what the SMSC says, what we do and answer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw.model import (
    Address,
    Answer,
    Part,
    Postponed,
    Refused,
    Taken,
    Unanswered,
)
from smsgw.smpp import inbox, outgoing, window
from smsgw.smpp.alphabets import Alphabet
from smsgw.smpp.alphabets import encode as encode_text
from smsgw.smpp.codec import decode, encode, header
from smsgw.smpp.events import (
    BindRefused,
    Bound,
    Echo,
    Lost,
    MoReceived,
    NotBound,
    PeerUnbound,
    ReceiptReceived,
    TakenLate,
    Unbound,
    WindowFull,
)
from smsgw.smpp.pdu import (
    Bind,
    BindResp,
    Command,
    DataSm,
    DataSmResp,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    SubmitSm,
    SubmitSmResp,
    Tlv,
    Unbind,
    UnbindResp,
    Unknown,
    Unsendable,
)
from smsgw.smpp.session import Session
from smsgw.smpp.settings import BindMode
from tests.smpp.dialogue import (
    BINDS,
    CITIZEN,
    SHORTCODE,
    T0,
    TEXT,
    Dialogue,
    bound,
    deliver_sm,
    mt,
    settings,
)

OK = 0
RINVBNDSTS = 4
RALYBND = 5
RINVPASWD = 14
THROTTLED = 0x58
UDHI = 0x40


def kinds(events):
    return [type(event) for event in events]


def received(dialogue, pdu, now=T0):
    (event,) = dialogue.says(pdu, now=now)
    assert isinstance(event, MoReceived)
    return event.mo


# --- bind -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", BindMode)
def test_bind_request_is_the_first_thing_said(mode):
    dialogue = Dialogue(mode=mode, system_type="VMA")
    assert [Bind(BINDS[mode], 1, "danang", "geheim", "VMA")] == dialogue.heard()


@pytest.mark.parametrize("mode", BindMode)
def test_bound_by_the_answer_to_our_bind(mode):
    dialogue = Dialogue(mode=mode)
    assert [Bound("SMSC")] == dialogue.says(BindResp(BINDS[mode], 1, OK, "SMSC"))


VERSIONS = {
    "3.4": (b"\x02\x10\x00\x01\x34", 0x34),
    "behind another TLV": (b"\x14\x00\x00\x01\x07\x02\x10\x00\x01\x33", 0x33),
    "none": (b"", None),
    "cut": (b"\x02\x10\x00\x01", None),
    "of two octets": (b"\x02\x10\x00\x02\x34\x34", None),
}


@pytest.mark.parametrize(("tlvs", "version"), VERSIONS.values(), ids=VERSIONS)
def test_smsc_tells_its_version_or_is_bound_without(tlvs, version):
    dialogue = Dialogue()
    body = b"SMSC\0" + tlvs
    wire = header.pack(16 + len(body), 0x80000009, 0, 1) + body
    assert [Bound("SMSC", version)] == dialogue.says(wire)


def test_enquire_link_before_the_bind_is_answered_is_answered_and_changes_nothing():
    dialogue = Dialogue()
    dialogue.heard()
    assert [] == dialogue.says(EnquireLink(900))
    assert [EnquireLinkResp(900)] == dialogue.heard()
    assert 0 == dialogue.session.room
    assert [Bound("SMSC")] == dialogue.says(BindResp(Command.BIND_TRANSCEIVER, 1, OK, "SMSC"))


NOT_OUR_BIND = {
    "other sequence": BindResp(Command.BIND_TRANSCEIVER, 2, OK, "SMSC"),
    "other bind": BindResp(Command.BIND_RECEIVER, 1, OK, "SMSC"),
    "other command": SubmitSmResp(1, OK, "SMSC"),
    "enquire_link_resp": EnquireLinkResp(1),
}


@pytest.mark.parametrize("answer", NOT_OUR_BIND.values(), ids=NOT_OUR_BIND)
def test_only_the_answer_to_our_own_bind_counts(answer):
    dialogue = Dialogue()
    assert [] == dialogue.says(answer)
    assert 0 == dialogue.session.room


def test_stray_bind_answer_and_unbind_answer_change_nothing_once_bound():
    dialogue = bound()
    dialogue.says(BindResp(Command.BIND_TRANSMITTER, 1, RALYBND), UnbindResp(1), UnbindResp(2))
    assert 3 == dialogue.session.room


def test_refused_bind_says_status_and_what_to_check():
    dialogue = Dialogue()
    (refused,) = dialogue.says(BindResp(Command.BIND_TRANSCEIVER, 1, RINVPASWD))
    assert RINVPASWD == refused.status
    assert "ESME_RINVPASWD (0x0000000E)" in refused.reason
    assert "Check system_id and password of [[smsc]] viettel" in refused.reason
    assert "geheim" not in refused.reason


@pytest.mark.parametrize("status", [RINVPASWD, OK])
def test_bind_answered_with_generic_nack_is_refused(status):
    dialogue = Dialogue()
    assert [BindRefused] == kinds(dialogue.says(GenericNack(1, status)))


def test_bind_answer_with_a_torn_body_still_binds():
    dialogue = Dialogue()
    assert [Bound("SMSC")] == dialogue.says(header.pack(20, 0x80000009, 0, 1) + b"SMSC")


def test_bind_without_an_answer_loses_the_line():
    dialogue = Dialogue()
    assert T0 + 10 == dialogue.session.next_deadline()
    assert [] == dialogue.session.tick(T0 + 9.9)
    assert [Lost("no answer to the bind in 10 s")] == dialogue.session.tick(T0 + 10)


def test_deliver_sm_before_bound_is_turned_away():
    dialogue = Dialogue()
    dialogue.heard()
    assert [] == dialogue.says(deliver_sm(7))
    assert [DeliverSmResp(7, RINVBNDSTS)] == dialogue.heard()


def test_transmitter_takes_no_deliver_sm():
    dialogue = bound(mode=BindMode.TRANSMITTER)
    assert [] == dialogue.says(deliver_sm(7))
    assert [DeliverSmResp(7, RINVBNDSTS)] == dialogue.heard()


def test_receiver_has_no_room_and_sends_nothing():
    dialogue = bound(mode=BindMode.RECEIVER)
    assert 0 == dialogue.session.room
    with pytest.raises(NotBound):
        dialogue.session.submit(mt(), T0)


def test_password_that_smpp_cannot_carry_is_refused_and_not_cut():
    with pytest.raises(Unsendable):
        Dialogue(password="ninechars")


def test_settings_do_not_show_the_password():
    assert "geheim" not in repr(settings())


# --- MO -------------------------------------------------------------------------------------


def test_mo_is_received_and_not_answered_before_it_is_settled():
    dialogue = bound()
    (event,) = dialogue.says(deliver_sm(7))
    assert ("viettel", 42, CITIZEN, TEXT) == event.mo[:4]
    assert event.mo.part is None
    assert 1 == dialogue.session.unanswered
    assert [] == dialogue.heard()
    dialogue.session.answer(event.ticket, Answer.OK)
    assert [DeliverSmResp(7)] == dialogue.heard()
    assert 0 == dialogue.session.unanswered


@pytest.mark.parametrize(
    ("answer", "status"), [(Answer.OK, OK), (Answer.LATER, 0x64), (Answer.BUSY, 0x58)]
)
def test_answer_tells_the_smsc_whether_to_come_again(answer, status):
    dialogue = bound()
    (event,) = dialogue.says(deliver_sm(7))
    dialogue.session.answer(event.ticket, answer)
    assert [DeliverSmResp(7, status)] == dialogue.heard()


def test_nothing_is_answered_twice():
    dialogue = bound()
    (event,) = dialogue.says(deliver_sm(7))
    dialogue.session.answer(event.ticket, Answer.OK)
    dialogue.session.answer(event.ticket, Answer.LATER)
    dialogue.session.answer(4711, Answer.OK)
    assert [DeliverSmResp(7)] == dialogue.heard()


def test_answers_may_come_in_any_order():
    dialogue = bound()
    first, second = dialogue.says(deliver_sm(7), deliver_sm(8, source=Address("849", 1, 1)))
    dialogue.session.answer(second.ticket, Answer.OK)
    dialogue.session.answer(first.ticket, Answer.OK)
    assert [DeliverSmResp(8), DeliverSmResp(7)] == dialogue.heard()


def test_two_messages_of_one_sequence_number_are_both_answered():
    dialogue = bound()
    for event in dialogue.says(deliver_sm(7), deliver_sm(7, "TK,other")):
        dialogue.session.answer(event.ticket, Answer.OK)
    assert [DeliverSmResp(7), DeliverSmResp(7)] == dialogue.heard()


def test_pdu_cut_anywhere_by_the_network_is_read_once():
    wire = encode(deliver_sm())
    for cut in range(1, len(wire)):
        dialogue = bound()
        assert [] == dialogue.says(wire[:cut])
        assert [MoReceived] == kinds(dialogue.says(wire[cut:]))


def test_pdus_that_come_octet_by_octet_are_all_read():
    dialogue = bound()
    events = []
    for value in encode(deliver_sm(7)) + encode(EnquireLink(8)) + encode(deliver_sm(9)):
        events += dialogue.says(bytes((value,)))
    assert [MoReceived, MoReceived] == kinds(events)
    assert [EnquireLinkResp(8)] == dialogue.heard()


BAD_BODIES = {
    "sm_length beyond the PDU": (encode(deliver_sm())[16:-1], 0x01),
    "no body": (b"", 0x15),
    "source without NUL": (b"\0\1\1" + b"8" * 30, 0x0A),
    "payload beyond the PDU": (encode(deliver_sm(text=""))[16:] + b"\4\x24\0\xffx", 0xC0),
    "sar_msg_ref_num beyond the PDU": (encode(deliver_sm())[16:] + b"\2\x0c\0\2x", 0xC0),
}


@pytest.mark.parametrize(("body", "status"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_body_is_answered_and_the_session_goes_on(body, status):
    dialogue = bound()
    bad = header.pack(16 + len(body), 5, 0, 7) + body
    assert [MoReceived] == kinds(dialogue.says(bad, deliver_sm(8)))
    assert [DeliverSmResp(7, status)] == dialogue.heard()


def test_text_in_message_payload_is_read():
    pdu = deliver_sm(short_message=b"", tlvs={Tlv.MESSAGE_PAYLOAD: TEXT.encode()})
    assert TEXT == received(bound(), pdu).text


def test_short_message_counts_where_both_are_filled():
    pdu = deliver_sm(tlvs={Tlv.MESSAGE_PAYLOAD: b"other"})
    assert TEXT == received(bound(), pdu).text


def test_data_sm_is_a_citizens_text_too():
    dialogue = bound()
    pdu = DataSm(9, CITIZEN, SHORTCODE, tlvs={Tlv.MESSAGE_PAYLOAD: TEXT.encode()})
    (event,) = dialogue.says(pdu)
    assert TEXT == event.mo.text
    dialogue.session.answer(event.ticket, Answer.OK)
    assert [DataSmResp(9)] == dialogue.heard()


def test_bad_data_sm_is_answered_as_data_sm():
    dialogue = bound()
    assert [] == dialogue.says(header.pack(16, 0x103, 0, 7))
    assert [DataSmResp(7, 0x15)] == dialogue.heard()


READ = {
    "data_coding 0 in GSM 03.38": (Alphabet.GSM7, 0, b"TK,\x00\x02\x11", "TK,@$_"),
    "data_coding 0 in ASCII": (Alphabet.ASCII, 0, b"TK,@$_", "TK,@$_"),
    "data_coding 0 in Latin-1": (Alphabet.LATIN1, 0, b"TK,\xe9", "TK,é"),
    "data_coding 1": (Alphabet.GSM7, 1, b"TK,@$_", "TK,@$_"),
    "data_coding 3": (Alphabet.GSM7, 3, b"TK,\xe9", "TK,é"),
    "data_coding 4 in UTF-8": (Alphabet.GSM7, 4, "TK,Nguyễn".encode(), "TK,Nguyễn"),
    "data_coding 8": (Alphabet.GSM7, 8, "TK,Nguyễn".encode("utf-16-be"), "TK,Nguyễn"),
    "empty": (Alphabet.GSM7, 0, b"", ""),
    "not septets": (Alphabet.GSM7, 0, b"TK\xff", None),
    "not ASCII": (Alphabet.GSM7, 1, b"TK\xff", None),
    "half a character of UCS-2": (Alphabet.GSM7, 8, b"\0T\0K\0", None),
    "compressed": (Alphabet.GSM7, 0x20, b"TK", None),
}


@pytest.mark.parametrize(("alphabet", "coding", "octets", "text"), READ.values(), ids=READ)
def test_text_is_read_as_its_data_coding_says(alphabet, coding, octets, text):
    pdu = deliver_sm(short_message=octets, data_coding=coding)
    assert text == received(bound(alphabet=alphabet), pdu).text


# --- parts ----------------------------------------------------------------------------------

PARTS = {
    "UDH, 8-bit reference": (UDHI, b"\x05\0\3\xd5\2\1TK,", {}, ("8:213", 2, 1, b"TK,")),
    "UDH, 16-bit reference": (UDHI, b"\x06\x08\4\x12\x67\3\2TK,", {}, ("16:4711", 3, 2, b"TK,")),
    "sar TLVs": (
        0,
        b"TK,",
        {0x20C: b"\0\5", 0x20E: b"\2", 0x20F: b"\1"},
        ("sar:5", 2, 1, b"TK,"),
    ),
    "sar TLVs of another size": (
        0,
        b"TK,",
        {0x20C: b"\5", 0x20E: b"\0\2", 0x20F: b"\0\0\0\1"},
        ("sar:5", 2, 1, b"TK,"),
    ),
    "both: the header counts": (
        UDHI,
        b"\x05\0\3\xd5\2\1TK,",
        {0x20C: b"\0\5", 0x20E: b"\3", 0x20F: b"\3"},
        ("8:213", 2, 1, b"TK,"),
    ),
    "header of something else, and sar TLVs": (
        UDHI,
        b"\x03\x24\1\1TK,",
        {0x20C: b"\0\5", 0x20E: b"\3", 0x20F: b"\3"},
        ("sar:5", 3, 3, b"TK,"),
    ),
    "ports beside the reference": (
        UDHI,
        b"\x0b\x05\4\x0b\x84\x23\xf0\0\3\xd5\2\2TK,",
        {},
        ("8:213", 2, 2, b"TK,"),
    ),
}


@pytest.mark.parametrize(("esm_class", "octets", "tlvs", "expected"), PARTS.values(), ids=PARTS)
def test_part_of_a_long_text_is_known_as_such(esm_class, octets, tlvs, expected):
    pdu = deliver_sm(short_message=octets, esm_class=esm_class, tlvs=tlvs)
    mo = received(bound(), pdu)
    assert expected == (mo.part.ref, mo.part.total, mo.part.number, mo.part.octets)
    assert mo.text is None


def test_part_in_message_payload_is_known_as_such():
    tlvs = {Tlv.MESSAGE_PAYLOAD: b"\x05\0\3\xd5\2\1TK,"}
    pdu = deliver_sm(short_message=b"", esm_class=UDHI, tlvs=tlvs)
    assert Part("8:213", 2, 1, 0, b"TK,", (0, 0)) == received(bound(), pdu).part


def test_shift_tables_travel_with_the_part():
    pdu = deliver_sm(short_message=b"\x0b\0\3\xd5\2\1\x24\1\3\x25\1\1TK", esm_class=UDHI)
    assert (3, 1) == received(bound(), pdu).part.shift


WHOLE = {
    "total 1": (UDHI, b"\x05\0\3\xd5\1\1TK", {}),
    "total 0": (UDHI, b"\x05\0\3\xd5\0\0TK", {}),
    "number 0": (UDHI, b"\x05\0\3\xd5\2\0TK", {}),
    "number past total": (UDHI, b"\x05\0\3\xd5\2\3TK", {}),
    "sar of one part": (0, b"TK", {0x20C: b"\0\5", 0x20E: b"\1", 0x20F: b"\1"}),
    "sar without total": (0, b"TK", {0x20C: b"\0\5", 0x20F: b"\1"}),
    "sar without reference": (0, b"TK", {0x20E: b"\2", 0x20F: b"\1"}),
    "sar of absurd size": (0, b"TK", {0x20C: b"\0\5", 0x20E: b"\1\2", 0x20F: b"\1"}),
    "header with nothing about parts": (UDHI, b"\x03\x24\1\0TK", {}),
    "UDHI without a header": (UDHI, b"TK", {}),
}


@pytest.mark.parametrize(("esm_class", "octets", "tlvs"), WHOLE.values(), ids=WHOLE)
def test_numbers_that_make_no_sense_mean_a_whole_text(esm_class, octets, tlvs):
    mo = received(bound(), deliver_sm(short_message=octets, esm_class=esm_class, tlvs=tlvs))
    assert ("TK", None) == (mo.text, mo.part)


def test_header_that_goes_beyond_the_text_is_no_exception():
    for octets in (b"", b"\0", b"\xff", b"\x05", b"\x05\0\3\xd5\2", b"\x03\0\xff\xd5"):
        received(bound(), deliver_sm(short_message=octets, esm_class=UDHI))


# --- retransmission -------------------------------------------------------------------------


def test_same_octets_have_the_same_fingerprint_on_any_session():
    first = received(bound(), deliver_sm(7))
    again = received(bound(link="mobi"), deliver_sm(900, protocol_id=1, priority=1))
    assert first.fingerprint == again.fingerprint
    assert -(2**63) <= first.fingerprint < 2**63


DIFFERENT: dict[str, dict[str, Any]] = {
    "octets": {"short_message": b"TK,x"},
    "data_coding": {"data_coding": 1},
    "UDHI": {"esm_class": UDHI},
    "sar reference": {"tlvs": {0x20C: b"\0\5", 0x20E: b"\2", 0x20F: b"\1"}},
    "other sar reference": {"tlvs": {0x20C: b"\0\6", 0x20E: b"\2", 0x20F: b"\1"}},
    "sar part": {"tlvs": {0x20C: b"\0\5", 0x20E: b"\2", 0x20F: b"\2"}},
}


def test_what_differs_on_the_wire_differs_in_its_fingerprint():
    pdus = [deliver_sm(7), *(deliver_sm(7, **changes) for changes in DIFFERENT.values())]
    prints = {received(bound(), pdu).fingerprint for pdu in pdus}
    assert len(pdus) == len(prints)


# --- receipts -------------------------------------------------------------------------------

RECEIPT = (
    b"id:0123456789 sub:001 dlvrd:001 submit date:2501010000 done date:2501010001 "
    b"stat:DELIVRD err:000 text:TK: 201234567, MK:"
)


def test_receipt_is_answered_like_an_mo_and_never_taken_for_one():
    dialogue = bound()
    (event,) = dialogue.says(deliver_sm(7, short_message=RECEIPT, esm_class=4))
    assert isinstance(event, ReceiptReceived)
    assert "0123456789" == event.receipt.smsc_id
    assert 1 == dialogue.session.unanswered
    dialogue.session.answer(event.ticket, Answer.OK)
    assert [DeliverSmResp(7)] == dialogue.heard()


def test_receipt_in_data_sm_is_a_receipt():
    dialogue = bound()
    tlvs: dict[int, bytes] = {Tlv.RECEIPTED_MESSAGE_ID: b"4711\0", Tlv.MESSAGE_STATE: b"\2"}
    (event,) = dialogue.says(DataSm(9, CITIZEN, SHORTCODE, esm_class=4, tlvs=tlvs))
    assert "4711" == event.receipt.smsc_id
    dialogue.session.answer(event.ticket, Answer.LATER)
    assert [DataSmResp(9, 0x64)] == dialogue.heard()


# --- MT -------------------------------------------------------------------------------------


def test_mt_leaves_as_one_submit_sm():
    dialogue = bound(receipts=True)
    sequence = dialogue.session.submit(mt(1, "MK: {abc}"), T0)
    expected = SubmitSm(
        sequence,
        SHORTCODE,
        CITIZEN,
        registered_delivery=1,
        short_message=b"MK: \x1b(abc\x1b)",
    )
    assert [expected] == dialogue.heard()


def test_no_receipt_is_asked_for_where_none_is_wanted():
    dialogue = bound(receipts=False)
    dialogue.session.submit(mt(), T0)
    assert 0 == dialogue.heard()[0].registered_delivery


@pytest.mark.parametrize("alphabet", Alphabet)
def test_mt_is_written_in_the_alphabet_of_the_link(alphabet):
    dialogue = bound(alphabet=alphabet)
    dialogue.session.submit(mt(1, "@$_ ok"), T0)
    (submit,) = dialogue.heard()
    assert (0, encode_text("@$_ ok", alphabet)) == (submit.data_coding, submit.short_message)


def test_taken_with_the_id_that_the_smsc_gave():
    dialogue = bound()
    sequence = dialogue.session.submit(mt(5), T0)
    assert [Taken(5, "00AB12")] == dialogue.says(SubmitSmResp(sequence, OK, "00AB12"))
    assert 3 == dialogue.session.room


def test_answers_are_matched_by_sequence_number_in_any_order():
    dialogue = bound()
    first, second = dialogue.session.submit(mt(1), T0), dialogue.session.submit(mt(2), T0)
    events = dialogue.says(SubmitSmResp(second, OK, "b"), SubmitSmResp(first, OK, "a"))
    assert [Taken(2, "b"), Taken(1, "a")] == events


def test_answer_to_nothing_is_passed_over():
    dialogue = bound()
    sequence = dialogue.session.submit(mt(), T0)
    assert [] == dialogue.says(
        SubmitSmResp(sequence + 1, OK, "x"),
        DeliverSmResp(sequence),
        EnquireLinkResp(sequence),
        GenericNack(sequence + 1, 3),
        GenericNack(0, 3),
        Unknown(0x80000021, sequence, 0),
    )
    assert 2 == dialogue.session.room
    dialogue.says(SubmitSmResp(sequence, OK, "a"))
    assert [] == dialogue.says(SubmitSmResp(sequence, OK, "a"))


VERDICTS = {
    "throttled": (0x58, Postponed(5, "ESME_RTHROTTLED (0x00000058)", throttled=True)),
    "queue full": (
        0x14,
        Postponed(5, "ESME_RMSGQFUL (0x00000014)", False, full_for=CITIZEN.number),
    ),
    "system error": (0x08, Postponed(5, "ESME_RSYSERR (0x00000008)", throttled=False)),
    "a carrier's own": (0x410, Postponed(5, "0x00000410", throttled=False)),
    "no such number": (0x0B, Refused(5, "ESME_RINVDSTADR (0x0000000B)", address=True)),
    "our short code": (0x0A, Postponed(5, "ESME_RINVSRCADR (0x0000000A)", False, barred=True)),
}


@pytest.mark.parametrize(("status", "result"), VERDICTS.values(), ids=VERDICTS)
def test_status_decides_what_becomes_of_the_text(status, result):
    dialogue = bound()
    sequence = dialogue.session.submit(mt(5), T0)
    without_body = header.pack(16, 0x80000004, status, sequence)
    assert [result] == dialogue.says(without_body)


def test_answer_without_its_nul_is_still_an_answer():
    dialogue = bound()
    sequence = dialogue.session.submit(mt(5), T0)
    assert [Taken(5, "4711")] == dialogue.says(header.pack(20, 0x80000004, 0, sequence) + b"4711")


def test_answer_with_more_tlvs_than_we_know_is_an_answer():
    dialogue = bound()
    sequence = dialogue.session.submit(mt(5), T0)
    tlvs = {Tlv.NETWORK_ERROR_CODE: b"\3\0\0", 0x1400: b"x"}
    assert [Taken(5, "4711")] == dialogue.says(SubmitSmResp(sequence, OK, "4711", tlvs))


@pytest.mark.parametrize("status", [OK, 2, 8])
def test_generic_nack_in_place_of_an_answer_closes_the_request_as_failed(status):
    dialogue = bound()
    sequence = dialogue.session.submit(mt(5), T0)
    (result,) = dialogue.says(GenericNack(sequence, status))
    assert (Postponed, 5, False) == (type(result), result.mt_id, result.throttled)
    assert 3 == dialogue.session.room


def test_window_bounds_what_awaits_its_answer():
    dialogue = bound(window=2)
    sequences = [dialogue.session.submit(mt(number), T0) for number in (1, 2)]
    assert 0 == dialogue.session.room
    with pytest.raises(WindowFull):
        dialogue.session.submit(mt(3), T0)
    dialogue.says(SubmitSmResp(sequences[0], THROTTLED))
    assert 1 == dialogue.session.room


def test_nothing_is_sent_before_bound():
    dialogue = Dialogue()
    assert 0 == dialogue.session.room
    with pytest.raises(NotBound):
        dialogue.session.submit(mt(), T0)


def test_unanswered_submit_is_reported_and_frees_its_slot():
    dialogue = bound()
    dialogue.session.submit(mt(1), T0)
    dialogue.session.submit(mt(2), T0 + 1)
    assert T0 + 10 == dialogue.session.next_deadline()
    assert [] == dialogue.session.tick(T0 + 9.9)
    assert [Unanswered(1, "no answer to submit_sm in 10 s", False)] == dialogue.session.tick(
        T0 + 10
    )
    assert 2 == dialogue.session.room
    assert T0 + 11 == dialogue.session.next_deadline()


def test_late_answer_still_settles_the_text_once():
    dialogue = bound()
    sequence = dialogue.session.submit(mt(1), T0)
    dialogue.session.tick(T0 + 10)
    late = SubmitSmResp(sequence, OK, "4711")
    assert [TakenLate(Taken(1, "4711"))] == dialogue.says(late, now=T0 + 12)
    assert [] == dialogue.says(late, now=T0 + 13)


def test_late_refusal_says_nothing_new():
    dialogue = bound()
    sequence = dialogue.session.submit(mt(1), T0)
    dialogue.session.tick(T0 + 10)
    assert [] == dialogue.says(SubmitSmResp(sequence, THROTTLED), now=T0 + 12)


@pytest.mark.parametrize(
    "unsendable",
    [mt(9, to=Address("1" * 21, 1, 1)), mt(9, "x" * 255), mt(9, to=Address("1", 300, 1))],
    ids=["address", "text", "ton"],
)
def test_text_that_smpp_cannot_carry_is_refused_at_the_next_tick(unsendable):
    dialogue = bound()
    dialogue.session.submit(unsendable, T0)
    assert b"" == dialogue.session.take_outgoing()
    assert T0 >= dialogue.session.next_deadline()
    (refused,) = dialogue.session.tick(T0)
    assert (Refused, 9) == (type(refused), refused.mt_id)
    assert 3 == dialogue.session.room


def test_sequence_numbers_wrap_and_skip_those_in_flight():
    dialogue = bound(window=100)
    first = dialogue.session.submit(mt(1), T0)
    dialogue.session._window._sequence = window.MAX_SEQUENCE - 1
    sequences = [dialogue.session.submit(mt(number), T0) for number in range(2, 6)]
    assert [0x7FFFFFFF, 1, 3, 4] == sequences
    assert 2 == first
    assert [Taken(1, "a")] == dialogue.says(SubmitSmResp(first, OK, "a"))


def test_abandoned_session_gives_back_what_is_in_flight():
    dialogue = bound()
    for number in (1, 2):
        dialogue.session.submit(mt(number), T0)
    assert [Unanswered(1, "cut", True), Unanswered(2, "cut", True)] == dialogue.session.abandon(
        "cut"
    )
    assert [] == dialogue.session.abandon("cut")
    assert 0 == dialogue.session.room
    assert float("inf") == dialogue.session.next_deadline()


# --- enquire_link ---------------------------------------------------------------------------


@pytest.mark.parametrize("sequence", [0, 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_enquire_link_is_answered_with_its_own_sequence_number(sequence):
    dialogue = bound()
    assert [] == dialogue.says(EnquireLink(sequence))
    assert [EnquireLinkResp(sequence)] == dialogue.heard()


def test_silence_is_enquired_about():
    dialogue = bound()
    assert T0 + 30 == dialogue.session.next_deadline()
    assert [] == dialogue.session.tick(T0 + 29.9)
    assert [] == dialogue.heard()
    assert [] == dialogue.session.tick(T0 + 30)
    (enquiry,) = dialogue.heard()
    assert EnquireLink(enquiry.sequence) == enquiry
    assert [Echo()] == dialogue.says(EnquireLinkResp(enquiry.sequence), now=T0 + 31)
    assert T0 + 61 == dialogue.session.next_deadline()
    assert [] == dialogue.session.tick(T0 + 60.9)


def test_somebody_may_enquire_at_any_time_and_one_is_asked_at_once():
    dialogue = bound()
    dialogue.session.enquire(T0 + 1)
    dialogue.session.enquire(T0 + 2)
    (enquiry,) = dialogue.heard()
    assert [Echo()] == dialogue.says(EnquireLinkResp(enquiry.sequence), now=T0 + 3)


def test_nothing_is_enquired_before_the_bind():
    dialogue = Dialogue()
    dialogue.heard()
    dialogue.session.enquire(T0)
    assert [] == dialogue.heard()


def test_traffic_puts_the_enquiry_off():
    dialogue = bound()
    dialogue.says(EnquireLink(1), now=T0 + 29)
    assert T0 + 59 == dialogue.session.next_deadline()


def test_enquire_link_without_an_answer_means_a_dead_line():
    dialogue = bound()
    dialogue.session.submit(mt(1), T0 + 29)
    dialogue.session.tick(T0 + 30)
    (lost,) = [e for e in dialogue.session.tick(T0 + 40) if isinstance(e, Lost)]
    assert "no answer to enquire_link in 10 s: the line is dead" == lost.reason
    assert [] == dialogue.says(deliver_sm(), now=T0 + 41)
    assert [] == dialogue.session.tick(T0 + 50)


def test_enquire_link_answered_with_another_number_is_not_answered():
    dialogue = bound()
    dialogue.session.tick(T0 + 30)
    (enquiry,) = dialogue.heard()
    dialogue.says(
        EnquireLinkResp(enquiry.sequence + 1), SubmitSmResp(enquiry.sequence), now=T0 + 31
    )
    assert [Lost] == kinds(dialogue.session.tick(T0 + 40))


@pytest.mark.parametrize("status", [OK, 3])
def test_generic_nack_to_enquire_link_means_that_somebody_is_there(status):
    dialogue = bound()
    dialogue.session.tick(T0 + 30)
    (enquiry,) = dialogue.heard()
    assert [Echo()] == dialogue.says(GenericNack(enquiry.sequence, status), now=T0 + 31)
    assert [] == dialogue.session.tick(T0 + 40)


# --- the end --------------------------------------------------------------------------------


def test_unbind_of_the_smsc_is_answered_and_ends_the_session():
    dialogue = bound()
    dialogue.session.submit(mt(1), T0)
    dialogue.heard()
    assert [PeerUnbound()] == dialogue.says(Unbind(77))
    assert [UnbindResp(77)] == dialogue.heard()
    assert 0 == dialogue.session.room
    assert [Unanswered(1, "unbound", True)] == dialogue.session.abandon("unbound")


def test_unbind_of_the_smsc_is_answered_also_before_bound():
    dialogue = Dialogue()
    dialogue.heard()
    assert [PeerUnbound()] == dialogue.says(Unbind(77))
    assert [UnbindResp(77)] == dialogue.heard()


def test_our_unbind_lets_everything_that_is_under_way_arrive():
    dialogue = bound()
    sequence = dialogue.session.submit(mt(1), T0)
    dialogue.session.unbind(T0)
    *_, unbind = dialogue.heard()
    assert 0 == dialogue.session.room
    event, taken = dialogue.says(deliver_sm(7), SubmitSmResp(sequence, OK, "4711"))
    assert Taken(1, "4711") == taken
    dialogue.session.answer(event.ticket, Answer.OK)
    assert [DeliverSmResp(7)] == dialogue.heard()
    assert [] == dialogue.says(UnbindResp(unbind.sequence + 1))
    assert [Unbound()] == dialogue.says(UnbindResp(unbind.sequence))


def test_unbind_is_said_once():
    dialogue = bound()
    dialogue.session.unbind(T0)
    dialogue.session.unbind(T0)
    assert 1 == len(dialogue.heard())


def test_unbind_answered_with_generic_nack_is_done():
    dialogue = bound()
    dialogue.session.unbind(T0)
    (unbind,) = dialogue.heard()
    assert [Unbound()] == dialogue.says(GenericNack(unbind.sequence, 3))


def test_unbind_without_an_answer_ends_the_session():
    dialogue = bound()
    dialogue.session.unbind(T0)
    assert T0 + 10 == dialogue.session.next_deadline()
    assert [Lost("no answer to unbind in 10 s")] == dialogue.session.tick(T0 + 10)


def test_unbind_before_bound_is_done_at_once():
    dialogue = Dialogue()
    dialogue.session.unbind(T0)
    assert T0 >= dialogue.session.next_deadline()
    assert [Unbound()] == dialogue.session.tick(T0)
    assert [] == dialogue.says(BindResp(Command.BIND_TRANSCEIVER, 1, OK, "SMSC"))


# --- what is not for us ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [0x428, 0x00010200, 3, 4, 7, 8, 0x21, 1, 2, 9], ids=lambda command: f"0x{command:X}"
)
def test_request_that_we_do_not_serve_is_nacked_and_the_session_goes_on(command):
    dialogue = bound()
    request = header.pack(20, command, 0, 99) + b"body"
    assert [MoReceived] == kinds(dialogue.says(request, deliver_sm()))
    assert [GenericNack(99, 3)] == dialogue.heard()


@pytest.mark.parametrize("command", [0x102, 0x0B, 0x80000428, 0x80000021])
def test_what_has_no_answer_gets_none(command):
    dialogue = bound()
    assert [] == dialogue.says(header.pack(20, command, 0, 99) + b"body")
    assert b"" == dialogue.session.take_outgoing()


NOT_SMPP = {
    "HTTP": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "b'HTTP/1.1 400 Bad Request"),
    "line end": (b"\r\n", r"b'\r\n'"),
    "one letter": (b"H", "b'H'"),
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", "b'SSH-2.0-OpenSSH_9.2"),
    "TLS": (b"\x15\x03\x01\x00\x02\x02\x46", "which is TLS: set tls = true"),
    "a length of nothing": (b"\0\0\0\0", r"b'\x00\x00\x00\x00'"),
}


@pytest.mark.parametrize(("octets", "shown"), NOT_SMPP.values(), ids=NOT_SMPP)
def test_peer_that_is_not_smpp_is_named_so(octets, shown):
    (lost,) = Dialogue().says(octets)
    assert lost.reason.startswith("peer is not SMPP: it sent ")
    assert shown in lost.reason


def test_peer_that_says_too_little_is_quoted_when_the_bind_runs_out():
    dialogue = Dialogue()
    assert [] == dialogue.says(b"\0\0")
    (lost,) = dialogue.session.tick(T0 + 10)
    assert r"it sent b'\x00\x00'" in lost.reason


@pytest.mark.parametrize("length", [0, 4, 15, 70_000, 0xFFFFFFFF])
def test_stream_out_of_step_is_nacked_and_dropped(length):
    dialogue = bound()
    (lost,) = dialogue.says(header.pack(length, 5, 0, 7))
    assert lost.reason.startswith("out of step")
    assert [GenericNack(0, 2)] == dialogue.heard()
    assert [] == dialogue.says(deliver_sm())


def test_answers_before_the_stream_went_out_of_step_still_count():
    dialogue = bound()
    sequence = dialogue.session.submit(mt(5), T0)
    answer = encode(SubmitSmResp(sequence, OK, "4711"))
    assert [Taken, Lost] == kinds(dialogue.says(answer + b"HTTP/1.1"))
    assert [] == dialogue.session.abandon("out of step")


# --- bounds ---------------------------------------------------------------------------------


def test_flood_is_turned_away_before_anything_is_kept(monkeypatch):
    monkeypatch.setattr(inbox, "MAX_TICKETS", 2)
    dialogue = bound()
    events = dialogue.says(deliver_sm(1), deliver_sm(2), deliver_sm(3))
    assert [1, 2] == [event.ticket for event in events]
    assert [DeliverSmResp(3, THROTTLED)] == dialogue.heard()


def test_peer_that_does_not_read_is_dropped(monkeypatch):
    monkeypatch.setattr(outgoing, "MAX_OUTGOING_OCTETS", 100)
    dialogue = bound()
    events = []
    for sequence in range(7):
        events += dialogue.says(EnquireLink(sequence))
    assert [Lost("peer does not read what we answer")] == events


def test_unanswered_submits_are_not_remembered_for_ever(monkeypatch):
    monkeypatch.setattr(window, "MAX_LATE", 2)
    dialogue = bound()
    sequences = []
    for number in range(3):
        sequences.append(dialogue.session.submit(mt(number), T0))
    dialogue.session.tick(T0 + 10)
    late = dialogue.says(*(SubmitSmResp(each, OK, "x") for each in sequences), now=T0 + 11)
    assert [1, 2] == [event.taken.mt_id for event in late]


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.builds(
                lambda command, status, sequence, body: (
                    header.pack(16 + len(body), command, status, sequence) + body
                ),
                st.sampled_from([c ^ a for c in Command for a in (0, 0x80000000)]),
                st.sampled_from([0, 5, 0x58]),
                st.integers(0, 5),
                st.binary(max_size=60),
            ),
        )
    ),
    st.booleans(),
)
def test_no_octets_of_any_peer_raise(pieces, is_bound):
    dialogue = bound() if is_bound else Dialogue()
    session = dialogue.session
    now = T0
    for piece in pieces:
        now += 1
        for event in session.receive(piece, now) + session.tick(now):
            if isinstance(event, MoReceived | ReceiptReceived):
                session.answer(event.ticket, Answer.OK)
        if session.room:
            session.submit(mt(), now)
        assert session.next_deadline() >= 0
        assert session.take_outgoing() is not None
    session.abandon("end")


# --- trace ----------------------------------------------------------------------------------


def test_trace_shows_both_directions_without_password_and_text():
    lines = []
    session = Session(settings(), 42, T0)
    session.trace = lines.append
    bind = decode(session.take_outgoing())
    session.receive(encode(BindResp(bind.command, bind.sequence, OK, "SMSC")), T0)
    session.receive(encode(deliver_sm(7)) + header.pack(17, 5, 0, 8) + b"x", T0)
    session.submit(mt(1, "MK: abcdefgh"), T0)
    assert ["<- bind_transceiver_resp", "<- deliver_sm", "<- malformed", "-> deliver_sm_resp"] == [
        " ".join(line.split()[:2]) for line in lines[:4]
    ]
    assert lines[-1].startswith("-> submit_sm sequence=2")
    assert not [line for line in lines if "Nguyen" in line or "abcdefgh" in line]


def test_bind_is_traced_without_its_password():
    lines = []
    Session(settings(), 42, T0, trace=lines.append)
    assert ["-> bind_transceiver"] == [" ".join(line.split()[:2]) for line in lines]
    assert "geheim" not in lines[0]
