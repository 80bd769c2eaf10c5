"""The citizens' pages for a browser on this machine, with a first citizen who has registered."""

import socket
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from smsgw.demo.conversation import converse
from smsgw.demo.gateway import COMMAND, LOG, child, configure, running
from smsgw.demo.phones import AN
from smsgw.demo.play import DAYS_3_SECONDS, REGISTERED, Play
from smsgw.demo.screen import Screen
from smsgw.simulator import SmscThread

PORTAL_LOG = "portal.log"
_CMND = "201234567"


def serve(screen: Screen, carrier: SmscThread, folder: Path, *, interactive: bool) -> None:
    """Keep gateway, carrier and pages running until Ctrl-C.

    Args:
        interactive: the user types texts meanwhile, and ends it by an empty line.

    Raises:
        SmsgwError: one of them failed.
    """
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    table = {
        "listen": f"127.0.0.1:{port}",
        "public_url": address,
        "hotline": "1022",
        "authority": "Sở Thông tin và Truyền thông",
    }
    screen.title("smsgw demo: the citizens' pages")
    config = configure(folder, carrier, DAYS_3_SECONDS, table)
    with ExitStack() as stack:
        stack.enter_context(running(screen, config, carrier, folder / LOG))
        screen.phone(AN, "He registers.")
        play = Play(screen, carrier, config)
        play.text(AN, f"TK,Nguyen Van An,{_CMND},01.02.1990")
        password = play.expect(AN, REGISTERED, _CMND)
        command = [*COMMAND, "-c", str(config), "portal"]
        stack.enter_context(
            child("portal", screen, command, folder / PORTAL_LOG, lambda: _answers(address))
        )
        screen.title("Open in a browser on this machine")
        screen.command(f"{address}/", prompt="")
        screen.command(f"TK: {_CMND}", prompt="")
        screen.command(f"MK: {password}", prompt="")
        screen.say("A program to which citizens go on (docs/integration.md) is let in by:")
        screen.command(
            f"smsgw -c {config} clients create dvc --redirect-uri http://127.0.0.1:8000/callback"
            " --scope 'openid profile phone'"
        )
        screen.say("Safari takes no Secure cookie from http://127.0.0.1: use another browser.")
        if interactive:
            converse(screen, carrier, config, DAYS_3_SECONDS)
        else:
            _wait(screen, carrier)


def _wait(screen: Screen, carrier: SmscThread) -> None:
    screen.say("Ctrl-C ends it.")
    carrier.smsc.on_submit = lambda submit: screen.bubble(
        submit.text or "", mine=False, about=submit.destination.number
    )
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        screen.say("Ending.")


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=1):  # noqa: S310 - ours
            return True
    except (OSError, urllib.error.URLError):
        time.sleep(0.05)
        return False


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
