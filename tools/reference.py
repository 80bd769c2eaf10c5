"""The pages that are drawn from the code: `python -m tools.reference` writes them anew.

A test compares them with what stands in the repository, so that none can fall behind.
"""

import json
import textwrap
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from smsgw.config import Settings, format_duration, need_restart
from smsgw.registration import machine
from tools.imports import ROOT

_DRAWN = "drawn from the code by `python -m tools.reference`"


def configuration() -> str:
    """docs/configuration.md: every key, its default, its meaning."""
    lines = [
        "# Configuration",
        "",
        f"<!-- {_DRAWN} -->",
        "",
        "One TOML file: named with `-c` or `$SMSGW_CONFIG`, else `./config.toml`, else",
        "`/etc/smsgw/config.toml`. `smsgw check-config` says everything that is wrong with it.",
        "[config.example.toml](../config.example.toml) has every key with its default.",
        "",
        "Durations are a whole number with `ms`, `s`, `m`, `h` or `d`. An unknown key, a wrong",
        "type or value is refused at start, with file, key and reason.",
        "",
        "A new value holds after `smsgw reload`, at once or with a new bind of that one link, or",
        "after a restart alone. Of a link's password and TLS files the content counts, too.",
    ]
    for name, model, many in tables():
        lines += [
            "",
            f"## `{header(name, many)}`",
            "",
            str(model.__doc__),
            "",
            "| key | default | meaning | new value |",
            "| --- | --- | --- | --- |",
        ]
        for key, field in model.model_fields.items():
            default = default_of(field)
            shown = f"`{default}`" if default else "required" if field.is_required() else ""
            meaning = str(field.description).replace("|", "\\|")
            holds = takes(f"{name}.{key}")
            lines.append(f"| `{key}` | {shown} | {meaning} | {holds} |")
    return "\n".join(lines) + "\n"


def example() -> str:
    """config.example.toml: the same as a file to start from."""
    lines = [
        "# smsgw: every key with its default; what is not needed can be left out.",
        "# Durations are a whole number with ms, s, m, h or d.",
        f"# ({_DRAWN.replace('`', '')})",
    ]
    for name, model, many in tables():
        lines += ["", "", header(name, many), f"# {model.__doc__}"]
        for key, field in model.model_fields.items():
            value = default_of(field)
            given = field.is_required() or key == "password"
            unset = "" if value or given else "# "
            value = value or _toml((field.examples or [""])[0])
            lines += ["", *_comment(field), f"{unset}{key} = {value}"]
    return "\n".join(lines) + "\n"


def states() -> str:
    """docs/states.md: what an account goes through."""
    rows = [
        f"| {state.value if state else 'none'} | {event.__name__} | {to.value} "
        f"| {password.value} | {reply.value if reply else ''} | {tells.value if tells else ''} |"
        for (state, event), (to, password, reply, tells) in machine.TRANSITIONS.items()
    ]
    events = [
        f"- **{event.__name__}**: {event.__doc__}" for event in machine.Event.__subclasses__()
    ]
    return "\n".join(
        [
            "# States of an account",
            "",
            f"<!-- {_DRAWN} -->",
            "",
            "What dispatch 1232 lets happen to an account. A pair of state and event that is not",
            "here cannot happen; each that happens is a line of the account's history.",
            "",
            "```mermaid",
            machine.mermaid().rstrip(),
            "```",
            "",
            *events,
            "",
            "| from | event | to | password | text | programs are told |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
            "The last column stands in the portal's feed of changes, for accounts that were active",
            "once; `account.activated` is said the first time, `password.changed` from then on.",
            "",
        ]
    )


#: Where each page stands.
PAGES: dict[Path, Callable[[], str]] = {
    ROOT / "docs" / "configuration.md": configuration,
    ROOT / "docs" / "states.md": states,
    ROOT / "config.example.toml": example,
}


def tables() -> Iterator[tuple[str, type[BaseModel], bool]]:
    """Each table's name and model, and whether there may be several."""
    for name, field in Settings.model_fields.items():
        inner = get_args(field.annotation)  # of `tuple[X, ...]`, or of `X | None`
        model = inner[0] if inner else field.annotation
        yield name, cast(type[BaseModel], model), Ellipsis in inner


def takes(key: str) -> str:
    """How a new value of *key* is taken over."""
    if key in need_restart():
        return "restart"
    bound = key == "gateway.shortcode" or key.startswith("smsc.")
    return "new bind" if bound and key != "smsc.max_per_second" else "reload"


def header(name: str, many: bool) -> str:
    return f"[[{name}]]" if many else f"[{name}]"


def default_of(field: FieldInfo) -> str:
    """The default as it would stand in the file; empty if there is none."""
    if field.is_required() or field.default is None:
        return ""
    return _toml((field.examples or [field.default])[0])


def _toml(value: Any) -> str:
    match value:
        case bool() | int() | list():
            return json.dumps(value)
        case tuple() if not hasattr(value, "_fields"):
            return json.dumps([str(each) for each in value], ensure_ascii=False)
        case timedelta():
            return f'"{format_duration(value)}"'
        case ZoneInfo():
            return f'"{value.key}"'
        case _:
            return json.dumps(str(value), ensure_ascii=False)


def _comment(field: FieldInfo) -> list[str]:
    return textwrap.wrap(str(field.description), 98, initial_indent="# ", subsequent_indent="# ")


if __name__ == "__main__":
    for path, draw in PAGES.items():
        path.write_text(draw(), "utf-8")
