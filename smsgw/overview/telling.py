"""An overview on its way from the daemon to a command."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

from smsgw.health import Kind
from smsgw.model import LinkState
from smsgw.overview.values import LinkRow, Node, Overview

T = TypeVar("T")

_TIMES = {
    "since",
    "oldest_due",
    "next_try",
    "oldest_queued",
    "last_mo",
    "last_mt",
    "started_at",
    "last_backup_at",
    "last_reload_at",
}


def told(answer: Mapping[str, Any]) -> Overview:
    """The overview that a daemon told in `records.plain`'s terms.

    Raises:
        KeyError, ValueError, TypeError: it is of another version.
    """
    links = [
        _told(LinkRow, {**link, "state": LinkState(link["state"])}) for link in answer["links"]
    ]
    nodes = [_told(Node, {**node, "links": tuple(node["links"])}) for node in answer["nodes"]]
    kinds = map(Kind, answer["kinds"])
    rest = {"links": tuple(links), "nodes": tuple(nodes), "kinds": tuple(kinds)}
    rest |= {name: tuple(answer[name]) for name in ("problems", "notes")}
    return _told(Overview, {**answer, **rest})


def _told(kind: type[T], values: Mapping[str, Any]) -> T:
    names: Iterable[str] = [each.name for each in fields(kind)]  # type: ignore[arg-type]
    return kind(**{name: _value(name, values[name]) for name in names})


def _value(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name in _TIMES and value is not None else value
