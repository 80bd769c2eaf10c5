"""`smsgw links test`: first contact with a carrier, step by step, with what to ask it."""

import textwrap
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from smsgw.cli import terminal
from smsgw.cli.links_elsewhere import refuse_if_elsewhere
from smsgw.cli.options import actor, format_option, typed
from smsgw.cli.tables import Format, View, show
from smsgw.cli.tools import Tools, pass_tools
from smsgw.errors import NoLink, SmsgwError
from smsgw.harmless import harmless
from smsgw.model import Direction, Message, Mt, MtState

if TYPE_CHECKING:  # most commands need no link
    from smsgw.links import Step

#: How often the daemon is asked how far it is, and the database what became of a text.
ASK_SECONDS = 0.2
#: For an SMSC to take a text.
TAKE_SECONDS = 20.0
_INDENT = " " * 20

STEPS: "View[Step]" = View(keys=("session", "step", "ok", "detail", "ms", "ask"), columns={})


@click.command()
@click.argument("name")
@click.option("--send", metavar="PHONE", help="Send one text of a fixed wording to this phone.")
@format_option
@pass_tools
def test(tools: Tools, name: str, send: str | None, form: str) -> int:
    """Try a link step by step, and say what to ask its carrier.

    Look-up, connection, TLS, bind, round trips, what the SMSC says of itself. Where the daemon
    holds the link, on its session; where it waits for its next try, that comes at once. Where the
    link is stopped, or no daemon runs, this command binds itself, and unbinds again. A link that
    another node has is tried there.

    --send: one text that holds no password, and what becomes of it; a message as any other where
    the daemon has the link, else it is sent and shown only. Exit status 1 if a step failed.

    \b
        smsgw links test viettel
        smsgw links test viettel --send 0905123456
    """
    if send is not None:
        send = typed(send, "PHONE")
    steps: list[Step] = []

    def tell(step: "Step") -> None:
        steps.append(step)
        if form == Format.TABLE:
            _print(step)

    _test(tools, name, send, tell)
    if form != Format.TABLE:
        show(STEPS, steps, form, tools.viewer)
    return 0 if all(step.ok for step in steps) else 1


def _test(tools: Tools, name: str, send: str | None, tell: "Callable[[Step], None]") -> None:
    from smsgw.gateway import Rules, test_recipient

    known = [link.name for link in tools.settings.smsc]
    to = None if send is None else test_recipient(Rules.of(tools.settings), send)
    works = held = False
    if name in known:
        refuse_if_elsewhere(tools, name)
    try:
        for step in _by_the_daemon(tools, name):
            held, works = True, step.ok
            tell(step)
    except NoLink:
        if name not in known:
            raise
        raise SmsgwError(f"the daemon has no link {name!r} yet", "`smsgw reload` first") from None
    if not held:
        if name not in known:
            raise NoLink(name, ", ".join(known))
        _by_ourselves(tools, name, to, tell)
    elif to is not None and works:
        _send(tools, name, to, tell)


def _by_the_daemon(tools: Tools, name: str) -> "Iterator[Step]":
    """The steps on the daemon's session, as they come; none where it has not got the link."""
    from smsgw.links import Step

    told, over, anew = 0, False, True
    while not over:
        answer = tools.daemon.ask("test-link", name=name, anew=anew)
        if answer is None or not answer["held"]:
            return
        for step in answer["steps"][told:]:
            yield Step(**step)
        told, over, anew = len(answer["steps"]), answer["over"], False
        if not over:
            time.sleep(ASK_SECONDS)


def _by_ourselves(tools: Tools, name: str, to: str | None, tell: "Callable[[Step], None]") -> None:
    """By a bind of our own, as the daemon would make it."""
    import asyncio

    from smsgw import logs
    from smsgw.gateway import TEST_TEXT, test_address
    from smsgw.links import visit

    settings = tools.checked_settings
    [smsc] = [link for link in settings.smsc if link.name == name]
    if smsc.password_unseen:
        raise SmsgwError(
            f"the password of {name} comes as a credential, not seen from here",
            "start the service, or call this as root or as the service's user while it runs",
        )
    level = settings.log.level
    logs.configure(level if level in ("trace", "debug") else "error", settings.log.format)
    text = None
    if to is not None:
        text = Mt(1, name, test_address(to), TEST_TEXT, reminder=False)
    asyncio.run(visit(smsc, settings.gateway.shortcode, text, tell))


def _send(tools: Tools, name: str, to: str, tell: "Callable[[Step], None]") -> None:
    """One text by the daemon, and what becomes of it."""
    from smsgw.links import RECEIPT_SECONDS, Report

    answer = tools.daemon.ask("text-test", name=name, number=to, actor=actor())
    if answer is None:
        raise SmsgwError("no daemon answers any more", "see `smsgw status`")
    mt_id = answer["mt_id"]
    report = Report("", time.monotonic)
    report.begins("send")
    message = _wait(tools, to, mt_id, _is_untried, TAKE_SECONDS)
    state, reason = (message.state, message.reason) if message else (None, None)
    refused = state == MtState.FAILED and (reason or "").startswith(("ESME_", "0x"))
    if state in (None, MtState.QUEUED, MtState.CANCELLED) or refused:
        becomes = "failed" if refused else "waits, see `smsgw outbox list`"
        report.fails(f"message {mt_id} {becomes}: {reason or 'no answer'}")
    else:
        report.done(f"message {mt_id} was taken")
    tell(report.steps[-1])
    [receipts] = [link.receipts for link in tools.settings.smsc if link.name == name]
    if not report.steps[-1].ok or not receipts:
        return
    report.begins("receipt")
    message = _wait(tools, to, mt_id, _has_no_receipt, RECEIPT_SECONDS)
    if message is not None and message.state == MtState.DELIVERED:
        report.done(message.reason or "delivered")
    elif message is not None and message.state == MtState.FAILED:
        report.fails(message.reason or "failed")
    else:
        report.fails(f"no receipt within {RECEIPT_SECONDS:g} s")
    tell(report.steps[-1])


def _is_untried(message: Message) -> bool:
    return message.state == MtState.QUEUED and not message.reason


def _has_no_receipt(message: Message) -> bool:
    return message.state in (MtState.QUEUED, MtState.SENT)


def _wait(
    tools: Tools, to: str, mt_id: int, waits: Callable[[Message], bool], patience: float
) -> Message | None:
    """The message once it *waits* no more, or as it is when *patience* is over."""
    deadline = time.monotonic() + patience
    while True:
        texts = tools.store.messages(phone=to, direction=Direction.MT, limit=50)
        found = next((text for text in texts if text.id == mt_id), None)
        if (found and not waits(found)) or time.monotonic() > deadline:
            return found
        time.sleep(ASK_SECONDS)


def _print(step: "Step") -> None:
    """A line for people, and below it what to ask."""
    took = f" ({step.ms} ms)" if step.ms is not None else ""
    session = f" [{step.session}]" if step.session not in ("", "transceiver") else ""
    lead = f"{'ok' if step.ok else 'FAILED':<7}{step.step:<13}"
    click.echo(_wrapped(lead, f"{step.detail}{took}{session}"))
    if step.ask:
        click.echo(_wrapped(f"{_INDENT}ask: ", step.ask))


def _wrapped(lead: str, text: str) -> str:
    text, room = harmless(text), terminal.width()
    if room is None:  # in a pipe nothing is wrapped
        return f"{lead}{text}"
    return textwrap.fill(
        text,
        max(40, room),
        initial_indent=lead,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
