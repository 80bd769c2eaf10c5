"""What an SMSC answers to submit_sm other than "taken": by a switch, or for the next ones."""

from collections import deque

from smsgw.smpp.pdu import SubmitSm
from smsgw.smpp.statuses import Status


class Verdicts:
    """The part of an SMSC that judges texts of the gateway."""

    def __init__(self) -> None:
        self._next_statuses: deque[int] = deque()
        self._statuses_to: dict[str, int] = {}
        self._refuses_source: int | None = None
        self._rate: tuple[float, int] | None = None
        self._rate_times: deque[float] = deque()

    def answer_next(self, *statuses: int) -> None:
        """Answer the next submit_sm with these statuses, one each."""
        self._next_statuses.extend(statuses)

    def answer_to(self, number: str, status: int | None) -> None:
        """Answer every submit_sm to *number* with *status*; None: as any other."""
        if status is None:
            self._statuses_to.pop(number, None)
        else:
            self._statuses_to[number] = status

    def throttle(
        self,
        count: int = 0,
        *,
        per_second: float | None = None,
        status: int = Status.RTHROTTLED,
    ) -> None:
        """Answer *status* to the next *count* submits, or to all beyond *per_second*.

        `throttle()` ends it.
        """
        self._next_statuses.clear()
        self._next_statuses.extend([status] * count)
        self._rate = (per_second, status) if per_second else None
        self._rate_times.clear()

    # How an SMSC refuses our texts, or takes them and says nothing (see also `throttle`).

    def fill_queue(self, *numbers: str) -> None:
        """Answer that the queue of these recipients is full; `fill_queue()` ends it for all."""
        for number in list(self._statuses_to):
            if not numbers and self._statuses_to[number] == Status.RMSGQFUL:
                del self._statuses_to[number]
        for number in numbers:
            self.answer_to(number, Status.RMSGQFUL)

    def refuse_source(self, status: int | None = Status.RINVSRCADR) -> None:
        """Take nothing from the gateway's short code; None ends it."""
        self._refuses_source = status

    def _verdict(self, pdu: SubmitSm, now: float) -> int:
        if self._refuses_source is not None:
            return self._refuses_source
        if pdu.destination.number in self._statuses_to:
            return self._statuses_to[pdu.destination.number]
        if self._next_statuses:
            return self._next_statuses.popleft()
        if self._rate:
            per_second, status = self._rate
            while self._rate_times and self._rate_times[0] <= now - 1:
                self._rate_times.popleft()
            if len(self._rate_times) >= per_second:
                return status
            self._rate_times.append(now)
        return Status.ROK
