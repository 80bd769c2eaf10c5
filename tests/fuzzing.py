"""What can be fuzzed: targets, seeds and a mutator that needs nothing but the standard library.

A target takes octets as an attacker would choose them and raises if anything comes out of the
product but what its interface promises: a value, a named fault, or the end of the session. What the
event loop would do with one input has a budget of processor time; the least of three runs counts,
since what else ran meanwhile is not the input's fault. The short form runs in the suite
(test_fuzzing.py), the long one is `make fuzz` (campaigns/fuzz.py).
"""

import random
import struct
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any, TypeVar

from smsgw import phone
from smsgw.model import Address, Answer, Mt, MtState, Octets, Part
from smsgw.registration import syntax
from smsgw.registration.readings import reread
from smsgw.smpp import codec, receipts
from smsgw.smpp.alphabets import (
    MAX_TEXT_OCTETS,
    Alphabet,
    decode,
    encode,
    join,
    septets,
    split_header,
)
from smsgw.smpp.events import (
    Lost,
    MoReceived,
    NotBound,
    Odd,
    ReceiptReceived,
    WindowFull,
)
from smsgw.smpp.pdu import (
    BadPdu,
    Bind,
    BindResp,
    Command,
    DataSm,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Message,
    Pdu,
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
from smsgw.smpp.session import Session
from smsgw.smpp.settings import BindMode, SessionSettings
from tests.budget import BUDGET_MS

T = TypeVar("T")

TODAY = date(2026, 5, 4)
MAX_OCTETS = 64 * 1024  #: of one input
CITIZEN, SHORTCODE = Address("84905123456", 1, 1), Address("8188", 3, 0)
RECEIPT = (
    "id:7F sub:001 dlvrd:001 submit date:2605041200 done date:2605041201 stat:DELIVRD err:000 "
    "text:TK: 2012"
)
TEXTS = (
    "TK,Nguyen Van An,201234567,01.02.1990",
    "tk; Nguyễn Thị Đào ; 048090001234 ; 1/2/1990.",
    "TK Nguyen Van An",
    RECEIPT,
)

# --- the budget ---------------------------------------------------------------------------------


class TooSlow(AssertionError):
    """An input costs the event loop more than it may."""


class Budget:
    """What one input may cost, in seconds of processor time of this thread."""

    seconds = BUDGET_MS / 1000
    slowest = 0.0  #: of all that was measured


def within_budget(call: Callable[[], T]) -> T:
    """What *call* gives; it must give the same when called again.

    Raises:
        TooSlow: the least of three runs is beyond the budget.
    """
    start = time.thread_time()
    result = call()
    took = time.thread_time() - start
    if took > Budget.seconds:
        for _ in range(2):
            start = time.thread_time()
            call()
            took = min(took, time.thread_time() - start)
    Budget.slowest = max(Budget.slowest, took)
    if took > Budget.seconds:
        raise TooSlow(f"{1000 * took:.1f} ms")
    return result


# --- seeds --------------------------------------------------------------------------------------


def _messages() -> Iterator[DeliverSm | DataSm]:
    plain = TEXTS[0].encode()
    yield DeliverSm(7, CITIZEN, SHORTCODE, short_message=plain)
    yield DeliverSm(8, CITIZEN, SHORTCODE, data_coding=8, short_message=TEXTS[1].encode("utf-16be"))
    yield DeliverSm(9, CITIZEN, SHORTCODE, esm_class=4, short_message=RECEIPT.encode())
    yield DeliverSm(10, CITIZEN, SHORTCODE, tlvs={Tlv.MESSAGE_PAYLOAD: plain * 20, 0x1400: b"x"})
    header = bytes((5, 0, 3, 213, 2, 1))
    yield DeliverSm(11, CITIZEN, SHORTCODE, esm_class=0x40, short_message=header + plain)
    sar = {Tlv.SAR_MSG_REF_NUM: b"\0\7", Tlv.SAR_TOTAL_SEGMENTS: b"\2", 0x020F: b"\1"}
    yield DeliverSm(12, CITIZEN, SHORTCODE, short_message=plain, tlvs=sar)
    shift = bytes((6, 0x24, 1, 1, 0x25, 1, 2)) + plain
    yield DeliverSm(13, CITIZEN, SHORTCODE, esm_class=0x40, short_message=shift)
    state = {Tlv.RECEIPTED_MESSAGE_ID: b"7F\0", Tlv.MESSAGE_STATE: b"\2", 0x0423: b"\3\0\1"}
    yield DeliverSm(14, CITIZEN, SHORTCODE, tlvs=state)
    yield DataSm(15, CITIZEN, SHORTCODE, tlvs={Tlv.MESSAGE_PAYLOAD: plain})


def _pdus() -> Iterator[bytes]:
    answers: list[Pdu] = [
        BindResp(Command.BIND_TRANSCEIVER, 1, 0, "SMSC", {0x0210: b"\x34"}),
        SubmitSmResp(2, 0, "7F"),
        SubmitSmResp(3, 0x58),
        DeliverSmResp(7),
        SubmitSm(4, SHORTCODE, CITIZEN, short_message=b"TK: 1, MK: 2"),
        Bind(Command.BIND_TRANSCEIVER, 1, "danang", "secret", "x"),
        EnquireLink(5),
        EnquireLinkResp(2),
        GenericNack(2, 3),
        UnbindResp(3),
        Unbind(6),
        Unknown(0x428, 9, 0),
    ]
    for pdu in (*_messages(), *answers):
        yield codec.encode(pdu)


def seeds(target: str) -> list[bytes]:
    """Well-formed input for *target*, to begin with."""
    pdus = list(_pdus())
    match target:
        case "session":
            return [b"\7" + pdu for pdu in pdus] + [b"\3" + b"".join(pdus[:5])]
        case "frames":
            return [b"\5" + b"".join(pdus), b"\1\0\0\0\x10", b"\2HTTP/1.1 400 Bad Request\r\n"]
        case "codec":
            return pdus
        case "receipts":
            return [bytes((form, *range(24))) for form in range(0, 256, 8)]
        case "readings":
            forms = ("utf-8", "utf-16be", "utf-16le", "utf-16")
            written = [text.encode(form) for text in TEXTS for form in forms]
            written += ["TK,Lê Thì Hà,201234567,08.03.1988".encode("latin-1")]
            return [bytes((cut,)) + octets for octets in written for cut in (0, 20)]
        case "parts":
            registration = TEXTS[1].encode("utf-16be")
            return [
                bytes((how, 2)) + form
                for how in range(0, 32, 3)
                for form in (registration, TEXTS[0].encode(), b"\x1b" * 300)
            ]
        case "numbers":
            numbers = (b"84905123456", b"0905123456", b"376312345", b"+840905123456", b"19001570")
            return [bytes((ton, ton)) + number for ton in range(8) for number in numbers]
        case "receipt" | "text":
            return [form for text in TEXTS for form in (text.encode(), text.encode("utf-16be"))]
        case "alphabets":
            texts = [text.encode("utf-16be") for text in TEXTS]
            texts += [codec.decode(pdu).octets for pdu in pdus[:7]]
            return [bytes((coding,)) + text for coding in (0, 1, 3, 4, 8, 0xF4) for text in texts]
        case _:
            numbers = (b"84905123456", b"+84 905-123.456", b"0905123456", b"8188", b"1800-FLOWERS")
            return [bytes((ton,)) + number for ton in (0, 1, 5) for number in numbers]


# --- targets ------------------------------------------------------------------------------------


def fuzz_frames(data: bytes) -> None:
    """However the network cuts the stream, the same PDUs come out, or the stream is lost."""
    step, data = 1 + (data[:1] or b"\0")[0] % 40, data[1:]

    def read(pieces: list[bytes]) -> tuple[list[bytes], bool]:
        reader, frames = codec.FrameReader(), []
        for piece in pieces:
            try:
                frames += reader.feed(piece)
            except StreamLost:
                return frames, True
            assert len(reader.rest) <= codec.MAX_PDU_OCTETS
        return frames, False

    whole, lost = within_budget(partial(read, [data]))
    sliced, lost_too = read([data[i : i + step] for i in range(0, len(data), step)])
    assert lost == lost_too
    if lost:
        assert sliced[: len(whole)] == whole
    else:
        assert sliced == whole
    assert all(len(frame) == int.from_bytes(frame[:4], "big") for frame in whole)


def fuzz_codec(data: bytes) -> None:
    """A PDU or a fault to answer with; what could be read is written again the same."""
    frame = _framed(data)

    def read() -> Pdu | BadPdu:
        try:
            return codec.decode(frame)
        except BadPdu as fault:
            return fault

    pdu = within_budget(read)
    if isinstance(pdu, BadPdu):
        assert pdu.status
        assert pdu.sequence == int.from_bytes(frame[12:16], "big")
        return
    assert within_budget(partial(describe, pdu)).isprintable()
    try:
        again = codec.encode(pdu)
    except Unsendable:
        return
    if isinstance(pdu, Bind):
        pdu = pdu._replace(interface_version=0x34)  # smpplib writes no other
    if isinstance(pdu, Message):
        pdu = pdu._replace(stray=0)  # nor do we write what is no part of a PDU
    assert codec.decode(again) == pdu
    assert isinstance(codec.first_string(frame), str)


def fuzz_session(data: bytes) -> None:
    """Nothing on the wire raises, and whatever we write is SMPP."""
    choice, data = data[:1] or b"\0", data[1:]
    bits = choice[0]
    within_budget(partial(_read_at_once, _framed(data)))
    mode = (BindMode.TRANSCEIVER, BindMode.RECEIVER, BindMode.TRANSMITTER)[bits % 3]
    now = 1000.0
    trace: list[str] = []
    session = Session(
        SessionSettings(
            link="viettel", system_id="danang", password="secret", mode=mode, window=3,
            source=SHORTCODE, alphabet=list(Alphabet)[bits // 3 % 3],
        ),
        42,
        now,
        trace.append if bits & 64 else None,
    )  # fmt: skip
    wire = bytearray(session.take_outgoing())
    if bits & 1:
        command = codec.decode(bytes(wire)).command
        session.receive(codec.encode(BindResp(command, 1, 0, "SMSC")), now)
    step = (1, 7, 100, len(data) + 1)[bits // 2 % 4]
    if step * 2000 < len(data):
        step = len(data)
    over = False
    for mt_id, at in enumerate(range(0, len(data), step)):
        now += (0.0, 0.5, 11.0)[bits // 8 % 3]
        try:
            session.submit(Mt(mt_id, "viettel", CITIZEN, "TK: 1", reminder=False), now)
        except (NotBound, WindowFull):
            assert session.room == 0
        events = session.receive(data[at : at + step], now, in_slices=bool(bits & 128))
        while session.is_behind:
            events += session.go_on()
        events += session.tick(now)
        assert not (over and session.receive(b"\0", now))
        for event in events:
            match event:
                case MoReceived(mo, ticket):
                    assert mo.text is None or isinstance(mo.text, str)
                    assert -(2**63) <= mo.fingerprint < 2**63
                    session.answer(ticket, Answer.LATER if bits & 16 else Answer.OK)
                case ReceiptReceived(_, ticket) if bits & 32:
                    session.answer(ticket, Answer.OK)
                case Odd(kind, detail):
                    assert kind
                    assert "TK" not in detail or kind == "not_smpp"  # which quotes its peer
                case Lost():
                    over = True
        assert session.next_deadline() >= 0.0
        wire += session.take_outgoing()
    reader = codec.FrameReader()
    for frame in reader.feed(bytes(wire)):
        codec.decode(frame)
    assert reader.rest == b""
    # Of the password in our own bind; what a peer sends is its own.
    assert b"secret" in data or "secret" not in "".join(trace)
    session.abandon("the end")


def _read_at_once(frame: bytes) -> list[object]:
    """What a session makes of one PDU, traced as well, from bind to event."""
    session = _bound(lambda line: None)
    return list(session.receive(frame, 1000.0))


def _bound(trace: Callable[[str], None] | None = None, **changes: object) -> Session:
    settings: dict[str, Any] = {"link": "viettel", "system_id": "danang", "password": "secret"}
    session = Session(SessionSettings(source=SHORTCODE, **settings | changes), 42, 1000.0, trace)
    session.receive(codec.encode(BindResp(Command.BIND_TRANSCEIVER, 1, 0, "SMSC")), 1000.0)
    session.take_outgoing()
    return session


def fuzz_text(data: bytes) -> None:
    """A request or a fault; a request written plainly is the same request."""
    text = (
        data.decode("utf-8", "surrogateescape")
        if len(data) % 2
        else data.decode("utf-16be", "replace")
    )
    syntax.parse(text, TODAY, check_personal_number=True)
    read = within_budget(partial(syntax.parse, text, TODAY))
    if isinstance(read, syntax.SyntaxFault):
        assert read.reason
        return
    plain = f"TK,{read.name},{read.cmnd},{read.birth_date:%d.%m.%Y}"
    assert plain.isascii()
    assert syntax.parse(plain, TODAY) == read


def fuzz_receipt(data: bytes) -> None:
    """A receipt can always be read, and its id looked up."""
    for pdu in (
        DeliverSm(7, CITIZEN, SHORTCODE, short_message=data[:254]),
        DeliverSm(7, CITIZEN, SHORTCODE, esm_class=4, tlvs={Tlv.MESSAGE_PAYLOAD: data}),
        DeliverSm(
            7, CITIZEN, SHORTCODE,
            tlvs={0x001E: data[:65], 0x0427: data[65:67], 0x0423: data[67:70]},
        ),
    ):  # fmt: skip
        known = within_budget(partial(receipts.is_receipt, pdu))
        assert known or not pdu.esm_class
        receipt = within_budget(partial(receipts.read, pdu, "viettel"))
        assert receipt.state in (None, MtState.DELIVERED, MtState.FAILED)
        keys = receipts.match_keys(receipt.smsc_id)
        assert keys.normal
        assert keys.normal not in keys.others


def fuzz_alphabets(data: bytes) -> None:
    """Octets become a text or None; a text becomes octets that fit."""
    coding, octets = data[:1] or b"\0", data[1:]
    header, body = within_budget(partial(split_header, octets))
    shift = header.shift if header else (0, 0)
    assert octets.endswith(body)
    for alphabet in Alphabet:
        text = within_budget(partial(decode, body, coding[0], alphabet, shift))
        if text is None:
            continue
        again = encode(text, alphabet)
        assert len(again) <= 2 * len(text)
        length = septets(text)
        # What is longer was cut, and with two septets for a brace it is cut once more.
        if alphabet is Alphabet.GSM7 and length is not None and len(again) <= MAX_TEXT_OCTETS:
            assert (len(again), text) == (length, decode(again, 0, alphabet))
    if header and header.ref:
        parts = [Part(header.ref, 2, n, coding[0], body, shift) for n in (2, 1)]
        joined = join(parts, Alphabet.GSM7)
        assert joined is None or isinstance(joined, str)


_WORDS_OF_RECEIPTS = (
    "id:", "id: ", "7F", "0000001795718542500361", " ", "sub:001", "dlvrd:001", "submit date:",
    "done date:2611261842", "stat:", "DELIVRD", "UNDELIV", "ENROUTE", "err:", "000", "text:",
    "TK: 201234567, MK: ", "\0", "\n", ":", "ID:", " STAT:REJECTD", "sub:" * 40, "=",
)  # fmt: skip


def fuzz_receipts(data: bytes) -> None:
    """A receipt in every form is a receipt or a text, told once and answered once."""
    form, data = (data[:1] or b"\0")[0], data[1:]
    words = "".join(_WORDS_OF_RECEIPTS[n % len(_WORDS_OF_RECEIPTS)] for n in data[:MAX_OCTETS])
    octets = words.encode("utf-16be" if form & 1 else "latin-1")[:MAX_OCTETS]
    esm_class = (0, 0x04, 0x08, 0x20, 0x24, 0x44, 0x40, 0x60)[form >> 1 & 7]
    tlvs: dict[int, bytes] = {}
    if form & 0x10:
        tlvs[Tlv.RECEIPTED_MESSAGE_ID] = octets[:65]
    if form & 0x20:
        tlvs[Tlv.MESSAGE_STATE] = data[:2]
        tlvs[Tlv.NETWORK_ERROR_CODE] = data[2:5]
    if form & 0x40 or len(octets) > 254:
        tlvs[Tlv.MESSAGE_PAYLOAD] = octets[:65_000]
        octets = b""
    kind = DataSm if form & 0x80 and not octets else DeliverSm
    pdu = kind(
        7, CITIZEN, SHORTCODE, esm_class=esm_class, data_coding=8 if form & 1 else 0,
        short_message=octets, tlvs=tlvs,
    )  # fmt: skip
    frame = codec.encode(pdu)
    events = within_budget(partial(_read_at_once, frame))
    told = [event for event in events if isinstance(event, MoReceived | ReceiptReceived)]
    refused = any(isinstance(event, Odd) and event.kind == "long_part" for event in events)
    assert len(told) == 1 - refused
    for event in told:
        if isinstance(event, MoReceived):
            assert not esm_class & 0x2C
            assert Tlv.RECEIPTED_MESSAGE_ID not in tlvs
        else:
            marked = esm_class & 0x2C or Tlv.RECEIPTED_MESSAGE_ID in tlvs
            empty = receipts.says_nothing(event.receipt)  # the mark may be wrong
            assert (event.receipt.text is None) == bool(marked and not (empty and pdu.octets))
            assert "MK:" not in event.receipt.reason


def fuzz_readings(data: bytes) -> None:
    """Octets are one registration, whoever reads the text that they gave, or none."""
    cut, octets = (data[:1] or b"\0")[0], data[1:]
    pieces = (octets[:cut], octets[cut:]) if cut else (octets,)
    for fill in (0, 1):
        found = within_budget(partial(reread, Octets(pieces, fill), TODAY))
        if found is not None:
            text, request = found
            assert syntax.parse(text, TODAY) == request


def fuzz_parts(data: bytes) -> None:
    """Parts are joined in any order, and what no SMS can carry is refused."""
    how, size, data = (data[:1] or b"\0")[0], (data[1:2] or b"\1")[0], data[2:]
    step = max(1, size)
    pieces = [data[at : at + step] for at in range(0, len(data), step)][:255]
    session, total = _bound(), max(2, len(pieces))
    found = [
        Part("8:7", total, number, how >> 4, piece, (how & 1, how & 2))
        for number, piece in enumerate(pieces, start=1)
    ]
    for number, piece in enumerate(pieces[:4], start=1):
        frame = codec.encode(_part(how, number, total, piece))
        events = session.receive(frame, 1000.0)
        for event in events:
            if isinstance(event, MoReceived) and event.mo.part is not None:
                part = event.mo.part
                assert len(part.octets) <= 255
                assert 1 <= part.number <= part.total
    for alphabet in Alphabet:
        whole = within_budget(partial(join, found, alphabet))
        assert whole == join(found[::-1], alphabet)
        assert whole is None or isinstance(whole, str)


def _part(how: int, number: int, total: int, piece: bytes) -> DeliverSm | DataSm:
    """One part, numbered in one of the ways, some of them wrong."""
    octets, tlvs = piece, {}
    if how & 1:
        tlvs = {0x20C: b"\0\7", 0x20E: bytes((total,)), 0x20F: bytes((number,))}
    elif how & 2:
        octets = bytes((6 + (how >> 3 & 1), 8, 4, 0, 7, total, number)) + piece
    else:
        octets = bytes((5 + (how >> 3 & 1), 0, 3, 7, total, number)) + piece
    if len(octets) > 254 or how & 4:
        tlvs, octets = tlvs | {Tlv.MESSAGE_PAYLOAD: octets}, b""
    return DeliverSm(
        7, CITIZEN, SHORTCODE, esm_class=0 if how & 1 else 0x40, data_coding=how >> 4,
        short_message=octets, tlvs=tlvs,
    )  # fmt: skip


def fuzz_numbers(data: bytes) -> None:
    """A number is the same number however often it is read, with every TON and NPI."""
    ton, npi, number = *(data[:2] + b"\0\0")[:2], data[2:66].decode("latin-1")
    for address in (Address(number, ton, npi), Address(number, ton % 8, npi % 19)):
        e164 = within_budget(partial(_normalise, address))
        if e164 is not None:
            assert e164[1:].isascii()
            assert e164[1:].isdigit()
            assert _normalise(Address(e164, 1, 1)) == e164
            assert _normalise(Address(e164, ton, npi)) == e164


def _normalise(address: Address) -> str | None:
    return phone.normalise(address, "VN")


def fuzz_phone(data: bytes) -> None:
    """A telephone number in one form, which reads as itself; or None."""
    # No field of SMPP has room for more than 64 characters of a number.
    ton, number = (data[:1] or b"\0")[0], data[1:65].decode("latin-1")
    for region in ("VN", "DE"):
        e164 = phone.normalise(Address(number, ton, 1), region)
        if e164 is not None:
            assert e164[0] == "+"
            assert e164[1:].isascii()
            assert e164[1:].isdigit()
            assert phone.normalise(Address(e164, 0, 0), region) == e164
    phone.from_text(number, "VN")


TARGETS: dict[str, Callable[[bytes], None]] = {
    "frames": fuzz_frames,
    "codec": fuzz_codec,
    "session": fuzz_session,
    "text": fuzz_text,
    "receipt": fuzz_receipt,
    "receipts": fuzz_receipts,
    "alphabets": fuzz_alphabets,
    "readings": fuzz_readings,
    "parts": fuzz_parts,
    "phone": fuzz_phone,
    "numbers": fuzz_numbers,
}


def _framed(data: bytes) -> bytes:
    """*data* as the frame reader would hand it on."""
    data = data[: codec.MAX_PDU_OCTETS].ljust(codec.HEADER_OCTETS, b"\0")
    return struct.pack(">I", len(data)) + data[4:]


# --- the mutator --------------------------------------------------------------------------------

_NUMBERS = (0, 1, 4, 15, 16, 17, 127, 128, 254, 255, 65535, 66560, 2**31 - 1, 2**31, 2**32 - 1)
_WORDS = (b"TK", b",", b";", b"id:", b" stat:", b"\0", b"\x1b", b"+", b"\xfe\xff", "ễ".encode())


def mutations(target: str, seed: int) -> Iterator[bytes]:
    """An endless row of inputs for *target*; the same for the same *seed*."""
    draw = random.Random(f"{target} {seed}")
    pool = seeds(target)
    yield from pool
    while True:
        data = bytearray(draw.choice(pool))
        for _ in range(draw.choice((1, 1, 2, 4, 8))):
            _mutate(data, draw, pool)
        if draw.random() < GROWN:
            _grow(data, draw)
        del data[MAX_OCTETS:]
        if target == "session" and draw.random() < 0.7:
            data[1:] = _framed(bytes(data[1:]))
        yield bytes(data)
        if draw.random() < 0.01 and len(data) < 4000:
            pool.append(bytes(data))
            del pool[200:]


#: Share of the inputs that are made as long as an input can be.
GROWN = 0.01


def _grow(data: bytearray, draw: random.Random) -> None:
    """Repeat a piece until all is some tens of KiB long: what is quadratic shows itself."""
    at = draw.randrange(len(data) + 1)
    piece = bytes(data[at : at + draw.choice((1, 2, 3, 4, 5, 8, 40))]) or b"\0"
    room = draw.choice((4096, MAX_OCTETS, MAX_OCTETS)) - len(data)
    data[at:at] = piece * (max(0, room) // len(piece))


def _mutate(data: bytearray, draw: random.Random, pool: list[bytes]) -> None:
    at = draw.randrange(len(data) + 1)
    end = min(len(data), at + draw.choice((1, 2, 4, 16)))
    match draw.randrange(8):
        case 0 if at < len(data):
            data[at] ^= 1 << draw.randrange(8)
        case 1 if at < len(data):
            data[at] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
        case 2:
            data[at:at] = draw.randbytes(draw.choice((1, 2, 16, 300)))
        case 3:
            del data[at:end]
        case 4:
            data[at:at] = data[at:end] * draw.choice((1, 2, 50))
        case 5:
            other = draw.choice(pool)
            data[at:] = other[draw.randrange(len(other) + 1) :]
        case 6:
            octets = draw.choice((1, 2, 4))
            data[at : at + octets] = (draw.choice(_NUMBERS) % 256**octets).to_bytes(octets, "big")
        case _:
            data[at:at] = draw.choice(_WORDS)
