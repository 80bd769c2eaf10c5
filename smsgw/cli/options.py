"""What several commands ask for in the same words: formats, durations, moments, the actor."""

import os
import pwd
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

from smsgw.cli.office import Office
from smsgw.cli.show import Format

Command = TypeVar("Command", bound=Callable[..., Any])


def format_option(command: Command) -> Command:
    """Adds `--format`, given to the command as *form*."""
    return click.option(
        "--format",
        "form",
        type=click.Choice([form.value for form in Format]),
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


def moment(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    """Callback of an option that takes a date, a time, or how long ago it was.

    A time without a zone is local time of the gateway.
    """
    if value is None:
        return None
    office = ctx.ensure_object(Office)
    if (ago := _duration(value)) is not None:
        return office.now - ago
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            found = found.replace(tzinfo=office.settings.gateway.timezone)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: in UTC it is before the year 1
        raise click.BadParameter(
            f"{value!r} is neither a date or time (2026-11-23, 2026-11-23T16:30)"
            " nor a duration (2h: two hours ago)."
        ) from None


def _duration(text: str) -> timedelta | None:
    from smsgw.config import parse_duration

    try:
        return parse_duration(text)
    except ValueError:
        return None


def actor() -> str:
    """Who is at the command line, for the account's history: who became root, not root."""
    if user := os.environ.get("SUDO_USER"):
        return user
    try:
        return os.getlogin()
    except OSError:  # no terminal: cron, a unit, a container
        pass
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
