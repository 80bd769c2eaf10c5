"""Makes the table of provinces and communes: `python -m tools.units DATASET.DB VERSION DATE`.

DATASET.DB is `vietnamadminunits/data/dataset.db` of the package vietnamadminunits (MIT) from PyPI,
VERSION its version, DATE the day on which it was taken. The package itself is not needed to run.
"""

import sqlite3
import sys
import unicodedata
from contextlib import closing

from tools.imports import ROOT

TARGET = ROOT / "smsgw/registration/data/units.txt"
FIRST = "48"  # Đà Nẵng
#: The letters of Vietnamese in the order of its dictionaries, and its tones.
_LETTERS = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_TONES = "\u0300\u0309\u0303\u0301\u0323"

_HEAD = """\
# Provinces and cities of Vietnam and their communes, in force since 1 July 2025: 34 and 3,321. A
# line is a province (code, name) or, indented, one of its communes. Da Nang stands first.
#
# Made by `python -m tools.units` from vietnamadminunits {version}
# (https://pypi.org/project/vietnamadminunits/), taken {date}; checked: 34 provinces, 94 communes of
# Da Nang.
#
"""


def main() -> None:
    source, version, date = sys.argv[1:]
    licence = (ROOT / "smsgw/registration/data/LICENSE.vietnamadminunits").read_text("utf-8")
    found: dict[tuple[str, str, str], list[tuple[str, str, str]]] = {}
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as db:
        for row in db.execute(
            "SELECT provinceCode, province, provinceShort, wardCode, ward, wardShort"
            " FROM admin_units"
        ):
            found.setdefault(row[:3], []).append(row[3:])
    lines = [_HEAD.format(version=version, date=date) + _commented(licence)]
    for (code, name, short), wards in sorted(
        found.items(), key=lambda each: (each[0][0] != FIRST, _order(each[0][2]))
    ):
        del short
        lines.append(f"{code}\t{name}")
        lines += [f"\t{c}\t{n}" for c, n, _ in sorted(wards, key=lambda w: (_order(w[2]), w[1]))]
    TARGET.write_text("\n".join(lines) + "\n", "utf-8")


def _commented(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in text.splitlines())


def _order(name: str) -> list[tuple[list[int], list[int]]]:
    """As a Vietnamese dictionary orders words: by letters first, then by tones."""
    keys = []
    for word in name.lower().split():
        letters, tones = [], []
        for char in unicodedata.normalize("NFC", word):
            parts = unicodedata.normalize("NFD", char)
            tone = next((mark for mark in parts if mark in _TONES), "")
            base = unicodedata.normalize("NFC", parts.replace(tone, "")) if tone else char
            letters.append(_LETTERS.find(base) if base in _LETTERS else ord(base) - 1000)
            tones.append(_TONES.find(tone) + 1 if tone else 0)
        keys.append((letters, tones))
    return keys


if __name__ == "__main__":
    main()
