"""One SMPP session as seen from our side (ESME).

Bytes and a time come in, events and bytes go out; no socket, no clock, no account. What the
peer sends can end the session, never raise. Where a time is asked for it is monotonic seconds.

    OPEN ---- bind_*_resp ----> BOUND ---- unbind() ----> UNBINDING ---- unbind_resp ----> CLOSED
      |                          |  unbind from the SMSC, answered                           ^
      +--- refused, time-out ----+------- dead line, stream lost, abandon() -----------------+

Who waits for whom:

    our request          answered by                     else, after response_timeout
    bind                 Bound, BindRefused              Lost
    enquire_link         its answer or generic_nack      Lost: the line is dead
    submit_sm            Taken, Postponed, Refused       Unanswered; a late answer: TakenLate
    unbind               Unbound                         Lost

    their request        answered by
    deliver_sm, data_sm  answer(), once the store has it
    everything else      at once

Source: SMPP v3.4 §2.2 (states), §4 (operations), §7.2 (timers).
"""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from math import inf

from smsgw.model import Answer, Mt, Oddity, Refused, SubmitResult
from smsgw.smpp import codec, statuses
from smsgw.smpp.alphabets import encode
from smsgw.smpp.events import (
    BindRefused,
    Bound,
    Echo,
    Event,
    Lost,
    NotBound,
    Odd,
    PeerUnbound,
    Refusal,
    Unbound,
    Watch,
    WindowFull,
)
from smsgw.smpp.inbox import Inbox
from smsgw.smpp.outgoing import Outgoing, described
from smsgw.smpp.pdu import (
    ANSWER,
    BINDS,
    Bind,
    Command,
    EnquireLink,
    SubmitSm,
    Unbind,
    Unsendable,
)
from smsgw.smpp.requests import SILENCE, Requests
from smsgw.smpp.settings import SessionSettings
from smsgw.smpp.statuses import Status
from smsgw.smpp.stream import WATCHED_OCTETS, Stream, excerpt
from smsgw.smpp.window import Window


class _State(Enum):
    OPEN = auto()
    BOUND = auto()
    UNBINDING = auto()
    CLOSED = auto()


# Looking up an enum's member costs as much as reading a field, so the hot path does it once.
_OPEN, _BOUND, _UNBINDING, _CLOSED = _State
_ENQUIRE_LINK = Command.ENQUIRE_LINK
_DELIVER_SM = int(Command.DELIVER_SM)
_DATA_SM = int(Command.DATA_SM)
_SUBMIT_SM_RESP = Command.SUBMIT_SM | ANSWER


class Session(Outgoing):
    """One connection's worth of SMPP, from the bind request to the end."""

    def __init__(
        self,
        settings: SessionSettings,
        session_id: int,
        now: float,
        trace: Callable[[str], None] | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Queue the bind request.

        Args:
            watch: told of each PDU of more than `WATCHED_OCTETS`.

        Raises:
            Unsendable: a credential is too long for SMPP.
        """
        super().__init__(trace)
        self.settings = settings
        self.session_id = session_id
        self._state = _OPEN
        self._patience = settings.response_timeout
        self._alphabet = settings.alphabet
        self._transmits = settings.mode.transmits
        self._tells_validity = settings.validity_period
        self._watch = watch
        self._stream = Stream(self._patience)
        self._inbox = Inbox(settings.link, session_id, settings.alphabet)
        self._window = Window()
        self._submits = self._window.awaited
        self._requests = Requests()
        self._pending: list[Event] = []  # to be told at the next chance
        self._heard = now
        self._template = codec.SubmitTemplate(
            SubmitSm(0, settings.source, registered_delivery=int(settings.receipts))
        )
        bind, who = settings.mode.command, (settings.system_id, settings.password)
        self._send(codec.encode(Bind(bind, self._ask(bind, now), *who, settings.system_type)))

    # --- what the link asks for -------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many more submit_sm may leave now; 0 unless bound and allowed to transmit."""
        if self._state is not _BOUND or not self._transmits:
            return 0
        return self.settings.window - len(self._submits)

    @property
    def in_flight(self) -> int:
        """Texts whose answer is awaited."""
        return len(self._submits)

    @property
    def unanswered(self) -> int:
        """MOs and receipts that wait for our answer."""
        return len(self._inbox)

    def submit(self, mt: Mt, now: float) -> int:
        """Send *mt* as one submit_sm and start its response timer.

        A text that SMPP cannot carry (an address of more than 20, a text of more than 254
        octets) is reported as `Refused` by the next `tick`.

        Returns:
            The sequence number that the answer will carry.

        Raises:
            NotBound: the session cannot transmit.
            WindowFull: too many answers are awaited.

        Source: SMPP v3.4 §4.4.1 (fields), §7.2 (response_timer).
        """
        if self._state is not _BOUND or not self._transmits:
            raise NotBound
        if len(self._submits) >= self.settings.window:
            raise WindowFull
        sequence = self._window.next_sequence()
        try:
            octets = encode(mt.text, self._alphabet)
            valid_until = mt.valid_until if self._tells_validity else None
            self._send(self._template.fill(sequence, mt.to, octets, valid_until))
        except Unsendable as fault:
            self._pending.append(Refused(mt.id, str(fault)))
        else:
            self._window.add(sequence, mt.id, now + self._patience, mt.to.number)
        return sequence

    def answer(self, ticket: int, answer: Answer) -> None:
        """Tell the SMSC what became of an MO or receipt; a second answer is not sent."""
        frame = self._inbox.answer(ticket, answer)
        if frame is not None and self._state is not _CLOSED:
            self._send(frame)

    def unbind(self, now: float) -> None:
        """End the session in good order; MOs still come and are answered until `Unbound`."""
        if self._state is _OPEN:
            # Before the bind is answered there is nothing to unbind (SMPP v3.4 §2.3).
            self._state = _CLOSED
            self._pending.append(Unbound())
        elif self._state is _BOUND:
            self._state = _UNBINDING
            self._send(codec.encode(Unbind(self._ask(Command.UNBIND, now))))

    def enquire(self, now: float) -> None:
        """Ask whether the SMSC is there, unless that is asked already; it is told as `Echo`."""
        if self._state not in (_OPEN, _CLOSED) and _ENQUIRE_LINK not in self._requests:
            self._send(codec.encode(EnquireLink(self._ask(Command.ENQUIRE_LINK, now))))

    def abandon(self, reason: str) -> list[SubmitResult]:
        """The connection is gone: what is known of the texts that it was given, often nothing."""
        self._state = _CLOSED
        results: list[SubmitResult] = [e for e in self._pending if isinstance(e, Refused)]
        results += self._window.abandon(reason)
        self._inbox.clear()
        self._pending.clear()
        return results

    @property
    def is_behind(self) -> bool:
        """Whether PDUs that were read wait for `go_on`."""
        return bool(self._stream.behind or self._stream.lost)

    # --- time -------------------------------------------------------------------------------

    def next_deadline(self) -> float:
        """When `tick` must be called at the latest."""
        if self._pending:
            return 0.0
        if self._state is _CLOSED:
            return inf
        deadline = self._requests.deadline
        if self._state is _OPEN:
            return deadline
        if deadline == inf or _ENQUIRE_LINK not in self._requests:
            deadline = min(deadline, self._heard + self.settings.enquire_link_interval)
        if self._submits:
            deadline = min(deadline, next(iter(self._submits.values()))[1])
        if self._stream.whole_by is not None:
            deadline = min(deadline, self._stream.whole_by)
        return deadline

    def tick(self, now: float) -> list[Event]:
        """Let timers run out, and enquire whether the SMSC is there."""
        events, self._pending = self._pending, []
        if self._state is _CLOSED:
            return events
        patience = f"in {self._patience:g} s"
        events += self._window.overdue(now, f"no answer to submit_sm {patience}")
        whole_by = self._stream.whole_by
        if (unanswered := self._requests.overdue(now)) is not None:
            reason = SILENCE[unanswered].format(patience=patience)
            rest = self._stream.rest
            if unanswered in BINDS and rest:
                reason += f"; it sent {excerpt(rest)}"
            self._lose(events, reason)
        elif self._state is _OPEN:
            pass  # all that is awaited is the answer to the bind
        elif whole_by is not None and now >= whole_by:
            rest = self._stream.rest
            events.append(Odd(Oddity.CUT_PDU, f"{len(rest)} octets of a PDU, and no more"))
            self._lose(events, f"a PDU that began was not whole {patience}")
        elif now >= self._heard + self.settings.enquire_link_interval:
            self.enquire(now)
        return events

    # --- what the SMSC sends ----------------------------------------------------------------

    def receive(self, data: bytes, now: float, *, in_slices: bool = False) -> list[Event]:
        """Take what the network brought, in pieces of any size. Never raises.

        Args:
            in_slices: work off a bounded number of PDUs; while it `is_behind`, `go_on` does more.
        """
        events, self._pending = self._pending, []
        stream = self._stream
        if self._state is _CLOSED or not data or stream.lost:
            return events
        if not stream.spoke_smpp and (foreign := stream.foreign(data)):
            self._is_not_smpp(events, foreign)
            return events
        frames, whole = stream.feed(data, now, in_slices=in_slices)
        if whole:
            # Whole PDUs alone count as heard: octets that trickle in keep nobody waiting.
            self._heard = now
        self._work_off(frames, events)
        return events

    def forget_rest(self) -> None:
        """Leave what was read and not worked off to the SMSC, which sends it again."""
        self._stream.forget()

    def go_on(self) -> list[Event]:
        """Work off more of what was read. Never raises."""
        events, self._pending = self._pending, []
        self._work_off(self._stream.next_slice(), events)
        return events

    def _work_off(self, frames: Sequence[bytes], events: list[Event]) -> None:
        if self._state is not _CLOSED:
            self._on_frames(frames, events)
        stream = self._stream
        if self._state is _CLOSED:
            stream.forget()
        elif stream.behind:
            pass  # what follows comes first
        elif (lost := stream.lost) is not None:
            stream.forget()
            if stream.spoke_smpp:
                self._respond(Command.GENERIC_NACK, 0, Status.RINVCMDLEN)
                events.append(Odd(Oddity.OUT_OF_STEP, str(lost)))
                self._lose(events, f"out of step: {lost}")
            else:
                self._is_not_smpp(events, excerpt(lost.octets))
        elif self._is_not_read:
            self._lose(events, "peer does not read what we answer")

    def _is_not_smpp(self, events: list[Event], said: str) -> None:
        events.append(Odd(Oddity.NOT_SMPP, f"it sent {said}"))
        self._lose(events, f"peer is not SMPP: it sent {said}")

    def _on_frames(
        self, frames: Sequence[bytes], events: list[Event], *, watched: bool = False
    ) -> None:
        trace, read_header = self.trace, codec.header.unpack_from
        take, answered = self._inbox.take, self._window.answered
        for frame in frames:
            if len(frame) > WATCHED_OCTETS and not watched:
                self._on_large_frame(frame, events)
                if self._state is _CLOSED:
                    break
                continue
            if trace is not None:
                trace(f"<- {described(frame)}")
            _, command, status, sequence = read_header(frame)
            if command in (_DELIVER_SM, _DATA_SM):
                refusal = take(frame, command, sequence, events, self._heard)
                if refusal is not None:
                    self._refuse(events, refusal, command, sequence)
            elif command == _SUBMIT_SM_RESP:
                event = answered(frame, status, sequence)
                if event is not None:
                    events.append(event)
            elif command & ANSWER:
                self._on_answer(frame, command, status, sequence, events)
            else:
                self._on_request(command, sequence, events)
            if self._state is _CLOSED:
                break  # what follows an unbind or a refused bind is nothing to us

    def _on_large_frame(self, frame: bytes, events: list[Event]) -> None:
        """Read *frame*, unless the process was killed twice while it did so."""
        watch = self._watch
        if watch is None:
            self._on_frames((frame,), events, watched=True)
            return
        # The sequence number is another one when it is sent again.
        fingerprint = watch.begins(frame[codec.HEADER_OCTETS :])
        if fingerprint is None:
            self._on_frames((frame,), events, watched=True)
            watch.ends()
            return
        _, command, _, sequence = codec.header.unpack_from(frame)
        if not command & ANSWER:
            why = f"was being read at two ends of the process, {len(frame)} octets"
            refusal = Refusal(f"{Oddity.SUSPECT} {fingerprint}", Status.RX_R_APPN, why)
            self._refuse(events, refusal, command, sequence)

    def _on_request(self, command: int, sequence: int, events: list[Event]) -> None:
        match command:
            case Command.ENQUIRE_LINK:
                self._respond(command | ANSWER, sequence, Status.ROK)
            case Command.UNBIND:
                self._respond(command | ANSWER, sequence, Status.ROK)
                self._state = _CLOSED
                events.append(PeerUnbound())
            case Command.ALERT_NOTIFICATION | Command.OUTBIND:
                pass  # SMPP v3.4 has no answer to these
            case _:
                refusal = Refusal(Oddity.UNKNOWN_COMMAND, Status.RINVCMDID, "is not served")
                self._refuse(events, refusal, command, sequence)

    def _on_answer(
        self, frame: bytes, command: int, status: int, sequence: int, events: list[Event]
    ) -> None:
        match self._requests.answered(command, sequence):
            case None:
                event = self._window.nacked(command, status, sequence)
                if event is not None:
                    events.append(event)
            case Command.ENQUIRE_LINK:
                events.append(Echo())  # whatever it says: somebody is there
            case Command.UNBIND:
                self._state = _CLOSED
                events.append(Unbound())
            case _:
                nack = command == Command.GENERIC_NACK
                self._on_bind_answer(status, nack, frame, events)

    def _on_bind_answer(self, status: int, nack: bool, frame: bytes, events: list[Event]) -> None:
        if status == Status.ROK and not nack:
            self._state = _BOUND
            if self.settings.mode.receives:
                self._inbox.open()
            events.append(Bound(codec.first_string(frame), codec.interface_version(frame)))
        else:
            self._state = _CLOSED
            reason = statuses.bind_reason(status, self.settings.link)
            events.append(BindRefused(status, f"{reason} (by generic_nack)" if nack else reason))

    def _ask(self, command: Command, now: float) -> int:
        """Await the answer to *command*; the sequence number to send it with."""
        sequence = self._window.next_sequence()
        self._requests.ask(command, sequence, now + self._patience)
        return sequence

    def _lose(self, events: list[Event], reason: str) -> None:
        self._state = _CLOSED
        events.append(Lost(reason))
