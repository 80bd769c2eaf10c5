"""The submit_sm that await their answer, and those that were given up and may still get one.

Knows sequence numbers, deadlines and ids of texts; no state of a session, no octets sent.
"""

from collections.abc import Mapping
from types import MappingProxyType

from smsgw.model import Oddity, Postponed, SubmitResult, Taken, Unanswered
from smsgw.smpp import codec, statuses
from smsgw.smpp.events import Event, Odd, TakenLate
from smsgw.smpp.pdu import ANSWER, Command, command_name

MAX_SEQUENCE = 0x7FFFFFFF  #: SMPP v3.4 §5.1.4
#: Submits that were reported as unanswered and may still be answered.
MAX_LATE = 1000


class Window:
    """What a session has asked an SMSC to send.

    Attributes:
        awaited: by sequence number, oldest first: id of the text, deadline, recipient. To be read.
    """

    def __init__(self) -> None:
        self._awaited: dict[int, tuple[int, float, str]] = {}
        self._sequence = 0
        self._late: dict[int, int] = {}  # sequence number -> id of the text
        self.awaited: Mapping[int, tuple[int, float, str]] = MappingProxyType(self._awaited)

    def __contains__(self, sequence: int) -> bool:
        """Whether an answer with that number may still come."""
        return sequence in self._awaited or sequence in self._late

    def next_sequence(self) -> int:
        """A number that no answer may still come with."""
        sequence = self._sequence
        while True:
            sequence = sequence % MAX_SEQUENCE + 1
            if sequence not in self._awaited and sequence not in self._late:
                self._sequence = sequence
                return sequence

    def add(self, sequence: int, mt_id: int, deadline: float, recipient: str) -> None:
        """A submit_sm is on its way."""
        self._awaited[sequence] = mt_id, deadline, recipient

    def answered(self, frame: bytes, status: int, sequence: int) -> Event | None:
        """What a submit_sm_resp says; None: what we know already."""
        submit = self._awaited.pop(sequence, None)
        if submit is not None:
            return statuses.result(submit[0], status, codec.first_string(frame), submit[2])
        if status == 0 and sequence in self._late:
            return TakenLate(Taken(self._late.pop(sequence), codec.first_string(frame)))
        return self._stray(Command.SUBMIT_SM | ANSWER, status, sequence)

    def nacked(self, command: int, status: int, sequence: int) -> Event | None:
        """What a generic_nack says, or an answer that is none; None: what we know already."""
        if command != Command.GENERIC_NACK or sequence not in self._awaited:
            return self._stray(command, status, sequence)
        mt_id, _, recipient = self._awaited.pop(sequence)
        if status == 0:
            return Postponed(mt_id, "generic_nack with status 0", throttled=False)
        return statuses.result(mt_id, status, "", recipient)

    def _stray(self, command: int, status: int, sequence: int) -> Odd | None:
        if sequence in self:
            return None
        said = f"{command_name(command)} with status 0x{status:08X}"
        return Odd(Oddity.STRAY_ANSWER, f"{said} to nothing that we asked")

    def overdue(self, now: float, reason: str) -> list[Event]:
        """Give up what should have been answered by *now*."""
        given_up: list[Event] = []
        for sequence, (mt_id, deadline, _) in list(self._awaited.items()):
            if now < deadline:
                break  # the others were sent later
            del self._awaited[sequence]
            self._late[sequence] = mt_id
            if len(self._late) > MAX_LATE:
                del self._late[next(iter(self._late))]
            given_up.append(Unanswered(mt_id, reason, False))
        return given_up

    def abandon(self, reason: str) -> list[SubmitResult]:
        """The connection is gone: whether these arrived, nobody knows."""
        results: list[SubmitResult] = [
            Unanswered(mt_id, reason, True) for mt_id, _, _ in self._awaited.values()
        ]
        self._awaited.clear()
        self._late.clear()
        return results
