"""What `make machine` runs is there: its short form, which boots nothing."""

import ast
import inspect
import re
import shutil
import subprocess

import pytest

from smsgw.cli.main import COMMANDS
from tests.machines import steps
from tests.machines.pages import PAGES, ROOT, Block, blocks, blocks_of

FOUND = blocks()
#: Not smsgw: what a Debian has for whoever follows a block.
OF_DEBIAN = {
    *("apt", "cat", "cd", "df", "editor", "install", "journalctl", "mkdir", "mv", "openssl"),
    *("printf", "promtool", "rm", "sudo", "systemctl", "systemd-ask-password", "systemd-creds"),
    "usermod",
}


def called(block: Block) -> list[str]:
    """The first word of each command in *block*, and the one behind `sudo -u smsgw`."""
    text = re.sub(r"\s+#.*$|^#.*$", "", block.text, flags=re.MULTILINE).replace("\\\n", " ")
    parts = re.split(r"&&|\|\|?|;|\n|\$\(|[{}]", re.sub(r'"[^"]*"', "TEXT", text))
    commands = [re.sub(r"^\w+=|^sudo -u smsgw ", "", part.strip()) for part in parts]
    return [command for command in commands if command and command[0].isalpha()]


@pytest.mark.parametrize("block", FOUND.values(), ids=FOUND.keys())
def test_block_is_a_script_whose_commands_exist(block):
    read = subprocess.run(
        ["bash", "-n"], input=block.text, capture_output=True, text=True, check=False
    )
    assert (0, "") == (read.returncode, read.stderr)
    for command in called(block):
        first, *rest = command.split()
        if first == "smsgw":
            assert rest[0] in COMMANDS, command
        else:
            assert first in OF_DEBIAN, command


def test_units_and_files_of_the_blocks_come_with_the_package():
    text = "\n".join(block.text for block in FOUND.values())
    units = {
        f"{name}{kind or '.service'}"
        for name, kind in re.findall(
            r"systemctl [a-z-]+ (smsgw[\w-]*)(\.\w+)?(?=[\s;]|$)", text, re.MULTILINE
        )
    }
    assert units
    assert units <= {path.name for path in (ROOT / "systemd").iterdir()}
    groups = set(re.findall(r"--groups (\S+)", text))
    assert groups <= set(
        re.findall(r"^g (\S+)", (ROOT / "systemd/smsgw.sysusers").read_text(), re.MULTILINE)
    )


def test_each_marked_block_is_run_and_each_step_finds_its_block():
    tree = ast.parse(inspect.getsource(steps))
    run = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "block"
        and isinstance(node.args[0], ast.Constant)
    }
    assert set(FOUND) == run


def test_no_page_has_a_mark_that_nobody_runs():
    marked = {
        str(path.relative_to(ROOT))
        for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
        if blocks_of(path.name, path.read_text())
    }
    assert marked <= set(PAGES)


def test_every_step_says_what_it_does_and_is_one():
    assert all(step.__doc__ for step in steps.STEPS)
    names = [step.__name__ for step in steps.STEPS]
    assert len(names) == len(set(names))


def test_blocks_are_found_fenced_indented_and_in_a_list():
    page = (
        "<!-- machine: one -->\n```sh\na\n\nb  # [Service]\n   # Xy=z\n```\n"
        "1. text\n\n   <!-- machine: two -->\n   ```sh\n   c &&\n       d\n   ```\n"
        "<!-- machine: three -->\n\n    e\n    f\n\ntext\n```sh\nunmarked\n```\n"
    )
    one, two, three = blocks_of("page.md", page)
    assert "a\n\nb  # [Service]\n   # Xy=z\n" == one.text
    assert "[Service]\nXy=z\n" == one.typed
    assert ("two", "c &&\n    d\n", 10) == (two.name, two.text, two.line)
    assert "e\nf\n" == three.text


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
@pytest.mark.parametrize("block", FOUND.values(), ids=FOUND.keys())
def test_shellcheck_finds_no_error_in_a_block(block):
    read = subprocess.run(
        ["shellcheck", "--shell=bash", "--severity=error", "-"],
        input=block.text, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "" == read.stdout
