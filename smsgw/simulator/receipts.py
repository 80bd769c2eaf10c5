"""Delivery receipts as carriers write them: by the book, and in the dialects seen in the field.

Knows how a receipt looks on the wire (SMPP v3.4 §2.11, Appendix B). Does not know when one is
sent, nor who reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from smsgw.model import Address
from smsgw.smpp.pdu import DeliverSm, Tlv

#: SMPP v3.4 §5.2.28; the words are Appendix B's.
MESSAGE_STATES = {
    "ENROUTE": 1,
    "DELIVRD": 2,
    "EXPIRED": 3,
    "DELETED": 4,
    "UNDELIV": 5,
    "ACCEPTD": 6,
    "UNKNOWN": 7,
    "REJECTD": 8,
}

#: How an SMSC writes the number that it gave a message.
ID_FORMS = MappingProxyType(
    {
        "decimal": "{:d}",
        "decimal-padded": "{:016d}",
        "hex": "{:X}",
        "hex-lower": "{:x}",
        "hex-padded": "{:016x}",
    }
)


def message_id(number: int, form: str) -> str:
    """The message id of the SMSC's message *number*, in one of `ID_FORMS`."""
    return ID_FORMS[form].format(number)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an SMSC reports what became of a message."""

    esm_class: int = 0x04  #: 0x04 by the book; 0x08, 0x20, 0x44 are seen, and 0: not marked
    text: bool = True  #: Appendix B's text in short_message
    tlvs: bool = True  #: receipted_message_id and message_state
    id_form: str = "decimal"  #: one of `ID_FORMS`; often not that of the submit_sm_resp
    before_answer: bool = False  #: overtakes its submit_sm_resp
    delay: float = 0.0  #: seconds between the submit_sm_resp and the receipt


#: By the book, and what else is met.
DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "standard": Dialect(),
        "bits": Dialect(tlvs=False),
        "intermediate": Dialect(esm_class=0x20),
        "acknowledgement": Dialect(esm_class=0x08),
        "tlv": Dialect(text=False),
        "unmarked": Dialect(esm_class=0, tlvs=False),
        "hex": Dialect(id_form="hex-padded"),
        "early": Dialect(before_answer=True),
    }
)


def write(
    dialect: Dialect,
    number: int,
    *,
    source: Address,
    destination: Address,
    submitted: datetime,
    done: datetime,
    state: str = "DELIVRD",
    error: str = "000",
    text: str = "",
) -> DeliverSm:
    """The receipt for message *number*.

    Args:
        source: whose receipt it is: where the message went.
        destination: where the message came from.
        state: a word of `MESSAGE_STATES`, or one that no standard knows.
        text: the message; its first 20 characters are repeated.
    """
    name = message_id(number, dialect.id_form)
    body = (
        f"id:{name} sub:001 dlvrd:{int(state == 'DELIVRD'):03d} "
        f"submit date:{submitted:%y%m%d%H%M} done date:{done:%y%m%d%H%M} "
        f"stat:{state} err:{error} text:{text[:20]}"
    )
    tlvs: dict[int, bytes] = {}
    if dialect.tlvs:
        tlvs[Tlv.RECEIPTED_MESSAGE_ID] = name.encode() + b"\0"
        if state in MESSAGE_STATES:
            tlvs[Tlv.MESSAGE_STATE] = bytes((MESSAGE_STATES[state],))
        if error.isdecimal() and int(error):
            tlvs[Tlv.NETWORK_ERROR_CODE] = b"\x03" + int(error).to_bytes(2, "big")  # GSM
    return DeliverSm(
        sequence=0,
        source=source,
        destination=destination,
        esm_class=dialect.esm_class,
        short_message=body.encode("ascii", "replace") if dialect.text else b"",
        tlvs=tlvs,
    )
