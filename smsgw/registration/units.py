"""Provinces and cities, and their communes, as they are since 1 July 2025. No districts.

A table of our own, made by `python -m tools.units`; its origin stands at its head.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

#: Its citizens are most of ours.
FIRST = "48"


@dataclass(frozen=True, slots=True)
class Ward:
    """A commune, ward or special zone."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Province:
    """A province or a city of that rank."""

    code: str
    name: str
    wards: tuple[Ward, ...]  #: by name

    def ward(self, code: str) -> Ward | None:
        """One of its own."""
        return next((ward for ward in self.wards if ward.code == code), None)


def provinces() -> tuple[Province, ...]:
    """All of them: Đà Nẵng, then by name."""
    return tuple(_table().values())


def province(code: str) -> Province | None:
    return _table().get(code)


@cache
def _table() -> Mapping[str, Province]:
    """By code. A line is a province (`48<TAB>name`) or, indented, one of its communes."""
    text = (files("smsgw.registration") / "data" / "units.txt").read_text("utf-8")
    found: list[tuple[str, str, list[Ward]]] = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        code, _, name = line.strip().partition("\t")
        if line.startswith("\t"):
            found[-1][2].append(Ward(code, name))
        else:
            found.append((code, name, []))
    return {code: Province(code, name, tuple(wards)) for code, name, wards in found}
