"""A citizen's text out of a PDU: which part of what, in which alphabet, and how to know it again.

What a receipt is, and what it says, stands in `receipts`.

Source: SMPP v3.4 §5.2.19 (data_coding), §5.3.2.22 to .24 (sar_*); 3GPP TS 23.040 §9.2.3.24.
"""

from hashlib import blake2b
from struct import Struct

from smsgw.model import Mo, Octets, Oddity, Part, from_tuple
from smsgw.smpp.alphabets import NO_SHIFT, Alphabet, decode, split_header
from smsgw.smpp.events import Event, Odd
from smsgw.smpp.pdu import UDHI, Message, Tlv

_fingerprint = Struct(">q")
# Its own string, which is cheaper to make a key of than a member of an enum.
_UNREADABLE = Oddity.UNREADABLE


def read_mo(
    pdu: Message, link: str, session: int, alphabet: Alphabet, told: list[Event], now: float
) -> Mo:
    """The text that *pdu* brings by *link*.

    Args:
        session: which brought it.
        alphabet: what data_coding 0 means there.
        told: gets an `Odd` for each thing that was strange and understood all the same.
        now: monotonic seconds.
    """
    octets = pdu.octets
    coding = pdu.data_coding
    identity = bytes((pdu.esm_class & UDHI, coding)) + octets
    text: str | None
    if not pdu.tlvs and not pdu.esm_class & UDHI:
        text, part = decode(octets, coding, alphabet), None
    else:
        part, shift, octets, mended = _read_part(pdu, octets)
        text = None if part else decode(octets, coding, alphabet, shift)
        if mended:
            told.append(Odd(Oddity.HEADER_LENGTH, "of a user data header"))
    raw = None
    # Septets of letters read the same in every alphabet that has one octet a character.
    if text is None or not (octets.isascii() and text.isascii()) or 0 in octets:
        if part is None:
            raw = Octets((pdu.octets if len(pdu.octets) == len(octets) + 1 else octets,))
            if text is None:
                detail = f"data_coding 0x{coding:02X}, {len(octets)} octets"
                told.append(Odd(_UNREADABLE, detail))
        if part and part.ref.startswith("sar:"):
            identity += f"{part.ref}:{part.number}".encode()
    digest = blake2b(identity, digest_size=8).digest()
    (fingerprint,) = _fingerprint.unpack(digest)
    return from_tuple(Mo, (link, session, pdu.source, text, fingerprint, part, raw, now))


def _read_part(pdu: Message, octets: bytes) -> tuple[Part | None, tuple[int, int], bytes, bool]:
    """Which part of a long text this is, its shift tables, its octets alone, and whether they
    begin elsewhere than the user data header says.

    Where both a user data header and sar_* number the part, the header counts: it is what the
    handset wrote. Numbers that make no sense mean that the text is whole.
    """
    ref, total, number, shift, mended = "", 1, 1, NO_SHIFT, False
    if pdu.esm_class & UDHI:
        header, octets = split_header(octets)
        if header:
            ref, total, number, shift, mended = header
    if not ref and Tlv.SAR_MSG_REF_NUM in pdu.tlvs:
        ref = f"sar:{_number(pdu, Tlv.SAR_MSG_REF_NUM)}"
        total = _number(pdu, Tlv.SAR_TOTAL_SEGMENTS)
        number = _number(pdu, Tlv.SAR_SEGMENT_SEQNUM)
    if total > 1 and 1 <= number <= total <= 255:
        part = Part(ref, total, number, pdu.data_coding, octets, shift)
        return part, shift, octets, mended
    return None, shift, octets, mended


def _number(pdu: Message, tag: Tlv) -> int:
    # As long as it is on the wire: SMSCs disagree with the specification about sizes.
    return int.from_bytes(pdu.tlvs.get(tag, b"")[:4], "big")
