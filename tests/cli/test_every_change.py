"""Every command that changes something says who, when and why: nobody adds one that does not."""

import json
from contextlib import closing

import click
import pytest

from smsgw.cli.main import smsgw
from tests import raw_sqlite

BINH = "0905000002"
CLOSED = "201234569"
WHY = "because of the drill"
BACK = "https://portal.example.vn/back"

#: What changes something: how it is called in `town`, and the account whose history tells it.
CHANGES = {
    "accounts close": (["accounts", "close", BINH], BINH),
    "accounts close-many": (["accounts", "close-many", "--registered-since", "2h", "--yes"], BINH),
    "accounts correct": (["accounts", "correct", BINH, "--name", "Tran Van Binh"], BINH),
    "accounts end-sessions": (["accounts", "end-sessions", BINH], None),
    "accounts erase": (["accounts", "erase", CLOSED], None),
    "accounts reset-password": (["accounts", "reset-password", BINH], BINH),
    "accounts set-password": (["accounts", "set-password", BINH], BINH),
    "backup": (["backup", "COPY"], None),
    "clients create": (["clients", "create", "other", "--redirect-uri", BACK], None),
    "clients retire": (["clients", "retire", "web"], None),
    "clients revoke": (["clients", "revoke", "web"], None),
    "clients rotate": (["clients", "rotate", "web"], None),
    "expire": (["expire"], "0905000001"),
    "links start": (["links", "start", "mobi"], None),
    "links stop": (["links", "stop", "viettel"], None),
    "outbox cancel": (["outbox", "cancel", "WAITING"], None),
    "outbox retry": (["outbox", "retry", "FAILED"], None),
    "purge": (["purge"], None),
}
#: What has to happen before, so that there is something to change.
_CLIENT = ["clients", "create", "web", "--redirect-uri", BACK]
BEFORE = {
    "links start": [["links", "stop", "mobi"]],
    "clients retire": [_CLIENT, ["clients", "rotate", "web"]],
    "clients revoke": [_CLIENT],
    "clients rotate": [_CLIENT],
}
#: What changes something where several nodes share a server: tests/cli/test_nodes.py.
OF_NODES = {"links move"}
#: What only looks; `verify-password` counts, and has its line by tests/cli/test_guessing.py.
LOOKS = {
    *("accounts export", "accounts history", "accounts list", "accounts show"),
    *("accounts verify-password", "audit", "check-config", "clients list", "completion"),
    *("demo", "links", "portal"),
    *(
        "links test",
        "messages list",
        "outbox list",
        "reload",
        "run",
        "smsc",
        "stats",
        "status",
        "store copy",  # the other database is nobody's yet
        "try",
    ),
}


def commands(group=smsgw, before=()):
    """Each command that there is, by its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        words = (*before, name)
        if isinstance(command, click.Group):
            yield from commands(command, words)
            if not command.invoke_without_command:
                continue
        yield " ".join(words), command


COMMANDS = dict(commands())


def test_each_command_is_known_to_change_something_or_to_look():
    known = CHANGES.keys() | LOOKS | OF_NODES
    assert known == COMMANDS.keys(), "write it into CHANGES or LOOKS"
    assert not CHANGES.keys() & LOOKS


@pytest.mark.parametrize("name", sorted(CHANGES.keys() | OF_NODES))
def test_change_takes_a_reason(name):
    assert "--reason" in [option for each in COMMANDS[name].params for option in each.opts]


@pytest.mark.parametrize("name", CHANGES)
def test_change_leaves_who_and_why_in_the_audit_and_in_the_history(town, command, name):
    words, account = CHANGES[name]
    known = {"COPY": town.database.with_name("copy.db"), "WAITING": town.waiting_id}
    known["FAILED"] = town.failed_id
    for each in BEFORE.get(name, []):
        command(town, *each)
    before = len(json.loads(command(town, "audit", "--format", "json").stdout))
    arguments = [known.get(word, word) for word in words]
    done = command(town, *arguments, "--reason", WHY, input="correct horse\n")
    assert 0 == done.status, done.stderr
    lines = json.loads(command(town, "audit", "--format", "json").stdout)[before:]
    (line,) = [line for line in lines if WHY in line["detail"]]
    assert ("linh", name) == (line["who"], line["command"])
    if account is not None:
        story = json.loads(command(town, "accounts", "history", account, "--format", "json").stdout)
        assert [("linh", WHY)] == [(e["actor"], e["reason"]) for e in story if e["reason"] == WHY]


@pytest.mark.parametrize("name", sorted(CHANGES.keys() - {"backup"}))
def test_change_that_cannot_leave_its_line_does_not_happen(town, command, name):
    """They are one transaction. (A copy that was made is there; that its line lacks is said.)"""
    for each in BEFORE.get(name, []):
        command(town, *each)
    with closing(raw_sqlite.connect(town.database)) as db, db:
        db.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit"
            " BEGIN SELECT RAISE(ABORT, 'no room for it'); END"
        )
    before = rows(town)
    known = {"WAITING": town.waiting_id, "FAILED": town.failed_id}
    arguments = [known.get(word, word) for word in CHANGES[name][0]]
    done = command(town, *arguments, "--reason", WHY, input="correct horse\n")
    assert 1 == done.status
    assert "no room for it" in done.stderr
    assert before == rows(town)


def rows(town):
    """All that is kept of citizens."""
    with closing(raw_sqlite.connect(town.database)) as db:
        names = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        return {
            table: db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - its own name
            for (table,) in names
            if table not in ("audit", "facts")
        }
