"""Keeps docs/commands.md in step with what the commands say of themselves.

Run it to write each command's help into its place, and what commands show of a small town at a
terminal of 80 columns into theirs, there and on the hotline's page:

    python -m tools.commands
"""

import re
from collections.abc import Iterator

import click

from smsgw.cli.main import smsgw
from smsgw.simulator import playbook
from tools.imports import ROOT
from tools.screens import shown

PAGE = ROOT / "docs" / "commands.md"
#: Pages with screens: in which locale they are.
PAGES = {
    PAGE: "C.UTF-8",
    ROOT / "docs" / "hotline.md": "C.UTF-8",
    ROOT / "docs" / "hotline.vi.md": "vi_VN.UTF-8",
}
_BLOCK = re.compile(r"(?<=<!-- help: )(.*?)( -->\n)(?:```text\n.*?\n```\n)?", re.DOTALL)
_SCREEN = re.compile(r"(<!-- screen: )(.*?)( -->\n)(?:```text\n.*?\n```\n)?", re.DOTALL)
_TRICKS = re.compile(r"(<!-- tricks -->\n)(?:```text\n.*?\n```\n)?", re.DOTALL)


def commands(
    command: click.Command = smsgw, parent: click.Context | None = None
) -> Iterator[tuple[str, click.Context]]:
    """Each command's full name and context; of the groups, the first and what acts itself."""
    settings = command.context_settings if parent is None else {}
    name = "smsgw" if parent is None else command.name
    context = click.Context(command, parent, info_name=name, terminal_width=80, **settings)
    group = command if isinstance(command, click.Group) else None
    if group is None or parent is None or group.invoke_without_command:
        yield context.command_path, context
    if group is not None:
        for inner in group.list_commands(context):
            found = group.get_command(context, inner)
            assert found is not None  # noqa: S101 - it is in the list
            yield from commands(found, context)


def in_step(page: str, locale: str = "C.UTF-8") -> str:
    """*page* with every block of help, and every screen in *locale*, as the commands say it now."""
    helps = {name: context.get_help() for name, context in commands()}

    def block(found: re.Match[str]) -> str:
        text = helps.get(found[1], "There is no such command.")
        return f"{found[1]}{found[2]}```text\n{text}\n```\n"

    page = _TRICKS.sub(lambda found: f"{found[1]}```text\n{playbook.helps()}\n```\n", page)
    screens = shown((line for _, line, _ in _SCREEN.findall(page)), locale)
    page = _SCREEN.sub(
        lambda found: (
            f"{found[1]}{found[2]}{found[3]}```text\n$ smsgw {found[2]}\n{screens[found[2]]}\n```\n"
        ),
        page,
    )
    return _BLOCK.sub(block, page)


def documented(page: str) -> list[str]:
    """The commands that *page* has a block for."""
    return [name for name, *_ in _BLOCK.findall(page)]


if __name__ == "__main__":
    for page, locale in PAGES.items():
        page.write_text(in_step(page.read_text("utf-8"), locale), "utf-8")
