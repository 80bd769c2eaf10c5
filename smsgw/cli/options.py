"""What several commands ask for in the same words: formats, durations, moments, the actor."""

import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

from smsgw.cli.guess import did_you_mean
from smsgw.cli.tables import Format
from smsgw.cli.tools import Tools
from smsgw.cli.tools import actor as actor  # noqa: PLC0414  for commands that take a reason
from smsgw.errors import SmsgwError
from smsgw.speech import say

#: Octets of a line of standard input.
_LONGEST_LINE = 4096

Command = TypeVar("Command", bound=Callable[..., Any])


class Choice(click.Choice[str]):
    """A choice that says which one was probably meant."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        names = self._normalized_mapping(ctx).values()
        problem = super().get_invalid_choice_message(value, ctx)
        return did_you_mean(problem, str(value), names)


def format_option(command: Command) -> Command:
    """Adds `--format`, given to the command as *form*."""
    return click.option(
        "--format",
        "form",
        type=Choice([form.value for form in Format]),
        default=Format.TABLE.value,
        show_default=True,
        help="For people, for scripts, for a spreadsheet.",
    )(command)


def duration(ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    """Callback of an option that takes a duration, as in the configuration."""
    if value is None:
        return None
    found = _duration(value)
    if found is None:
        raise click.BadParameter(f"{value!r} is not a duration such as 30m, 2h or 3d.")
    return found


#: How a time may be written, for the help of an option.
TIMES = "2026-11-24, 2026-11-24T16:30, 24/12/2025, yesterday, or how long ago: 7d, 2h."
_DAY_FIRST = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})(?:[T ]+([0-9]{1,2}:[0-9]{2}.*))?")
_DAYS_AGO = {"today": 0, "yesterday": 1}


def moment(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    """Callback of an option that takes a date, a time, or how long ago it was.

    A time without a zone is local time of the gateway; a day is its midnight.
    """
    if value is None:
        return None
    tools = ctx.ensure_object(Tools)
    value = value.strip()
    if (ago := _duration(value)) is not None:
        return tools.now - ago
    try:
        if (days := _DAYS_AGO.get(value.lower())) is not None:
            day = tools.viewer.local(tools.now).date() - timedelta(days=days)
            found = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - its zone follows
        else:
            found = datetime.fromisoformat(_iso(value))
        if found.tzinfo is None:
            found = found.replace(tzinfo=tools.settings.gateway.timezone)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: in UTC it is before the year 1
        raise click.BadParameter(f"{value!r} is no time that there is; write {TIMES}") from None


def _iso(text: str) -> str:
    """*text* as ISO 8601 writes it, where the day stands first."""
    if (found := _DAY_FIRST.fullmatch(text)) is None:
        return text
    day, month, year, time = found.groups()
    return f"{year}-{month:>02}-{day:>02}" + (f"T{time:>05}" if time else "")


def _duration(text: str) -> timedelta | None:
    from smsgw.config import parse_duration

    try:
        return parse_duration(text)
    except ValueError:
        return None


def asked(filters: Mapping[str, object]) -> str:
    """What a list was asked for, in the audit's words; long numbers are masked there."""
    return " ".join(f"{name}={value}" for name, value in filters.items() if value is not None)


def key_argument(command: Command) -> Command:
    """Adds KEY, given to the command as one text *key*; `-` is still to be `typed`."""
    return click.argument(
        "key",
        metavar="KEY",
        nargs=-1,
        required=True,
        callback=lambda _ctx, _param, words: " ".join(words),
    )(command)


def reason_option(command: Command) -> Command:
    """Adds `--reason`, given to the command as *reason*; None where it is blank."""
    return click.option(
        "--reason",
        metavar="TEXT",
        callback=lambda _ctx, _param, text: text.strip() or None if text else None,
        help="Why; kept in the account's history and in the audit.",
    )(command)


def required_reason(command: Command) -> Command:
    """Adds a `--reason` that must be given and say something, given to the command as *reason*."""
    return click.option(
        "--reason",
        metavar="TEXT",
        required=True,
        callback=_something,
        help="Why; kept in the account's history and in the audit.",
    )(command)


def _something(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("say why, for the account's history.")
    return value.strip()


def fits_two(key: str) -> str:
    """What people read above the two accounts that a key fits."""
    return say(
        "{key} is the phone of one account and the CMND of another: here are both.", key=key.strip()
    )


def typed(value: str, name: str) -> str:
    """*value*; where that is `-`, the next line of standard input, or what is typed at a terminal.

    To be called in the order in which the command's line in the documents names its arguments:
    arguments of a command are seen by every user of the machine, and end in sudo's log.

    Raises:
        SmsgwError: there is no such line.
    """
    if value != "-":
        return value
    if sys.stdin.isatty():
        return str(click.prompt(name, err=True))
    return read_line(name)


def read_line(name: str) -> str:
    """The next line of standard input, without its end.

    Raises:
        SmsgwError: there is none, it is empty, or it is not UTF-8.
    """
    read = sys.stdin.buffer.readline(_LONGEST_LINE)
    if len(read) == _LONGEST_LINE and not read.endswith(b"\n"):
        raise SmsgwError(f"the {name} on standard input is too long")
    line = read.rstrip(b"\r\n")
    if not line:
        raise SmsgwError(f"no {name} on standard input", "give it as a line of its own")
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise SmsgwError(f"the {name} on standard input is not UTF-8") from None
