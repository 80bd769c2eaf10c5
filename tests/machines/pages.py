"""The blocks of the documents that `make machine` runs, as they stand there.

A block is marked in its page by a comment that no reader sees, on the line above:

    <!-- machine: restore -->

It is what stands between the next fence and its end, or the next indented lines. So the page and
what was tried cannot part: who changes one changes the other.
"""

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
MARK = re.compile(r"^ *<!-- machine: ([a-z-]+) -->$")
#: Pages whose blocks are run; a mark in another one would be run by nobody.
PAGES = (
    "README.md",
    "docs/installing.md",
    "docs/operations.md",
    "docs/runbook.md",
    "docs/upgrading.md",
)


class Block(NamedTuple):
    """Lines for a shell, and where they stand."""

    name: str
    page: str
    line: int  #: of the mark
    text: str

    @property
    def typed(self) -> str:
        """What the block's comments say to write in an editor: `# [Service]` and the keys below."""
        return "\n".join(re.findall(r"# *(\[\w+\]|[A-Z]\w+=.*)$", self.text, re.MULTILINE)) + "\n"


def blocks_of(page: str, text: str) -> list[Block]:
    """The marked blocks of *text*, which is that of *page*."""
    lines, found = text.splitlines(), []
    for at, line in enumerate(lines):
        if not (mark := MARK.match(line)):
            continue
        rest = lines[at + 1 :]
        while rest and not rest[0].strip():
            rest.pop(0)
        if rest and rest[0].strip() == "```sh":
            fence = rest[0].index("`")
            end = next(n for n, each in enumerate(rest) if each[fence:] == "```")
            code = rest[1:end]
        else:
            code = []
            while rest and (rest[0].startswith("    ") or not rest[0]):
                code.append(rest.pop(0))
        body = textwrap.dedent("\n".join(code)).strip("\n") + "\n"
        found.append(Block(mark[1], page, at + 1, body))
    return found


def blocks(root: Path = ROOT) -> dict[str, Block]:
    """All marked blocks below *root*, by name."""
    found = [b for page in PAGES for b in blocks_of(page, (root / page).read_text())]
    names = [block.name for block in found]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"marked twice: {', '.join(sorted(twice))}"
    return {block.name: block for block in found}
