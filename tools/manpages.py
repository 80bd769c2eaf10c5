"""Draws the man pages from the code: `python -m tools.manpages FOLDER` writes them there.

smsgw(1) and a page for each command and each group of commands, from the same tree as
docs/commands.md; smsgw.toml(5) from the settings, as docs/configuration.md. They are made when a
package is built and stand nowhere in the repository.
"""

import os
import re
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from inspect import cleandoc
from pathlib import Path

import click

from smsgw import __version__
from smsgw.cli.main import smsgw
from tools.reference import default_of, header, tables

TOML = "smsgw.toml.5"

#: Of every page about a command: what does not depend on the command.
_EXIT = """
.SH EXIT STATUS
.TP
.B 0
done
.TP
.B 1
it could not be done; standard error says why
.TP
.B 2
wrong usage
"""
_MAIN = """
.SH ENVIRONMENT
.TP
.B SMSGW_CONFIG
the configuration, where
.B \\-c
does not name it
.TP
.B SMSGW_DEBUG
set to 1: the trace of an internal error, without passwords and long numbers
.TP
.B NO_COLOR
no colours
.TP
.B PAGER
what
.B accounts list
goes through at a terminal; less, if it is not set; empty: none
.SH FILES
.TP
.I /etc/smsgw/config.toml
the configuration, see
.BR smsgw.toml (5)
.TP
.I /var/lib/smsgw/smsgw.db
database;
.I secret.key
and
.I control.sock
stand beside it
.TP
.I /usr/share/doc/smsgw
documents for the sysadmin and the hotline
"""

_WHAT_IT_IS = """
A citizen texts `TK,name,CMND,date of birth` and gets an account of the city's e-government portal:
a user name and a password, in one SMS. `smsgw run` is the gateway, which systemd runs as
smsgw.service. All other commands work beside it, as its user: `sudo -u smsgw smsgw status`.
"""

#: Two commands that look alike to a reader of a list, or that follow each other in what people do.
_RELATED = {
    "smsgw run": ["smsgw check-config", "smsgw status"],
    "smsgw demo": ["smsgw smsc"],
    "smsgw smsc": ["smsgw demo", "smsgw links"],
    "smsgw check-config": ["smsgw run", "smsgw reload"],
    "smsgw status": ["smsgw links", "smsgw stats"],
    "smsgw links": ["smsgw status"],
    "smsgw links test": ["smsgw check-config"],
    "smsgw reload": ["smsgw check-config"],
}


def pages() -> dict[str, str]:
    """Every page by the name of its file."""
    drawn = {TOML: _settings()}
    for context in _tree(smsgw, None):
        drawn[_name(context.command_path) + ".1"] = _command(context)
    return drawn


def _tree(command: click.Command, parent: click.Context | None) -> Iterator[click.Context]:
    """*command* and what is below it, groups too."""
    settings = command.context_settings if parent is None else {}
    name = "smsgw" if parent is None else command.name
    context = click.Context(command, parent, info_name=name, **settings)
    yield context
    for inner in _below(context):
        yield from _tree(inner, context)


def _below(context: click.Context) -> list[click.Command]:
    group = context.command
    if not isinstance(group, click.Group):
        return []
    found = [group.get_command(context, name) for name in group.list_commands(context)]
    return [command for command in found if command and not command.hidden]


def _command(context: click.Context) -> str:
    title, *rest = cleandoc(context.command.help or "").split("\n\n")
    parts = [_head(_name(context.command_path), 1), ".SH NAME", _name_line(context, title)]
    parts += [".SH SYNOPSIS", *_synopsis(context)]
    if context.parent is None:
        rest.insert(0, _WHAT_IT_IS)
    if rest:
        parts += [".SH DESCRIPTION", *_prose(rest)]
    if below := _below(context):
        parts.append(".SH COMMANDS")
        for inner in below:
            sentence = inner.get_short_help_str(limit=1000)
            page = _name(f"{context.command_path} {inner.name}")
            parts += [".TP", f".BR {_plain(page)} (1)", _inline(sentence)]
    parts.append(".SH OPTIONS")
    for option in _options(context):
        names, meaning = option.get_help_record(context) or ("", "")
        parts += [".TP", _bold(names), _inline(meaning)]
    parts.append(_EXIT.strip())
    if context.parent is None:
        parts.append(_MAIN.strip())
    return "\n".join([*parts, ".SH SEE ALSO", *_see_also(context), ""])


def _name_line(context: click.Context, title: str) -> str:
    sentence = " ".join(title.split()).rstrip(".")
    return f"{_plain(_name(context.command_path))} \\- {_plain(sentence.replace('`', ''))}"


def _options(context: click.Context) -> list[click.Option]:
    params = context.command.get_params(context)
    return [option for option in params if isinstance(option, click.Option) and not option.hidden]


def _synopsis(context: click.Context) -> list[str]:
    """What a line may hold. Only what must be given stands without brackets."""
    words = [f".B {_plain(context.command_path)}"]
    for option in _options(context):
        name = max(option.opts, key=len)
        value = "" if option.is_flag or option.count else f" {option.make_metavar(context)}"
        shown = _bold(name) + _plain(value)
        if name not in ("--help", "--version"):
            words.append(shown if option.required else f"[{shown}]")
    for param in context.command.get_params(context):
        if isinstance(param, click.Argument):
            words.append(_plain(param.make_metavar(context)))
    if isinstance(context.command, click.Group):
        words += ["COMMAND", "[ARGUMENT...]"]
    return words


def _prose(paragraphs: list[str]) -> list[str]:
    """Paragraphs of a help text; what is indented is an example and keeps its lines."""
    lines: list[str] = []
    for paragraph in paragraphs:
        text = paragraph.removeprefix("\b\n")
        if all(line.startswith("    ") for line in text.splitlines()):
            lines += [".PP", ".RS 4", ".nf"] if lines else [".RS 4", ".nf"]
            lines += [_plain(line[4:]) for line in text.splitlines()]
            lines += [".fi", ".RE"]
        elif text.strip():
            lines += [".PP", _inline(" ".join(text.split()))]
    return lines[1:] if lines[:1] == [".PP"] else lines


def _see_also(context: click.Context) -> list[str]:
    path = context.command_path
    others = [path.rpartition(" ")[0]] if context.parent else []
    others += _RELATED.get(path, [])
    found = [f".BR {_plain(_name(other))} (1)," for other in others]
    return [*found, ".BR smsgw.toml (5)"]


def _settings() -> str:
    parts = [
        _head("smsgw.toml", 5),
        ".SH NAME",
        "smsgw.toml \\- configuration of the SMS gateway smsgw",
        ".SH SYNOPSIS",
        ".I /etc/smsgw/config.toml",
        ".SH DESCRIPTION",
        _inline(
            "One TOML file: named with `-c` or `$SMSGW_CONFIG`, else `./config.toml`, else"
            " `/etc/smsgw/config.toml`. `smsgw check-config` says everything that is wrong with it."
        ),
        ".PP",
        _inline(
            "Durations are a whole number with `ms`, `s`, `m`, `h` or `d`. An unknown key, a wrong"
            " type or value is refused at start, with file, key and reason."
        ),
    ]
    for name, model, many in tables():
        parts += [f".SH {_plain(header(name, many))}", _inline(str(model.__doc__))]
        for key, field in model.model_fields.items():
            default = default_of(field)
            value = f" = {default}" if default else " (required)" if field.is_required() else ""
            parts += [
                ".TP",
                _bold(f"{name}.{key}") + _plain(value),
                _inline(str(field.description)),
            ]
    return "\n".join(
        [
            *parts,
            ".SH FILES",
            ".TP",
            ".I /etc/smsgw/config.example.toml",
            "every key with its default",
            ".SH SEE ALSO",
            ".BR smsgw (1),",
            ".BR smsgw\\-check\\-config (1)",
            "",
        ]
    )


def _head(name: str, section: int) -> str:
    day = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH") or _now()), UTC)
    version = f"smsgw {__version__}"
    return f'.TH "{_plain(name.upper())}" {section} "{day:%Y-%m-%d}" "{version}" "SMS gateway"'


def _now() -> int:
    return int(datetime.now(UTC).timestamp())


def _name(command_path: str) -> str:
    return command_path.replace(" ", "-")


def _plain(text: str) -> str:
    """*text* as roff prints it letter for letter; `-` stays what can be copied to a shell."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("^", "\\(ha").replace("~", "\\(ti")
    text = text.replace("'", "\\(aq").replace("`", "\\(ga").replace('"', "\\(dq")
    return re.sub(r"^(?=\.)", r"\\&", text, flags=re.MULTILINE)


def _bold(text: str) -> str:
    return f"\\fB{_plain(text)}\\fR"


def _inline(text: str) -> str:
    """A paragraph in which `code` is bold."""
    pieces = re.split(r"`([^`]+)`", " ".join(text.split()))
    line = "".join(_bold(part) if i % 2 else _plain(part) for i, part in enumerate(pieces))
    lines = textwrap.wrap(line, 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(re.sub(r"^(?=\.)", r"\\&", part) for part in lines)


def write(folder: Path) -> None:
    """Every page below *folder*, in man1 and man5.

    Raises:
        OSError: it cannot be written there.
    """
    for name, page in pages().items():
        path = folder / f"man{name[-1]}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, "utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m tools.manpages FOLDER")
    write(Path(sys.argv[1]))
