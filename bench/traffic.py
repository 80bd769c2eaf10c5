"""What the load generator sends and what it answers, as octets made beforehand.

Knows the fixed layout of the PDUs of the bench and nothing else, so that the load costs a fraction
of what is measured. Both gateways of the bench are known to be well-behaved: this is no way to read
what a stranger sends.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = struct.Struct(">IIII")
NACK = 0x80000000
BIND_TRANSCEIVER = 0x00000009
SUBMIT_SM, SUBMIT_SM_RESP = 0x00000004, 0x80000004
DELIVER_SM, DELIVER_SM_RESP = 0x00000005, 0x80000005
UNBIND, UNBIND_RESP = 0x00000006, 0x80000006
ENQUIRE_LINK, ENQUIRE_LINK_RESP = 0x00000015, 0x80000015

SHORTCODE = b"8188"
#: `8490`, `8491` and so on with 8 digits of their own: 100 million phones and CMND.
NUMBER_OCTETS = 11
SPACE = 10**8
# Coprime to SPACE and near its golden section: successive numbers lie far apart, so that each
# dirties a page of its own in an index, as random numbers do, and none comes twice.
_PHONE_STEP, _CMND_STEP = 61_803_399, 38_196_601
#: From one citizen who texts again to the next.
_STRIDE = 7_919_317
#: What every twentieth text of a `mix` is; all others are registrations.
_MIX = dict.fromkeys((3, 11, 17), "syntax") | dict.fromkeys((5, 8, 14), "duplicate")

_BODY = b"\0\1\1%b\0\0\1" + SHORTCODE + b"\0%b" + bytes(8) + b"%b%b"
_RECEIPT = (
    b"id:%b sub:001 dlvrd:001 submit date:2607010800 done date:2607010800 "
    b"stat:DELIVRD err:000 text:"
)


@dataclass(frozen=True, slots=True)
class Load:
    """One measurement, as the load generator is told."""

    kind: str  #: register, syntax, duplicate or mix
    seconds: float  #: measured
    warmup: float = 0.3  #: before that, seconds
    window: int = 100  #: closed loop: MOs whose answer or MT is awaited, at most
    rate: float = 0.0  #: open loop: MOs a second at random moments; 0: closed loop
    messages: int = 60_000  #: at most; `register` ends there, other kinds begin again
    first: int = 0  #: number of the first new citizen
    known: int = 0  #: citizens 0 to known - 1 are registered already
    turn: int = 0  #: texts of another turn are others: the same octets on another session within
    #: minutes are a retransmission, and rightly get no reply
    receipts: bool = False  #: send one for each MT
    enquire_every: float = 0.0  #: seconds between enquire_link; 0: none
    pid: int = 0  #: whose processor time is read


def phone(citizen: int) -> bytes:
    return b"849%08d" % (citizen * _PHONE_STEP % SPACE)


def cmnd(citizen: int) -> bytes:
    return b"2%08d" % (citizen * _CMND_STEP % SPACE)


def registration(citizen: int, turn: int = 0) -> bytes:
    return b"TK,Nguyen Van A%c,%b,%02d.%02d.19%02d" % (
        97 + turn % 26, cmnd(citizen), citizen % 28 + 1, citizen % 12 + 1, citizen % 60 + 40,
    )  # fmt: skip


def texts(load: Load) -> Iterator[tuple[bytes, bytes]]:
    """(phone, deliver_sm) of each MO, sequence numbers from 1."""
    new = load.first
    for sequence in range(1, load.messages + 1):
        kind = load.kind if load.kind != "mix" else _MIX.get(sequence % 20, "register")
        if kind == "register":
            citizen, new = new, new + 1
            text = registration(citizen, load.turn)
        elif kind == "duplicate":
            citizen = sequence * _STRIDE % load.known
            text = registration(citizen, load.turn)
        else:
            citizen = SPACE - 1 - load.first - sequence
            text = b"TK Nguyen Van An %b" % cmnd(citizen)
        number = phone(citizen)
        yield number, deliver_sm(sequence, number, text)


def deliver_sm(sequence: int, number: bytes, text: bytes, esm_class: int = 0) -> bytes:
    body = _BODY % (number, bytes((esm_class,)), bytes((len(text),)), text)
    return HEADER.pack(16 + len(body), DELIVER_SM, 0, sequence) + body


def receipt(sequence: int, number: bytes, message_id: bytes) -> bytes:
    return deliver_sm(sequence, number, _RECEIPT % message_id, esm_class=4)


def destination_offset(frame: bytes) -> int:
    """Where in a submit_sm of this gateway the destination stands."""
    after_service_type = frame.index(b"\0", 16) + 1
    return frame.index(b"\0", after_service_type + 2) + 1 + 2
