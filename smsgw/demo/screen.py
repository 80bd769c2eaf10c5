"""A terminal that looks like a phone. Knows texts and colours; nobody who sends them."""

import os
import shutil
import sys
import textwrap
from zoneinfo import ZoneInfo

import click

from smsgw import clock
from smsgw.demo.phones import Phone
from smsgw.harmless import harmless

WIDTH = 80  # columns, at most
BUBBLE = 50  # columns of text, at most
_GO_ON = 20  # where a line of a command goes on: behind the time in a history


class Screen:
    """A terminal of 80 columns, or fewer if it is narrower, that looks like a phone. Colours only
    where the terminal has them and nobody has switched them off.
    """

    def __init__(self) -> None:
        self._zone = ZoneInfo("Asia/Ho_Chi_Minh")
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        plain = "utf" not in encoding.lower()
        self._frame = list("+-+|+-+=" if plain else "╭─╮│╰─╯━")
        self._tick = "OK" if plain else "✓"
        self._encoding = encoding
        wants_colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._colour = None if wants_colour else False
        there = shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH
        self.width = min(WIDTH, there)

    def title(self, text: str) -> None:
        self._echo("")
        for line in textwrap.wrap(text, self.width):
            self._echo(click.style(line, bold=True))
        self._echo(click.style(self._frame[7] * self.width, dim=True))

    def say(self, text: str) -> None:
        for line in textwrap.wrap(text, self.width):
            self._echo(line)

    def phone(self, phone: Phone, what: str) -> None:
        self._echo("")
        self._echo(click.style(f"{phone.owner}, {phone.national}", bold=True))
        self.say(what)

    def bubble(self, text: str, *, mine: bool, about: str = "") -> None:
        """One text: the citizen's on the right, the service's on the left."""
        top_left, line, top_right, side, low_left, low, low_right, _ = self._frame
        rows = textwrap.wrap(harmless(text), min(BUBBLE, self.width - 4)) or [""]
        foot = f" {about} {clock.now().astimezone(self._zone):%H:%M:%S} ".replace("  ", " ")
        inner = max(len(foot), *map(len, rows)) + 2
        drawn = [top_left + line * inner + top_right]
        drawn += [f"{side} {row:<{inner - 2}} {side}" for row in rows]
        drawn.append(low_left + foot.rjust(inner - 1, low) + low + low_right)
        indent = max(0, self.width - inner - 2) if mine else 0
        for row in drawn:
            self._echo(" " * indent + click.style(row, fg="cyan" if mine else "green"))

    def command(self, text: str, prompt: str = "$ ") -> None:
        lines = textwrap.wrap(f"{prompt}{text}", self.width - 4, subsequent_indent="    ")
        if prompt:  # what a shell reads
            lines[:-1] = [f"{line} \\" for line in lines[:-1]]
        for line in lines:
            self._echo(click.style(f"  {line}", bold=True))

    def output(self, text: str) -> None:
        for line in text.rstrip().splitlines():
            for piece in textwrap.wrap(
                line, self.width, initial_indent="  ", subsequent_indent=" " * _GO_ON
            ) or [""]:
                self._echo(piece)
        self._echo("")

    def check(self, text: str) -> None:
        for line in textwrap.wrap(f"{self._tick} {text}", self.width - 2, subsequent_indent="  "):
            self._echo(click.style(f"  {line}", fg="green"))

    def done(self, text: str) -> None:
        for line in textwrap.wrap(f"{self._tick} {text}", self.width, subsequent_indent="  "):
            self._echo(click.style(line, fg="green", bold=True))

    def prompt(self, number: str) -> None:
        if sys.stdin.isatty():
            click.echo(click.style(f"{number}> ", bold=True), nl=False, color=self._colour)

    def _echo(self, text: str) -> None:
        # A terminal that has no such letter gets a question mark, not a traceback.
        shown = text.encode(self._encoding, "replace").decode(self._encoding)
        click.echo(shown, color=self._colour)
