"""`smsgw accounts correct`, `export` and `erase`: what a citizen may ask for."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import date

import click

from smsgw import records
from smsgw.cli import portal_file
from smsgw.cli.asking import ask_before, yes_option
from smsgw.cli.options import actor, key_argument, reason_option, required_reason, typed
from smsgw.cli.tools import Tools, pass_tools
from smsgw.errors import NotFound
from smsgw.registration import syntax
from smsgw.registration.syntax import SyntaxFault
from smsgw.speech import said, say, say_many
from smsgw.store import StoreUnavailable


@click.command()
@key_argument
@click.option("--name", metavar="NAME", help="As it should have been texted.")
@click.option(
    "--birth-date",
    "birth_date",
    metavar="DATE",
    help="01.02.1990, 1/2/1990 (day first) or 1990-02-01.",
)
@click.option("--link", metavar="LINK", help="The number has moved to the carrier of this link.")
@required_reason
@pass_tools
def correct(
    tools: Tools,
    key: str,
    name: str | None,
    birth_date: str | None,
    link: str | None,
    reason: str,
) -> None:
    """Put right what was texted.

    Name and date follow the rules of a text. With --link reminders leave by that link from now on,
    and texts by links of its carrier are the citizen's own. Both what it was and what it is now
    are kept in the account's history. `-` as NAME or DATE reads it from standard input, behind KEY.

    \b
        smsgw accounts correct 0905123456 \\
            --name "Nguyen Van An" --reason "misspelt"
        smsgw accounts correct 0905123456 \\
            --link mobi --reason "moved to Mobifone"
    """
    from smsgw.gateway import Correction

    if name is birth_date is link is None:
        raise click.UsageError("Say what to put right: --name, --birth-date or --link.")
    key = typed(key, "KEY")
    today = tools.hotline.rules.today(tools.now)
    right = Correction(
        name=None if name is None else _name(typed(name, "NAME"), today),
        birth_date=None if birth_date is None else _birth_date(typed(birth_date, "DATE"), today),
        link=link,
    )
    account, changes = tools.hotline.rights.correct(key, right, reason, actor(), tools.now)
    told = "; ".join(map(said, changes)) or say("is so already, nothing was changed")
    click.echo(f"{account.username}: {told}")


def _name(text: str, today: date) -> str:
    read = syntax.read_name(text, today)
    if isinstance(read, SyntaxFault):
        raise click.BadParameter(f"{read.reason}.", param_hint="--name")
    return read


def _birth_date(text: str, today: date) -> date:
    read = syntax.read_birth_date(text, today)
    if isinstance(read, SyntaxFault):
        raise click.BadParameter(f"{read.reason}.", param_hint="--birth-date")
    return read


@click.command()
@key_argument
@reason_option
@pass_tools
def export(tools: Tools, key: str, reason: str | None) -> None:
    """Print all that is kept of one person, as one JSON object.

    Accounts of that CMND, open and closed, each with its history; texts both ways and their
    delivery; what the audit says of the accounts. Passwords are masked. docs/security.md names
    each key.

    \b
        smsgw accounts export 0905123456 > citizen.json
    """
    key = typed(key, "KEY")
    try:
        accounts, told = tools.hotline.rights.export(key, tools.now)
    except NotFound:
        tools.note("accounts export", key, "no such account or phone")
        raise
    tools.note_each("accounts export", accounts, key, reason or "")
    click.echo(json.dumps(_plain(told), ensure_ascii=False, indent=2))


def _plain(value: object) -> object:
    """*value* in JSON's terms."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    return records.plain(value)


@click.command()
@key_argument
@required_reason
@yes_option
@pass_tools
def erase(tools: Tools, key: str, reason: str, yes: bool) -> None:
    """Remove a closed account and all that is kept of its citizen.

    Looks among closed accounts alone, and takes the one that was closed last. Texts, history and
    reservations go with it; what stays are lines of the audit, masked. There is no way back but a
    backup, which keeps it all until it is removed itself. Asks at a terminal.

    \b
        smsgw accounts erase 0905123456 \\
            --reason "asked at the counter"
    """
    key = typed(key, "KEY")
    rights = tools.hotline.rights
    row = rights.to_erase(key)
    account = row.account
    ask_before(
        say(
            "Remove for good account {username} of {name}, {phone}, registered {when}?",
            username=account.username,
            name=account.full_name,
            phone=account.phone,
            when=tools.viewer.minute(account.registered_at),
        ),
        yes=yes,
    )
    # First: of an account that is gone, nobody could try again.
    portal_file.forget_account(tools.settings, account.id)
    username, texts, named, freed, gone = rights.erase(row, reason, actor(), tools.now)
    tools.truncate_log()
    _wipe(tools, gone)
    with_texts = say_many(texts, "erased, with {n} text", "erased, with {n} texts")
    click.echo(f"{username}: {with_texts}")
    if named:
        click.echo(
            say_many(
                named,
                "{n} text of other phones named it: taken out",
                "{n} texts of other phones named it: taken out",
            )
        )
    for kept in freed:
        until = tools.viewer.minute(kept.ends_at)
        told = {"phone": kept.phone, "until": until}
        click.echo(
            say("a CMND was kept for {phone} until {until}: anybody may register it now", **told)
        )


def _wipe(tools: Tools, gone: list[str]) -> None:
    """Have none of these numbers stay in unused parts of the file."""
    rewritten = False
    with suppress(StoreUnavailable):
        if not tools.store.has_traces(gone):
            return
        rewritten = tools.store.rewrite()
    if rewritten:
        tools.truncate_log()
        return
    click.echo(
        "smsgw: "
        + say(
            "traces of it stay in unused parts of {file} until these are written over;"
            " docs/security.md tells how they go at once",
            file=tools.database,
        ),
        err=True,
    )
