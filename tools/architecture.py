"""Draws the rooms of the house from the imports: `python -m tools.architecture` writes the
diagram in docs/architecture.md anew. A test compares, so that it cannot fall behind.
"""

import re

from tools.imports import ROOT, rooms

PAGE = ROOT / "docs" / "architecture.md"
BEGIN = "<!-- drawn from the imports by `python -m tools.architecture` -->"
#: Words that everybody uses: an arrow to them from everywhere would hide all others.
WORDS = frozenset({"model", "errors", "clock"})
_BLOCK = re.compile(re.escape(BEGIN) + r"\n```mermaid\n.*?```\n", re.DOTALL)


def diagram() -> str:
    """The rooms and who knows whom. What follows from other arrows is left out: a room that knows
    `gateway` may know what `gateway` knows."""
    known = {room: others - WORDS for room, others in rooms().items() if room not in WORDS}
    lines = [BEGIN, "```mermaid", "flowchart TD"]
    for room in sorted(known):
        direct = known[room] - {
            far for near in known[room] for far in _reachable(near, known) if far != near
        }
        lines += [f"    {room} --> {other}" for other in sorted(direct)]
    return "\n".join([*lines, "```", ""])


def _reachable(room: str, known: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    front = {room}
    while front:
        front = {far for near in front for far in known.get(near, ())} - found
        found |= front
    return found


def drawn(page: str) -> str:
    """*page* with today's diagram in the place of the one that stands in it.

    Raises:
        ValueError: it has no place for one.
    """
    after, count = _BLOCK.subn(lambda _: diagram(), page)
    if count != 1:
        raise ValueError(f"{PAGE} needs the line {BEGIN} with a diagram behind it, once")
    return after


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text("utf-8")), "utf-8")
