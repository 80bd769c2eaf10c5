"""`smsgw store copy`: everything from one database to another."""

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smsgw import copies
from smsgw.cli.tools import Tools, pass_tools
from smsgw.database import Database, Server, files_of, is_server
from smsgw.errors import SmsgwError

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


@click.group()
def store() -> None:
    """Move to another database."""


@store.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@pass_tools
def copy(tools: Tools, source: str, target: str) -> None:
    """Carry everything from the database FROM to the empty database TO.

    Each is an SQLite file or a PostgreSQL address. Stop the daemon first. Cut off, the same command
    goes on where it was. The secret key is not in the database: bring gateway.secret_key_file along
    by hand.

    \b
        smsgw store copy /var/lib/smsgw/smsgw.db \\
            postgresql://smsgw@db1,db2/smsgw
    """
    from smsgw.store import daemon_pid, open_store

    origin, aim = _database(source), _database(target)
    for database in (origin, aim):
        if (pid := daemon_pid(files_of(database))) is not None:
            raise SmsgwError(
                f"a daemon (pid {pid}) serves {database}",
                "stop it first: what came in meanwhile would be left behind",
            )
    with (
        closing(open_store(origin, create=False, migrate=False)) as old,
        closing(open_store(aim, busy_timeout=tools.patience)) as new,
        _bar() as bar,
    ):

        def told(done: int, whole: int) -> None:
            bar.length = max(1, whole)
            bar.update(done - bar.pos)

        rows = copies.carry(old, new, str(origin), told)
    click.echo(f"{aim}: {rows} rows, the same as in {origin}")


def _bar() -> "ProgressBar[int]":
    """On standard error: what is printed is for scripts."""
    return click.progressbar(length=1, label="copying", file=sys.stderr)


def _database(given: str) -> Database:
    if not is_server(given):
        return Path(given)
    try:
        return Server.parse(given)
    except ValueError as fault:
        raise click.BadParameter(f"the address {fault}") from None
