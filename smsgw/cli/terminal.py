"""The terminal that a command writes to: how wide it is, whether it shows colours, its pager.

Where standard output is no terminal there is none of this: whoever reads a pipe gets everything,
unwrapped and uncut, however wide.
"""

import io
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TextIO

#: Columns of a terminal that does not say how wide it is.
_WIDTH = 80
#: Without a pager named: leave what is shown on the screen, and end at once where it fits.
_LESS = ["less"]
_LESS_OPTIONS = "FRX"


class _ToPager(io.TextIOWrapper):
    """The way into a pager: what stands there is read at a terminal."""

    def __init__(self, pager: IO[bytes], terminal: TextIO) -> None:
        super().__init__(pager, encoding=terminal.encoding or "utf-8", errors="replace")
        self.terminal = terminal

    def isatty(self) -> bool:
        return True


class Gathered(io.StringIO):
    """What is to be written to a terminal at once, or to a pipe: printed as it would be there."""

    def __init__(self, terminal: TextIO) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal.isatty()


def width() -> int | None:
    """Columns of the terminal; None: there is none, and nothing is too wide."""
    if not sys.stdout.isatty():
        return None
    stream = getattr(sys.stdout, "terminal", sys.stdout)  # of what is on its way to one
    known = []
    with suppress(OSError, ValueError, AttributeError):
        known.append(os.get_terminal_size(stream.fileno()).columns)
    # Both, since one that was exported by a wider terminal would lie.
    if (columns := os.environ.get("COLUMNS", "")).isdecimal():
        known.append(int(columns))
    return min((number for number in known if number > 0), default=_WIDTH)


def wants_colour() -> bool:
    """Whether colour may be written where there is a terminal.

    Source: https://no-color.org
    """
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def shows(letters: str) -> bool:
    """Whether standard output can show these *letters*."""
    try:
        letters.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def paged() -> Iterator[None]:
    """Inside, what is printed goes through the pager, where standard output is a terminal."""
    pager = _start_pager() if sys.stdout.isatty() else None
    if pager is None or pager.stdin is None:
        yield
        return
    before = sys.stdout
    before.flush()
    sys.stdout = _ToPager(pager.stdin, before)
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough
        pass
    finally:
        with suppress(OSError):
            sys.stdout.close()
        sys.stdout = before
        _wait_for(pager)


def _start_pager() -> "subprocess.Popen[bytes] | None":
    """$PAGER, else less where there is one. None: what is printed goes to the terminal."""
    named = os.environ.get("PAGER")
    try:
        command = _LESS if named is None else shlex.split(named)
    except ValueError:  # a quotation mark that is not closed
        return None
    if not command or command == ["cat"] or not shutil.which(command[0]):
        return None
    # Secure: it runs as the service's user, of whom it must not give anybody a shell.
    environment = {"LESS": _LESS_OPTIONS, **os.environ, "LESSSECURE": "1"}
    try:
        return subprocess.Popen(  # noqa: S603 - the user's own choice
            command, stdin=subprocess.PIPE, stdout=sys.stdout.fileno(), env=environment
        )
    except OSError:
        return None


def _wait_for(pager: "subprocess.Popen[bytes]") -> None:
    """Until the reader leaves; Ctrl-C is the pager's own affair by then."""
    while True:
        try:
            pager.wait()
        except KeyboardInterrupt:
            continue
        return
