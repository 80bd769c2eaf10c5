"""Asking before something is destroyed.

A command that destroys asks where standard input is a terminal, unless it was told `--yes`. A
script is not asked: nobody would answer.
"""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from smsgw.errors import SmsgwError

Command = TypeVar("Command", bound=Callable[..., Any])


def yes_option(command: Command) -> Command:
    """Adds `--yes`, given to the command as *yes*."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


def ask_before(question: str, *, yes: bool) -> None:
    """Go on only if whoever sits at the terminal says so.

    Args:
        question: a whole sentence that names what will be gone.
        yes: the answer was given already.

    Raises:
        SmsgwError: it is not to be done.
    """
    if yes or not sys.stdin.isatty():
        return
    if not says_yes(question, aloud=False):
        raise SmsgwError("nothing was changed", "only the answer y does it, or --yes")


def says_yes(question: str, *, aloud: bool) -> bool:
    """Whether standard input says `y`; *aloud*: the question belongs into the output."""
    if aloud or sys.stdin.isatty():
        click.echo(f"{question} [y/N] ", nl=False, err=not aloud)
    answer = sys.stdin.buffer.readline(80)
    if aloud and not sys.stdin.isatty():
        click.echo()  # nobody typed the end of the line
    return answer.strip().lower() == b"y"
