"""`smsgw smsc`: the simulated SMSC at a terminal, to try a real `run` against.

Knows the simulator and the terminal; nothing of the gateway, whose configuration it only prints
a table for.
"""

import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from types import FrameType

import click

from smsgw import clock
from smsgw.cli import terminal
from smsgw.errors import SmsgwError
from smsgw.harmless import harmless
from smsgw.simulator import Handle, Record, Smsc, SmscThread, Submit, What, playbook, toml
from smsgw.simulator.playbook import Unclear
from smsgw.simulator.typed import EXAMPLE, Trick, Typed, read_line
from smsgw.smpp import statuses

#: A flood brings hundreds of thousands, and at a terminal they have been shown.
KEPT_RECORDS = 10_000


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    default=2775,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0: any free one.",
)
@click.option("--system-id", help="Accept only this one; any unless given.")
@click.option("--password", help="Accept only this one; any unless given.")
@click.option(
    "--wait",
    default=30,
    show_default=True,
    metavar="SECONDS",
    type=click.FloatRange(0),
    help="For replies, when standard input has ended and is no terminal.",
)
def smsc(
    host: str, port: int, system_id: str | None, password: str | None, wait: float
) -> int | None:
    """Simulate a carrier's SMSC, to try a real `smsgw run` against.

    Each line that is typed, a number and a text, is sent as a citizen's text:

        84905123456 TK,Nguyen Van An,201234567,01.02.1990

    Replies are shown. Texts wait until a gateway has bound. Lines may come from a pipe as well:
    then it ends when all are answered, with exit status 0 if every text got a reply.

    A line that begins with `!` has it do what broken and hostile SMSCs do: octets behind the
    fields, wrong codings, receipts of strangers, floods. `!help` lists all of it:

        !stray-octets 84905123456 TK,Nguyen Van An,201234567,01.02.1990
        !registrations 300 10
    """
    user, secret = system_id or "smsgw", password or "secret"
    checked = system_id is not None or password is not None
    carrier = SmscThread(host=host, port=port, accounts={user: secret} if checked else None)
    carrier.smsc.on_record = lambda record: _show_record(record, carrier.smsc)
    carrier.smsc.on_submit = _show_submit
    interrupt_on(signal.SIGTERM)  # before anybody is told that it serves
    try:
        with carrier:
            click.echo(f"Simulated SMSC on {host}, port {carrier.port}. A gateway finds it by:\n")
            table = carrier.link(system_id=user, password=secret)
            click.echo(toml.dumps({"smsc": [table]}))
            click.echo(f"A number and a text are sent as a citizen's text, such as\n  {EXAMPLE}")
            return _serve(carrier, wait)
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        raise SmsgwError(
            f"cannot listen on {host}, port {port} ({error.strerror or error})",
            "choose another --port, or 0 for any free one",
        ) from error


def _serve(carrier: SmscThread, wait: float) -> int:
    """Send what is typed until the end of the input; the exit status."""
    at_terminal = sys.stdin.isatty()
    click.echo("Ctrl-D or Ctrl-C ends.\n" if at_terminal else "")
    handles: list[Handle] = []
    texts: Counter[str] = Counter()
    for typed in _typed_lines():
        if isinstance(typed, Trick):
            handles += _play(carrier, typed)
            continue
        _line("MO", typed.number, typed.text)  # before its reply can be
        handles += carrier.send_text(typed.number, typed.text)
        texts[typed.number] += 1
        if not carrier.bound:
            _hint("no gateway has bound yet; the text waits for one")
    if at_terminal:
        return 0
    if not texts and not handles:
        signal.pause()  # no input at all: in the background, until a signal
    return _wait_for_replies(carrier, handles, texts, wait)


def _play(carrier: SmscThread, trick: Trick) -> list[Handle]:
    """Do what is typed behind `!`; returns when it is over."""
    if trick.line.strip() in ("help", ""):
        click.echo(playbook.helps())
        return []
    _hint(f"!{harmless(trick.line)}")
    begin = time.monotonic()
    try:
        handles = playbook.play(carrier, trick.line)
    except Unclear as unclear:
        _hint(f"not done: {unclear}")
        return []
    _hint(f"!{trick.line.partition(' ')[0]}: over after {time.monotonic() - begin:.1f} s")
    return handles


def _typed_lines() -> Iterator[Typed | Trick]:
    for octets in sys.stdin.buffer:
        try:
            typed = read_line(octets)
        except Unclear as unclear:
            _hint(f"not sent: {unclear}")
            continue
        if typed is None:
            _hint(f"not sent: empty; write a number and a text, such as\n  {EXAMPLE}")
        else:
            yield typed


def _wait_for_replies(
    carrier: SmscThread, handles: list[Handle], texts: Counter[str], wait: float
) -> int:
    deadline = time.monotonic() + wait

    def all_replied(core: Smsc) -> bool:
        return texts <= Counter(submit.destination.number for submit in core.submits)

    try:
        for handle in handles:
            handle.settled(max(0.01, deadline - time.monotonic()))
        carrier.until(all_replied, max(0.01, deadline - time.monotonic()))
    except TimeoutError:
        replies = Counter(submit.destination.number for submit in carrier.submits)
        missing = (texts - replies).total()
        raise SmsgwError(
            f"{missing} of {texts.total()} texts got no reply in {wait:g} s"
            if carrier.binds
            else "no gateway has bound",
            "see the gateway's log, or give it longer with --wait",
        ) from None
    return 0


def interrupt_on(*signals: signal.Signals) -> None:
    """Make *signals* end this process as Ctrl-C does: with everything that it started."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, interrupt)


def _show_record(record: Record, core: Smsc) -> None:
    if len(core.records) > KEPT_RECORDS:
        del core.records[: -KEPT_RECORDS // 10]
    match record.what:
        case What.BOUND:
            system_id = getattr(record.pdu, "system_id", "")
            _hint(f"session {record.session}: {system_id} has bound")
        case What.REFUSED:
            _hint(f"session {record.session}: bind refused, {record.note}")
        case What.CLOSED:
            _hint(f"session {record.session}: {record.note}")
        case What.BAD:
            _hint(f"session {record.session}: not SMPP: {record.note[:60]}")
        case What.RECEIVED if status := getattr(record.pdu, "status", 0):
            _hint(f"session {record.session}: answered with {statuses.name(status)}")


def _show_submit(submit: Submit) -> None:
    text = submit.octets.hex() if submit.text is None else submit.text
    _line("MT", submit.destination.number, text)


def _line(direction: str, number: str, text: str) -> None:
    colour = "green" if direction == "MT" else "cyan"
    shown = harmless(text, keep="\n")
    _echo(f"{click.style(direction, fg=colour, bold=True)}  {number}  {shown}")


def _hint(text: str) -> None:
    _echo(click.style(f"--  {text}", dim=True))


def _echo(text: str) -> None:
    # Said here, since the simulator's thread does not know the command's context.
    colour = None if terminal.wants_colour() else False
    click.echo(f"{clock.now().astimezone():%H:%M:%S}  {text}", color=colour)
