"""What we ask besides submit_sm, one of a kind at a time, and what it means if nobody answers.

bind            the session does not begin
enquire_link    the line is dead
unbind          the session ends without a goodbye
"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from smsgw.smpp.pdu import ANSWER, Command

_NO_BIND = "no answer to the bind {patience}"
#: By request: why the session is lost without its answer.
SILENCE: Mapping[Command, str] = {
    Command.BIND_TRANSCEIVER: _NO_BIND,
    Command.BIND_RECEIVER: _NO_BIND,
    Command.BIND_TRANSMITTER: _NO_BIND,
    Command.ENQUIRE_LINK: "no answer to enquire_link {patience}: the line is dead",
    Command.UNBIND: "no answer to unbind {patience}",
}


class _Asked(NamedTuple):
    sequence: int
    deadline: float


class Requests:
    """The answers that a session awaits.

    Attributes:
        deadline: when the first of them must be here.
    """

    def __init__(self) -> None:
        self._awaited: dict[Command, _Asked] = {}
        self.deadline = inf

    def __contains__(self, command: Command) -> bool:
        return command in self._awaited

    def ask(self, command: Command, sequence: int, deadline: float) -> None:
        """*command* is on its way; its answer will carry *sequence*."""
        self._awaited[command] = _Asked(sequence, deadline)
        self.deadline = min(self.deadline, deadline)

    def answered(self, command: int, sequence: int) -> Command | None:
        """Which request an answer ends; None: none.

        Only what carries our sequence number, and the command that we asked, is an answer; a
        generic_nack answers whatever has its number.
        """
        for asked, (number, _) in self._awaited.items():
            if number == sequence and command in (asked | ANSWER, Command.GENERIC_NACK):
                del self._awaited[asked]
                self.deadline = min((one.deadline for one in self._awaited.values()), default=inf)
                return asked
        return None

    def overdue(self, now: float) -> Command | None:
        """A request whose answer should have been here by *now*."""
        for command, asked in self._awaited.items():
            if now >= asked.deadline:
                return command
        return None
