"""What was being read at the end of a process that was killed."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from smsgw.suspects import MAX_SUSPECTS, Suspects
from tests.budget import cost_ms

POISON = b"poison" * 1000
HONEST = b"honest" * 1000


@pytest.fixture
def database(tmp_path):
    return tmp_path / "smsgw.db"


def killed_while_reading(database, octets):
    """A process that is killed by SIGKILL between `begins` and `ends`."""
    script = f"""
        import os, signal
        from pathlib import Path
        from smsgw.suspects import Suspects
        suspects = Suspects.open(Path({str(database)!r}))
        suspects.begins({HONEST!r}), suspects.ends()
        suspects.begins({octets!r})
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert -signal.SIGKILL == done.returncode


def refuses(database, octets):
    suspects = Suspects.open(database)
    fingerprint = suspects.begins(octets)
    suspects.close()
    return fingerprint


def test_input_that_was_being_read_at_two_kills_is_refused(database, caplog):
    killed_while_reading(database, POISON)
    assert refuses(database, POISON) is None
    killed_while_reading(database, POISON)
    fingerprint = refuses(database, POISON)
    assert fingerprint
    assert f"input {fingerprint} is refused from now on" in caplog.text
    assert refuses(database, HONEST) is None
    assert fingerprint == refuses(database, POISON)


def test_clean_end_leaves_nothing_behind(database):
    for _ in range(3):
        suspects = Suspects.open(database)
        suspects.begins(POISON)
        suspects.ends()
        suspects.close()
    assert refuses(database, POISON) is None


def test_kill_while_nothing_is_read_suspects_nobody(database, caplog):
    Suspects.open(database).begins(POISON)
    Suspects.open(database)  # counts it
    caplog.clear()
    Suspects.open(database)
    assert "" == caplog.text
    assert refuses(database, POISON) is None


def test_no_more_than_so_many_are_remembered(database):
    for n in range(MAX_SUSPECTS + 10):
        Suspects.open(database).begins(b"%d" % n)
    for n in range(MAX_SUSPECTS + 10):
        if n not in range(11, MAX_SUSPECTS + 9):
            continue
        Suspects.open(database).begins(b"%d" % n)
    assert refuses(database, b"20")
    assert 4096 == database.with_name("smsgw.db.suspects").stat().st_size


def test_file_is_for_nobody_else(database):
    Suspects.open(database)
    assert 0o600 == database.with_name("smsgw.db.suspects").stat().st_mode & 0o777


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 5000, os.urandom(4096)])
def test_damaged_file_is_begun_anew(database, content):
    database.with_name("smsgw.db.suspects").write_bytes(content)
    assert refuses(database, POISON) is None
    killed_while_reading(database, POISON)
    killed_while_reading(database, POISON)
    assert refuses(database, POISON)


def test_file_that_cannot_be_made_costs_only_the_protection(database, caplog):
    database.with_name("smsgw.db.suspects").symlink_to("/dev/null")
    suspects = Suspects.open(database)
    assert suspects.begins(POISON) is None
    suspects.ends()
    suspects.close()
    assert "inputs are not watched" in caplog.text


def test_marking_costs_next_to_nothing(database):
    suspects = Suspects.open(database)
    octets = bytes(64 * 1024)

    def mark():
        suspects.begins(octets)
        suspects.ends()

    assert cost_ms(mark) < 1.0
