"""Citizens' texts as a carrier hands them on: deliver_sm in any coding, whole or in parts.

Knows alphabets, user data headers and the sar_* parameters. Knows no session: the sequence
number is given when the message is sent.
"""

from collections.abc import Mapping
from enum import StrEnum

from smsgw.model import Address
from smsgw.smpp import alphabets
from smsgw.smpp.alphabets import Alphabet
from smsgw.smpp.pdu import UDHI, DeliverSm, Tlv

GSM_SEPTETS = 160
OCTETS = 140
# What is left of them when the six or seven octets of a concatenation header lead the text.
GSM_SEPTETS_OF_PART = 153
OCTETS_OF_PART = 134


class Coding(StrEnum):
    """How a text is written in octets; see `DATA_CODING` for the number on the wire."""

    GSM7 = "gsm7"  #: GSM 03.38, one septet an octet
    ASCII = "ascii"
    LATIN1 = "latin1"
    UCS2 = "ucs2"  #: UTF-16, big endian


#: SMPP v3.4 §5.2.19
DATA_CODING = {Coding.GSM7: 0, Coding.ASCII: 1, Coding.LATIN1: 3, Coding.UCS2: 8}


class Numbering(StrEnum):
    """How the parts of a long text are numbered."""

    UDH8 = "udh8"  #: user data header, reference of one octet (3GPP TS 23.040 §9.2.3.24.1)
    UDH16 = "udh16"  #: reference of two octets (§9.2.3.24.8)
    SAR = "sar"  #: optional parameters sar_*, SMPP v3.4 §5.3.2.22


def address(number: str | Address) -> Address:
    """*number* as most carriers write a subscriber: international, ISDN."""
    return number if isinstance(number, Address) else Address(number, 1, 1)


def best_coding(text: str) -> Coding:
    """GSM 03.38 where the text can be written in it, else UCS-2: what a phone does."""
    return Coding.UCS2 if alphabets.septets(text) is None else Coding.GSM7


def octets_of(text: str, coding: Coding) -> bytes:
    """*text* in *coding*.

    Raises:
        UnicodeEncodeError: the coding has no such character.
    """
    if coding is Coding.GSM7:
        return alphabets.encode(text, Alphabet.GSM7)
    return text.encode("utf-16-be" if coding is Coding.UCS2 else coding.value)


def fits_one(text: str) -> bool:
    """Whether *text* goes out in one SMS."""
    septets = alphabets.septets(text)
    if septets is None:
        return len(text.encode("utf-16-be")) <= OCTETS
    return septets <= GSM_SEPTETS


def mo(
    sender: str | Address,
    text: str | bytes,
    *,
    to: str | Address = "8188",
    coding: Coding | str | None = None,
    data_coding: int | None = None,
    esm_class: int = 0,
    header: bytes = b"",
    tlvs: Mapping[int, bytes] | None = None,
    payload: bool = False,
) -> DeliverSm:
    """One text from a citizen as deliver_sm, of any length and content.

    Args:
        sender: a number (international), or an address with its own TON and NPI.
        text: written in *coding*; octets go out as they are.
        coding: left out, what a phone would choose.
        data_coding: on the wire, where it is not the one that belongs to *coding*.
        header: a user data header with its length octet; sets UDHI.
        payload: carry the text in message_payload, with an empty short_message.
    """
    if isinstance(text, str):
        chosen = Coding(coding) if coding else best_coding(text)
        octets = octets_of(text, chosen)
        number = DATA_CODING[chosen]
    else:
        octets, number = text, 0
    octets = header + octets
    optional = dict(tlvs or {})
    if payload:
        optional[Tlv.MESSAGE_PAYLOAD] = octets
        octets = b""
    return DeliverSm(
        sequence=0,
        source=address(sender),
        destination=to if isinstance(to, Address) else Address(to, 3, 0),
        esm_class=esm_class | (UDHI if header else 0),
        data_coding=number if data_coding is None else data_coding,
        short_message=octets,
        tlvs=optional,
    )


def parts(
    sender: str | Address,
    text: str,
    *,
    to: str | Address = "8188",
    coding: Coding | str | None = None,
    numbering: Numbering | str = Numbering.UDH8,
    ref: int = 1,
    size: int | None = None,
) -> list[DeliverSm]:
    """A long text from a citizen, cut into parts in their order.

    Args:
        numbering: how the parts are told to belong together.
        ref: the number that all parts of this text bear.
        size: octets of text in a part; given, the cut is made there even if it falls inside
            an escape sequence or a surrogate pair, as some phones do.
    """
    chosen = Coding(coding) if coding else best_coding(text)
    pieces = _cut(octets_of(text, chosen), chosen, size)
    made = []
    for number, piece in enumerate(pieces, start=1):
        header, tlvs = _numbered(Numbering(numbering), ref, len(pieces), number)
        made.append(
            mo(sender, piece, to=to, data_coding=DATA_CODING[chosen], header=header, tlvs=tlvs)
        )
    return made


def _numbered(
    numbering: Numbering, ref: int, total: int, number: int
) -> tuple[bytes, dict[int, bytes]]:
    match numbering:
        case Numbering.UDH8:
            return bytes((5, 0x00, 3, ref & 0xFF, total, number)), {}
        case Numbering.UDH16:
            return bytes((6, 0x08, 4, ref >> 8 & 0xFF, ref & 0xFF, total, number)), {}
        case Numbering.SAR:
            return b"", {
                Tlv.SAR_MSG_REF_NUM: ref.to_bytes(2, "big"),
                Tlv.SAR_TOTAL_SEGMENTS: bytes((total,)),
                Tlv.SAR_SEGMENT_SEQNUM: bytes((number,)),
            }


def _cut(octets: bytes, coding: Coding, size: int | None) -> list[bytes]:
    most = size or (OCTETS_OF_PART if coding is Coding.UCS2 else GSM_SEPTETS_OF_PART)
    pieces = []
    while octets:
        end = most
        if size is None and len(octets) > end:
            if coding is Coding.GSM7 and octets[end - 1] == 0x1B:
                end -= 1
            elif coding is Coding.UCS2 and 0xD8 <= octets[end - 2] <= 0xDB:
                end -= 2
        pieces.append(octets[:end])
        octets = octets[end:]
    return pieces
