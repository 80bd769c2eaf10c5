"""The documents lead somewhere, and say nothing that is not there."""

import re
import subprocess
from pathlib import Path

import pytest

from smsgw.cli.main import COMMANDS
from smsgw.model import Oddity

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("systemd/*.md"))
    if path.is_file()
)
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]

FENCED = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
LINK = re.compile(
    r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE
)
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)

LOCKS = [path.name for path in ROOT.glob("requirements*.lock")]


def prose(path):
    return FENCED.sub("", path.read_text())


def anchors(path):
    """Where `#…` may point to in *path*: its headings, as GitHub and GitLab name them."""
    found = set()
    for heading in HEADING.findall(prose(path)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        repeats = sum(known.rpartition("-")[0] == slug for known in found)
        found.add(slug if slug not in found else f"{slug}-{repeats + 1}")
    return found | set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", path.read_text()))


def dead_links(path):
    for match in LINK.finditer(re.sub(r"`[^`\n]*`", "", prose(path))):
        target = match[1] or match[2]
        if re.match(r"[a-z][a-z+.-]*:", target):
            continue  # somebody else's page: not looked at, so that tests need no network
        file, _, anchor = target.partition("#")
        there = path if not file else (path.parent / file).resolve()
        ours = there.exists() and ROOT in (there, *there.parents)
        if not ours or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            yield target


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_no_link_is_dead(path):
    assert [] == list(dead_links(path))


def test_dead_link_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "# One and two\n## What?\n[a](page.md) [b](#one-and-two) [c](page.md#what) `[code](x)`\n"
        "[d](gone.md) [e](#three) [f](page.md#four) [g](https://example.org) [h]: ../out.md\n"
        "[h]: gone.txt\n```\n[i](not-a-link)\n```\n"
    )
    assert ["gone.md", "#three", "page.md#four", "gone.txt"] == list(dead_links(page))


def test_every_document_is_found_from_the_readme():
    seen, ahead = set(), [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        if path in seen:
            continue
        seen.add(path)
        for match in LINK.finditer(prose(path)):
            there = (path.parent / (match[1] or match[2]).partition("#")[0]).resolve()
            if there.suffix == ".md" and there.is_file():
                ahead.append(there)
    assert set() == {path for path in DOCUMENTS if path not in seen}


def code(path):
    """What stands in *path* as code: blocks, indented lines, and spans."""
    text = path.read_text()
    blocks = [match[0] for match in FENCED.finditer(text)]
    lines = re.findall(r"^ {4,}.*", FENCED.sub("", text), re.MULTILINE)
    return "\n".join(blocks + lines + re.findall(r"`[^`\n]+`", FENCED.sub("", text)))


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_commands_in_the_documents_exist(path):
    called = re.findall(
        r"(?:^|[\s/`(])smsgw (?:-c \S+ )?(?!smsgw)([a-z][a-z-]+)(?![\w./])",
        code(path),
        re.MULTILINE,
    )
    assert set() == set(called) - set(COMMANDS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_make_targets_in_the_documents_exist(path):
    database = subprocess.run(
        ["make", "--print-data-base", "--question", "--no-builtin-rules", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin"},
        check=False,
    ).stdout
    targets = set(re.findall(r"^([a-z-]+):", database, re.MULTILINE))
    asked = re.findall(r"(?:`|^ {4})make ([a-z-]+(?: [a-z-]+)*)", path.read_text(), re.MULTILINE)
    assert set() == {target for line in asked for target in line.split()} - targets


@pytest.mark.parametrize("oddity", Oddity)
def test_every_oddity_on_the_wire_is_explained(oddity):
    page = (ROOT / "docs" / "operations.md").read_text()
    assert re.search(rf"^\| `{oddity}\b", page, re.MULTILINE), "a row in docs/operations.md"


def test_every_dependency_has_its_reason_in_the_readme():
    pyproject = (ROOT / "pyproject.toml").read_text()
    [block] = re.findall(r"^dependencies = \[(.*?)^\]", pyproject, re.DOTALL | re.MULTILINE)
    table = re.findall(
        r"^\| ([\w-]+)[^|]*\|[^|]+\|[^|]+\|$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert set(re.findall(r'"([\w-]+)', block)) <= set(table), "write why into the README's table"


@pytest.mark.parametrize("name", LOCKS)
def test_lock_file_has_exact_versions_with_hashes_and_no_addresses(name):
    text = (ROOT / name).read_text()
    packages = re.findall(r"^([a-z].*?)(?=^[a-z]|\Z)", text, re.DOTALL | re.MULTILINE)
    assert packages
    assert [] == [p for p in packages if not re.match(r"[\w.-]+==[^\s;]+", p) or "sha256:" not in p]
    assert not re.search(r"https?:|file:|--index|--find-links", text)


def test_what_runs_is_locked_alike_for_tests():
    pins = {
        name: set(re.findall(r"^[\w.-]+==\S+", (ROOT / name).read_text(), re.MULTILINE))
        for name in LOCKS
    }
    assert pins["requirements.lock"] <= set.intersection(*pins.values())
