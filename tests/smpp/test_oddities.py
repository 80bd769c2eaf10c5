"""What a peer does against the standard: understood or refused, bounded, and always told."""

from functools import partial

import pytest

from smsgw.model import Octets, Oddity
from smsgw.smpp.codec import encode, header
from smsgw.smpp.events import (
    Lost,
    MoReceived,
    Odd,
    ReceiptReceived,
)
from smsgw.smpp.pdu import (
    DataSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    SubmitSmResp,
    Tlv,
    Unbind,
)
from smsgw.smpp.settings import BindMode
from smsgw.smpp.stream import SLICE_OCTETS, SLICE_PDUS, WATCHED_OCTETS
from tests.budget import BUDGET_MS, cost_ms
from tests.smpp.dialogue import CITIZEN, SHORTCODE, T0, TEXT, Dialogue, bound, deliver_sm

UDHI = 0x40
STRAY_NUL = bytes.fromhex(
    "000000550000000500000000000000010001013834393035313233343536000300383138380000000000000000000"
    "024544b2c5472616e20546869204d61692c3230313233343536372c30382e30332e3139383800"
)


def long_payload(octets=60_000):
    return deliver_sm(text="", tlvs={Tlv.MESSAGE_PAYLOAD: b"x" * octets})


# --- understood -----------------------------------------------------------------------------


def test_stray_nul_behind_a_text_is_counted_and_the_text_taken():
    dialogue = bound()
    (event,) = dialogue.says(STRAY_NUL)
    assert "TK,Tran Thi Mai,201234567,08.03.1988" == event.mo.text
    assert [Oddity.STRAY_OCTETS] == dialogue.odd
    assert [] == dialogue.heard()  # the desk answers


def test_receipt_with_a_stray_nul_is_a_receipt():
    dialogue = bound()
    wire = bytearray(encode(deliver_sm(text="id:7F stat:DELIVRD", esm_class=4)) + b"\0")
    wire[3] += 1
    (event,) = dialogue.says(bytes(wire))
    assert "7F" == event.receipt.smsc_id
    assert [Oddity.STRAY_OCTETS] == dialogue.odd


PLAIN = {
    "letters": {"text": TEXT},
    "letters in Latin-1": {"text": TEXT, "data_coding": 3},
    "letters in UCS-2": {
        "short_message": TEXT.encode("utf-16-be"), "data_coding": 8, "octets": True,
    },
    "diacritics in UCS-2": {
        "short_message": "TK,Lê".encode("utf-16-be"), "data_coding": 8, "octets": True,
    },
    "UTF-8 as septets": {"short_message": "TK,Lê".encode(), "octets": True},
    "UCS-2 as septets": {"short_message": "TK".encode("utf-16-be"), "octets": True},
    "letters as UCS-2": {"short_message": b"TK,Le ", "data_coding": 8, "octets": True},
}  # fmt: skip


@pytest.mark.parametrize("fields", PLAIN.values(), ids=PLAIN)
def test_octets_are_kept_of_what_another_alphabet_could_read_otherwise(fields):
    kept = fields.pop("octets", False) if (fields := dict(fields)) else False
    (event,) = bound().says(deliver_sm(**fields))
    expected = Octets((fields["short_message"],)) if kept else None
    assert expected == event.mo.octets


def test_header_of_a_wrong_length_makes_a_part_and_is_told():
    dialogue = bound()
    octets = b"\x06\0\3\xd5\2\1TK,Nguyen"
    (event,) = dialogue.says(deliver_sm(short_message=octets, esm_class=UDHI))
    assert ("8:213", 2, 1, b"TK,Nguyen") == (
        event.mo.part.ref, event.mo.part.total, event.mo.part.number, event.mo.part.octets,
    )  # fmt: skip
    assert [Oddity.HEADER_LENGTH] == dialogue.odd


def test_text_in_no_alphabet_is_told():
    dialogue = bound()
    (event,) = dialogue.says(deliver_sm(short_message=b"TK\xff"))
    assert event.mo.text is None
    assert [Oddity.UNREADABLE] == dialogue.odd


WORDS = "id:7F sub:001 dlvrd:001 submit date:2501010000 stat:DELIVRD err:000 text:TK"


def test_receipt_of_words_alone_brings_the_text_that_a_phone_may_have_sent():
    (event,) = bound().says(deliver_sm(text=WORDS))
    assert isinstance(event, ReceiptReceived)
    assert (WORDS, CITIZEN, 42) == (
        event.receipt.text.text, event.receipt.text.sender, event.receipt.text.session,
    )  # fmt: skip


@pytest.mark.parametrize("mark", [{"esm_class": 4}, {"tlvs": {Tlv.RECEIPTED_MESSAGE_ID: b"7F"}}])
def test_receipt_that_is_marked_as_one_brings_no_text(mark):
    (event,) = bound().says(deliver_sm(text=WORDS, **mark))
    assert event.receipt.text is None


# --- refused --------------------------------------------------------------------------------

TORN = header.pack(16, 5, 0, 7)
UNKNOWN = header.pack(16, 0x428, 0, 7)
REFUSED = {
    "a PDU without its fields": (TORN, Oddity.MALFORMED, DeliverSmResp(7, 0x15)),
    "a data_sm without its fields": (header.pack(16, 0x103, 0, 7), Oddity.MALFORMED, None),
    "an unknown command": (UNKNOWN, Oddity.UNKNOWN_COMMAND, GenericNack(7, 3)),
    "an answer to nothing": (encode(SubmitSmResp(99, 0, "7F")), Oddity.STRAY_ANSWER, None),
    "a refusal of nothing": (encode(GenericNack(99, 3)), Oddity.STRAY_ANSWER, None),
    "an enquire_link_resp to nothing": (
        encode(EnquireLinkResp(99)), Oddity.STRAY_ANSWER, None,
    ),
    "a part longer than any SMS": (
        encode(deliver_sm(text="", esm_class=UDHI, tlvs={
            Tlv.MESSAGE_PAYLOAD: b"\x05\0\3\xd5\2\1" + b"x" * 256})),
        Oddity.LONG_PART,
        DeliverSmResp(7, 1),
    ),
    "a part longer than any SMS, by sar_*": (
        encode(deliver_sm(text="", tlvs={
            Tlv.MESSAGE_PAYLOAD: b"x" * 60_000, 0x20C: b"\0\1", 0x20E: b"\2", 0x20F: b"\1"})),
        Oddity.LONG_PART,
        DeliverSmResp(7, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("octets", "kind", "answer"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_or_passed_over_is_told(octets, kind, answer):
    dialogue = bound()
    assert [] == dialogue.says(octets)
    assert [kind] == dialogue.odd
    if answer:
        assert [answer] == dialogue.heard()
    assert [] == [event for event in dialogue.tick(T0) if isinstance(event, Lost)]


def test_longest_part_is_taken():
    payload = b"\x05\0\3\xd5\2\1" + b"x" * 255
    pdu = deliver_sm(text="", esm_class=UDHI, tlvs={Tlv.MESSAGE_PAYLOAD: payload})
    (event,) = bound().says(pdu)
    assert 255 == len(event.mo.part.octets)


def test_text_on_a_transmitter_is_told():
    dialogue = bound(mode=BindMode.TRANSMITTER)
    assert [] == dialogue.says(deliver_sm())
    assert [Oddity.WRONG_STATE] == dialogue.odd


def test_refusal_says_why_and_what_was_answered_and_nothing_of_the_text():
    session = bound().session
    wire = encode(deliver_sm())
    (odd,) = session.receive(wire[:3] + bytes((len(wire) - 1,)) + wire[4:-1], T0)
    assert (
        Odd(
            "malformed",
            "deliver_sm: sm_length goes beyond the PDU; answered ESME_RINVMSGLEN (0x00000001)",
        )
        == odd
    )


def test_peer_that_is_not_smpp_and_a_stream_out_of_step_are_told():
    dialogue = Dialogue()
    assert [Lost] == [type(event) for event in dialogue.says(b"HTTP/1.1 400 Bad Request")]
    assert [Oddity.NOT_SMPP] == dialogue.odd
    dialogue = bound()
    assert [Lost] == [type(event) for event in dialogue.says(b"\0\0\0\1")]
    assert [Oddity.OUT_OF_STEP] == dialogue.odd


# --- octets that trickle --------------------------------------------------------------------


def test_pdu_that_trickles_in_ends_the_session_after_its_time():
    dialogue = bound()
    wire, now = encode(long_payload()), T0
    for value in wire[:19]:
        assert [] == dialogue.says(bytes((value,)), now=now)
        now += 0.5
    assert T0 + 10 == dialogue.session.next_deadline()
    assert [] == dialogue.tick(T0 + 9.9)
    assert [Lost("a PDU that began was not whole in 10 s")] == dialogue.tick(T0 + 10)
    assert [Oddity.CUT_PDU] == dialogue.odd


def test_pdu_that_is_whole_in_time_is_read():
    dialogue = bound()
    wire = encode(deliver_sm())
    assert [] == dialogue.says(wire[:20], now=T0)
    assert [MoReceived] == [type(e) for e in dialogue.says(wire[20:], now=T0 + 9)]
    assert T0 + 9 + 30 == dialogue.session.next_deadline()
    assert [] == dialogue.tick(T0 + 20)


def test_pdu_that_begins_behind_another_has_its_own_time():
    dialogue = bound()
    wire = encode(deliver_sm())
    dialogue.says(wire[:20], now=T0)
    dialogue.says(wire[20:] + wire[:1], now=T0 + 9)
    assert T0 + 19 == dialogue.session.next_deadline()
    assert [] == dialogue.tick(T0 + 18)
    assert [Lost] == [type(event) for event in dialogue.tick(T0 + 19)]


def test_octets_of_a_pdu_that_is_not_whole_are_no_sign_of_life():
    dialogue = bound(enquire_link_interval=5.0)
    wire = encode(deliver_sm())
    dialogue.says(wire[:20], now=T0 + 4)
    assert [] == dialogue.tick(T0 + 5)
    assert [EnquireLink] == [type(pdu) for pdu in dialogue.heard()]


# --- slices ---------------------------------------------------------------------------------


def test_read_of_many_pdus_is_worked_off_in_slices_in_their_order():
    session = bound().session
    count = 3 * SLICE_PDUS + 1
    wire = b"".join(encode(EnquireLink(n)) for n in range(1, count + 1))
    seen = []
    assert [] == session.receive(wire, T0, in_slices=True)
    while True:
        answers = session.take_outgoing()
        assert len(answers) <= 16 * SLICE_PDUS
        seen += [int.from_bytes(answers[at + 12 : at + 16]) for at in range(0, len(answers), 16)]
        if not session.is_behind:
            break
        assert [] == session.go_on()
    assert list(range(1, count + 1)) == seen


def test_slice_of_large_pdus_is_bounded_in_octets():
    session = bound().session
    wire = encode(long_payload(20_000)) * 10
    events = session.receive(wire, T0, in_slices=True)
    while session.is_behind:
        assert len(events) * 20_000 <= SLICE_OCTETS + 20_000
        events = session.go_on()


def test_what_is_read_meanwhile_comes_behind():
    session = bound().session
    many = encode(EnquireLink(1)) * (SLICE_PDUS + 1)
    session.receive(many, T0, in_slices=True)
    session.take_outgoing()
    session.receive(encode(EnquireLink(2)), T0, in_slices=True)
    answers = session.take_outgoing()
    assert 1 == int.from_bytes(answers[12:16])
    assert 2 == int.from_bytes(answers[-4:])


def test_stream_out_of_step_is_lost_once_all_before_it_is_worked_off():
    session = bound().session
    wire = encode(EnquireLink(1)) * (SLICE_PDUS + 1) + b"\0\0\0\1"
    assert [] == session.receive(wire, T0, in_slices=True)
    assert session.is_behind
    assert [Odd, Lost] == [type(event) for event in session.go_on()]
    assert not session.is_behind


def test_nothing_is_worked_off_behind_an_unbind():
    session = bound().session
    wire = encode(Unbind(1)) + encode(EnquireLink(1)) * (SLICE_PDUS + 1)
    session.receive(wire, T0, in_slices=True)
    assert not session.is_behind


# --- cost -----------------------------------------------------------------------------------

COSTLY = {
    "a receipt that repeats itself": b"id:1 " + b"sub:" * 16_000,
    "letters": b"TK," + b"A" * 65_000,
    "escapes": b"\x1b" * 65_000,
    "high octets": b"\xff" * 65_000,
    "NULs": bytes(65_000),
    "marks": "\u0f73".encode("utf-16-be") * 32_000,
    "blanks": b" " * 65_000,
    "a header": b"\x05\0\3\xd5\2\1" + b"\0\3" * 32_000,
}


@pytest.mark.parametrize("octets", COSTLY.values(), ids=COSTLY)
@pytest.mark.parametrize("coding", [0, 3, 4, 8, 0xC8])
@pytest.mark.parametrize("esm_class", [0, UDHI, 4])
def test_no_input_takes_long_also_where_it_is_traced(octets, coding, esm_class):
    fields = {"esm_class": esm_class, "data_coding": coding}
    tlvs: dict[int, bytes] = {Tlv.MESSAGE_PAYLOAD: octets}
    for pdu in (
        deliver_sm(text="", tlvs=tlvs, **fields),
        DataSm(7, CITIZEN, SHORTCODE, tlvs=tlvs, **fields),
    ):
        dialogue = bound()
        dialogue.session.trace = lambda line: None
        wire = encode(pdu)
        assert cost_ms(partial(dialogue.says, wire)) < BUDGET_MS


# --- inputs that were being read at a kill ----------------------------------------------------


class Watch:
    """Writes down what it is told."""

    def __init__(self, refused=None):
        self.refused, self.told = refused, []

    def begins(self, octets):
        self.told.append(octets)
        return self.refused

    def ends(self):
        self.told.append(None)


def test_large_pdu_is_watched_while_it_is_read():
    watch = Watch()
    dialogue = bound(watch=watch)
    wire = encode(long_payload(WATCHED_OCTETS))
    assert [MoReceived] == [type(event) for event in dialogue.says(wire)]
    assert [wire[16:], None] == watch.told


def test_small_pdu_is_not_watched():
    watch = Watch()
    bound(watch=watch).says(deliver_sm(), long_payload(900))
    assert [] == watch.told


@pytest.mark.parametrize("pdu", [long_payload(), deliver_sm(tlvs={0x1400: b"x" * 2000})])
def test_suspect_is_refused_unread_and_told_with_its_fingerprint(pdu):
    dialogue = bound(watch=Watch("0a1b2c3d"))
    assert [] == dialogue.says(pdu)
    assert [DeliverSmResp(7, 0x66)] == dialogue.heard()
    assert ["suspect 0a1b2c3d"] == dialogue.odd
    assert [MoReceived] == [type(event) for event in dialogue.says(deliver_sm())]
