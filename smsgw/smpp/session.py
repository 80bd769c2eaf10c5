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

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple, Protocol

from smsgw.model import (
    Address,
    Answer,
    Mo,
    Mt,
    Octets,
    Oddity,
    Part,
    Postponed,
    Receipt,
    Refused,
    SubmitResult,
    Taken,
    Unanswered,
    from_tuple,
)
from smsgw.smpp import codec, receipts, statuses
from smsgw.smpp.alphabets import NO_SHIFT, Alphabet, decode, encode, split_header
from smsgw.smpp.pdu import (
    ANSWER,
    UDHI,
    BadPdu,
    Bind,
    Command,
    DeliverSm,
    EnquireLink,
    Message,
    StreamLost,
    SubmitSm,
    Tlv,
    Unbind,
    Unsendable,
    command_name,
    describe,
)
from smsgw.smpp.statuses import Status

MAX_SEQUENCE = 0x7FFFFFFF  #: SMPP v3.4 §5.1.4
# A peer that floods us is told to slow down before anything is kept of what it sends.
MAX_TICKETS = 10_000
# Answers that the network does not take away: the peer does not read.
MAX_OUTGOING_OCTETS = 4 * 1024 * 1024
# A long text is sent as parts of 140 octets each; SMPP v3.4 has room for 254.
MAX_PART_OCTETS = 255
# A read of the socket may hold thousands of PDUs. So many, or so many octets, are worked off
# before others have their turn; the largest PDU is at most twice as many octets.
SLICE_PDUS = 256
SLICE_OCTETS = 32 * 1024
# A PDU up to here cannot take long: whatever looks at it passes over it a bounded number of times.
WATCHED_OCTETS = 1024
# Submits that were reported as unanswered and may still be answered.
MAX_LATE = 1000

_STATUS = {
    Answer.OK: Status.ROK,
    Answer.LATER: Status.RX_T_APPN,
    Answer.BUSY: Status.RTHROTTLED,
}


class BindMode(StrEnum):
    TRANSCEIVER = "transceiver"
    RECEIVER = "receiver"
    TRANSMITTER = "transmitter"


_BIND = {
    BindMode.TRANSCEIVER: Command.BIND_TRANSCEIVER,
    BindMode.RECEIVER: Command.BIND_RECEIVER,
    BindMode.TRANSMITTER: Command.BIND_TRANSMITTER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """What a link's configuration says about its sessions."""

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


class Bound(NamedTuple):
    """The SMSC accepted us."""

    smsc_system_id: str


class BindRefused(NamedTuple):
    """The SMSC did not accept us; `statuses.waits_long` says how soon to try again."""

    status: int
    reason: str  #: for the operator, with advice


class MoReceived(NamedTuple):
    """A citizen's text; the SMSC keeps it until `Session.answer` is called with *ticket*."""

    mo: Mo
    ticket: int


class ReceiptReceived(NamedTuple):
    """A delivery receipt, to be answered as `MoReceived` is."""

    receipt: Receipt
    ticket: int


class TakenLate(NamedTuple):
    """An answer to a submit_sm that was reported as `Unanswered` before.

    Only of those that the SMSC took; others are tried again anyway.
    """

    taken: Taken


class PeerUnbound(NamedTuple):
    """The SMSC ended the session, and was answered: flush, close, bind afresh."""


class Unbound(NamedTuple):
    """Our unbind was answered: close."""


class Lost(NamedTuple):
    """Nothing more can be done with this connection: drop it."""

    reason: str


class Odd(NamedTuple):
    """The SMSC did something against the standard, and was refused or understood all the same."""

    kind: str  #: an `Oddity`, of SUSPECT with the fingerprint of the input behind it
    detail: str  #: for the log, without a word of a citizen's


Event = (
    Bound
    | BindRefused
    | MoReceived
    | ReceiptReceived
    | SubmitResult
    | TakenLate
    | PeerUnbound
    | Unbound
    | Lost
    | Odd
)


class Watch(Protocol):
    """Who remembers which input was being read when the process was killed."""

    def begins(self, octets: bytes) -> str | None:
        """*octets* are being read from now on; or the fingerprint of what must not be read."""

    def ends(self) -> None:
        """They were read."""


class NotBound(Exception):
    """The session cannot transmit; claim nothing until `Bound`."""


class WindowFull(Exception):
    """Too many answers are awaited; ask `room` before claiming."""


class _State(Enum):
    OPEN = auto()
    BOUND = auto()
    UNBINDING = auto()
    CLOSED = auto()


# Looking up an enum's member costs as much as reading a field, so the hot path does it once.
_OPEN, _BOUND, _UNBINDING, _CLOSED = _State
_OK = Answer.OK
# Their own strings, which are cheaper to make a key of than members of an enum.
_STRAY_OCTETS, _UNREADABLE = Oddity.STRAY_OCTETS, Oddity.UNREADABLE
_DELIVER_SM = int(Command.DELIVER_SM)
_DATA_SM = int(Command.DATA_SM)
_SUBMIT_SM_RESP = Command.SUBMIT_SM | ANSWER
_fingerprint = Struct(">q")


class Session:
    """One connection's worth of SMPP, from the bind request to the end.

    Attributes:
        trace: if set, called with one line a PDU, without passwords and texts.
    """

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
        self.settings = settings
        self.session_id = session_id
        self.trace = trace
        self._state = _OPEN
        self._window = settings.window
        self._patience = settings.response_timeout
        self._alphabet = settings.alphabet
        self._tells_validity = settings.validity_period
        self._frames = codec.FrameReader()
        self._behind: deque[bytes] = deque()  # PDUs that were read and not yet worked off
        self._out_of_step: StreamLost | None = None  # what comes behind these
        self._whole_by: float | None = None  # when the PDU that has begun must be whole
        self._watch = watch
        self._spoke_smpp = False
        self._out: list[bytes] = []
        self._out_octets = 0
        self._pending: list[Event] = []  # to be told at the next chance
        self._heard = now
        self._sequence = 0
        # Our requests. By sequence number, oldest first: mt_id, deadline, recipient.
        self._submits: dict[int, tuple[int, float, str]] = {}
        self._late: dict[int, int] = {}
        # Sequence number, and when the answer must be here.
        self._bind = (self._next_sequence(), now + self._patience)
        self._enquiry: tuple[int, float] | None = None
        self._unbind: tuple[int, float] | None = None
        # Their requests, by ticket: command of the answer, sequence number.
        self._tickets: dict[int, tuple[int, int]] = {}
        self._last_ticket = 0
        self._transmits = settings.mode is not BindMode.RECEIVER
        self._receives = settings.mode is not BindMode.TRANSMITTER
        self._template = codec.SubmitTemplate(
            SubmitSm(0, settings.source, registered_delivery=int(settings.receipts))
        )
        self._send(
            codec.encode(
                Bind(
                    _BIND[settings.mode],
                    self._bind[0],
                    settings.system_id,
                    settings.password,
                    settings.system_type,
                )
            )
        )

    # --- what the link asks for -------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many more submit_sm may leave now; 0 unless bound and allowed to transmit."""
        if self._state is not _BOUND or not self._transmits:
            return 0
        return self._window - len(self._submits)

    @property
    def in_flight(self) -> int:
        """Texts whose answer is awaited."""
        return len(self._submits)

    @property
    def unanswered(self) -> int:
        """MOs and receipts that wait for our answer."""
        return len(self._tickets)

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
        if len(self._submits) >= self._window:
            raise WindowFull
        sequence = self._next_sequence()
        try:
            octets = encode(mt.text, self._alphabet)
            valid_until = mt.valid_until if self._tells_validity else None
            self._send(self._template.fill(sequence, mt.to, octets, valid_until))
        except Unsendable as fault:
            self._pending.append(Refused(mt.id, str(fault)))
        else:
            self._submits[sequence] = mt.id, now + self._patience, mt.to.number
        return sequence

    def answer(self, ticket: int, answer: Answer) -> None:
        """Tell the SMSC what became of an MO or receipt; a second answer is not sent."""
        waiting = self._tickets.pop(ticket, None)
        if waiting is None:
            return
        command, sequence = waiting
        if not self._over:
            self._send(codec.answer(command, sequence, _STATUS[answer] if answer is not _OK else 0))

    def unbind(self, now: float) -> None:
        """End the session in good order; MOs still come and are answered until `Unbound`."""
        if self._state is _OPEN:
            # Before the bind is answered there is nothing to unbind (SMPP v3.4 §2.3).
            self._state = _CLOSED
            self._pending.append(Unbound())
        elif self._state is _BOUND:
            self._state = _UNBINDING
            self._unbind = self._next_sequence(), now + self._patience
            self._send(codec.encode(Unbind(self._unbind[0])))

    def take_outgoing(self) -> bytes:
        """Everything there is to write, in one piece."""
        octets = b"".join(self._out)
        self._out.clear()
        self._out_octets = 0
        return octets

    def abandon(self, reason: str) -> list[SubmitResult]:
        """The connection is gone: what is known of the texts that it was given.

        Of most nobody knows whether they arrived.
        """
        self._state = _CLOSED
        results: list[SubmitResult] = [e for e in self._pending if isinstance(e, Refused)]
        results += [Unanswered(mt_id, reason, True) for mt_id, _, _ in self._submits.values()]
        self._submits.clear()
        self._late.clear()
        self._tickets.clear()
        self._pending.clear()
        return results

    @property
    def is_behind(self) -> bool:
        """Whether PDUs that were read wait for `go_on`."""
        return bool(self._behind or self._out_of_step)

    # --- time -------------------------------------------------------------------------------

    def next_deadline(self) -> float:
        """When `tick` must be called at the latest."""
        if self._pending:
            return 0.0
        if self._over:
            return float("inf")
        if self._state is _OPEN:
            return self._bind[1]
        deadline = self._heard + self.settings.enquire_link_interval
        if self._enquiry is not None:
            deadline = self._enquiry[1]
        if self._submits:
            deadline = min(deadline, next(iter(self._submits.values()))[1])
        if self._unbind is not None:
            deadline = min(deadline, self._unbind[1])
        if self._whole_by is not None:
            deadline = min(deadline, self._whole_by)
        return deadline

    def tick(self, now: float) -> list[Event]:
        """Let timers run out, and enquire whether the SMSC is there."""
        events, self._pending = self._pending, []
        if self._over:
            return events
        patience = f"in {self._patience:g} s"
        if self._state is _OPEN:
            if now >= self._bind[1]:
                rest = self._frames.rest
                said = f"; it sent {_excerpt(rest)}" if rest else ""
                self._lose(events, f"no answer to the bind {patience}{said}")
            return events
        for sequence, (mt_id, deadline, _) in list(self._submits.items()):
            if now < deadline:
                break  # the others were sent later
            del self._submits[sequence]
            self._late[sequence] = mt_id
            if len(self._late) > MAX_LATE:
                del self._late[next(iter(self._late))]
            events.append(Unanswered(mt_id, f"no answer to submit_sm {patience}", False))
        if self._unbind is not None and now >= self._unbind[1]:
            self._lose(events, f"no answer to unbind {patience}")
        elif self._whole_by is not None and now >= self._whole_by:
            rest = self._frames.rest
            events.append(Odd(Oddity.CUT_PDU, f"{len(rest)} octets of a PDU, and no more"))
            self._lose(events, f"a PDU that began was not whole {patience}")
        elif self._enquiry is not None:
            if now >= self._enquiry[1]:
                self._lose(events, f"no answer to enquire_link {patience}: the line is dead")
        elif now >= self._heard + self.settings.enquire_link_interval:
            self._enquiry = self._next_sequence(), now + self._patience
            self._send(codec.encode(EnquireLink(self._enquiry[0])))
        return events

    # --- what the SMSC sends ----------------------------------------------------------------

    def receive(self, data: bytes, now: float, *, in_slices: bool = False) -> list[Event]:
        """Take what the network brought, in pieces of any size. Never raises.

        Args:
            in_slices: work off a bounded number of PDUs; while it `is_behind`, `go_on` does more.
        """
        events, self._pending = self._pending, []
        if self._over or not data or self._out_of_step:
            return events
        # A command_length begins with a zero; whoever sends a letter first speaks something else.
        if not self._spoke_smpp and data[0] and not self._frames.rest:
            hint = (
                ", which is TLS: set tls = true" if data[:2] in (b"\x15\x03", b"\x16\x03") else ""
            )
            self._is_not_smpp(events, f"{_excerpt(data)}{hint}")
            return events
        try:
            frames = self._frames.feed(data)
        except StreamLost as fault:
            frames, self._out_of_step = fault.frames, fault
        if frames:
            # Whole PDUs alone count as heard: octets that trickle in keep nobody waiting.
            self._spoke_smpp = True
            self._heard = now
        if frames or self._whole_by is None:
            self._whole_by = now + self._patience if self._frames.is_inside else None
        many = len(data) > SLICE_OCTETS or len(frames) > SLICE_PDUS
        if self._behind or (in_slices and many):
            self._behind += frames
            self._work_off_slice(events)
        else:
            self._on_frames(frames, events)
            self._on_end_of_read(events)
        return events

    def forget_rest(self) -> None:
        """Leave what was read and not worked off to the SMSC, which sends it again."""
        self._behind.clear()
        self._out_of_step = None

    def go_on(self) -> list[Event]:
        """Work off more of what was read. Never raises."""
        events, self._pending = self._pending, []
        self._work_off_slice(events)
        return events

    def _work_off_slice(self, events: list[Event]) -> None:
        behind, octets = self._behind, 0
        frames: list[bytes] = []
        while behind and len(frames) < SLICE_PDUS and octets < SLICE_OCTETS:
            octets += len(behind[0])
            frames.append(behind.popleft())
        if not self._over:
            self._on_frames(frames, events)
        if self._over:
            behind.clear()
        if not behind:
            self._on_end_of_read(events)

    def _on_end_of_read(self, events: list[Event]) -> None:
        lost, self._out_of_step = self._out_of_step, None
        if lost is not None and not self._over:
            if self._spoke_smpp:
                self._respond(Command.GENERIC_NACK, 0, Status.RINVCMDLEN)
                events.append(Odd(Oddity.OUT_OF_STEP, str(lost)))
                self._lose(events, f"out of step: {lost}")
            else:
                self._is_not_smpp(events, _excerpt(lost.octets))
        if self._out_octets > MAX_OUTGOING_OCTETS and not self._over:
            self._lose(events, "peer does not read what we answer")

    def _is_not_smpp(self, events: list[Event], said: str) -> None:
        events.append(Odd(Oddity.NOT_SMPP, f"it sent {said}"))
        self._lose(events, f"peer is not SMPP: it sent {said}")

    def _on_frames(
        self, frames: Sequence[bytes], events: list[Event], *, watched: bool = False
    ) -> None:
        trace, read_header = self.trace, codec.header.unpack_from
        for frame in frames:
            if len(frame) > WATCHED_OCTETS and not watched:
                self._on_large_frame(frame, events)
                if self._over:
                    break
                continue
            if trace is not None:
                trace(f"<- {_described(frame)}")
            _, command, status, sequence = read_header(frame)
            if command in (_DELIVER_SM, _DATA_SM):
                self._on_message(frame, command, sequence, events)
            elif command == _SUBMIT_SM_RESP:
                self._on_submit_sm_resp(frame, status, sequence, events)
            elif command & ANSWER:
                self._on_answer(frame, command, status, sequence, events)
            else:
                self._on_request(command, sequence, events)
            if self._over:
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
            status = Status.RX_R_APPN
            self._refuse(
                events,
                f"{Oddity.SUSPECT} {fingerprint}",
                command,
                sequence,
                status,
                f"was being read at two ends of the process, {len(frame)} octets",
            )

    def _refuse(
        self, events: list[Event], kind: str, command: int, sequence: int, status: int, why: str
    ) -> None:
        """Answer a request with *status*, and tell of it."""
        events.append(
            Odd(kind, f"{command_name(command)}: {why}; answered {statuses.name(status)}")
        )
        messages = command in (_DELIVER_SM, _DATA_SM)
        self._respond(command | ANSWER if messages else Command.GENERIC_NACK, sequence, status)

    def _on_message(self, frame: bytes, command: int, sequence: int, events: list[Event]) -> None:
        """deliver_sm or data_sm: a citizen's text or a delivery receipt."""
        try:
            pdu: Message
            if command == _DATA_SM:
                pdu = codec.decode_data(frame)
            else:
                pdu = codec.decode_message(DeliverSm, frame, sequence)
        except BadPdu as fault:
            why = fault.problem
            self._refuse(events, Oddity.MALFORMED, command, sequence, fault.status, why)
            return
        if not self._receives or self._state not in (_BOUND, _UNBINDING):
            status, why = Status.RINVBNDSTS, "on a session that is to bring none"
            self._refuse(events, Oddity.WRONG_STATE, command, sequence, status, why)
            return
        if len(self._tickets) >= MAX_TICKETS:
            status, why = Status.RTHROTTLED, "too many wait for their answer"
            self._refuse(events, Oddity.THROTTLED, command, sequence, status, why)
            return
        if pdu.stray:
            events.append(Odd(_STRAY_OCTETS, f"{command_name(command)}: {pdu.stray} behind it"))
        mo = None
        is_receipt = receipts.is_receipt(pdu)
        if not is_receipt or not receipts.is_marked(pdu):
            mo = self._read_mo(pdu, events)
            if mo.part is not None and len(mo.part.octets) > MAX_PART_OCTETS:
                status, why = Status.RINVMSGLEN, f"a part of {len(mo.part.octets)} octets"
                self._refuse(events, Oddity.LONG_PART, command, sequence, status, why)
                return
        self._last_ticket = ticket = self._last_ticket + 1
        if mo is None or is_receipt:
            receipt = receipts.read(pdu, self.settings.link)
            events.append(ReceiptReceived(receipt._replace(text=mo), ticket))
        else:
            events.append(from_tuple(MoReceived, (mo, ticket)))
        self._tickets[ticket] = command | ANSWER, sequence

    def _read_mo(self, pdu: Message, events: list[Event]) -> Mo:
        octets = pdu.octets
        coding, alphabet = pdu.data_coding, self._alphabet
        identity = bytes((pdu.esm_class & UDHI, coding)) + octets
        text: str | None
        if not pdu.tlvs and not pdu.esm_class & UDHI:
            text, part = decode(octets, coding, alphabet), None
        else:
            part, shift, octets, mended = _read_part(pdu, octets)
            text = None if part else decode(octets, coding, alphabet, shift)
            if mended:
                events.append(Odd(Oddity.HEADER_LENGTH, "of a user data header"))
        raw = None
        # Septets of letters read the same in every alphabet that has one octet a character.
        if text is None or not (octets.isascii() and text.isascii()) or 0 in octets:
            if part is None:
                raw = Octets((pdu.octets if len(pdu.octets) == len(octets) + 1 else octets,))
                if text is None:
                    detail = f"data_coding 0x{coding:02X}, {len(octets)} octets"
                    events.append(Odd(_UNREADABLE, detail))
            if part and part.ref.startswith("sar:"):
                identity += f"{part.ref}:{part.number}".encode()
        digest = blake2b(identity, digest_size=8).digest()
        (fingerprint,) = _fingerprint.unpack(digest)
        return from_tuple(
            Mo, (self.settings.link, self.session_id, pdu.source, text, fingerprint, part, raw)
        )

    def _on_submit_sm_resp(
        self, frame: bytes, status: int, sequence: int, events: list[Event]
    ) -> None:
        submit = self._submits.pop(sequence, None)
        if submit is not None:
            mt_id, _, recipient = submit
            events.append(statuses.result(mt_id, status, codec.first_string(frame), recipient))
        elif sequence in self._late and status == Status.ROK:
            taken = Taken(self._late.pop(sequence), codec.first_string(frame))
            events.append(TakenLate(taken))
        elif sequence not in self._late:
            self._is_stray(events, _SUBMIT_SM_RESP, status)

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
                status, why = Status.RINVCMDID, "is not served"
                self._refuse(events, Oddity.UNKNOWN_COMMAND, command, sequence, status, why)

    def _on_answer(
        self, frame: bytes, command: int, status: int, sequence: int, events: list[Event]
    ) -> None:
        """Only what carries our sequence number, and the command that we asked, is an answer."""
        nack = command == Command.GENERIC_NACK

        def answers(request: tuple[int, float] | None, asked: Command) -> bool:
            return (
                request is not None
                and request[0] == sequence
                and (nack or command == asked | ANSWER)
            )

        if self._state is _OPEN:
            if answers(self._bind, _BIND[self.settings.mode]):
                self._on_bind_answer(status, nack, frame, events)
            else:
                self._is_stray(events, command, status)
        elif answers(self._enquiry, Command.ENQUIRE_LINK):
            self._enquiry = None  # whatever it says: somebody is there
        elif answers(self._unbind, Command.UNBIND):
            self._state = _CLOSED
            events.append(Unbound())
        elif nack and sequence in self._submits:
            mt_id, _, recipient = self._submits.pop(sequence)
            if status == Status.ROK:
                reason = "generic_nack with status 0"
                events.append(Postponed(mt_id, reason, throttled=False))
            else:
                events.append(statuses.result(mt_id, status, "", recipient))
        elif sequence not in self._late:
            self._is_stray(events, command, status)

    def _is_stray(self, events: list[Event], command: int, status: int) -> None:
        said = f"{command_name(command)} with status 0x{status:08X}"
        events.append(Odd(Oddity.STRAY_ANSWER, f"{said} to nothing that we asked"))

    def _on_bind_answer(self, status: int, nack: bool, frame: bytes, events: list[Event]) -> None:
        if status == Status.ROK and not nack:
            self._state = _BOUND
            events.append(Bound(codec.first_string(frame)))
        else:
            self._state = _CLOSED
            reason = statuses.bind_reason(status, self.settings.link)
            events.append(BindRefused(status, f"{reason} (by generic_nack)" if nack else reason))

    # --- below ------------------------------------------------------------------------------

    @property
    def _over(self) -> bool:
        return self._state is _CLOSED

    def _next_sequence(self) -> int:
        sequence = self._sequence
        while True:
            sequence = sequence % MAX_SEQUENCE + 1
            if sequence not in self._submits and sequence not in self._late:
                self._sequence = sequence
                return sequence

    def _respond(self, command: int, sequence: int, status: int) -> None:
        if command in (Command.DELIVER_SM | ANSWER, Command.DATA_SM | ANSWER):
            self._send(codec.answer(command, sequence, status))
        else:
            self._send(codec.header.pack(codec.HEADER_OCTETS, command, status, sequence))

    def _send(self, frame: bytes) -> None:
        self._out.append(frame)
        self._out_octets += len(frame)
        if self.trace is not None:
            self.trace(f"-> {_described(frame)}")

    def _lose(self, events: list[Event], reason: str) -> None:
        self._state = _CLOSED
        events.append(Lost(reason))


def _read_part(pdu: Message, octets: bytes) -> tuple[Part | None, tuple[int, int], bytes, bool]:
    """Which part of a long text this is, its shift tables, its octets alone, and whether they
    begin elsewhere than the user data header says.

    Where both a user data header and sar_* number the part, the header counts: it is what the
    handset wrote. Numbers that make no sense mean that the text is whole.
    """
    ref, total, number, shift, mended = "", 1, 1, NO_SHIFT, False
    if pdu.esm_class & UDHI:
        header, octets = split_header(octets)
        if header:
            ref, total, number, shift, mended = header
    if not ref and Tlv.SAR_MSG_REF_NUM in pdu.tlvs:
        ref = f"sar:{_number(pdu, Tlv.SAR_MSG_REF_NUM)}"
        total = _number(pdu, Tlv.SAR_TOTAL_SEGMENTS)
        number = _number(pdu, Tlv.SAR_SEGMENT_SEQNUM)
    if total > 1 and 1 <= number <= total <= 255:
        part = Part(ref, total, number, pdu.data_coding, octets, shift)
        return part, shift, octets, mended
    return None, shift, octets, mended


def _number(pdu: Message, tag: Tlv) -> int:
    # As long as it is on the wire: SMSCs disagree with the specification about sizes.
    return int.from_bytes(pdu.tlvs.get(tag, b"")[:4], "big")


def _excerpt(octets: bytes) -> str:
    return f"{octets[:32]!r}" + ("…" if len(octets) > 32 else "")


def _described(frame: bytes) -> str:
    try:
        return describe(codec.decode(frame))
    except BadPdu as fault:
        return f"malformed {fault}"
