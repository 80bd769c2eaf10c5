"""The simulated SMSC on the wire, against a peer that is built by hand."""

import socket
import ssl
import struct
import threading

import pytest
import smpplib.client

from smsgw.model import Address
from smsgw.simulator import DIALECTS, Dialect, Point, SmscThread, Status, What, received, texts
from smsgw.smpp.pdu import DataSm, DeliverSmResp

BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER = 0x01, 0x02, 0x09
SUBMIT_SM_RESP, DELIVER_SM, UNBIND, ENQUIRE_LINK = 0x80000004, 0x05, 0x06, 0x15
GENERIC_NACK = 0x80000000
CITIZEN = "84905123456"
TEXT = "TK,Nguyen Van An,201234567,01.02.1990"


def fields(deliver):
    """source, destination, esm_class, data_coding, short_message and TLVs of a deliver_sm."""
    at = 0

    def cstring():
        nonlocal at
        end = deliver.body.index(0, at)
        text, at = deliver.body[at:end], end + 1
        return text.decode("latin-1")

    def octet():
        nonlocal at
        at += 1
        return deliver.body[at - 1]

    cstring()
    ton, npi = octet(), octet()
    source = Address(cstring(), ton, npi)
    ton, npi = octet(), octet()
    destination = Address(cstring(), ton, npi)
    esm_class = octet()
    octet(), octet(), cstring(), cstring(), octet(), octet()
    data_coding = octet()
    octet()
    length = octet()
    text, rest = deliver.body[at : at + length], deliver.body[at + length :]
    tlvs = {}
    while rest:
        tag, length = struct.unpack(">HH", rest[:4])
        tlvs[tag], rest = rest[4 : 4 + length], rest[4 + length :]
    return source, destination, esm_class, data_coding, text, tlvs


# --- binds ----------------------------------------------------------------------------------


def test_anybody_may_bind_unless_accounts_are_named(smsc, connect):
    answer = connect(smsc).bind(system_id="whoever", password="whatever")
    assert (0x80000009, 0) == (answer.command, answer.status)
    assert b"SMSC\0" == answer.body[:5]
    assert 1 == len(smsc.wait_bound(1))


@pytest.mark.parametrize(
    ("system_id", "password", "status"),
    [("smsgw", "secret", 0), ("smsgw", "wrong", 0x0E), ("other", "secret", 0x0F)],
)
def test_credentials_are_checked(smsc_with, connect, system_id, password, status):
    smsc = smsc_with(accounts={"smsgw": "secret"})
    assert status == connect(smsc).bind(system_id=system_id, password=password).status


def test_second_bind_is_refused_while_the_first_lives(smsc_with, connect):
    smsc = smsc_with(one_bind=True)
    first = connect(smsc)
    assert 0 == first.bind().status
    assert Status.RALYBND == connect(smsc).bind().status
    first.close()
    smsc.until(lambda core: not core.bound)
    assert 0 == connect(smsc).bind().status


def test_enquire_link_may_come_before_the_bind_resp(smsc_with, connect):
    peer = connect(smsc_with(enquire_before_bind_resp=True))
    assert ENQUIRE_LINK == peer.bind().command
    assert 0x80000009 == peer.read().command


def test_a_transmitter_gets_no_texts_and_a_receiver_sends_none(smsc, bound):
    transmitter = bound(smsc, BIND_TRANSMITTER)
    smsc.send_mo(CITIZEN, b"hello")
    assert transmitter.quiet()
    receiver = bound(smsc, BIND_RECEIVER)
    assert DELIVER_SM == receiver.read().command
    receiver.submit()
    assert Status.RINVBNDSTS == receiver.read().status
    assert [] == smsc.submits


# --- deliver_sm -----------------------------------------------------------------------------


def test_text_goes_out_as_a_phone_would_write_it(smsc, bound):
    peer = bound(smsc)
    gsm = smsc.send_mo(CITIZEN, "TK,Nguyen @ An")
    source, destination, esm_class, data_coding, text, tlvs = fields(pdu := peer.read())
    assert (Address(CITIZEN, 1, 1), Address("8188", 3, 0)) == (source, destination)
    assert (0, 0, b"TK,Nguyen \0 An", {}) == (esm_class, data_coding, text, tlvs)
    peer.answer(pdu)
    assert 0 == gsm.answer()
    smsc.send_mo(CITIZEN, "Nguyễn")
    *_, data_coding, text, _ = fields(peer.read())
    assert (8, "Nguyễn".encode("utf-16-be")) == (data_coding, text)


def test_octets_codings_headers_and_tlvs_go_out_as_they_are(smsc, bound):
    peer = bound(smsc)
    smsc.send_mo(
        Address("VIETTEL", 5, 0),
        b"\xff\x00\x01",
        data_coding=4,
        esm_class=0x03,
        header=b"\x03\x24\x01\x02",
        tlvs={0x1400: b"vendor", 0x0424: b""},
    )
    source, _, esm_class, data_coding, text, tlvs = fields(peer.read())
    assert Address("VIETTEL", 5, 0) == source
    assert (0x43, 4) == (esm_class, data_coding)
    assert b"\x03\x24\x01\x02\xff\x00\x01" == text
    assert {0x1400: b"vendor", 0x0424: b""} == tlvs


def test_long_text_may_travel_in_message_payload(smsc, bound):
    peer = bound(smsc)
    smsc.send_mo(CITIZEN, "x" * 300, payload=True)
    *_, text, tlvs = fields(peer.read())
    assert (b"", {0x0424: b"x" * 300}) == (text, tlvs)


@pytest.mark.parametrize("numbering", ["udh8", "udh16", "sar"])
def test_long_text_travels_in_numbered_parts(smsc, bound, numbering):
    peer = bound(smsc)
    smsc.send_parts(CITIZEN, "a" * 200, numbering=numbering, ref=0x1FF)
    texts = []
    for number in (1, 2):
        _, _, esm_class, _, text, tlvs = fields(peer.read())
        if numbering == "sar":
            assert (0, b"\x01\xff") == (esm_class, tlvs[0x020C])
            assert (b"\x02", bytes((number,))) == (tlvs[0x020E], tlvs[0x020F])
        else:
            header = {"udh8": b"\x05\0\x03\xff", "udh16": b"\x06\x08\x04\x01\xff"}[numbering]
            assert 0x40 == esm_class
            assert text.startswith(header + bytes((2, number)))
            text = text[len(header) + 2 :]
        texts.append(text)
    assert [b"a" * 153, b"a" * 47] == texts


def test_parts_are_not_cut_inside_a_character_unless_asked(smsc, bound):
    peer = bound(smsc)
    smsc.send_parts(CITIZEN, "a" * 152 + "€" + "b")
    assert 6 + 152 == len(fields(peer.read())[4])
    assert b"\x1b\x65b" == fields(peer.read())[4][6:]
    smsc.send_parts(CITIZEN, "a€b", size=2)
    assert b"a\x1b" == fields(peer.read())[4][6:]
    smsc.send_parts(CITIZEN, "ê" * 66 + "😀")
    peer.read()
    assert 6 + 132 == len(fields(peer.read())[4])


def test_data_sm_is_delivered_and_answered_too(smsc, bound):
    peer = bound(smsc)
    fields = texts.mo(CITIZEN, b"hello", payload=True)._asdict()
    handle = smsc.deliver(DataSm(**fields))
    pdu = peer.read()
    assert 0x103 == pdu.command
    assert pdu.body.endswith(b"\x04\x24\0\x05hello")
    peer.send(0x80000103, b"\0", 0, pdu.sequence)
    assert 0 == handle.answer()


def test_several_sessions_share_the_texts_or_get_their_own(smsc, bound):
    peers = [bound(smsc), bound(smsc)]
    first, second = smsc.wait_bound(2)
    smsc.deliver_all([smsc.send_mo(CITIZEN, b"x").delivery.pdu])
    assert [DELIVER_SM] * 2 == [peer.read().command for peer in peers]
    smsc.send_mo(CITIZEN, b"for the second", session=second)
    assert b"for the second" == fields(peers[1].read())[4]
    smsc.send_mo(CITIZEN, b"for the first", session=first)
    assert b"for the first" == fields(peers[0].read())[4]


def test_window_of_the_smsc_holds_texts_back(smsc_with, bound):
    smsc = smsc_with(deliver_window=1)
    peer = bound(smsc)
    smsc.send_mo(CITIZEN, b"one")
    smsc.send_mo(CITIZEN, b"two")
    first = peer.read()
    assert peer.quiet()
    peer.answer(first)
    assert b"two" == fields(peer.read())[4]


def test_text_without_an_answer_is_sent_again_under_a_new_number(smsc_with, bound):
    smsc = smsc_with(response_timeout=0.05)
    peer = bound(smsc)
    handle = smsc.send_mo(CITIZEN, b"again")
    first, second = peer.read(), peer.read()
    assert first.sequence != second.sequence
    assert first.body == second.body
    smsc.manners.response_timeout = 60
    peer.answer(peer.read())
    assert 0 == handle.settled()
    assert handle.tries >= 3


def test_text_in_flight_comes_again_on_the_next_session(smsc, bound):
    peer = bound(smsc)
    handle = smsc.send_mo(CITIZEN, b"again")
    first = peer.read()
    peer.close()
    peer = bound(smsc)
    second = peer.read()
    assert first.body == second.body
    peer.answer(second)
    assert 0 == handle.answer()


def test_temporary_error_brings_the_text_again_and_a_final_one_does_not(smsc_with, bound):
    smsc = smsc_with(retry_delay=0.01)
    peer = bound(smsc)
    handle = smsc.send_mo(CITIZEN, b"x")
    peer.answer(peer.read(), Status.RX_T_APPN)
    peer.answer(peer.read(), Status.RX_P_APPN)
    assert Status.RX_P_APPN == handle.settled()
    assert Status.RX_T_APPN == handle.answer()
    assert peer.quiet()


def test_redelivery_can_be_off(smsc_with, bound):
    smsc = smsc_with(redeliver=False)
    peer = bound(smsc)
    handle = smsc.send_mo(CITIZEN, b"x")
    peer.read()
    peer.close()
    smsc.until(lambda _: handle.delivery.done)
    assert bound(smsc).quiet()


def test_generic_nack_counts_as_an_answer(smsc_with, bound):
    smsc = smsc_with(redeliver=False)
    peer = bound(smsc)
    handle = smsc.send_mo(CITIZEN, b"x")
    peer.send(GENERIC_NACK, status=0, sequence=peer.read().sequence)
    assert Status.RSYSERR == handle.answer()


# --- submit_sm and receipts -----------------------------------------------------------------


def test_submit_is_decoded_recorded_and_answered(smsc, bound):
    peer = bound(smsc)
    peer.submit(text=b"Cam \0n!", registered=0)
    answer = peer.read()
    assert (SUBMIT_SM_RESP, 0, peer.sequence) == (answer.command, answer.status, answer.sequence)
    submit = smsc.wait_submit(to=CITIZEN)
    assert "Cam @n!" == submit.text
    assert (Address("8188", 3, 0), Address(CITIZEN, 1, 1)) == (submit.source, submit.destination)
    assert f"{submit.number:X}".encode() + b"\0" == answer.body
    assert (0, 0, [submit]) == (submit.data_coding, submit.registered_delivery, smsc.submits)


def test_each_submit_is_waited_for_once(smsc, bound):
    peer = bound(smsc)
    for to in ("1", "2", "1"):
        peer.submit(to)
    smsc.wait_submits(3)
    assert ["1", "1", "2"] == [
        smsc.wait_submit(to=to).destination.number for to in ("1", "1", None)
    ]
    with pytest.raises(TimeoutError, match="submit_sm to 1"):
        smsc.wait_submit(0.01, to="1")


@pytest.mark.parametrize(
    ("form", "written"), [("decimal", "{:d}"), ("hex", "{:X}"), ("hex-padded", "{:016x}")]
)
def test_message_ids_are_written_in_the_carriers_form(smsc_with, bound, form, written):
    smsc = smsc_with(id_form=form)
    peer = bound(smsc)
    peer.submit()
    assert written.format(smsc.wait_submit().number).encode() + b"\0" == peer.read().body


def test_receipt_by_the_book_follows_the_answer(smsc, bound):
    peer = bound(smsc)
    peer.submit(registered=1)
    assert SUBMIT_SM_RESP == peer.read().command
    source, destination, esm_class, _, text, tlvs = fields(peer.read())
    number = smsc.wait_submit().number
    assert (Address(CITIZEN, 1, 1), Address("8188", 3, 0)) == (source, destination)
    assert 0x04 == esm_class
    assert text.startswith(f"id:{number} sub:001 dlvrd:001 submit date:".encode())
    assert text.endswith(b"stat:DELIVRD err:000 text:Cam on!")
    assert {0x001E: f"{number}\0".encode(), 0x0427: b"\x02"} == tlvs


@pytest.mark.parametrize("name", DIALECTS)
def test_receipt_in_each_dialect(smsc_with, bound, name):
    dialect = DIALECTS[name]
    smsc = smsc_with(receipts=dialect)
    peer = bound(smsc)
    peer.submit(registered=1)
    pdus = [peer.read(), peer.read()]
    assert dialect.before_answer == (pdus[0].command == DELIVER_SM)
    pdus.sort(key=lambda pdu: pdu.command)
    _, _, esm_class, _, text, tlvs = fields(pdus[0])
    assert dialect.esm_class == esm_class
    assert dialect.text == bool(text)
    assert dialect.tlvs == bool(tlvs)


def test_receipt_that_nobody_asked_for_is_not_sent(smsc, bound):
    peer = bound(smsc)
    peer.submit(registered=0)
    peer.read()
    assert peer.quiet()


def test_receipt_by_hand_may_tell_of_failure(smsc_with, bound):
    smsc = smsc_with(receipts=None)
    peer = bound(smsc)
    peer.submit(registered=1)
    peer.read()
    smsc.receipt(smsc.wait_submit(), state="UNDELIV", error="012", dialect=Dialect(id_form="hex"))
    *_, text, tlvs = fields(peer.read())
    assert b"stat:UNDELIV err:012" in text
    assert (b"\x05", b"\x03\x00\x0c") == (tlvs[0x0427], tlvs[0x0423])


# --- switches -------------------------------------------------------------------------------


def test_throttling_hits_the_next_submits(smsc, bound):
    peer = bound(smsc)
    smsc.throttle(2)
    for _ in range(3):
        peer.submit()
    assert [0x58, 0x58, 0] == [peer.read().status for _ in range(3)]
    assert [0x58, 0x58, 0] == [submit.status for submit in smsc.submits]


def test_throttling_by_rate(smsc, bound):
    peer = bound(smsc)
    smsc.throttle(per_second=2, status=Status.RMSGQFUL)
    for _ in range(3):
        peer.submit()
    assert [0, 0, Status.RMSGQFUL] == [peer.read().status for _ in range(3)]
    smsc.throttle()
    peer.submit()
    assert 0 == peer.read().status


def test_statuses_for_the_next_submits_and_for_one_citizen(smsc, bound):
    peer = bound(smsc)
    smsc.answer_next(0x0B, 0)
    smsc.answer_to("841", Status.RSUBMITFAIL)
    for to in ("842", "841", "842", "842"):
        peer.submit(to)
    answers = [peer.read() for _ in range(4)]
    assert [0x0B, 0x45, 0, 0] == [answer.status for answer in answers]
    assert b"\0" == answers[0].body[:1] or not answers[0].body


def test_silence_about_submits_leaves_the_rest_alive(smsc, bound):
    peer = bound(smsc)
    smsc.silence("submits")
    peer.submit()
    peer.send(ENQUIRE_LINK)
    assert 0x80000015 == peer.read().command
    assert [None] == [submit.status for submit in smsc.submits]
    smsc.silence("enquire_links")
    peer.send(ENQUIRE_LINK)
    peer.submit()
    assert SUBMIT_SM_RESP == peer.read().command
    smsc.silence("all")
    peer.submit()
    peer.send(UNBIND)
    assert peer.quiet()
    smsc.silence()
    peer.send(ENQUIRE_LINK)
    assert 0x80000015 == peer.read().command


def test_silence_about_binds(smsc, connect):
    smsc.silence("binds")
    peer = connect(smsc)
    peer.socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        peer.bind()


def test_slow_answers(smsc_with, bound):
    smsc = smsc_with(answer_delay=0.2)
    peer = bound(smsc)
    peer.submit()
    smsc.wait_submit()
    assert peer.quiet(0.1)
    assert SUBMIT_SM_RESP == peer.read().command


def test_stalled_smsc_reads_nothing(smsc, bound):
    peer = bound(smsc)
    smsc.stall()
    peer.submit()
    assert peer.quiet()
    assert [] == smsc.submits
    smsc.stall(False)
    assert SUBMIT_SM_RESP == peer.read().command


@pytest.mark.parametrize("how", ["close", "reset"])
def test_connection_dropped_before_a_submit_is_answered(smsc, bound, how):
    peer = bound(smsc)
    smsc.drop_at(Point.SUBMIT_TAKEN, how=how)
    peer.submit()
    assert peer.read() is None
    assert [0] == [submit.status for submit in smsc.submits]


def test_connection_dropped_after_a_submit_is_answered(smsc, bound):
    peer = bound(smsc)
    smsc.drop_at(Point.SUBMIT_ANSWERED)
    peer.submit()
    assert SUBMIT_SM_RESP == peer.read().command
    assert peer.read() is None


def test_lost_deliver_sm_resp_brings_the_text_again(smsc, bound):
    peer = bound(smsc)
    smsc.drop_at(Point.ANSWER_LOST)
    handle = smsc.send_mo(CITIZEN, b"x")
    peer.answer(first := peer.read())
    assert peer.read() is None
    assert [] == handle.statuses
    peer = bound(smsc)
    second = peer.read()
    assert first.body == second.body
    peer.answer(second)
    assert 0 == handle.settled()


def test_connection_dropped_after_deliver_sm_and_after_its_answer(smsc, bound):
    peer = bound(smsc)
    smsc.drop_at(Point.DELIVER_SENT)
    smsc.drop_at(Point.ANSWERED)
    handle = smsc.send_mo(CITIZEN, b"x")
    assert DELIVER_SM == peer.read().command
    assert peer.read() is None
    peer = bound(smsc)
    peer.answer(peer.read())
    assert peer.read() is None
    assert 0 == handle.settled()
    assert bound(smsc).quiet()


def test_connection_dropped_at_the_bind(smsc, connect):
    smsc.drop_at(Point.BIND)
    assert connect(smsc).bind() is None
    assert connect(smsc).bind().status == 0


def test_malformed_octets_go_out_as_they_are(smsc, bound):
    peer = bound(smsc)
    smsc.send_raw(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"HTTP/1.1 400 Bad Request\r\n" == peer.socket.recv(100)


def test_smsc_goes_down_and_comes_back_on_its_port(smsc, bound):
    peer = bound(smsc)
    port = smsc.port
    smsc.stop()
    assert peer.read() is None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((smsc.host, port), timeout=1)
    smsc.start()
    assert port == smsc.port
    bound(smsc)


# --- enquire_link, unbind, bad input --------------------------------------------------------


def test_enquire_link_of_the_smsc_is_timed(smsc, bound):
    peer = bound(smsc)

    def answer():
        pdu = peer.read()
        peer.send(0x80000015, sequence=pdu.sequence)

    thread = threading.Thread(target=answer)
    thread.start()
    assert 0 < smsc.enquire_link() < 5
    thread.join()
    with pytest.raises(TimeoutError):
        smsc.enquire_link(timeout=0.01)


def test_enquire_links_by_themselves(smsc_with, bound):
    peer = bound(smsc_with(enquire_link_interval=0.01))
    assert [ENQUIRE_LINK] * 2 == [peer.read().command for _ in range(2)]


def test_unbind_of_the_smsc_waits_for_the_answer(smsc, bound):
    peer = bound(smsc)

    def answer():
        pdu = peer.read()
        peer.send(UNBIND | 0x80000000, sequence=pdu.sequence)

    thread = threading.Thread(target=answer)
    thread.start()
    smsc.unbind()
    thread.join()
    assert peer.read() is None
    assert [] == smsc.bound


def test_unbind_of_the_gateway_is_answered_before_the_close(smsc, bound):
    peer = bound(smsc)
    peer.send(UNBIND)
    assert 0x80000006 == peer.read().command
    assert peer.read() is None


def test_what_is_no_pdu_is_answered_and_survived(smsc, bound):
    peer = bound(smsc)
    peer.send(0x04, b"\xff" * 30)
    assert GENERIC_NACK == peer.read().command
    peer.send(0x428)
    assert (GENERIC_NACK, 0x03) == ((nack := peer.read()).command, nack.status)
    peer.socket.sendall(b"\xff\xff\xff\xff")
    assert peer.read() is None
    assert 2 == len([record for record in smsc.records if record.what is What.BAD])


def test_everything_is_recorded(smsc, bound):
    peer = bound(smsc)
    handle = smsc.send_mo(CITIZEN, b"x")
    peer.answer(peer.read())
    handle.answer()
    peer.close()
    smsc.wait_gone()
    assert [
        What.CONNECTED,
        What.RECEIVED,
        What.SENT,
        What.BOUND,
        What.SENT,
        What.RECEIVED,
        What.CLOSED,
    ] == [record.what for record in smsc.records]
    assert [0] == [pdu.status for pdu in received(smsc.records, DeliverSmResp)]
    assert smsc.wait_record(lambda record: record.what is What.CLOSED)


def test_time_out_says_what_happened_last(smsc, bound):
    bound(smsc)
    with pytest.raises(TimeoutError, match=r"5 submits\n(?s:.*)bound"):
        smsc.wait_submits(5, timeout=0.01)


def test_smsc_ends_though_a_peer_does_not_read(smsc_with, bound):
    smsc = smsc_with(redeliver=False)
    bound(smsc)
    smsc.send_raw(bytes(20_000_000))
    smsc.stop()
    smsc.until(lambda core: not core._connections)


# --- other networks -------------------------------------------------------------------------


def test_ipv6(smsc_with, bound):
    smsc = smsc_with(host="::1")
    peer = bound(smsc)
    peer.submit()
    assert SUBMIT_SM_RESP == peer.read().command


def test_tls(smsc_with, bound, certificates):
    smsc = smsc_with(tls=certificates.server_context())
    client = ssl.create_default_context(cafile=certificates.ca)
    peer = bound(smsc, tls=client, server_name="localhost")
    peer.submit()
    assert SUBMIT_SM_RESP == peer.read().command
    smsc.drop()
    assert peer.read() is None


def test_port_in_use_is_said(smsc):
    other = SmscThread(port=smsc.port)
    with pytest.raises(OSError, match="address already in use"):
        other.start()
    other.close()


def test_thousands_of_texts_take_seconds(smsc, bound):
    peer = bound(smsc)
    count = 3000
    handle = smsc.send_mo(CITIZEN, b"x" * 40)
    handles = smsc.deliver_all([handle.delivery.pdu] * (count - 1))
    for _ in range(count):
        peer.answer(peer.read())
        peer.submit()
    assert all(handle.settled() == 0 for handle in handles)
    assert count == len(smsc.wait_submits(count))


def test_smpplibs_client_understands_it(smsc):
    client = smpplib.client.Client(smsc.host, smsc.port, timeout=5, allow_unknown_opt_params=True)
    client.connect()
    client.bind_transceiver(system_id="smsgw", password="secret")
    heard = []
    client.set_message_received_handler(lambda pdu: heard.append(pdu.short_message))
    client.set_message_sent_handler(lambda pdu: heard.append(pdu.message_id))
    handle = smsc.send_mo(CITIZEN, "TK")
    client.read_once()
    assert 0 == handle.answer()
    client.send_message(
        source_addr="8188", destination_addr=CITIZEN, short_message=b"hi", registered_delivery=1
    )
    client.read_once()
    client.read_once()
    submit = smsc.wait_submit(text="hi")
    assert [b"TK", f"{submit.number:X}".encode()] == heard[:2]
    assert b"stat:DELIVRD" in heard[2]
    client.unbind()
    client.disconnect()
    smsc.wait_gone()
