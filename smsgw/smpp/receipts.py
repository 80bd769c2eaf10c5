"""Delivery receipts in the dialects of real SMSCs.

A receipt is known by its esm_class bits, else by its TLV, else by its text alone; whatever is
a receipt is never a citizen's text.

Source: SMPP v3.4 §5.2.12 (esm_class), §5.3.2.12 and §5.3.2.35 (TLVs), Appendix B (text).
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from smsgw.model import MtState, Receipt
from smsgw.smpp.pdu import Message, Tlv

# Delivery receipt, SME delivery acknowledgement, intermediate notification. The specification
# means them as values of four bits; SMSCs use them as flags, also together with UDHI.
_RECEIPT_BITS = 0x04 | 0x08 | 0x20

_DELIVERED, _FAILED = MtState.DELIVERED, MtState.FAILED

# message_state (SMPP v3.4 §5.2.28): name as in the text, what it means. Not in the table:
# not final, such as 1 ENROUTE, 6 ACCEPTD, 7 UNKNOWN.
_NAMES = (
    "?",
    "ENROUTE",
    "DELIVRD",
    "EXPIRED",
    "DELETED",
    "UNDELIV",
    "ACCEPTD",
    "UNKNOWN",
    "REJECTD",
)
_STATES: Mapping[str, MtState] = {
    "DELIVRD": _DELIVERED,
    "DELIVERED": _DELIVERED,
    "DELIVERD": _DELIVERED,
    "SUCCESS": _DELIVERED,
    "EXPIRED": _FAILED,
    "EXPIRD": _FAILED,
    "DELETED": _FAILED,
    "UNDELIV": _FAILED,
    "UNDELIVERABLE": _FAILED,
    "UNDELIVERED": _FAILED,
    "UNDELVRD": _FAILED,
    "REJECTD": _FAILED,
    "REJECTED": _FAILED,
    "FAILED": _FAILED,
    "FAIL": _FAILED,
    "ERROR": _FAILED,
    "BLOCKED": _FAILED,
}

_id = re.compile(r"\bid: ?([^\s:]{1,64})", re.IGNORECASE)
_stat = re.compile(r"\bstat: ?(\w{1,20})", re.IGNORECASE)
_err = re.compile(r"\berr: ?(\w{1,10})", re.IGNORECASE)
_quoted = re.compile(r"\btext:", re.IGNORECASE)
# Without bits and without TLV only a text of the whole form is a receipt: these three, in this
# order. Each is looked for once, from where the one before ended: as one expression with gaps
# between them, a text that repeats the second and lacks the third took time quadratic in its
# length, 22 s for the 64 KiB that a message_payload may hold.
_begins = re.compile(rb"[\s\0]{0,16}i\0?d\0?:", re.IGNORECASE).match
_FORM = (
    re.compile(r"\s{0,16}id: ?\S{1,64}\s", re.IGNORECASE).match,
    re.compile(r"\b(?:sub|dlvrd|submit date|done date):", re.IGNORECASE).search,
    re.compile(r"\bstat: ?\w", re.IGNORECASE).search,
)
#: A receipt has some 120 octets, in UCS-2 twice as many, with a long text quoted up to 500. What
#: stands beyond is never looked at.
MAX_OCTETS = 1024


def is_receipt(pdu: Message) -> bool:
    """Whether *pdu* is about a text of ours and not a citizen's."""
    if is_marked(pdu):
        return True
    octets = pdu.octets
    return _begins(octets) is not None and _has_the_form(_plain(octets))


def is_marked(pdu: Message) -> bool:
    """Whether esm_class or a TLV says that *pdu* is a receipt, and not its words alone."""
    if pdu.esm_class & _RECEIPT_BITS:
        return True
    return bool(pdu.tlvs) and Tlv.RECEIPTED_MESSAGE_ID in pdu.tlvs


def _has_the_form(text: str) -> bool:
    at = 0
    for find in _FORM:
        found = find(text, at)
        if found is None:
            return False
        at = found.end()
    return True


def read(pdu: Message, link: str) -> Receipt:
    """What a receipt says; an id that it does not name is empty."""
    # The end of the text quotes ours, password and all: cut it off before anything else.
    text = _quoted.split(_plain(pdu.octets), maxsplit=1)[0]
    code = int.from_bytes(pdu.tlvs.get(Tlv.MESSAGE_STATE, b"")[:2], "big")
    state = _NAMES[code] if 0 < code < len(_NAMES) else ""
    word = _first(_stat, text).upper()
    error = _network_error(pdu.tlvs.get(Tlv.NETWORK_ERROR_CODE, b"")) or _first(_err, text)
    return Receipt(
        link=link,
        smsc_id=_message_id(pdu.tlvs.get(Tlv.RECEIPTED_MESSAGE_ID, b"")) or _first(_id, text),
        state=_STATES.get(state) or _STATES.get(word),
        reason=f"{word or state or 'no state'} err:{error}" if error else word or state,
        phone=pdu.source,
    )


def says_nothing(receipt: Receipt) -> bool:
    """Whether *receipt* names neither a text nor what became of one: only a flag made it one."""
    return not receipt.smsc_id and not receipt.reason


def _plain(octets: bytes) -> str:
    # Receipts are ASCII whatever data_coding says; this reads those in UCS-2 as well.
    return octets[:MAX_OCTETS].replace(b"\0", b"").decode("latin-1")


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _message_id(value: bytes) -> str:
    """Of receipted_message_id, at most 64 octets; some SMSCs leave out its NUL."""
    return value[:64].partition(b"\0")[0].decode("latin-1")


def _network_error(value: bytes) -> str:
    """network_error_code: network type and number, or (against §5.3.2.31) three digits."""
    if len(value) != 3:
        return ""
    return value.decode() if value.isdigit() else f"{int.from_bytes(value[1:], 'big'):03}"


class MatchKeys(NamedTuple):
    """Under which names a message id may come back."""

    normal: str  #: lower case, no leading zeros: what the store indexes
    others: tuple[str, ...]  #: the same number, had the SMSC written it in the other base


def normal_id(smsc_id: str) -> str:
    """The form under which an id of an SMSC is stored: lower case, no leading zeros."""
    return smsc_id.strip().lower().lstrip("0") or "0"


def match_keys(smsc_id: str) -> MatchKeys:
    """How to find a text by the id in its receipt.

    Some SMSCs answer submit_sm in hexadecimal and report in decimal, or the other way round,
    or fill up with zeros. So what was taken is stored under `normal`; a receipt is looked up
    by its own `normal`, then by `others`.
    """
    normal = normal_id(smsc_id)
    others = []
    if _decimal(normal):
        others.append(f"{int(normal):x}")
    if _hexadecimal(normal):
        others.append(str(int(normal, 16)))
    return MatchKeys(normal, tuple(key for key in dict.fromkeys(others) if key != normal))


# Bounded: a number of thousands of digits takes long to read, and Python refuses to.
_decimal = re.compile(r"[0-9]{1,64}").fullmatch
_hexadecimal = re.compile(r"[0-9a-f]{1,64}").fullmatch
