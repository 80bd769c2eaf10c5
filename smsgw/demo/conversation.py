"""The user types the citizens' texts, and sees their phones."""

import sys
import threading
from pathlib import Path

from smsgw.demo.gateway import REPLY_SECONDS
from smsgw.demo.phones import AN, SHORTCODE
from smsgw.demo.screen import Screen
from smsgw.errors import SmsgwError
from smsgw.simulator import SmscThread, Submit, playbook
from smsgw.simulator.playbook import Unclear
from smsgw.simulator.typed import Trick, read_line
from smsgw.smpp import statuses


def converse(screen: Screen, carrier: SmscThread, config: Path, ttl: int) -> None:
    """Text what is typed until an empty line or the end of the input.

    Raises:
        SmsgwError: the gateway did not take a text.
    """
    number = AN.number
    screen.title("smsgw demo: you are the citizen")
    screen.say(
        f"What you type is texted to {SHORTCODE} from {number}; another number in front "
        f"of the text changes the phone. A password that you leave alone is replaced after "
        f"{ttl} seconds. Try:"
    )
    screen.command("TK,Nguyen Van An,201234567,01.02.1990", prompt="")
    screen.command("84914222333 TK;Nguyễn Thị Đào;048190001234;8/3/1990", prompt="")
    screen.say("The hotline sits in another terminal; an empty line or Ctrl-D ends the demo.")
    screen.command(f"smsgw -c {config} accounts list")

    replied = threading.Event()

    def show(submit: Submit) -> None:
        screen.bubble(submit.text or "", mine=False, about=submit.destination.number)
        if submit.destination.number == number:
            replied.set()

    carrier.smsc.on_submit = show
    while True:
        screen.prompt(number)
        octets = sys.stdin.buffer.readline()
        try:
            typed = read_line(octets, number=number)
        except Unclear as unclear:
            screen.say(f"Not sent: {unclear}.")
            continue
        if typed is None:
            break
        if isinstance(typed, Trick):
            _play_trick(screen, carrier, typed)
            continue
        number = typed.number
        replied.clear()
        screen.bubble(typed.text, mine=True, about=number)
        for handle in carrier.send_text(*typed):
            try:
                status = handle.answer(REPLY_SECONDS)
            except TimeoutError:
                raise SmsgwError("the gateway did not acknowledge the text") from None
            if status:
                screen.say(f"The gateway answered {statuses.name(status)}.")
        if not replied.wait(3):
            screen.say("No reply to this phone.")


def _play_trick(screen: Screen, carrier: SmscThread, trick: Trick) -> None:
    """What broken and hostile carriers do (`smsgw smsc`, `!help`); its texts show themselves."""
    try:
        for handle in playbook.play(carrier, trick.line):
            handle.answer(REPLY_SECONDS)
    except (Unclear, TimeoutError) as fault:
        screen.say(f"Not done: {str(fault).splitlines()[0]}.")
