"""Draws docs/demo.svg, the picture of a terminal in the README: `python -m tools.picture`.

The real `smsgw demo` plays at a terminal of 80 columns, and what it shows until the third person
texts is drawn as it stands there: letters, bold, dim, colours. Knows of what a terminal can do only
what the demo uses; a test compares the picture with the demo.
"""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from html import escape, unescape

from smsgw.demo.phones import BINH
from tools.imports import ROOT

PICTURE = ROOT / "docs" / "demo.svg"
COLUMNS = 80
#: Points between two letters, and between two lines, of a font of 14.
_WIDE, _HIGH = 8.4, 16.3
_EDGE, _BAR = 16, 34  # around the letters; above them, where a window has its buttons
_BLANK = "\N{NO-BREAK SPACE}"  # several of the others are drawn as one
_STYLES = {"1": "bold", "2": "dim", "32": "green", "36": "cyan"}
_CODE = re.compile(r"\x1b\[([\d;]*)m")
_LINE = re.compile(r'<text class="line"[^>]*>(.*?)</text>')

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img">
<title>smsgw demo in a terminal: citizens text a registration and get user name and password</title>
<style>
text {{ font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d8dee9 }}
.bold {{ font-weight: bold; fill: #ffffff }}
.dim {{ fill: #6b7486 }}
.green {{ fill: #8fd694 }}
.cyan {{ fill: #7cc7e8 }}
</style>
<rect width="100%" height="100%" rx="10" fill="#1d2129"/>
<circle cx="20" cy="18" r="5" fill="#e0645c"/>
<circle cx="38" cy="18" r="5" fill="#e3b341"/>
<circle cx="56" cy="18" r="5" fill="#57ab5a"/>
"""


def played() -> list[str]:
    """The lines that the demo shows at a terminal, with their colours.

    Raises:
        subprocess.CalledProcessError: the demo failed.
    """
    ours, theirs = pty.openpty()
    environment = {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LANG": "C.UTF-8"}
    command = [sys.executable, "-P", "-m", "smsgw", "demo"]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.DEVNULL, stdout=theirs, env=os.environ | environment
    ) as child:
        os.close(theirs)
        shown = b"".join(_read(ours))
        os.close(ours)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return shown.decode().replace("\r", "").splitlines()


def _read(terminal: int) -> Iterator[bytes]:
    """Until the last who may write to *terminal* has ended."""
    while True:
        try:
            octets = os.read(terminal, 65536)
        except OSError:  # EIO: how Linux says that there is nobody any more
            return
        if not octets:
            return
        yield octets


def beginning(lines: list[str]) -> list[str]:
    """What the picture has of the demo's *lines*: until the third person texts."""
    [third, *_] = [n for n, line in enumerate(lines) if BINH.owner in line]
    return "\n".join(lines[:third]).strip("\n").splitlines()


def drawn(lines: list[str]) -> str:
    """A picture of *lines*."""
    rows = ["\x1b[1m$ smsgw demo\x1b[0m", *lines]
    width = 2 * _EDGE + COLUMNS * _WIDE
    height = _BAR + len(rows) * _HIGH + _EDGE
    texts = [_text(row, _BAR + (n + 0.8) * _HIGH) for n, row in enumerate(rows)]
    return _HEAD.format(width=width, height=height) + "\n".join(texts) + "\n</svg>\n"


def _text(row: str, y: float) -> str:
    """One line. Each piece says where it stands and how wide it is, whatever font is found."""
    style, column, pieces = "", 0, []
    for n, piece in enumerate(_CODE.split(row)):
        if n % 2:
            style = _STYLES.get(piece, style) if piece not in ("", "0") else ""
        elif piece:
            there = f'x="{_EDGE + column * _WIDE:.1f}" textLength="{len(piece) * _WIDE:.1f}"'
            kind = f' class="{style}"' if style else ""
            letters = escape(piece, quote=False).replace(" ", _BLANK)
            pieces.append(f"<tspan {there}{kind}>{letters}</tspan>")
            column += len(piece)
    return f'<text class="line" y="{y:.1f}">{"".join(pieces)}</text>'


def words(picture: str) -> list[str]:
    """The lines that stand in *picture*, without the command and without colours."""
    texts = [unescape(re.sub("<[^>]*>", "", line)) for line in _LINE.findall(picture)]
    return [text.replace(_BLANK, " ") for text in texts[1:]]


if __name__ == "__main__":
    PICTURE.write_text(drawn(beginning(played())), encoding="utf-8")
