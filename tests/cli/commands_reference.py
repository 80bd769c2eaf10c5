"""Keeps docs/commands.md in step with what the commands say of themselves.

Run it to write each command's help into its place:

    python tests/cli/commands_reference.py
"""

import re
from pathlib import Path

import click

from smsgw.cli.main import smsgw
from smsgw.simulator import playbook

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
_BLOCK = re.compile(r"(?<=<!-- help: )(.*?)( -->\n)(?:```text\n.*?\n```\n)?", re.DOTALL)
_TRICKS = re.compile(r"(<!-- tricks -->\n)(?:```text\n.*?\n```\n)?", re.DOTALL)


def commands(group=smsgw, parent=None):
    """Each command with its full name and its context, groups left out but for the first."""
    settings = group.context_settings if parent is None else {}
    name = "smsgw" if parent is None else group.name
    context = click.Context(group, parent, info_name=name, terminal_width=80, **settings)
    if not isinstance(group, click.Group) or parent is None:
        yield context.command_path, context
    if isinstance(group, click.Group):
        for name in group.list_commands(context):
            yield from commands(group.get_command(context, name), context)


def in_step(page):
    """*page* with every block of help as the commands say it now."""
    helps = {name: context.get_help() for name, context in commands()}

    def block(found):
        text = helps.get(found[1], "There is no such command.")
        return f"{found[1]}{found[2]}```text\n{text}\n```\n"

    page = _TRICKS.sub(lambda found: f"{found[1]}```text\n{playbook.helps()}\n```\n", page)
    return _BLOCK.sub(block, page)


def documented(page):
    return [name for name, *_ in _BLOCK.findall(page)]


if __name__ == "__main__":
    PAGE.write_text(in_step(PAGE.read_text()))
