"""`smsgw expire`, `purge` and `backup`: what the daemon's jobs do, now."""

from pathlib import Path
from typing import Any

import click

from smsgw import copies, words
from smsgw.cli import tables, views
from smsgw.cli.asking import ask_before, yes_option
from smsgw.cli.options import actor, format_option, reason_option
from smsgw.cli.tools import Tools, pass_tools
from smsgw.clock import stamp
from smsgw.errors import SmsgwError
from smsgw.gateway import By, with_reason

#: So many are hashed before each transaction: the first reminders need not wait for the last.
EXPIRED_AT_ONCE = 10


@click.command()
@reason_option
@format_option
@pass_tools
def expire(tools: Tools, reason: str | None, form: str) -> None:
    """Replace expired passwords now.

    Each citizen is texted a reminder with the new one. Outside registration.reminder_hours they
    wait for the morning, as they do in the daemon.
    """
    replaced = ended = waiting = 0
    more = True
    while more:
        done = tools.daemon.ask("expire", actor=actor(), at=stamp(tools.now), reason=reason)
        if done is None:
            done = _expire_here(tools, reason)
        replaced, ended = replaced + done["replaced"], ended + done["ended"]
        waiting, more = done["waiting"], done["more"]
    if not (replaced or ended):
        tools.note("expire", None, with_reason("replaced=0 ended=0", reason))
    hours = tools.settings.registration.reminder_hours
    until = hours.next_start(tools.viewer.local(tools.now)) if waiting else None
    expiry = views.Expiry(replaced, ended, waiting, until)
    tables.show_one(views.EXPIRY, expiry, form, tools.viewer)


def _expire_here(tools: Tools, reason: str | None) -> dict[str, Any]:
    """The same as the daemon's verb, where no daemon answers."""
    with tools.sealing() as hotline:
        done = hotline.expire(tools.now, EXPIRED_AT_ONCE, By(actor(), reason))
    return done._asdict()


@click.command()
@reason_option
@yes_option
@format_option
@pass_tools
def purge(tools: Tools, reason: str | None, yes: bool, form: str) -> None:
    """Do what [retention] says, now.

    What is older is removed; where retention.unused_accounts is set, accounts that nobody ever used
    are closed. Asks at a terminal.
    """
    ask_before(_question(tools), yes=yes)
    done = tools.hotline.purge_all(tools.now, By(actor(), reason))
    tools.truncate_log()
    tables.show_one(views.PURGED, done, form, tools.viewer)


def _question(tools: Tools) -> str:
    kept = tools.settings.retention
    unused = ""
    if kept.unused_accounts is not None:
        unused = f", and close accounts that nobody used within {words.span(kept.unused_accounts)}"
    return (
        f"Remove messages older than {words.span(kept.messages)}, accounts that were closed more"
        f" than {words.span(kept.closed_accounts)} ago and lines of the audit older than"
        f" {words.span(kept.audit)}{unused}?"
    )


@click.command()
@click.argument("file", metavar="FILE|FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--keep",
    metavar="N",
    type=click.IntRange(1),
    help="Name the copy by date and time in FOLDER, and keep the last N of these.",
)
@reason_option
@pass_tools
def backup(tools: Tools, file: Path, keep: int | None, reason: str | None) -> None:
    """Write a consistent, checked copy of the database.

    Also while the daemon runs. FILE must not exist; it is made with mode 0600, and has its name
    only once it is whole. The secret key is not in it: keep gateway.secret_key_file too, elsewhere.

    \b
        smsgw backup /srv/backup/smsgw-$(date +%F).db
        smsgw backup --keep 14 /srv/backup
    """
    if str(file) == "-":
        raise SmsgwError(
            "a copy cannot go to standard output, since it is checked once it is written",
            "name a file that does not exist yet, or with --keep a folder",
        )
    if keep is None:
        copies.backup(tools.store, file, tools.now)
    else:
        file = copies.backup_into(tools.store, file, keep, tools.now)
    tools.note("backup", None, with_reason(str(file), reason))
    click.echo(f"{file}: {words.octets(file.stat().st_size)}")
