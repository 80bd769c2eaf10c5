"""`smsgw status`: is it working?"""

import shutil
import sys
import time
from contextlib import redirect_stdout
from dataclasses import replace

import click

from smsgw.cli.look import look
from smsgw.cli.options import format_option
from smsgw.cli.screen import colours, show_status
from smsgw.cli.terminal import Gathered
from smsgw.cli.tools import Tools, pass_tools
from smsgw.health import Kind
from smsgw.overview import Overview

#: Between two looks of `--watch`.
WATCH_SECONDS = 2.0

#: What to do about a problem, where a command helps.
_REMEDIES = {
    Kind.HELD: "see `smsgw outbox list`",
    Kind.OVERDUE: "see `smsgw outbox list`",
}

# Control sequences of every terminal since the VT100: what is there is overwritten, not wiped, so
# that nothing flickers.
_HOME, _TO_END_OF_LINE, _TO_END_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
_WIPE, _HIDE_CURSOR, _SHOW_CURSOR = "\x1b[2J", "\x1b[?25l", "\x1b[?25h"


@click.command()
@click.option("--watch", is_flag=True, help="Look again every 2 seconds, until Ctrl-C.")
@format_option
@pass_tools
def status(tools: Tools, form: str, watch: bool) -> int:
    """Is it working? One screen.

    Exit status 0 if all is well, 1 if not; with --watch, as at the last look. Not well is: no
    daemon, or its heartbeat older than 10 seconds, a link that is not bound, a carrier that refuses
    our short code, a reply that waits for more than five minutes, a text that is held because no
    SMSC answers it, limits.replies_per_hour reached, a full disk, a database that cannot be read or
    written; with a PostgreSQL also no synchronous standby, and another node that holds a link or
    fell silent within a day. It takes five seconds at most, also beside a disk that stands still.

    MT/s is how many texts a second the SMSC took, over 1, 5 and 15 minutes.
    """
    if watch:
        return _watch(tools, form)
    found = _look(tools)
    show_status(found, form, tools.viewer, colour=colours())
    return 0 if found.ok else 1


def _look(tools: Tools) -> Overview:
    """What there is to see, with what to do about each problem."""
    found = look(tools, hour=True)
    said = [
        f"{problem}: {_REMEDIES[kind]}" if kind in _REMEDIES else problem
        for problem, kind in zip(found.problems, found.kinds, strict=True)
    ]
    return replace(found, problems=tuple(said))


def _watch(tools: Tools, form: str) -> int:
    """Look again and again: on a terminal in the same place, else one block behind the other."""
    terminal = sys.stdout.isatty()
    well = False
    if terminal:
        sys.stdout.write(_HIDE_CURSOR + _WIPE)
    try:
        while True:
            found = _look(tools)
            text = Gathered(sys.stdout)
            with redirect_stdout(text):
                show_status(found, form, tools.viewer, colour=colours())
            sys.stdout.write(_screen(text.getvalue()) if terminal else text.getvalue() + "\n")
            sys.stdout.flush()
            well = found.ok
            time.sleep(WATCH_SECONDS)
            tools.look_anew()
    except KeyboardInterrupt:
        return 0 if well else 1
    finally:
        if terminal:
            sys.stdout.write(_SHOW_CURSOR + "\n")


def _screen(text: str) -> str:
    """*text* over what stands on the terminal, as much of it as fits."""
    columns, lines = shutil.get_terminal_size()
    shown = [
        row[at : at + columns]
        for row in text.splitlines()
        for at in range(0, len(row) or 1, columns)
    ]
    if len(shown) > lines:
        shown = [*shown[: lines - 1], "..."]
    return _HOME + f"{_TO_END_OF_LINE}\n".join(shown) + _TO_END_OF_LINE + _TO_END_OF_SCREEN
