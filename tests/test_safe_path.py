"""A module that lies in the folder where smsgw is called is not run."""

import subprocess
import sys

import pytest

from smsgw.demo.gateway import COMMAND

TRAP = "import pathlib, sys; pathlib.Path(__file__).with_name('sprung').touch(); sys.exit(3)"


@pytest.mark.parametrize(
    "command",
    [(sys.executable, "-m", "smsgw"), COMMAND],
    ids=["python -m smsgw", "child of the demo"],
)
def test_module_in_the_folder_is_not_imported(tmp_path, command):
    for name in ("schedule", "click", "tabulate", "argon2", "sqlite_utils"):
        (tmp_path / f"{name}.py").write_text(TRAP)
    told = subprocess.run(
        [*command, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, False) == (told.returncode, (tmp_path / "sprung").exists()), told.stderr


def test_what_a_command_makes_is_its_users_alone(tmp_path):
    look = "import os, sys; from smsgw.cli import main; sys.argv[1:] = ['--help']\n"
    look += "try: main.main()\nexcept SystemExit: print(oct(os.umask(0)))"
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert told.stdout.endswith("0o77\n")
