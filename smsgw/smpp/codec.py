"""PDU <-> octets: strict and ours on the way in, smpplib on the way out.

The only importer of smpplib. Its parser is not used: it takes cut fields, missing NULs and
lengths beyond the PDU without a word. What it builds is checked here first, because it cuts
what is too long. Knows no session, no meaning of a text.

Source: SMPP v3.4 §3.2 (types), §4 (fields of each operation), §5.3 (TLVs).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from struct import Struct
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar

from smpplib import smpp

from smsgw.model import Address, from_tuple
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
    StreamLost,
    SubmitSm,
    SubmitSmResp,
    Tlv,
    Unbind,
    UnbindResp,
    Unknown,
    Unsendable,
    command_name,
)
from smsgw.smpp.statuses import Status

HEADER_OCTETS = 16
# message_payload may hold 64 KiB; the rest of a PDU stays far below one. A longer length word
# means that the stream is out of step, and waiting for so many octets would hang the link.
MAX_PDU_OCTETS = 64 * 1024 + 1024

# SMPP v3.4 knows some fifty TLVs, and one message has a handful.
MAX_TLVS = 256

header = Struct(">IIII")  #: command_length, command_id, command_status, sequence_number
_length = Struct(">I")
_tlv_header = Struct(">HH")
_answer = Struct(">IIIIB")


# --- frames ---------------------------------------------------------------------------------


class FrameReader:
    """Cuts a stream of octets into whole PDUs; holds at most one unfinished PDU."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._needed = 0  # octets without which there is nothing new to see in _rest

    @property
    def rest(self) -> bytes:
        """The unfinished PDU."""
        return bytes(self._rest)

    @property
    def is_inside(self) -> bool:
        """Whether a PDU has begun that is not whole yet."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """Take what the network brought, in pieces of any size; give whole PDUs.

        Raises:
            StreamLost: a command_length that no PDU has; carries the PDUs before it.
        """
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return []
            data = bytes(self._rest)
            self._rest.clear()
        frames: list[bytes] = []
        start, end = 0, len(data)
        while end - start >= 4:
            (octets,) = _length.unpack_from(data, start)
            if not HEADER_OCTETS <= octets <= MAX_PDU_OCTETS:
                problem = f"command_length {octets} is impossible"
                raise StreamLost(problem, frames, data[start : start + 64])
            if start + octets > end:
                self._needed = octets
                break
            frames.append(data[start : start + octets])
            start += octets
        else:
            self._needed = 4
        if start < end:
            self._rest += data[start:]
        return frames


# --- in -------------------------------------------------------------------------------------

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

# Name, octets with the NUL (0: one integer octet), status for the sender.
_Field = tuple[str, int, int]
_ADDRESSES: Sequence[_Field] = (
    ("service_type", 6, Status.RINVSERTYP),
    ("source_addr_ton", 0, Status.RINVSRCTON),
    ("source_addr_npi", 0, Status.RINVSRCNPI),
    ("source_addr", 21, Status.RINVSRCADR),
    ("dest_addr_ton", 0, Status.RINVDSTTON),
    ("dest_addr_npi", 0, Status.RINVDSTNPI),
    ("destination_addr", 21, Status.RINVDSTADR),
    ("esm_class", 0, Status.RINVESMCLASS),
)
_MESSAGE: Sequence[_Field] = (
    *_ADDRESSES,
    ("protocol_id", 0, Status.RINVMSGLEN),
    ("priority_flag", 0, Status.RINVPRTFLG),
    ("schedule_delivery_time", 17, Status.RINVSCHED),
    ("validity_period", 17, Status.RINVEXPIRY),
    ("registered_delivery", 0, Status.RINVREGDLVFLG),
    ("replace_if_present_flag", 0, Status.RINVREPFLAG),
    ("data_coding", 0, Status.RINVMSGLEN),
    ("sm_default_msg_id", 0, Status.RINVDFTMSGID),
    ("sm_length", 0, Status.RINVMSGLEN),
)
_VALIDITY = [name for name, _, _ in _MESSAGE].index("validity_period")
_DATA: Sequence[_Field] = (
    *((name, 65 if octets == 21 else octets, status) for name, octets, status in _ADDRESSES),
    ("registered_delivery", 0, Status.RINVREGDLVFLG),
    ("data_coding", 0, Status.RINVMSGLEN),
)
_BIND: Sequence[_Field] = (
    ("system_id", 16, Status.RINVSYSID),
    ("password", 9, Status.RINVPASWD),
    ("system_type", 13, Status.RINVSYSTYP),
    ("interface_version", 0, Status.RSYSERR),
    ("addr_ton", 0, Status.RSYSERR),
    ("addr_npi", 0, Status.RSYSERR),
    ("address_range", 41, Status.RSYSERR),
)
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
            fields, _ = _read_fields(frame, _BIND)
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
        _blame(frame, _MESSAGE)
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
    fields, end = _read_fields(frame, _DATA)
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


def _read_fields(frame: bytes, fields: Sequence[_Field]) -> tuple[list[Any], int]:
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


def _blame(frame: bytes, fields: Sequence[_Field]) -> NoReturn:
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
        tag, octets = _tlv_header.unpack_from(frame, at)
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


# --- out ------------------------------------------------------------------------------------

_MESSAGE_ID: Sequence[_Field] = (("message_id", 65, Status.RINVMSGID),)
_SYSTEM_ID: Sequence[_Field] = (("system_id", 16, Status.RINVSYSID),)


def encode(pdu: Pdu) -> bytes:
    """The octets of *pdu*: built by smpplib, with its TLVs behind as they are.

    Raises:
        Unsendable: a string is too long for its field or not Latin-1, a number too large.
    """
    match pdu:
        case DeliverSm() | SubmitSm():
            name = "submit_sm" if isinstance(pdu, SubmitSm) else "deliver_sm"
            if len(pdu.short_message) > 255:
                raise Unsendable(f"short_message: {len(pdu.short_message)} octets, at most 255")
            values = _message_values(pdu) | {
                "protocol_id": pdu.protocol_id,
                "priority_flag": pdu.priority,
                "short_message": pdu.short_message,
            }
            return _build(name, pdu.sequence, _MESSAGE, values, tlvs=pdu.tlvs)
        case DataSm():
            # data_sm has room for 64 characters of address, smpplib for 20 as in submit_sm.
            return _build("data_sm", pdu.sequence, _MESSAGE, _message_values(pdu), tlvs=pdu.tlvs)
        case Bind():
            values = {
                "system_id": pdu.system_id,
                "password": pdu.password,
                "system_type": pdu.system_type,
                "addr_ton": pdu.ton,
                "addr_npi": pdu.npi,
                "address_range": pdu.address_range,
            }
            return _build(command_name(pdu.command), pdu.sequence, _BIND, values)
        case BindResp():
            values = {"system_id": pdu.system_id}
            name = command_name(pdu.command | ANSWER)
            return _build(name, pdu.sequence, _SYSTEM_ID, values, pdu.status, pdu.tlvs)
        case SubmitSmResp() | DeliverSmResp() | DataSmResp():
            names = {SubmitSmResp: "submit_sm_resp", DeliverSmResp: "deliver_sm_resp"}
            name = names.get(type(pdu), "data_sm_resp")
            values = {"message_id": pdu.message_id}
            return _build(name, pdu.sequence, _MESSAGE_ID, values, pdu.status, pdu.tlvs)
        case EnquireLink():
            return _build("enquire_link", pdu.sequence)
        case EnquireLinkResp():
            return _build("enquire_link_resp", pdu.sequence, status=pdu.status)
        case Unbind():
            return _build("unbind", pdu.sequence)
        case UnbindResp():
            return _build("unbind_resp", pdu.sequence, status=pdu.status)
        case GenericNack():
            return _build("generic_nack", pdu.sequence, status=pdu.status)
        case Unknown():
            return header.pack(HEADER_OCTETS, pdu.command_id, pdu.status, pdu.sequence)


def _message_values(pdu: Message) -> dict[str, str | int | bytes]:
    return {
        "service_type": pdu.service_type,
        "source_addr_ton": pdu.source.ton,
        "source_addr_npi": pdu.source.npi,
        "source_addr": pdu.source.number,
        "dest_addr_ton": pdu.destination.ton,
        "dest_addr_npi": pdu.destination.npi,
        "destination_addr": pdu.destination.number,
        "esm_class": pdu.esm_class,
        "registered_delivery": pdu.registered_delivery,
        "data_coding": pdu.data_coding,
    }


def _build(
    name: str,
    sequence: int,
    fields: Sequence[_Field] = (),
    values: Mapping[str, str | int | bytes] = MappingProxyType({}),
    status: int = 0,
    tlvs: Mapping[int, bytes] = NO_TLVS,
) -> bytes:
    for field, octets, _ in fields:
        match values.get(field):
            case str(text):
                if len(text) >= octets or "\0" in text or max(text, default="") > "\xff":
                    raise Unsendable(f"{field}: at most {octets - 1} Latin-1 characters")
            case int(number):
                if not 0 <= number <= 255:
                    raise Unsendable(f"{field}: {number} is not an octet")
    pdu = smpp.make_pdu(name, sequence=sequence, **values)
    pdu.sequence, pdu.status = sequence, status
    frame: bytes = pdu.generate()
    if tlvs:
        frame += b"".join(_tlv_header.pack(tag, len(v)) + v for tag, v in tlvs.items())
        frame = _length.pack(len(frame)) + frame[4:]
    return frame


class SubmitTemplate:
    """A submit_sm that smpplib built once; what differs between texts is put in by struct.

    Everything but sequence number, destination and octets is as in *example*.
    """

    MAX_OCTETS = 254  #: of short_message, SMPP v3.4 §4.4.1

    def __init__(self, example: SubmitSm) -> None:
        blank = example._replace(destination=Address("", 0, 0), short_message=b"", tlvs=NO_TLVS)
        frame = encode(blank)
        # The last 13 octets: dest_addr_ton, dest_addr_npi, the NUL of destination_addr, nine
        # fields of which the two times are empty (validity_period is the fifth), sm_length.
        self._before = frame[HEADER_OCTETS:-13]
        self._after = frame[-11:-6]
        self._last = frame[-6:-1]
        self._octets = len(frame)

    def fill(
        self, sequence: int, to: Address, octets: bytes, valid_until: datetime | None = None
    ) -> bytes:
        """The whole PDU.

        Args:
            valid_until: the SMSC need not try any longer; None: as long as it likes.

        Raises:
            Unsendable: a field is too long.
        """
        number, ton, npi = to
        digits = number.encode("latin-1", "replace")
        validity = b"" if valid_until is None else absolute_time(valid_until)
        if len(digits) > 20 or len(octets) > self.MAX_OCTETS:
            raise Unsendable(f"address of {len(digits)}, text of {len(octets)} octets")
        try:
            size = self._octets + len(digits) + len(validity) + len(octets)
            return b"%b%b%c%c%b%b%b%b%c%b" % (
                header.pack(size, 4, 0, sequence),
                self._before,
                ton,
                npi,
                digits,
                self._after,
                validity,
                self._last,
                len(octets),
                octets,
            )
        except OverflowError:
            raise Unsendable(f"TON {ton} or NPI {npi} is not an octet") from None


@lru_cache(maxsize=256)  # the texts of a batch have the same
def absolute_time(moment: datetime) -> bytes:
    """*moment* as a field of a PDU, without its NUL: in UTC, since an SMSC may be elsewhere.

    Source: SMPP v3.4 §7.1.1 (YYMMDDhhmmss, tenths, quarters of an hour from UTC, their sign)
    """
    return f"{moment.astimezone(UTC):%y%m%d%H%M%S}000+".encode()


def validity_period(frame: bytes) -> str:
    """What a whole submit_sm says about that; "": nothing. Raises `BadPdu`."""
    fields, _ = _read_fields(frame, _MESSAGE)
    return str(fields[_VALIDITY])


def answer(command: int, sequence: int, status: int) -> bytes:
    """deliver_sm_resp or data_sm_resp (message_id empty), in the hot path."""
    return _answer.pack(HEADER_OCTETS + 1, command, status, sequence, 0)
