"""What travels, octet by octet; smpplib is the oracle on all that is well formed."""

import struct
from contextlib import suppress
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from smpplib import consts, smpp

from smsgw.model import Address
from smsgw.smpp import codec
from smsgw.smpp.codec import (
    MAX_PDU_OCTETS,
    FrameReader,
    SubmitTemplate,
    decode,
    encode,
    layout,
    reading,
)
from smsgw.smpp.pdu import (
    BINDS,
    BadPdu,
    Bind,
    BindResp,
    Command,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    StreamLost,
    SubmitSm,
    SubmitSmResp,
    Tlv,
    Unbind,
    UnbindResp,
    Unknown,
    Unsendable,
    describe,
)
from tests.budget import BUDGET_MS, cost_ms
from tests.smpp.dialogue import CITIZEN, SHORTCODE, TEXT, deliver_sm


def frame(command, body=b"", status=0, sequence=7):
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def c_octets(most):
    characters = st.characters(min_codepoint=1, max_codepoint=255)
    return st.text(characters, max_size=most)


octet = st.integers(0, 255)
sequences = st.integers(1, 0x7FFFFFFF)
statuses = st.integers(0, 0xFFFFFFFF)
tlvs = st.dictionaries(st.integers(1, 0xFFFF), st.binary(max_size=300), max_size=4)


def addresses():
    return st.builds(Address, c_octets(20), octet, octet)


def messages(kind):
    return st.builds(
        kind,
        sequences,
        addresses(),
        addresses(),
        c_octets(5),
        octet,
        octet,
        octet,
        octet,
        octet,
        st.binary(max_size=255),
        tlvs,
        st.just(0),
    )


data_sms = st.builds(
    DataSm,
    sequences,
    addresses(),
    addresses(),
    c_octets(5),
    octet,
    st.just(0),
    st.just(0),
    octet,
    octet,
    st.just(b""),
    tlvs,
    st.just(0),
)
binds = st.builds(
    Bind,
    st.sampled_from(BINDS),
    sequences,
    c_octets(15),
    c_octets(8),
    c_octets(12),
    st.just(0x34),
    octet,
    octet,
    c_octets(40),
)
answers = st.one_of(
    st.builds(BindResp, st.sampled_from(BINDS), sequences, statuses, c_octets(15), tlvs),
    st.builds(SubmitSmResp, sequences, statuses, c_octets(64), tlvs),
    st.builds(DeliverSmResp, sequences, statuses, c_octets(64), tlvs),
    st.builds(DataSmResp, sequences, statuses, c_octets(64), tlvs),
)
bare = st.one_of(
    st.builds(EnquireLink, sequences),
    st.builds(EnquireLinkResp, sequences, statuses),
    st.builds(Unbind, sequences),
    st.builds(UnbindResp, sequences, statuses),
    st.builds(GenericNack, sequences, statuses),
)
pdus = st.one_of(messages(DeliverSm), messages(SubmitSm), data_sms, binds, answers, bare)


@given(pdus)
def test_what_is_written_is_read_again(pdu):
    assert pdu == decode(encode(pdu))
    assert type(pdu) is type(decode(encode(pdu)))


@given(st.one_of(messages(DeliverSm), messages(SubmitSm)))
def test_smpplib_reads_the_same_out_of_a_message(pdu):
    oracle = smpp.parse_pdu(
        encode(pdu._replace(tlvs={})), sequence=1, allow_unknown_opt_params=True
    )
    latin1 = "latin-1"
    assert (
        oracle.sequence,
        Address(oracle.source_addr.decode(latin1), oracle.source_addr_ton, oracle.source_addr_npi),
        Address(oracle.destination_addr.decode(latin1), oracle.dest_addr_ton, oracle.dest_addr_npi),
        oracle.service_type.decode(latin1),
        oracle.esm_class,
        oracle.protocol_id,
        oracle.priority_flag,
        oracle.registered_delivery,
        oracle.data_coding,
        # What is empty is left out by smpplib when nothing follows it.
        oracle.short_message or b"",
    ) == pdu[:-2]


@given(st.one_of(binds, answers.map(lambda pdu: pdu._replace(tlvs={})), bare))
def test_smpplib_reads_the_same_out_of_everything_else(pdu):
    oracle = smpp.parse_pdu(encode(pdu), sequence=1, allow_unknown_opt_params=True)
    assert pdu.sequence == oracle.sequence
    assert getattr(pdu, "status", 0) == oracle.status
    for name in ("system_id", "password", "system_type", "address_range", "message_id"):
        if hasattr(pdu, name):
            assert getattr(pdu, name).encode("latin-1") == getattr(oracle, name)


def test_smpplib_and_we_agree_about_integer_and_octet_tlvs():
    oracle = smpp.make_pdu(
        "deliver_sm",
        sequence=1,
        source_addr="84905123456",
        sar_msg_ref_num=0x1234,
        sar_total_segments=2,
        sar_segment_seqnum=1,
        message_payload=b"payload",
    )
    oracle.sequence = 7
    tlvs = decode(oracle.generate()).tlvs
    assert {
        Tlv.SAR_MSG_REF_NUM: b"\x12\x34",
        Tlv.SAR_TOTAL_SEGMENTS: b"\2",
        Tlv.SAR_SEGMENT_SEQNUM: b"\1",
        Tlv.MESSAGE_PAYLOAD: b"payload",
    } == tlvs


# --- frames ---------------------------------------------------------------------------------


def test_pdu_cut_anywhere_by_the_network_is_read_once():
    wire = encode(deliver_sm())
    for cut in range(len(wire) + 1):
        reader = FrameReader()
        assert [wire] == reader.feed(wire[:cut]) + reader.feed(wire[cut:])
        assert b"" == reader.rest


def test_pdus_that_come_octet_by_octet_are_read_in_order():
    wires = [encode(deliver_sm(sequence)) for sequence in range(1, 4)]
    reader = FrameReader()
    frames = []
    for value in b"".join(wires):
        frames += reader.feed(bytes((value,)))
    assert wires == frames


@given(st.lists(pdus, max_size=6), st.data())
def test_any_slicing_of_any_stream_gives_the_same_pdus(sent, data):
    stream = b"".join(map(encode, sent))
    reader = FrameReader()
    frames = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        frames += reader.feed(stream[:size])
        stream = stream[size:]
    assert sent == [decode(each) for each in frames]


@pytest.mark.parametrize(
    "length", [*range(16), MAX_PDU_OCTETS + 1, 0x0D0A0D0A, 0x48545450, 0x7FFFFFFF, 0xFFFFFFFF]
)
def test_impossible_length_loses_the_stream_before_its_octets_are_awaited(length):
    with pytest.raises(StreamLost):
        FrameReader().feed(struct.pack(">I", length))


def test_longest_message_payload_passes():
    wire = encode(deliver_sm(short_message=b"", tlvs={Tlv.MESSAGE_PAYLOAD: b"x" * 0xFFFF}))
    assert [wire] == FrameReader().feed(wire)
    assert 0xFFFF == len(decode(wire).octets)


def test_unfinished_pdu_is_not_copied_for_each_octet_that_comes(monkeypatch):
    reader = FrameReader()
    wire = encode(deliver_sm(short_message=b"", tlvs={Tlv.MESSAGE_PAYLOAD: b"x" * 60_000}))
    reader.feed(wire[:5])
    rest = reader._rest
    for value in wire[5:-1]:
        assert [] == reader.feed(bytes((value,)))
    assert rest is reader._rest
    assert [wire] == reader.feed(wire[-1:])


# --- strictness -----------------------------------------------------------------------------

PLAIN = encode(deliver_sm())
BODY = PLAIN[16:]


def status_of(wire):
    with pytest.raises(BadPdu) as caught:
        decode(wire)
    assert 7 == caught.value.sequence
    return caught.value.status


def test_sm_length_beyond_the_pdu_is_refused():
    at = BODY.index(TEXT.encode()) - 1
    for octets in (len(TEXT) + 1, 250, 255):
        body = BODY[:at] + bytes((octets,)) + BODY[at + 1 :]
        assert consts.SMPP_ESME_RINVMSGLEN == status_of(frame(5, body))


@pytest.mark.parametrize("kind", [DeliverSm, SubmitSm])
def test_body_cut_anywhere_is_refused(kind):
    wire = encode(kind(*deliver_sm()))
    for cut in range(16, len(wire)):
        status_of(frame(int.from_bytes(wire[4:8], "big"), wire[16:cut]))


UNENDED = {
    "service_type": (b"CMT567\0" + BODY[1:], consts.SMPP_ESME_RINVSERTYP),
    "source_addr": (
        b"\0\1\1" + b"8" * 21 + b"\0" + BODY[15:],
        consts.SMPP_ESME_RINVSRCADR,
    ),
    "destination_addr": (
        BODY[:15] + b"\3\0" + b"8" * 21 + b"\0" + BODY[22:],
        consts.SMPP_ESME_RINVDSTADR,
    ),
    "schedule_delivery_time": (
        BODY[:25] + b"0" * 17 + b"\0" + BODY[26:],
        consts.SMPP_ESME_RINVSCHED,
    ),
    "validity_period": (BODY[:26] + b"0" * 17 + b"\0" + BODY[27:], consts.SMPP_ESME_RINVEXPIRY),
    "no NUL at all": (b"\0\1\1" + b"8" * 15, consts.SMPP_ESME_RINVSRCADR),
    "nothing": (b"", consts.SMPP_ESME_RINVSERTYP),
}


@pytest.mark.parametrize(("body", "status"), UNENDED.values(), ids=UNENDED)
def test_string_without_its_nul_is_blamed_by_name(body, status):
    assert status == status_of(frame(5, body))


def test_times_of_delivery_and_validity_are_passed_over():
    body = BODY[:25] + b"250101000000000R\0" + b"000002000000000R\0" + BODY[27:]
    assert deliver_sm() == decode(frame(5, body))


def test_data_sm_has_room_for_a_long_address():
    body = b"\0\5\0" + b"a" * 64 + b"\0\3\x008188\0\0\0\0"
    assert "a" * 64 == decode(frame(0x103, body)).source.number
    body = b"\0\5\0" + b"a" * 65 + b"\0\3\x008188\0\0\0\0"
    assert consts.SMPP_ESME_RINVSRCADR == status_of(frame(0x103, body))


# Behind the mandatory fields: (octets, TLVs that are read, octets that are none).
STRAY = {
    "a NUL": (b"\0", {}, 1),
    "three NULs": (b"\0\0\0", {}, 3),
    "ten NULs": (bytes(10), {}, 10),
    "one octet": (b"\x14", {}, 1),
    "two octets": (b"\x14\0", {}, 2),
    "three octets": (b"\x14\0\0", {}, 3),
    "a TLV whose value is missing": (b"\x14\0\0\1", {}, 4),
    "a TLV that is cut": (b"\0\x1e\0\5abcd", {}, 8),
    "a TLV of 64 KiB that is cut": (b"\x14\0\xff\xffabcd", {}, 8),
    "a NUL behind a TLV": (b"\x14\0\0\1x\0", {0x1400: b"x"}, 1),
    "the second TLV cut": (b"\x14\0\0\1x\x14\1\0\5abcd", {0x1400: b"x"}, 8),
    "a NUL before a TLV": (b"\0\x02\x0c\0\2\0\7", {0x20C: b"\0\7"}, 1),
    "three NULs before two TLVs": (
        b"\0\0\0\x02\x0c\0\2\0\7\x02\x0e\0\1\2",
        {0x20C: b"\0\7", 0x20E: b"\2"},
        3,
    ),
    "message_payload cut, beside the text": (b"\x04\x24\0\5abcd", {}, 8),
    "a CR and a LF": (b"\r\n", {}, 2),
}


@pytest.mark.parametrize(("behind", "tlvs", "stray"), STRAY.values(), ids=STRAY)
def test_octets_behind_the_fields_that_are_no_tlv_are_passed_over(behind, tlvs, stray):
    assert deliver_sm(tlvs=tlvs, stray=stray) == decode(frame(5, BODY + behind))


@pytest.mark.parametrize("kind", [DeliverSm, DataSm])
def test_receipt_with_stray_octets_keeps_its_tlvs(kind):
    pdu = kind(7, CITIZEN, SHORTCODE, tlvs={Tlv.RECEIPTED_MESSAGE_ID: b"7F\0"})
    wire = encode(pdu)
    read = decode(frame(int.from_bytes(wire[4:8], "big"), wire[16:] + b"\x04\x27\0"))
    assert pdu._replace(stray=3) == read


NEEDED = {
    "sar_msg_ref_num": (BODY, b"\x02\x0c\0\2\0"),
    "sar_total_segments": (BODY, b"\x02\x0c\0\2\0\7\x02\x0e\0\1"),
    "sar_segment_seqnum, of which there is the tag": (BODY, b"\x02\x0f"),
    "sar_msg_ref_num behind a NUL": (BODY, b"\0\x02\x0c\0\2\0"),
    "message_payload without short_message": (
        encode(deliver_sm(short_message=b""))[16:],
        b"\x04\x24\0\5abcd",
    ),
}


@pytest.mark.parametrize(("body", "torn"), NEEDED.values(), ids=NEEDED)
def test_cut_tlv_that_the_text_needs_is_refused(body, torn):
    assert consts.SMPP_ESME_RINVOPTPARSTREAM == status_of(frame(5, body + torn))


def test_cut_payload_of_a_data_sm_is_refused():
    body = encode(DataSm(7, CITIZEN, SHORTCODE))[16:] + b"\x04\x24\0\5abcd"
    assert consts.SMPP_ESME_RINVOPTPARSTREAM == status_of(frame(0x103, body))


def test_cut_tlv_of_an_answer_is_refused():
    status = status_of(frame(0x80000004, b"id\0\x04\x24\0\5abcd"))
    assert consts.SMPP_ESME_RINVOPTPARSTREAM == status


COSTLY = {
    "64 KiB of empty TLVs": BODY + b"".join(n.to_bytes(2, "big") + b"\0\0" for n in range(16_000)),
    "64 KiB of NULs": BODY + bytes(65_000),
    "64 KiB without a NUL": b"a" * 65_000,
    "64 KiB of payload": encode(deliver_sm(short_message=b"", tlvs={0x424: b"x" * 65_000}))[16:],
}


@pytest.mark.parametrize("body", COSTLY.values(), ids=COSTLY)
@pytest.mark.parametrize("command", [5, 0x103, 9, 0x80000004, 0x80000009])
def test_no_pdu_takes_long_to_be_read_and_described(body, command):
    def read():
        with suppress(BadPdu):
            describe(decode(frame(command, body)))

    assert cost_ms(read) < BUDGET_MS


def test_tlv_of_a_vendor_is_kept():
    assert {0x1400: b"abc"} == decode(frame(5, BODY + b"\x14\0\0\3abc")).tlvs


def test_tlv_has_the_length_that_it_has_on_the_wire():
    wide = BODY + b"\x02\x0c\0\4\0\0\0\5" + b"\x02\x0e\0\1\2"
    tlvs = decode(frame(5, wide)).tlvs
    assert b"\0\0\0\5" == tlvs[Tlv.SAR_MSG_REF_NUM]
    assert b"\2" == tlvs[Tlv.SAR_TOTAL_SEGMENTS]


def test_string_tlv_keeps_its_last_octet():
    tlvs = decode(frame(5, BODY + b"\0\x1e\0\4ABCD")).tlvs
    assert b"ABCD" == tlvs[Tlv.RECEIPTED_MESSAGE_ID]


def test_tlv_that_smpplib_does_not_list_for_an_answer_is_kept():
    answer = SubmitSmResp(7, 0, "4711", {Tlv.NETWORK_ERROR_CODE: b"\3\0\1"})
    assert answer == decode(encode(answer))


def test_answer_without_a_body_is_an_answer():
    assert SubmitSmResp(7, 0x58, "") == decode(frame(0x80000004, status=0x58))
    assert BindResp(Command.BIND_TRANSCEIVER, 7, 0x0E, "") == decode(frame(0x80000009, status=0x0E))


@pytest.mark.parametrize("command", [0x428, 0x0B, 0x08, 0x07, 0x21, 0x03, 0x102, 0x80000021])
def test_command_that_we_do_not_speak_keeps_its_sequence_number(command):
    assert Unknown(command, 7, 0) == decode(frame(command, b"whatever"))


@given(st.binary(max_size=200), st.sampled_from([*Command, *(c | 0x80000000 for c in Command)]))
@example(BODY, Command.DELIVER_SM)
def test_any_body_is_a_pdu_or_a_bad_pdu(body, command):
    pdu: Any
    try:
        pdu = decode(frame(command, body))
    except BadPdu as fault:
        pdu = fault
    assert 7 == pdu.sequence
    assert isinstance(pdu, BadPdu) or describe(pdu)


@given(st.integers(0, len(BODY) - 1), octet)
def test_pattern_and_field_table_agree_about_one_wrong_octet(at, value):
    wire = frame(5, BODY[:at] + bytes((value,)) + BODY[at + 1 :])
    try:
        decode(wire)
    except BadPdu:
        return
    reading._read_fields(wire, layout.MESSAGE)


# --- out ------------------------------------------------------------------------------------

TOO_LONG = {
    "password": Bind(Command.BIND_TRANSCEIVER, 1, "danang", "ninechars"),
    "system_id": Bind(Command.BIND_TRANSCEIVER, 1, "sixteencharacter", "x"),
    "destination": SubmitSm(1, SHORTCODE, Address("1" * 21, 1, 1)),
    "ton": SubmitSm(1, SHORTCODE, Address("1", 256, 1)),
    "text": SubmitSm(1, SHORTCODE, CITIZEN, short_message=b"x" * 256),
    "not Latin-1": SubmitSm(1, Address("Việt", 5, 0), CITIZEN),
    "NUL inside": SubmitSm(1, Address("81\x0088", 5, 0), CITIZEN),
}


@pytest.mark.parametrize("pdu", TOO_LONG.values(), ids=TOO_LONG)
def test_what_smpplib_would_cut_or_mangle_is_refused(pdu):
    with pytest.raises(Unsendable):
        encode(pdu)


@given(sequences, addresses(), st.binary(max_size=254), st.integers(0, 1))
def test_template_writes_what_smpplib_writes(sequence, to, octets, receipts):
    example = SubmitSm(0, SHORTCODE, registered_delivery=receipts)
    expected = encode(example._replace(sequence=sequence, destination=to, short_message=octets))
    template = SubmitTemplate(example)
    assert expected == template.fill(sequence, to, octets)
    valid_until = datetime(2026, 11, 24, 16, 30, 5, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
    frame = template.fill(sequence, to, octets, valid_until)
    assert "261124093005000+" == codec.validity_period(frame)
    assert codec.decode(expected) == codec.decode(frame)


@pytest.mark.parametrize(
    ("to", "octets"),
    [(Address("1" * 21, 1, 1), b""), (CITIZEN, b"x" * 255), (Address("", 256, 0), b"")],
    ids=["address", "text", "ton"],
)
def test_template_refuses_what_does_not_fit(to, octets):
    with pytest.raises(Unsendable):
        SubmitTemplate(SubmitSm(0, SHORTCODE)).fill(1, to, octets)


def test_answer_of_the_hot_path_is_the_one_smpplib_writes():
    assert encode(DeliverSmResp(7, 0x64)) == codec.answer(0x80000005, 7, 0x64)
    assert encode(DataSmResp(7)) == codec.answer(0x80000103, 7, 0)


@given(pdus)
def test_description_shows_no_password_and_no_text(pdu):
    line = describe(pdu)
    assert 1 == len(line.splitlines())


def test_description_of_a_bind_has_no_password():
    bind = Bind(Command.BIND_TRANSCEIVER, 1, "danang", "geheim")
    for line in (describe(bind), repr(bind)):
        assert "danang" in line
        assert "geheim" not in line


def test_description_of_a_message_has_no_text():
    assert "Nguyen" not in describe(deliver_sm())
    assert "octets=37" in describe(deliver_sm())
