"""What odd and hostile SMSCs send: deliver_sm that no standard foresees, and floods of them.

Knows octets only: each function makes what is to be sent and sends nothing, so that floods are
iterators, and whoever plays them decides how many, how fast and until when. Nothing of a gateway.
"""

import itertools
import random
from collections.abc import Iterator
from typing import NamedTuple

from smsgw import clock
from smsgw.model import Address
from smsgw.simulator import receipts, texts
from smsgw.simulator.receipts import DIALECTS
from smsgw.simulator.texts import Coding
from smsgw.simulator.words import Submit
from smsgw.smpp.pdu import DeliverSm, Tlv

SHORTCODE = Address("8188", 3, 0)
#: message_payload's own length has 16 bits.
PAYLOAD_OCTETS = 0xFFFF
#: U+0F73, TIBETAN VOWEL SIGN II: two marks once decomposed, and each is put in order.
MARK = "\u0f73"


class Odd(NamedTuple):
    """A deliver_sm, and what stands behind its last field and is no TLV."""

    pdu: DeliverSm
    tail: bytes = b""


# --- one citizen's text, as no standard has it ------------------------------------------------


def stray_octets(sender: str | Address, text: str, tail: bytes = b"\0") -> Odd:
    """A text with octets behind it, as some providers leave them: a NUL, a piece of a TLV."""
    return Odd(texts.mo(sender, text), tail)


def contradicting(sender: str | Address, text: str, encoding: str) -> Odd:
    """A text in *encoding* (of Python), under a data_coding that says GSM 03.38."""
    return Odd(texts.mo(sender, text.encode(encoding), data_coding=0))


def wrong_header(sender: str | Address, text: str, off_by: int = 1, ref: int = 7) -> list[Odd]:
    """A text in two parts at least, whose user data headers state a wrong length."""
    size = max(1, min(texts.GSM_SEPTETS_OF_PART, (len(text) + 1) // 2))
    made = texts.parts(sender, text, ref=ref, size=size, coding=Coding.GSM7)
    return [
        Odd(part._replace(short_message=_longer_header(part.short_message, off_by)))
        for part in made
    ]


def _longer_header(octets: bytes, by: int) -> bytes:
    return bytes((octets[0] + by,)) + octets[1:]


#: Values of data_coding for each group of 3GPP TS 23.038 §4 that says what the octets are, and
#: how they are then written. SMPP's own values below 0x10 are in `texts.DATA_CODING`.
GROUPS = {
    **dict.fromkeys((0x00, 0x10, 0x13, 0x40, 0x53, 0xC0, 0xC8, 0xD0, 0xDB, 0xF0), Coding.GSM7),
    **dict.fromkeys((0x14, 0x17, 0x44, 0x57, 0xF4, 0xF7), Coding.LATIN1),
    **dict.fromkeys((0x08, 0x18, 0x1B, 0x48, 0x5B, 0xE0, 0xE8), Coding.UCS2),
}


def in_group(sender: str | Address, text: str, data_coding: int) -> Odd:
    """A text under *data_coding*, written as the standard says for its group.

    Raises:
        KeyError: *data_coding* is none of `GROUPS`.
        UnicodeEncodeError: that coding cannot write the text.
    """
    return Odd(texts.mo(sender, text, coding=GROUPS[data_coding], data_coding=data_coding))


def forwarded(submit: Submit, sender: Address | None = None) -> list[Odd]:
    """What the gateway wrote, sent back to it as a text of its reader."""
    who, text = sender or submit.destination, submit.text or ""
    if texts.fits_one(text):
        return [Odd(texts.mo(who, text))]
    return [Odd(part) for part in texts.parts(who, text)]


# --- receipts -----------------------------------------------------------------------------------


def plain_receipt(submit: Submit, sender: Address, id_form: str = "hex") -> Odd:
    """A receipt for *submit* that only its words give away, from *sender*: a name, a stranger."""
    now = clock.now()
    dialect = receipts.Dialect(esm_class=0, tlvs=False, id_form=id_form)
    pdu = receipts.write(
        dialect,
        submit.number,
        source=sender,
        destination=submit.source,
        submitted=now,
        done=now,
        state="UNDELIV",
        text=submit.text or "",
    )
    return Odd(pdu)


def unknown_receipts(first: int = 1, step: int = 1) -> Iterator[Odd]:
    """Receipts of messages that nobody sent; *step* 0: all of the same one."""
    now = clock.now()
    for number in itertools.count(first, step):
        pdu = receipts.write(
            DIALECTS["standard"],
            number,
            source=Address("84905000001", 1, 1),
            destination=SHORTCODE,
            submitted=now,
            done=now,
        )
        yield Odd(pdu)


def endless_receipts(octets: int = PAYLOAD_OCTETS) -> Iterator[Odd]:
    """Receipts that begin again and again and never come to their `stat:`."""
    for number in itertools.count(1):
        text = (b"id:%d " % number + b"sub:" * (octets // 4))[:octets]
        yield Odd(texts.mo("84905000002", text, payload=True))


# --- floods of texts ------------------------------------------------------------------------------


def made_up_numbers(seed: int | None = None) -> Iterator[int]:
    """Eight digits that no two floods share, as far as chance allows."""
    first = random.Random(seed).randrange(10**8)  # noqa: S311
    for number in itertools.count(first):
        yield number % 10**8


def registrations(seed: int | None = None) -> Iterator[Odd]:
    """Each from another number, with another CMND: whoever owns a thousand SIM cards."""
    for number in made_up_numbers(seed):
        text = f"TK,Nguyen Van An,3{number:08d},01.02.1990"
        yield Odd(texts.mo(f"849{number:08d}", text))


def errors(seed: int | None = None) -> Iterator[Odd]:
    """Texts that are no registration, each from another number."""
    for number in made_up_numbers(seed):
        yield Odd(texts.mo(f"849{number:08d}", f"xin chao {number}"))


def from_one_number(sender: str | Address, seed: int | None = None) -> Iterator[Odd]:
    """Texts of one number, no two of them the same."""
    for number in made_up_numbers(seed):
        yield Odd(texts.mo(sender, f"xin chao {number}"))


def marks(count: int = 2000, seed: int | None = None) -> Iterator[Odd]:
    """Texts of nothing but combining marks, each from another number."""
    for number in made_up_numbers(seed):
        text = MARK * count
        yield Odd(texts.mo(f"849{number:08d}", text, coding=Coding.UCS2, payload=True))


def half_texts(seed: int | None = None) -> Iterator[Odd]:
    """First parts of long texts whose second part never comes, each from another number."""
    text = "TK,Nguyen Van An," + "x" * 160
    for number in made_up_numbers(seed):
        yield Odd(texts.parts(f"849{number:08d}", text, ref=number & 0xFF)[0])


def big_parts(sender: str | Address = "84905000003", octets: int = 60_000) -> Iterator[Odd]:
    """Parts of long texts that hold *octets* each; no text of them is ever whole."""
    for number in itertools.count():
        ref, part = divmod(number, 254)
        tlvs: dict[int, bytes] = {
            Tlv.SAR_MSG_REF_NUM: (ref & 0xFFFF).to_bytes(2, "big"),
            Tlv.SAR_TOTAL_SEGMENTS: bytes((255,)),
            Tlv.SAR_SEGMENT_SEQNUM: bytes((part + 1,)),
        }
        yield Odd(texts.mo(sender, bytes((65,)) * octets, tlvs=tlvs, payload=True))


def copies(sender: str | Address, text: str, count: int = 3) -> list[Odd]:
    """The same text so many times: its SMSC does not wait for our answer."""
    return [Odd(texts.mo(sender, text))] * count


def cut_off(octets: int = 200) -> bytes:
    """The beginning of a PDU of *octets* that is never whole."""
    return octets.to_bytes(4, "big") + bytes.fromhex("000000050000000000000001")
