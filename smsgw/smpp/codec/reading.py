"""A whole PDU -> its fields, strictly: a field that is cut or too long is named, never guessed.

Source: SMPP v3.4 §3.2 (types), §4 (fields of each operation), §5.3 (TLVs).
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NoReturn, TypeVar

from smsgw.model import Address, from_tuple
from smsgw.smpp.codec.frames import HEADER_OCTETS, header, tlv_header
from smsgw.smpp.codec.layout import BIND, DATA, MESSAGE, Field
from smsgw.smpp.pdu import (
    ANSWER,
    NO_TLVS,
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
    Message,
    Pdu,
    SubmitSm,
    SubmitSmResp,
    Tlv,
    Unbind,
    UnbindResp,
    Unknown,
)
from smsgw.smpp.statuses import Status

# SMPP v3.4 knows some fifty TLVs, and one message has a handful.
MAX_TLVS = 256

# The mandatory part of deliver_sm and submit_sm (SMPP v3.4 §4.4.1, §4.6.1) in one match: the
# hot path. Where it does not match, _read_fields finds out which field is to blame.
_match_message = re.compile(
    rb"""([^\0]{0,5}) \0                # service_type
         (..) ([^\0]{0,20}) \0          # source_addr_ton, _npi, source_addr
         (..  [^\0]{0,20}) \0           # dest_addr_ton, _npi, destination_addr
         (...)                          # esm_class, protocol_id, priority_flag
         [^\0]{0,16} \0 [^\0]{0,16} \0  # schedule_delivery_time, validity_period
         (.....)                        # registered_delivery, replace_if_present_flag,
                                        # data_coding, sm_default_msg_id, sm_length
    """,
    re.DOTALL | re.VERBOSE,
).match

_T = TypeVar("_T", bound=Message)


def decode(frame: bytes) -> Pdu:
    """Read one whole PDU, strictly.

    Raises:
        BadPdu: the body is not what its command demands; carries the status to answer with.
    """
    _, command, status, sequence = header.unpack_from(frame)
    match command:
        case Command.DELIVER_SM:
            return decode_message(DeliverSm, frame, sequence)
        case Command.SUBMIT_SM:
            return decode_message(SubmitSm, frame, sequence)
        case Command.DATA_SM:
            return decode_data(frame)
        case Command.ENQUIRE_LINK:
            return EnquireLink(sequence)
        case Command.UNBIND:
            return Unbind(sequence)
        case Command.GENERIC_NACK:
            return GenericNack(sequence, status)
        case Command.BIND_RECEIVER | Command.BIND_TRANSMITTER | Command.BIND_TRANSCEIVER:
            fields, _ = _read_fields(frame, BIND)
            return Bind(Command(command), sequence, *fields)
    match command ^ ANSWER:
        case Command.SUBMIT_SM:
            return SubmitSmResp(sequence, status, *_read_answer(frame, 65))
        case Command.DELIVER_SM:
            return DeliverSmResp(sequence, status, *_read_answer(frame, 65))
        case Command.DATA_SM:
            return DataSmResp(sequence, status, *_read_answer(frame, 65))
        case Command.ENQUIRE_LINK:
            return EnquireLinkResp(sequence, status)
        case Command.UNBIND:
            return UnbindResp(sequence, status)
        case Command.BIND_RECEIVER | Command.BIND_TRANSMITTER | Command.BIND_TRANSCEIVER:
            request = Command(command ^ ANSWER)
            return BindResp(request, sequence, status, *_read_answer(frame, 16))
    return Unknown(command, sequence, status)


def decode_message(kind: type[_T], frame: bytes, sequence: int) -> _T:
    """Read a deliver_sm or submit_sm, whose *sequence* was read already; about a microsecond.

    Raises:
        BadPdu: a field is cut, too long or missing.
    """
    found = _match_message(frame, HEADER_OCTETS)
    if found is None:
        _blame(frame, MESSAGE)
    service_type, (ton, npi), number, destination, first, second = found.groups()
    esm_class, protocol_id, priority = first
    registered_delivery, _, data_coding, _, sm_length = second
    start = found.end()
    end = start + sm_length
    octets = len(frame)
    tlvs, stray = NO_TLVS, 0
    if end < octets:
        tlvs, stray = _read_rest(frame, end, _JOINING if sm_length else _TEXT_OR_JOINING)
    elif end > octets:
        raise _bad(frame, Status.RINVMSGLEN, "sm_length goes beyond the PDU")
    return from_tuple(
        kind,
        (
            sequence,
            from_tuple(Address, (str(number, "latin-1"), ton, npi)),
            _short_code(destination),
            str(service_type, "latin-1") if service_type else "",
            esm_class,
            protocol_id,
            priority,
            registered_delivery,
            data_coding,
            frame[start:end],
            tlvs,
            stray,
        ),
    )


@lru_cache(maxsize=256)
def _short_code(octets: bytes) -> Address:
    # Nearly every MO goes to the same short code.
    return Address(str(octets[2:], "latin-1"), octets[0], octets[1])


def decode_data(frame: bytes) -> DataSm:
    """Read a data_sm. Raises `BadPdu`."""
    fields, end = _read_fields(frame, DATA)
    service_type, ton, npi, number, to_ton, to_npi, to, esm_class, registered, coding = fields
    tlvs, stray = _read_rest(frame, end, _TEXT_OR_JOINING)
    return DataSm(
        sequence=_sequence(frame),
        source=Address(number, ton, npi),
        destination=Address(to, to_ton, to_npi),
        service_type=service_type,
        esm_class=esm_class,
        registered_delivery=registered,
        data_coding=coding,
        tlvs=tlvs,
        stray=stray,
    )


def _read_fields(frame: bytes, fields: Sequence[Field]) -> tuple[list[Any], int]:
    """The values of a body's mandatory *fields*, and where they end."""
    values: list[Any] = []
    at = HEADER_OCTETS
    for name, octets, status in fields:
        if at >= len(frame):
            raise _bad(frame, status, f"{name} is missing")
        if not octets:
            values.append(frame[at])
            at += 1
            continue
        end = frame.find(0, at, at + octets)
        if end < 0:
            raise _bad(frame, status, f"{name} has no NUL within {octets} octets")
        values.append(str(frame[at:end], "latin-1"))
        at = end + 1
    return values, at


def _blame(frame: bytes, fields: Sequence[Field]) -> NoReturn:
    _read_fields(frame, fields)
    raise AssertionError(f"{fields} and the pattern disagree about {frame!r}")


def _read_answer(frame: bytes, octets: int) -> tuple[str, Mapping[int, bytes]]:
    """The single string of an answer, which may be absent, and its TLVs."""
    if len(frame) == HEADER_OCTETS:
        return "", NO_TLVS
    end = frame.find(0, HEADER_OCTETS, HEADER_OCTETS + octets)
    if end < 0:
        raise _bad(frame, Status.RINVMSGLEN, f"no NUL within {octets} octets")
    return str(frame[HEADER_OCTETS:end], "latin-1"), _read_tlvs(frame, end + 1)


def first_string(frame: bytes) -> str:
    """system_id or message_id of an answer, also of one that `decode` finds fault with.

    What was accepted stays accepted, even if the answer lacks its NUL or has a TLV cut: a text
    would be sent twice, a bind tried for ever.
    """
    return str(frame[HEADER_OCTETS : HEADER_OCTETS + 64].partition(b"\0")[0], "latin-1")


def interface_version(frame: bytes) -> int | None:
    """What a bind_resp says of the SMSC's version of SMPP, as 0x34; None: nothing that can be read.

    Source: SMPP v3.4 §5.3.2.25.
    """
    end = frame.find(0, HEADER_OCTETS, HEADER_OCTETS + 64)
    if end < 0:
        return None
    try:
        value = _whole_tlvs(frame, end + 1)[0].get(Tlv.SC_INTERFACE_VERSION, b"")
    except BadPdu:
        return None
    return value[0] if len(value) == 1 else None


def _read_tlvs(frame: bytes, at: int) -> dict[int, bytes]:
    """The TLVs from *at* to the end of *frame*. Raises `BadPdu`: the last one is cut."""
    tlvs, end = _whole_tlvs(frame, at)
    if end < len(frame):
        raise _bad(frame, Status.RINVOPTPARSTREAM, "a TLV goes beyond the PDU")
    return tlvs


# What a text cannot do without: a cut one must come again.
_JOINING = frozenset((Tlv.SAR_MSG_REF_NUM, Tlv.SAR_TOTAL_SEGMENTS, Tlv.SAR_SEGMENT_SEQNUM))
_TEXT_OR_JOINING = _JOINING | {Tlv.MESSAGE_PAYLOAD}
_MAX_NULS = 3


def _read_rest(frame: bytes, at: int, needed: frozenset[int]) -> tuple[Mapping[int, bytes], int]:
    """The TLVs behind the mandatory fields of a message, and how many octets there are none.

    Some SMSCs end the body with a stray NUL or with a piece of a TLV. All fields were read, so
    the text is taken; the SMSC would send it again for ever, or drop it.

    Raises:
        BadPdu: a TLV of *needed* is cut.
    """
    tlvs, end = _whole_tlvs(frame, at)
    if end == len(frame):
        return tlvs, 0
    nuls = 0
    if not tlvs:  # a NUL may stand before TLVs in good order
        while nuls < _MAX_NULS and frame[at + nuls : at + nuls + 1] == b"\0":
            nuls += 1
            behind, stop = _whole_tlvs(frame, at + nuls)
            if stop == len(frame):
                return behind, nuls
    for start in range(end, end + nuls + 1):
        if int.from_bytes(frame[start : start + 2], "big") in needed:
            problem = "a TLV that the text needs goes beyond the PDU"
            raise _bad(frame, Status.RINVOPTPARSTREAM, problem)
    return tlvs, len(frame) - end


def _whole_tlvs(frame: bytes, at: int) -> tuple[dict[int, bytes], int]:
    """The TLVs from *at* that are whole, and where they end.

    Raises:
        BadPdu: too many.
    """
    tlvs: dict[int, bytes] = {}
    end = len(frame)
    for _ in range(MAX_TLVS):
        if at + 4 > end:
            return tlvs, at
        tag, octets = tlv_header.unpack_from(frame, at)
        if at + 4 + octets > end or not tag:  # tag 0 is reserved: these are NULs
            return tlvs, at
        at += 4 + octets
        tlvs[tag] = frame[at - octets : at]
    if at < end:
        raise _bad(frame, Status.RINVOPTPARSTREAM, f"more than {MAX_TLVS} TLVs")
    return tlvs, at


def _sequence(frame: bytes) -> int:
    return header.unpack_from(frame)[3]  # type: ignore[no-any-return]


def _bad(frame: bytes, status: int, problem: str) -> BadPdu:
    _, command, _, sequence = header.unpack_from(frame)
    return BadPdu(command, sequence, status, problem)


_VALIDITY = [name for name, _, _ in MESSAGE].index("validity_period")


def validity_period(frame: bytes) -> str:
    """What a whole submit_sm says about that; "": nothing. Raises `BadPdu`."""
    fields, _ = _read_fields(frame, MESSAGE)
    return str(fields[_VALIDITY])
