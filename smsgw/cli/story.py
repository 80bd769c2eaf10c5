"""One citizen's story, as machines get it and as the hotline reads it.

Machines get an entry for each thing that the store knows (`story_line`). People get a line for each
thing that happened (`told`): a text, what it led to, the answer, and what became of that are one.

Knows the words of `model` and the rules of a registration's form. Must not know the store, the
gateway or a command. Each phrase below is whole, since others may say it in another language.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple, assert_never

import click

from smsgw import records
from smsgw.cli import terminal
from smsgw.cli.tables import NARROWEST_TEXT, View, wrapped
from smsgw.happenings import (
    Changed,
    HistoryEntry,
    Noted,
    TextCame,
    TextMade,
    TextMoved,
    TextsCounted,
)
from smsgw.harmless import harmless
from smsgw.model import Account, AccountState, Ignored, MtState, Outcome, Reply
from smsgw.registration import machine
from smsgw.speech import mark, said, say, say_many
from smsgw.words import Viewer, told_span

# --- for machines -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One entry of a citizen's story."""

    at: datetime
    what: str  #: such as "mo", "mt", "registered", "lapsed", "closed"
    detail: str
    actor: str | None = None  #: who did it at the command line
    reason: str | None = None
    username: str | None = None  #: whose story it is; None: of a phone without an account


def story_line(entry: HistoryEntry) -> StoryLine:
    """*entry* in the words that scripts know."""
    actor = reason = None
    match entry:
        case Changed():
            what, actor, reason = entry.what, entry.actor, entry.reason
            moved = entry.old not in (None, entry.new)
            state = f"{entry.old} -> {entry.new}" if moved else str(entry.new)
            detail = entry.detail or state
        case Noted():
            what, detail, actor = entry.what, entry.detail, entry.actor
        case TextCame():
            text = "(could not be read)" if entry.text is None else entry.text
            what, detail, reason = "mo", f"{entry.outcome}: {text}", entry.reason
        case TextsCounted():
            what = "mo"
            more = f"{entry.number} more within the hour, which were only counted"
            detail = f"{Outcome.IGNORED}: {more}"
        case TextMade():
            what, detail = "mt", f"{entry.reply}: {entry.text}"
        case TextMoved():
            what, detail = f"mt {entry.state}", f"message {entry.mt_id}"
            reason = entry.reason
        case _:
            assert_never(entry)
    return StoryLine(entry.at, what, detail, actor, reason, entry.username)


HISTORY = View[StoryLine](keys=records.HISTORY, columns={})
#: Of two citizens, where a key is the phone of one and the CMND of the other.
HISTORIES = replace(HISTORY, keys=(*HISTORY.keys, "username"))


# --- for people ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Happening:
    """One line of the story: what happened, part by part, and what was texted."""

    at: datetime
    parts: list[str] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)  #: who wrote it, and what
    number: int = 0  #: of its first text: the order of what happened in one moment


#: What is wrong with a text that is no registration; "": nothing that is known.
Fault = Callable[[TextCame], str]

#: What the reason of an ignored text means. Others may come: they are shown as they are.
IGNORED: Mapping[str, str] = {
    Ignored.SENDER: "the sender is no telephone number",
    Ignored.COUNTRY: "the number is of a country that is not answered",
    Ignored.KIND_OF_NUMBER: "it costs money to text that number",
    Ignored.PHONE_LIMIT: "this phone is past its hourly limit",
    Ignored.GATEWAY_LIMIT: "the whole gateway was past its hourly limit",
    Ignored.OWN_WORDING: "it quotes a text of ours",
    Ignored.RECEIPT: "it reads like a delivery receipt",
}

#: What an answer to a text said.
ANSWERED: Mapping[str, str] = {
    Reply.REGISTERED: "registered, password sent",
    Reply.SYNTAX_ERROR: "the right form was sent",
    Reply.ALREADY_REGISTERED: "refused: the CMND has an account",
    Reply.PHONE_REGISTERED: "refused: the phone has an account",
}

#: Events of an account in words. One that is not here (of the portal, of a version to come) is told
#: by its own name.
EVENTS: Mapping[str, str] = {
    machine.Registration.word: "registered",
    machine.Reset.word: "the same registration again: a new password sent",
    machine.Lapse.word: "password expired, a new one sent as a reminder",
    machine.LastLapse.word: "password expired and deleted: no more reminders",
    machine.Undeliverable.word: "password deleted: too many texts reached nobody",
    machine.OwnPassword.word: "the citizen's own password was set",
    machine.NewPassword.word: "a new password sent",
    machine.Close.word: "account closed",
    "corrected": "put right",
    "log-in": "logged in",
    "data confirmed": "the citizen confirmed the data",
    "disclosed": "data passed on",
    "other carrier": "refused: it came by another carrier than the account's",
}
#: The same of events that name a message, by how they begin.
BY_HAND: Mapping[str, str] = {
    "retry of message ": "a text sent again by hand",
    "cancel of message ": "a text stopped by hand",
}
#: Events that a citizen's text led to: they are part of its line.
_BY_TEXT = (machine.Registration.word, machine.Reset.word, "other carrier")
#: Events that a text of ours tells of.
_TOLD_BY_TEXT = {event.word for (_, event), step in machine.TRANSITIONS.items() if step.reply}
_TOLD_BY_TEXT.difference_update(_BY_TEXT)

CITIZEN, GATEWAY = mark("citizen"), mark("gateway")


class _Sent(NamedTuple):
    """A text of ours, and what became of it."""

    made: TextMade
    moves: list[TextMoved]


def told(story: Sequence[HistoryEntry], fault: Fault) -> list[Happening]:
    """*story*, of one citizen and in the order of time, as people read it.

    Args:
        fault: says what is wrong with a text that is no registration.
    """
    moves: dict[int, list[TextMoved]] = {}
    for entry in story:
        if isinstance(entry, TextMoved):
            moves.setdefault(entry.mt_id, []).append(entry)
    sent = {e.mt_id: _Sent(e, moves.get(e.mt_id, [])) for e in story if isinstance(e, TextMade)}
    changes = [entry for entry in story if isinstance(entry, Changed)]
    happenings: list[Happening] = []
    for entry in story:
        match entry:
            case TextCame():
                answer = _answer(entry, sent)
                happenings.append(_text_came(entry, answer, changes, fault))
            case TextsCounted():
                happenings.append(Happening(entry.at, [_counted(entry.number)]))
            case Noted():
                happenings.append(_noted(entry))
    happenings += [_changed(change, _tells_of(change, sent)) for change in changes]
    happenings += [_text_alone(each) for each in sent.values()]
    return sorted(happenings, key=lambda each: (each.at, each.number))


def _answer(came: TextCame, sent: dict[int, _Sent]) -> _Sent | None:
    """The answer to a text, which is told with it. Behind one that got none stands another text."""
    made = sent.get(came.mo_id + 1)
    if made is None or came.outcome in (Outcome.IGNORED, Outcome.RETRANSMISSION):
        return None
    return None if made.made.reply == Reply.REMINDER else sent.pop(came.mo_id + 1)


def _tells_of(change: Changed, sent: dict[int, _Sent]) -> _Sent | None:
    """The text of ours that tells of *change*: both are of one moment."""
    if change.event in _TOLD_BY_TEXT:
        for mt_id, each in sent.items():
            if each.made.at == change.at:
                return sent.pop(mt_id)
    return None


def _text_came(
    came: TextCame, answer: _Sent | None, changes: list[Changed], fault: Fault
) -> Happening:
    """A text, what it led to (which is taken out of *changes*), and what became of the answer."""
    line = Happening(came.at, [say("texted in")], number=came.mo_id)
    if came.text is not None:
        line.texts.append((CITIZEN, came.text))
    led_to = [c for c in changes if c.at == came.at and c.event in _BY_TEXT]
    for change in led_to:
        changes.remove(change)
    match came.outcome:
        case Outcome.REGISTERED if any(c.event == machine.Reset.word for c in led_to):
            line.parts.append(say(EVENTS[machine.Reset.word]))
        case Outcome.REGISTERED:
            line.parts.append(say(ANSWERED[Reply.REGISTERED]))
        case Outcome.SYNTAX_ERROR:
            line.parts.append(_no_registration(fault(came)))
            if answer:
                line.parts.append(say(ANSWERED[Reply.SYNTAX_ERROR]))
        case Outcome.ALREADY_REGISTERED if led_to:
            line.parts.append(say(EVENTS[led_to[0].event]))
        case Outcome.ALREADY_REGISTERED:
            reply = answer.made.reply if answer else Reply.ALREADY_REGISTERED
            line.parts.append(say(ANSWERED.get(reply, ANSWERED[Reply.ALREADY_REGISTERED])))
        case Outcome.RETRANSMISSION:
            line.parts.append(say("the carrier brought the same text again, it was answered once"))
        case Outcome.IGNORED:
            line.parts.append(_not_answered(came.reason))
        case _:
            assert_never(came.outcome)
    if answer:
        line.parts.append(_delivery(answer))
        line.texts.append((GATEWAY, answer.made.text))
    return line


def _changed(change: Changed, tells: _Sent | None) -> Happening:
    """Something happened to the account that no text of the citizen led to."""
    line = Happening(change.at, [_event(change.what)])
    if change.detail:
        line.parts.append(said(change.detail))
    if change.actor:
        line.parts.append(by(change.actor, change.reason))
    elif change.reason:
        line.parts.append(said(change.reason))
    if tells:
        line.parts.append(_delivery(tells))
        line.texts.append((GATEWAY, tells.made.text))
    return line


def _noted(note: Noted) -> Happening:
    """What left the account as it was: the citizen at the portal."""
    line = Happening(note.at, [_event(note.what)])
    if note.detail:
        line.parts.append(said(note.detail))
    if note.actor:
        line.parts.append(by(note.actor, None))
    return line


def _event(event: str) -> str:
    for begin, words in BY_HAND.items():
        if event.startswith(begin):
            return say(words)
    return say(EVENTS.get(event, event))


def _text_alone(sent: _Sent) -> Happening:
    """A text of ours of which no one knows any more what it answered."""
    reminds = sent.made.reply == Reply.REMINDER
    what = say("a reminder sent") if reminds else say("a text sent")
    texts = [(GATEWAY, sent.made.text)]
    return Happening(sent.made.at, [what, _delivery(sent)], texts, sent.made.mt_id)


def _delivery(sent: _Sent) -> str:
    """What became of a text of ours."""
    last = sent.moves[-1] if sent.moves else None
    if last is None:
        return say("waits for the carrier")
    took = told_span(max(last.at - sent.made.at, timedelta(0)))
    why = said(last.reason or "")
    taken = any(move.state is MtState.SENT for move in sent.moves)
    match last.state:
        case MtState.DELIVERED:
            return say("on the phone after {span}", span=took)
        case MtState.SENT:
            return say("the carrier has it, no receipt yet")
        case MtState.QUEUED:
            if not last.reason:
                return say("waits for the carrier")
            return say("waits for the carrier: {reason}", reason=why)
        case MtState.FAILED if taken:
            return say("did not reach the phone: {reason}", reason=why)
        case MtState.FAILED:
            return say("the carrier did not take it: {reason}", reason=why)
        case MtState.CANCELLED:
            return say("never sent: {reason}", reason=why)
        case _:
            assert_never(last.state)


def by(actor: str, reason: str | None) -> str:
    """Who did it, and why."""
    if not reason:
        return say("by {actor}", actor=actor)
    return say("by {actor} ({reason})", actor=actor, reason=reason)


def _counted(number: int) -> str:
    return say_many(
        number,
        "{n} more text within the hour, only counted",
        "{n} more texts within the hour, only counted",
    )


def _no_registration(fault: str) -> str:
    if not fault:
        return say("no registration")
    return say("no registration: {fault}", fault=said(fault))


def _not_answered(reason: str | None) -> str:
    if not reason:
        return say("not answered")
    return say("not answered: {reason}", reason=said(IGNORED.get(reason, reason)))


def show_story(
    story: Sequence[HistoryEntry],
    account: Account | None,
    viewer: Viewer,
    fault: Fault,
    *,
    full: bool,
) -> None:
    """Print the story of one citizen for people: who it is, then a line for each thing that
    happened.

    Args:
        account: None: a phone without one.
        full: with the wording of each text.
    """
    bound = terminal.width()
    for line in (*_about(account, viewer), _zone(viewer)):
        for piece in [line] if bound is None else wrapped(line, bound):
            click.echo(harmless(piece))
    click.echo()
    for happening in told(story, fault):
        _print(viewer.minute(happening.at), " · ".join(happening.parts), bound)
        if full:
            for who, text in happening.texts:
                _print(f"  {say(who)}:".ljust(_INDENT - 2), text, bound)


def _zone(viewer: Viewer) -> str:
    return say("Times are those of {zone}.", zone=viewer.zone_in_words())


def _about(account: Account | None, viewer: Viewer) -> Iterator[str]:
    if account is None:
        yield say("This phone has no account.")
        return
    yield f"{account.username} · {account.full_name} · {account.phone}"
    expires = account.password_expires_at
    match account.state:
        case AccountState.ISSUED if expires is None:
            yield say("Waits for the citizen's own password; the issued one was deleted.")
        case AccountState.ISSUED if expires is not None and expires > viewer.now:
            within = viewer.age(expires)
            yield say(
                "Waits for the citizen's own password; the issued one expires {when}.", when=within
            )
        case AccountState.ISSUED:
            yield say("Waits for the citizen's own password; the issued one has expired.")
        case AccountState.ACTIVE:
            yield say("Has the citizen's own password.")
        case AccountState.CLOSED:
            yield say("Closed.")
        case _:
            assert_never(account.state)


_INDENT = len("2026-11-23 16:32  ")


def _print(head: str, text: str, bound: int | None) -> None:
    """One line, which goes on below its own beginning where the terminal ends."""
    text = harmless(text)
    room = None if bound is None else max(NARROWEST_TEXT, bound - _INDENT)
    pieces = [text] if room is None else wrapped(text, room)
    for number, piece in enumerate(pieces):
        click.echo(f"{'' if number else head:<{_INDENT}}{piece}")
