"""What travels in SMPP: typed requests, answers and faults.

Knows names and meanings; not a single octet of their form on the wire (that is codec's).
Source: SMPP v3.4 §4 (operations), §5 (parameters).
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

from smsgw.model import Address


class Command(IntEnum):
    """command_id of a request; its answer has `ANSWER` added. SMPP v3.4 §5.1.2."""

    GENERIC_NACK = 0x80000000
    BIND_RECEIVER = 0x00000001
    BIND_TRANSMITTER = 0x00000002
    QUERY_SM = 0x00000003
    SUBMIT_SM = 0x00000004
    DELIVER_SM = 0x00000005
    UNBIND = 0x00000006
    REPLACE_SM = 0x00000007
    CANCEL_SM = 0x00000008
    BIND_TRANSCEIVER = 0x00000009
    OUTBIND = 0x0000000B
    ENQUIRE_LINK = 0x00000015
    SUBMIT_MULTI = 0x00000021
    ALERT_NOTIFICATION = 0x00000102
    DATA_SM = 0x00000103


ANSWER = 0x80000000  #: the bit that makes an answer of a request's command_id
BINDS = (Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER)


def command_name(command_id: int) -> str:
    """Such as "deliver_sm", "deliver_sm_resp", "0x00000428"."""
    try:
        return Command(command_id).name.lower()
    except ValueError:
        pass
    try:
        return f"{Command(command_id ^ ANSWER).name.lower()}_resp"
    except ValueError:
        return f"0x{command_id:08X}"


class Tlv(IntEnum):
    """Tags of the optional parameters that mean something to us. SMPP v3.4 §5.3.2."""

    RECEIPTED_MESSAGE_ID = 0x001E
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


NO_TLVS: Mapping[int, bytes] = MappingProxyType({})
NOWHERE = Address("", 0, 0)

UDHI = 0x40  #: esm_class: the octets begin with a user data header. SMPP v3.4 §5.2.12


class Message(NamedTuple):
    """The common shape of everything that carries a short message."""

    sequence: int
    source: Address = NOWHERE
    destination: Address = NOWHERE
    service_type: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority: int = 0
    registered_delivery: int = 0
    data_coding: int = 0
    short_message: bytes = b""
    tlvs: Mapping[int, bytes] = NO_TLVS  #: by tag, known or not; the last of equal ones
    stray: int = 0  #: octets behind the fields that are no TLV; passed over, never written

    @property
    def octets(self) -> bytes:
        """What was written: short_message or, where that is empty, message_payload.

        Both at once are against SMPP v3.4 §5.3.2.32; then short_message counts.
        """
        return self.short_message or self.tlvs.get(Tlv.MESSAGE_PAYLOAD, b"")


class SubmitSm(Message):
    """From us to the SMSC (MT). SMPP v3.4 §4.4.1."""

    __slots__ = ()


class DeliverSm(Message):
    """From the SMSC to us: MO or delivery receipt. SMPP v3.4 §4.6.1."""

    __slots__ = ()


class DataSm(Message):
    """Either way; its octets are in message_payload only. SMPP v3.4 §4.7.1."""

    __slots__ = ()


class Bind(NamedTuple):
    """A request for one of the three binds. SMPP v3.4 §4.1.1, §4.1.3, §4.1.5."""

    command: Command
    sequence: int
    system_id: str
    password: str
    system_type: str = ""
    interface_version: int = 0x34
    ton: int = 0
    npi: int = 0
    address_range: str = ""

    def __repr__(self) -> str:
        return f"Bind({self.command.name}, sequence={self.sequence}, system_id={self.system_id!r})"


class BindResp(NamedTuple):
    command: Command  #: of the bind that is answered
    sequence: int
    status: int = 0
    system_id: str = ""  #: of the SMSC
    tlvs: Mapping[int, bytes] = NO_TLVS


class SubmitSmResp(NamedTuple):
    sequence: int
    status: int = 0
    message_id: str = ""
    tlvs: Mapping[int, bytes] = NO_TLVS


class DeliverSmResp(NamedTuple):
    sequence: int
    status: int = 0
    message_id: str = ""  #: unused, always empty (SMPP v3.4 §4.6.2)
    tlvs: Mapping[int, bytes] = NO_TLVS


class DataSmResp(NamedTuple):
    sequence: int
    status: int = 0
    message_id: str = ""
    tlvs: Mapping[int, bytes] = NO_TLVS


class EnquireLink(NamedTuple):
    sequence: int


class EnquireLinkResp(NamedTuple):
    sequence: int
    status: int = 0


class Unbind(NamedTuple):
    sequence: int


class UnbindResp(NamedTuple):
    sequence: int
    status: int = 0


class GenericNack(NamedTuple):
    sequence: int
    status: int


class Unknown(NamedTuple):
    """Any other well-framed PDU; its body was not read."""

    command_id: int
    sequence: int
    status: int

    @property
    def is_answer(self) -> bool:
        return bool(self.command_id & ANSWER)


Pdu = (
    SubmitSm
    | DeliverSm
    | DataSm
    | Bind
    | BindResp
    | SubmitSmResp
    | DeliverSmResp
    | DataSmResp
    | EnquireLink
    | EnquireLinkResp
    | Unbind
    | UnbindResp
    | GenericNack
    | Unknown
)


class BadPdu(Exception):
    """A whole frame with a body that is not SMPP: answer it with `status`, and go on."""

    def __init__(self, command_id: int, sequence: int, status: int, problem: str) -> None:
        super().__init__(f"{command_name(command_id)}: {problem}")
        self.problem = problem
        self.command_id = command_id
        self.sequence = sequence
        self.status = status


class StreamLost(Exception):
    """Nobody knows where the next PDU begins: drop the connection."""

    def __init__(self, problem: str, frames: list[bytes], octets: bytes) -> None:
        super().__init__(problem)
        self.frames = frames  #: whole PDUs that came before, in the same piece
        self.octets = octets  #: what came behind them


class Unsendable(ValueError):
    """A field does not fit into SMPP; smpplib would cut it without a word."""


def describe(pdu: Pdu) -> str:
    """One line for the trace: everything but passwords and texts."""
    return "".join(each if each.isprintable() else "?" for each in _describe(pdu))


def _describe(pdu: Pdu) -> str:
    match pdu:
        case Message():
            tlvs = " ".join(f"0x{tag:04X}={len(value)}" for tag, value in pdu.tlvs.items())
            (source, ton, npi), (destination, to_ton, to_npi) = pdu.source, pdu.destination
            fields = (
                f"from={ton}:{npi}:{source} to={to_ton}:{to_npi}:{destination} "
                f"esm_class=0x{pdu.esm_class:02X} data_coding=0x{pdu.data_coding:02X} "
                f"octets={len(pdu.short_message)} tlvs=[{tlvs}]"
            )
            if pdu.stray:
                fields += f" stray={pdu.stray}"
            name = {SubmitSm: "submit_sm", DeliverSm: "deliver_sm"}.get(type(pdu), "data_sm")
            return f"{name} sequence={pdu.sequence} {fields}"
        case Bind():
            return (
                f"{command_name(pdu.command)} sequence={pdu.sequence} system_id={pdu.system_id} "
                f"system_type={pdu.system_type} interface_version=0x{pdu.interface_version:02X}"
            )
        case BindResp():
            name = command_name(pdu.command ^ ANSWER)
            return (
                f"{name} sequence={pdu.sequence} status=0x{pdu.status:08X} "
                f"system_id={pdu.system_id}"
            )
        case SubmitSmResp() | DeliverSmResp() | DataSmResp():
            name = type(pdu).__name__.replace("SmResp", "_sm_resp").lower()
            return (
                f"{name} sequence={pdu.sequence} status=0x{pdu.status:08X} "
                f"message_id={pdu.message_id}"
            )
        case EnquireLink():
            return f"enquire_link sequence={pdu.sequence}"
        case EnquireLinkResp():
            return f"enquire_link_resp sequence={pdu.sequence} status=0x{pdu.status:08X}"
        case Unbind():
            return f"unbind sequence={pdu.sequence}"
        case UnbindResp():
            return f"unbind_resp sequence={pdu.sequence} status=0x{pdu.status:08X}"
        case GenericNack():
            return f"generic_nack sequence={pdu.sequence} status=0x{pdu.status:08X}"
        case Unknown():
            name = command_name(pdu.command_id)
            return f"{name} sequence={pdu.sequence} status=0x{pdu.status:08X}"
