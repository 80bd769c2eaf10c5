"""Figures: samples of several runs, their medians and ratios, as a table and as JSON."""

import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from os import cpu_count
from statistics import median

from tabulate import tabulate

from smsgw.store import sqlite_version

OURS, NAIVE = "smsgw", "naive"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a figure must reach."""

    ratio: float | None = None  #: against the yardstick, at least
    most: float | None = None  #: at most

    def __str__(self) -> str:
        if self.ratio is not None:
            return f"≥ {self.ratio:g} ×"
        return "" if self.most is None else f"≤ {self.most:g}"


@dataclass(slots=True)
class Figure:
    """One line of the table."""

    name: str
    unit: str
    wanted: Wanted = Wanted()
    yardstick: str = NAIVE  #: what `other` is
    ours: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)

    @property
    def value(self) -> float | None:
        return median(self.ours) if self.ours else None

    @property
    def ratio(self) -> float | None:
        if not self.ours or not self.other or not median(self.other):
            return None
        return median(self.ours) / median(self.other)

    @property
    def reached(self) -> bool | None:
        """Whether it is what is wanted; None where nothing is."""
        if self.wanted.ratio is not None and self.ratio is not None:
            return self.ratio >= self.wanted.ratio
        if self.wanted.most is not None and self.value is not None:
            return self.value <= self.wanted.most
        return None


class Sheet:
    """The figures of one bench, in the order of their first sample."""

    def __init__(self) -> None:
        self._figures: dict[str, Figure] = {}

    def figure(
        self, name: str, unit: str, wanted: Wanted | None = None, yardstick: str = NAIVE
    ) -> Figure:
        """The figure *name*, begun if it is new."""
        figure = Figure(name, unit, wanted or Wanted(), yardstick)
        return self._figures.setdefault(name, figure)

    def __iter__(self) -> Iterator[Figure]:
        return iter(self._figures.values())

    def table(self) -> str:
        rows = [
            (
                figure.name,
                figure.unit,
                _number(figure.ours),
                _number(figure.other) + (f" ({figure.yardstick})" if figure.other else ""),
                "" if figure.ratio is None else f"{figure.ratio:.2f} ×",
                str(figure.wanted),
                {True: "yes", False: "NO", None: ""}[figure.reached],
            )
            for figure in self._figures.values()
        ]
        headers = ("figure", "unit", "smsgw", "yardstick", "ratio", "wanted", "reached")
        return tabulate(
            rows, headers, disable_numparse=True, colalign=("left",) * 2 + ("right",) * 5
        )

    def json(self, **about: object) -> str:
        figures = [
            {
                "name": figure.name,
                "unit": figure.unit,
                "smsgw": figure.ours,
                "yardstick": figure.other and {"name": figure.yardstick, "samples": figure.other},
                "median": figure.value,
                "ratio": figure.ratio,
                "wanted": str(figure.wanted) or None,
                "reached": figure.reached,
            }
            for figure in self._figures.values()
        ]
        return json.dumps({"about": about | machine(), "figures": figures}, indent=1)


def machine() -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "sqlite": sqlite_version(),
        "kernel": platform.release(),
        "cores": cpu_count(),
    }


def _number(samples: Sequence[float]) -> str:
    if not samples:
        return ""
    value = median(samples)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
