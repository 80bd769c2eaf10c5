"""`accounts correct`, `export` and `erase`, as the hotline types them and sees their answer."""

import json
import os
import pty
import subprocess
import sys
from datetime import timedelta

import pytest

from tests.cli.conftest import DAO
from tests.conftest import ENVIRONMENT, SMSGW

BINH, CLOSED = "0905000002", "201234569"


def correct(town, command, *options, key=BINH, **more):
    return command(town, "accounts", "correct", key, *options, "--reason", "misspelt", **more)


def show(town, command, key=BINH):
    return json.loads(command(town, "accounts", "show", key, "--format", "json").stdout)[0]


def test_what_was_texted_is_put_right(town, command):
    done = correct(town, command, "--name", "Trần Văn Bình", "--birth-date", "2/1/1991")
    assert 0 == done.status, done.stderr
    assert (
        "201234568: name from Tran Binh to Tran Van Binh; "
        "date of birth from 1991-02-01 to 1991-01-02\n" == done.stdout
    )
    account = show(town, command)
    assert ("Tran Van Binh", "1991-01-02") == (account["full_name"], account["birth_date"])


def test_same_again_changes_nothing_and_says_so(town, command):
    done = correct(town, command, "--name", "Tran Binh")
    assert (0, "201234568: is so already, nothing was changed\n") == (done.status, done.stdout)


def test_what_is_typed_behind_the_command_may_come_by_standard_input(town, command):
    done = correct(
        town, command, "--birth-date", "-", "--name", "-", key="-",
        input=f"{BINH}\nTran Van Binh\n1991-03-04\n",
    )  # fmt: skip
    assert 0 == done.status, done.stderr
    assert "1991-03-04" == show(town, command)["birth_date"]


WRONG = {
    "nothing": ([], 2, "Say what to put right: --name, --birth-date or --link."),
    "a name with figures": (["--name", "R2D2"], 2, "other characters than letters"),
    "no such day": (["--birth-date", "31/2/1990"], 2, "no such day"),
    "American": (["--birth-date", "1990/12/31"], 2, "date is not dd.mm.yyyy"),
    "an unknown link": (["--link", "vina"], 1, "the configuration has viettel, mobi"),
}  # fmt: skip


@pytest.mark.parametrize(("options", "status", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_refused_in_one_line(town, command, options, status, words):
    done = correct(town, command, *options)
    assert status == done.status
    assert words in done.stderr
    assert "viettel" == show(town, command)["link"]


def test_closed_account_is_not_put_right(town, command):
    done = correct(town, command, "--name", "Dao", key=CLOSED)
    assert (1, True) == (done.status, "is closed" in done.stderr)


def test_reason_is_required(town, command):
    for verb in (["correct", BINH, "--name", "An"], ["erase", CLOSED]):
        assert 2 == command(town, "accounts", *verb).status
        assert 2 == command(town, "accounts", *verb, "--reason", " ").status


#: docs/security.md names each of them.
KEYS = {
    *("exported_at", "accounts", "phones", "messages", "parts", "counted", "early_receipts"),
    *("reservations", "audit", "portal"),
}


def test_export_is_one_object_with_the_keys_that_the_documents_name(town, command):
    command(town, "accounts", "show", BINH)
    done = command(town, "accounts", "export", BINH, "--reason", "asked in writing")
    assert 0 == done.status, done.stderr
    told = json.loads(done.stdout)
    assert KEYS == told.keys()
    assert ["201234568"] == [account["username"] for account in told["accounts"]]
    assert "TK;Tran Binh;201234568;1.2.1991" == told["messages"][0]["text"]
    assert ["accounts show"] == [line["command"] for line in told["audit"]]
    assert "qqqqwwww" not in done.stdout
    assert "$argon2" not in done.stdout
    last = json.loads(command(town, "audit", "--format", "json").stdout)[-1]
    assert ["accounts export", "*****568", "asked in writing"] == [
        last[key] for key in ("command", "account", "detail")
    ]


def test_export_keeps_vietnamese_letters_as_they_are(town, command):
    assert "Nguyễn Thị Đào" in command(town, "accounts", "export", CLOSED).stdout


def test_export_has_no_format_and_of_nobody_is_refused(town, command):
    assert 2 == command(town, "accounts", "export", BINH, "--format", "json").status
    nobody = command(town, "accounts", "export", "0905999999")
    assert (1, "") == (nobody.status, nobody.stdout)
    last = json.loads(command(town, "audit", "--format", "json").stdout)[-1]
    assert ["accounts export", "*****999"] == [last["command"], last["account"]]


def erase(town, command, key=CLOSED, *options):
    return command(town, "accounts", "erase", key, "--reason", "asked", *options)


def test_erased_citizen_is_in_none_of_the_files(town, command):
    octets = b"".join(file.read_bytes() for file in town.database.parent.glob("smsgw.db*"))
    assert CLOSED.encode() in octets
    done = erase(town, command)
    assert (0, "201234569: erased, with 2 texts\n") == (done.status, done.stdout), done.stderr
    assert "" == done.stderr
    octets = b"".join(file.read_bytes() for file in town.database.parent.glob("smsgw.db*"))
    assert [] == [word for word in (CLOSED, DAO, "Nguyen Thi Dao") if word.encode() in octets]
    again = erase(town, command)
    assert (1, True) == (again.status, "no account" in again.stderr)


def test_open_account_is_to_be_closed_first(town, command):
    done = erase(town, command, BINH)
    assert 1 == done.status
    assert "account 201234568 is not closed: close it first" in done.stderr
    assert "issued" == show(town, command)["state"]


def test_who_is_in_another_text_too_is_taken_out_and_what_was_kept_is_said(town, command):
    town.text("84905000009", "TK,Tran Binh,201 234 568,1.2.1991", timedelta(minutes=5))
    closing = ["--reserve-for", "0905777001", "--reason", "not hers"]
    assert 0 == command(town, "accounts", "close", BINH, *closing).status
    told = erase(town, command, BINH).stdout.splitlines()
    assert "201234568: erased, with 2 texts" == told[0]
    assert "1 text of other phones named it: taken out" == told[1]
    assert told[2].startswith("a CMND was kept for +84905777001 until ")


def test_large_file_keeps_traces_for_a_while_and_that_is_said(town, command, monkeypatch):
    from smsgw.store.sqlite import file

    monkeypatch.setattr(file, "REWRITTEN_AT_MOST", 0)
    monkeypatch.setattr(file.File, "has_traces", lambda *_: True)
    done = erase(town, command)
    assert 0 == done.status
    assert "traces of it stay" in done.stderr


def at_terminal(town, answer, *arguments):
    """What a command does whose standard input is a terminal: exit status and what it said."""
    ours, its = pty.openpty()
    child = subprocess.Popen(
        [*SMSGW, "-c", str(town.config), *arguments],
        stdin=its, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=ENVIRONMENT | {"SUDO_USER": "linh"},
    )  # fmt: skip
    os.close(its)
    os.write(ours, answer)
    said, _ = child.communicate(timeout=30)
    os.close(ours)
    return child.returncode, said.decode()


@pytest.mark.skipif(sys.platform != "linux", reason="a terminal of Linux")
@pytest.mark.parametrize(("answer", "status"), [(b"n\n", 1), (b"\n", 1), (b"y\n", 0)])
def test_terminal_is_asked_and_only_y_erases(town, command, answer, status):
    done, said = at_terminal(town, answer, "accounts", "erase", CLOSED, "--reason", "asked")
    assert status == done, said
    assert "Remove for good account 201234569 of Nguyen Thi Dao, +84905000003" in said
    assert status == (command(town, "accounts", "show", CLOSED).status ^ 1)


def test_purge_asks_at_a_terminal_too_and_yes_answers(town):
    done, said = at_terminal(town, b"n\n", "purge")
    assert (1, True) == (done, "nothing was changed" in said)
    done, said = at_terminal(town, b"", "purge", "--yes")
    assert 0 == done, said
