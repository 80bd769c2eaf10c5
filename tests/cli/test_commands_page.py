"""docs/commands.md: complete, and in step with what the commands say of themselves."""

import re

import pytest

from smsgw.cli import screen, tables, views
from smsgw.model import AccountState, LinkState, MtState, Outcome
from tools.commands import PAGE, PAGES, commands, documented, in_step

# Section 2 of what the gateway promises to scripts and people.
PROMISED = """
    run
    check-config
    demo
    smsc
    accounts list
    accounts show
    accounts history
    accounts reset-password
    accounts set-password
    accounts verify-password
    accounts close
    accounts correct
    accounts export
    accounts erase
    audit
    accounts close-many
    messages list
    outbox list
    outbox retry
    outbox cancel
    links
    links test
    links stop
    links start
    links move
    reload
    status
    stats
    try
    completion
    expire
    backup
    purge
    store copy
""".strip().splitlines()

SAYS_WHAT_IT_DID = {
    "store copy",
    "run",
    "portal",
    "demo",
    "smsc",
    "backup",
    "completion",
    "accounts reset-password",
    "accounts set-password",
    "accounts verify-password",
    "accounts close",
    "accounts correct",
    "accounts end-sessions",
    "accounts erase",
    "accounts export",  # always JSON
    "clients retire",
    "clients revoke",
    "outbox retry",
    "outbox cancel",
    "links stop",
    "links start",
    "links move",
    "reload",
}


def test_every_promised_command_exists():
    assert {"smsgw", *(f"smsgw {name.strip()}" for name in PROMISED)} <= {
        name for name, _ in commands()
    }


def test_every_command_is_on_the_page():
    here, there = (sorted(name for name, _ in commands()), sorted(documented(PAGE.read_text())))
    lacks = "\n".join(f"<!-- help: {name} -->" for name in here if name not in there)
    assert here == there, (
        f"write a section with this line, then run python -m tools.commands:\n{lacks}"
    )


def test_the_keys_that_scripts_rely_on_are_on_the_page():
    page = PAGE.read_text()
    rooms = {**vars(views), **vars(screen)}
    shown = [view for view in rooms.values() if isinstance(view, tables.View)]
    assert len(shown) > 8
    for view in shown:
        assert view.keys == () or f"`{' '.join(view.keys)}`" in page, view.keys


@pytest.mark.parametrize("word", [*Outcome, *MtState, *AccountState, *LinkState])
def test_every_word_that_scripts_may_read_is_on_the_page(word):
    assert f"`{word}`" in PAGE.read_text()


def test_the_page_says_what_help_says():
    for page, locale in PAGES.items():
        text = page.read_text("utf-8")
        assert in_step(text, locale) == text, "run: python -m tools.commands"


def test_every_command_has_a_sentence_of_its_own():
    for name, context in commands():
        assert re.match(r"[A-Z].*[.?]$", context.command.get_short_help_str(limit=200)), name


def test_every_command_that_shows_data_has_the_three_formats():
    for name, context in commands():
        options = [parameter.name for parameter in context.command.params]
        shows = name != "smsgw" and name.removeprefix("smsgw ") not in SAYS_WHAT_IT_DID
        assert shows == ("form" in options), f"{name} shows data, or stands in SAYS_WHAT_IT_DID"
