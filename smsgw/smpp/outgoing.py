"""What a session writes: PDUs gathered until somebody takes them, each told to a trace."""

from collections.abc import Callable

from smsgw.smpp import codec, statuses
from smsgw.smpp.events import Event, Odd, Refusal
from smsgw.smpp.pdu import ANSWER, BadPdu, Command, command_name, describe

#: Answers that the network does not take away: the peer does not read.
MAX_OUTGOING_OCTETS = 4 * 1024 * 1024

_MESSAGES = (Command.DELIVER_SM | ANSWER, Command.DATA_SM | ANSWER)


class Outgoing:
    """The writing half of a session, which inherits it: as a part of its own it would cost one more
    call for each PDU.

    Attributes:
        trace: if set, called with one line a PDU, without passwords and texts.
    """

    def __init__(self, trace: Callable[[str], None] | None) -> None:
        self.trace = trace
        self._out: list[bytes] = []
        self._out_octets = 0

    def take_outgoing(self) -> bytes:
        """Everything there is to write, in one piece."""
        octets = b"".join(self._out)
        self._out.clear()
        self._out_octets = 0
        return octets

    @property
    def _is_not_read(self) -> bool:
        """Whether the peer asks and asks, and takes no answers."""
        return self._out_octets > MAX_OUTGOING_OCTETS

    def _respond(self, command: int, sequence: int, status: int) -> None:
        if command in _MESSAGES:
            self._send(codec.answer(command, sequence, status))
        else:
            self._send(codec.header.pack(codec.HEADER_OCTETS, command, status, sequence))

    def _refuse(self, events: list[Event], refusal: Refusal, command: int, sequence: int) -> None:
        """Answer a request with a status other than OK, and tell of it."""
        kind, status, why = refusal
        said = f"{command_name(command)}: {why}; answered {statuses.name(status)}"
        events.append(Odd(kind, said))
        messages = command | ANSWER in _MESSAGES
        self._respond(command | ANSWER if messages else Command.GENERIC_NACK, sequence, status)

    def _send(self, frame: bytes) -> None:
        self._out.append(frame)
        self._out_octets += len(frame)
        if self.trace is not None:
            self.trace(f"-> {described(frame)}")


def described(frame: bytes) -> str:
    """A PDU in one line, for the trace."""
    try:
        return describe(codec.decode(frame))
    except BadPdu as fault:
        return f"malformed {fault}"
