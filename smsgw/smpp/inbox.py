"""Texts and receipts that an SMSC sent and that await our answer: it keeps them until then.

Reads them, gives each a ticket, and writes the answer; what a session is in, it is told. Nothing
is kept of what is refused.
"""

from smsgw.model import Answer, Oddity, from_tuple
from smsgw.smpp import codec, receipts
from smsgw.smpp.alphabets import Alphabet
from smsgw.smpp.events import Event, MoReceived, Odd, ReceiptReceived, Refusal
from smsgw.smpp.mo import read_mo
from smsgw.smpp.pdu import ANSWER, BadPdu, Command, DeliverSm, Message, command_name
from smsgw.smpp.statuses import Status

#: A peer that floods us is told to slow down before anything is kept of what it sends.
MAX_TICKETS = 10_000
#: A long text is sent as parts of 140 octets each; SMPP v3.4 has room for 254.
MAX_PART_OCTETS = 255

_STATUS = {
    Answer.OK: Status.ROK,
    Answer.LATER: Status.RX_T_APPN,
    Answer.BUSY: Status.RTHROTTLED,
}
# Looking up an enum's member costs as much as reading a field, so the hot path does it once.
_OK = Answer.OK
_DATA_SM = int(Command.DATA_SM)
# Its own string, which is cheaper to make a key of than a member of an enum.
_STRAY_OCTETS = Oddity.STRAY_OCTETS


class Inbox:
    """
    Args:
        session: the number that its texts bear.
        alphabet: what data_coding 0 means there.
    """

    def __init__(self, link: str, session: int, alphabet: Alphabet) -> None:
        self._link = link
        self._session = session
        self._alphabet = alphabet
        self._is_open = False
        self._tickets: dict[int, tuple[int, int]] = {}  # command of the answer, sequence number
        self._last_ticket = 0

    def open(self) -> None:
        """The session is bound, and may bring messages."""
        self._is_open = True

    def __len__(self) -> int:
        return len(self._tickets)

    def take(
        self, frame: bytes, command: int, sequence: int, events: list[Event], now: float
    ) -> Refusal | None:
        """Read a deliver_sm or data_sm, which came *now*, into *events*; or why it is refused."""
        try:
            pdu: Message
            if command == _DATA_SM:
                pdu = codec.decode_data(frame)
            else:
                pdu = codec.decode_message(DeliverSm, frame, sequence)
        except BadPdu as fault:
            return Refusal(Oddity.MALFORMED, fault.status, fault.problem)
        if not self._is_open:
            why = "on a session that is to bring none"
            return Refusal(Oddity.WRONG_STATE, Status.RINVBNDSTS, why)
        if len(self._tickets) >= MAX_TICKETS:
            why = "too many wait for their answer"
            return Refusal(Oddity.THROTTLED, Status.RTHROTTLED, why)
        if pdu.stray:
            events.append(Odd(_STRAY_OCTETS, f"{command_name(command)}: {pdu.stray} behind it"))
        mo = receipt = None
        if receipts.is_receipt(pdu):
            receipt = receipts.read(pdu, self._link)
        # A mark may be wrong: what bears one and tells of no text of ours may be a citizen's.
        if (
            receipt is None
            or not receipts.is_marked(pdu)
            or (receipts.says_nothing(receipt) and pdu.octets)
        ):
            mo = read_mo(pdu, self._link, self._session, self._alphabet, events, now)
            if mo.part is not None and len(mo.part.octets) > MAX_PART_OCTETS:
                why = f"a part of {len(mo.part.octets)} octets"
                return Refusal(Oddity.LONG_PART, Status.RINVMSGLEN, why)
        self._last_ticket = ticket = self._last_ticket + 1
        if receipt is not None:
            events.append(ReceiptReceived(receipt._replace(text=mo), ticket))
        else:
            events.append(from_tuple(MoReceived, (mo, ticket)))
        self._tickets[ticket] = command | ANSWER, sequence
        return None

    def answer(self, ticket: int, answer: Answer) -> bytes | None:
        """The answer to what has *ticket*, to be sent; None: it has one."""
        waiting = self._tickets.pop(ticket, None)
        if waiting is None:
            return None
        command, sequence = waiting
        return codec.answer(command, sequence, _STATUS[answer] if answer is not _OK else 0)

    def clear(self) -> None:
        """The connection is gone: nothing can be answered."""
        self._tickets.clear()
