"""Both sides of a session: ours, real; the SMSC's, played by the test."""

from typing import Any

from smsgw.model import Address, Mt
from smsgw.smpp.alphabets import Alphabet
from smsgw.smpp.codec import FrameReader, decode, encode
from smsgw.smpp.events import Bound, Odd
from smsgw.smpp.pdu import BindResp, Command, DeliverSm
from smsgw.smpp.session import Session
from smsgw.smpp.settings import BindMode, SessionSettings

T0 = 1000.0
CITIZEN = Address("84905123456", 1, 1)
SHORTCODE = Address("8188", 3, 0)
TEXT = "TK,Nguyen Van An,201234567,01.02.1990"
BINDS = {
    BindMode.TRANSCEIVER: Command.BIND_TRANSCEIVER,
    BindMode.RECEIVER: Command.BIND_RECEIVER,
    BindMode.TRANSMITTER: Command.BIND_TRANSMITTER,
}


def settings(**changes):
    values: dict[str, Any] = {
        "link": "viettel",
        "system_id": "danang",
        "password": "geheim",
        "source": SHORTCODE,
        "window": 3,
        "enquire_link_interval": 30.0,
        "response_timeout": 10.0,
        "alphabet": Alphabet.GSM7,
    }
    return SessionSettings(**(values | changes))


def deliver_sm(sequence=7, text=TEXT, **changes):
    fields = {"source": CITIZEN, "destination": SHORTCODE, "short_message": text.encode("ascii")}
    return DeliverSm(sequence, **(fields | changes))


def mt(number=1, text="TK: 201234567", to=CITIZEN):
    return Mt(number, "viettel", to, text, reminder=False)


class Dialogue:
    """`says` what the SMSC says and gives our events, but for what was odd, which is in `odd`;
    `heard` is what we wrote since."""

    def __init__(self, watch=None, **changes):
        self.session = Session(settings(**changes), session_id=42, now=T0, watch=watch)
        self.odd = []

    def says(self, *pdus, now=T0):
        octets = b"".join(pdu if isinstance(pdu, bytes) else encode(pdu) for pdu in pdus)
        return self._but_odd(self.session.receive(octets, now))

    def tick(self, now):
        return self._but_odd(self.session.tick(now))

    def _but_odd(self, events):
        self.odd += [event.kind for event in events if isinstance(event, Odd)]
        return [event for event in events if not isinstance(event, Odd)]

    def heard(self):
        return [decode(frame) for frame in FrameReader().feed(self.session.take_outgoing())]


def bound(**changes):
    """A session that the SMSC has just accepted."""
    dialogue = Dialogue(**changes)
    (bind,) = dialogue.heard()
    answer = BindResp(bind.command, bind.sequence, 0, "SMSC")
    assert [Bound("SMSC")] == dialogue.says(answer)
    return dialogue
