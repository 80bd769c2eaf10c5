"""A terminal that looks like a phone. Knows texts and colours; nobody who sends them."""

import sys
import textwrap
from zoneinfo import ZoneInfo

import click

from smsgw import clock
from smsgw.demo.phones import Phone
from smsgw.harmless import harmless

WIDTH = 80
BUBBLE = 50  # columns of text, at most


class Screen:
    """A terminal of 80 columns that looks like a phone. Colours only where there are any."""

    def __init__(self) -> None:
        self._zone = ZoneInfo("Asia/Ho_Chi_Minh")
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        plain = "utf" not in encoding.lower()
        self._frame = list("+-+|+-+=" if plain else "╭─╮│╰─╯━")
        self._tick = "OK" if plain else "✓"
        self._encoding = encoding

    def title(self, text: str) -> None:
        self._echo("")
        self._echo(click.style(text, bold=True))
        self._echo(click.style(self._frame[7] * WIDTH, dim=True))

    def say(self, text: str) -> None:
        for line in textwrap.wrap(text, WIDTH):
            self._echo(line)

    def phone(self, phone: Phone, what: str) -> None:
        self._echo("")
        self._echo(click.style(f"{phone.owner}, {phone.national}", bold=True))
        self.say(what)

    def bubble(self, text: str, *, mine: bool, about: str = "") -> None:
        """One text: the citizen's on the right, the service's on the left."""
        top_left, line, top_right, side, low_left, low, low_right, _ = self._frame
        rows = textwrap.wrap(harmless(text), BUBBLE) or [""]
        foot = f" {about} {clock.now().astimezone(self._zone):%H:%M:%S} ".replace("  ", " ")
        inner = max(len(foot), *map(len, rows)) + 2
        drawn = [top_left + line * inner + top_right]
        drawn += [f"{side} {row:<{inner - 2}} {side}" for row in rows]
        drawn.append(low_left + foot.rjust(inner - 1, low) + low + low_right)
        indent = WIDTH - inner - 2 if mine else 0
        for row in drawn:
            self._echo(" " * indent + click.style(row, fg="cyan" if mine else "green"))

    def command(self, text: str, prompt: str = "$ ") -> None:
        self._echo(click.style(f"  {prompt}{text}", bold=True))

    def output(self, text: str) -> None:
        for line in text.rstrip().splitlines():
            self._echo(f"  {line}")
        self._echo("")

    def check(self, text: str) -> None:
        self._echo(click.style(f"  {self._tick} {text}", fg="green"))

    def done(self, text: str) -> None:
        self._echo(click.style(f"{self._tick} {text}", fg="green", bold=True))

    def prompt(self, number: str) -> None:
        if sys.stdin.isatty():
            click.echo(click.style(f"{number}> ", bold=True), nl=False)

    def _echo(self, text: str) -> None:
        # A terminal that has no such letter gets a question mark, not a traceback.
        click.echo(text.encode(self._encoding, "replace").decode(self._encoding))
