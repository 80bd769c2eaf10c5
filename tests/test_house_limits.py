"""How large a file, a function and a list of parameters may become.

Beyond these a reader loses the thread. What is larger stands below with its reason, and an entry
that is no longer needed fails, so that the list only ever tells what is.
"""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 50  # without its docstring
MOST_POSITIONAL_PARAMETERS = 6  # those by name alone do not count, nor does self

#: File or function -> why it is larger than any other may be.
REASONS = {
    "bench/__main__.py main": "click hands over each option of the command by name",
    "bench/measures.py": "one measure after another, each read on its own",
    "smsgw/store/sqlite/schema.py": "one migration after another; none that was released changes",
}


def sizes():
    """(place, what of it, how much) of all that has a limit: files, functions, parameters."""
    for folder in ("smsgw", "tools", "bench"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from sizes_of(str(path.relative_to(ROOT)), path.read_text())


def sizes_of(name, text):
    yield name, "lines", len(text.splitlines())
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                prose = node.body[0]
                length -= prose.end_lineno - prose.lineno + 1
            names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
            place = f"{name} {node.name}"
            yield place, "lines of a function", length
            yield place, "parameters by position", len(names) - (names[:1] in (["self"], ["cls"]))


LIMITS = {
    "lines": MOST_LINES_OF_A_FILE,
    "lines of a function": MOST_LINES_OF_A_FUNCTION,
    "parameters by position": MOST_POSITIONAL_PARAMETERS,
}


def beyond(found):
    return {(place, what, size) for place, what, size in found if size > LIMITS[what]}


def test_nothing_is_larger_than_a_reader_can_hold():
    assert set() == {each for each in beyond(sizes()) if each[0] not in REASONS}


def test_every_exception_is_still_one():
    assert set(REASONS) == {place for place, _, _ in beyond(sizes())} & set(REASONS)


@pytest.mark.parametrize(
    ("text", "what", "size"),
    [
        ("\n" * 401, "lines", 401),
        ("def f():\n" + "    pass\n" * 50, "lines of a function", 51),
        ("async def f(a, b, c, d, e, f, g): pass", "parameters by position", 7),
    ],
    ids=["file", "function", "parameters"],
)
def test_what_is_too_large_is_noticed(text, what, size):
    assert [what, size] in [[what, size] for _, what, size in beyond(sizes_of("x.py", text))]


@pytest.mark.parametrize(
    "text",
    [
        'def f():\n    """A.\n' + "\n" * 60 + '    """\n' + "    pass\n" * 47,
        "class C:\n    def f(self, a, b, c, d, e, f, *, g, h): pass",
    ],
    ids=["docstring", "by name"],
)
def test_what_costs_the_reader_nothing_does_not_count(text):
    assert set() == beyond(sizes_of("x.py", text))


def test_mypy_reads_every_folder_that_has_code():
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    with_code = {path.parent.name for path in ROOT.glob("[a-z]*/*.py")}
    assert set() == with_code - set(table["tool"]["mypy"]["files"])
