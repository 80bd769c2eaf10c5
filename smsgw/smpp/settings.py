"""What a link's configuration says about its sessions, in SMPP's words."""

from dataclasses import dataclass, field
from enum import StrEnum

from smsgw.model import Address
from smsgw.smpp.alphabets import Alphabet
from smsgw.smpp.pdu import Command


class BindMode(StrEnum):
    TRANSCEIVER = "transceiver"
    RECEIVER = "receiver"
    TRANSMITTER = "transmitter"

    @property
    def command(self) -> Command:
        return Command[f"BIND_{self.name}"]

    @property
    def receives(self) -> bool:
        return self is not BindMode.TRANSMITTER

    @property
    def transmits(self) -> bool:
        return self is not BindMode.RECEIVER


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """What a session must know before its bind."""

    link: str
    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    mode: BindMode = BindMode.TRANSCEIVER
    window: int = 10  #: submit_sm awaiting their answer, at most
    enquire_link_interval: float = 30.0  #: seconds without a word from the SMSC
    response_timeout: float = 10.0  #: seconds
    alphabet: Alphabet = Alphabet.GSM7  #: what data_coding 0 means there
    receipts: bool = True  #: ask for delivery receipts
    validity_period: bool = True  #: say until when a text is worth sending
    source: Address  #: of every MT
