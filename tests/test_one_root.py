"""The tests are one package, and each of its modules has one name: `tests.house`, never `house`."""

import ast
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent
FILES = sorted(TESTS.rglob("*.py"))
OURS = {path.stem for path in FILES} | {path.name for path in TESTS.iterdir() if path.is_dir()}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_every_folder_of_tests_is_a_package():
    assert set() == {path.parent for path in FILES if not (path.parent / "__init__.py").exists()}


def test_helpers_are_imported_by_way_of_the_package():
    beside = {
        f"{path.relative_to(TESTS)}: {name}"
        for path in FILES
        for name in imported(path)
        if name.split(".")[0] in OURS - {"bench", *sys.stdlib_module_names}
    }
    assert set() == beside


def test_any_two_folders_are_collected_together():
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "tests/cli", "tests/journeys"],
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == told.returncode, told.stdout
