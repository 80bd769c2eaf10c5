"""Fields -> octets: built by smpplib once; struct then puts in what differs between texts.

The only importer of smpplib.

Source: SMPP v3.4 §4 (fields of each operation), §5.3 (TLVs).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from struct import Struct
from types import MappingProxyType

from smpplib import smpp

from smsgw.model import Address
from smsgw.smpp.codec.frames import HEADER_OCTETS, header, length, tlv_header
from smsgw.smpp.codec.layout import BIND, MESSAGE, MESSAGE_ID, SYSTEM_ID, Field
from smsgw.smpp.pdu import (
    ANSWER,
    NO_TLVS,
    Bind,
    BindResp,
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
    Unbind,
    UnbindResp,
    Unknown,
    Unsendable,
    command_name,
)

_answer = Struct(">IIIIB")


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
            return _build(name, pdu.sequence, MESSAGE, values, tlvs=pdu.tlvs)
        case DataSm():
            # data_sm has room for 64 characters of address, smpplib for 20 as in submit_sm.
            return _build("data_sm", pdu.sequence, MESSAGE, _message_values(pdu), tlvs=pdu.tlvs)
        case Bind():
            values = {
                "system_id": pdu.system_id,
                "password": pdu.password,
                "system_type": pdu.system_type,
                "addr_ton": pdu.ton,
                "addr_npi": pdu.npi,
                "address_range": pdu.address_range,
            }
            return _build(command_name(pdu.command), pdu.sequence, BIND, values)
        case BindResp():
            values = {"system_id": pdu.system_id}
            name = command_name(pdu.command | ANSWER)
            return _build(name, pdu.sequence, SYSTEM_ID, values, pdu.status, pdu.tlvs)
        case SubmitSmResp() | DeliverSmResp() | DataSmResp():
            names = {SubmitSmResp: "submit_sm_resp", DeliverSmResp: "deliver_sm_resp"}
            name = names.get(type(pdu), "data_sm_resp")
            values = {"message_id": pdu.message_id}
            return _build(name, pdu.sequence, MESSAGE_ID, values, pdu.status, pdu.tlvs)
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
    fields: Sequence[Field] = (),
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
        frame += b"".join(tlv_header.pack(tag, len(v)) + v for tag, v in tlvs.items())
        frame = length.pack(len(frame)) + frame[4:]
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
        # fields of which the two times are empty (validity_period is the fifth), smlength.
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


def answer(command: int, sequence: int, status: int) -> bytes:
    """deliver_sm_resp or data_sm_resp (message_id empty), in the hot path."""
    return _answer.pack(HEADER_OCTETS + 1, command, status, sequence, 0)
