"""`smsgw expire`, `purge` and `backup`: what the daemon's jobs do, now."""

from pathlib import Path

import click

from smsgw.cli import show
from smsgw.cli.office import Office, pass_office
from smsgw.cli.options import actor, format_option, reason_option
from smsgw.gateway import By

#: So many are hashed before each transaction: the first reminders need not wait for the last.
EXPIRED_AT_ONCE = 10


@click.command()
@reason_option
@format_option
@pass_office
def expire(office: Office, reason: str | None, form: str) -> None:
    """Replace expired passwords now.

    Each citizen is texted a reminder with the new one. Outside registration.reminder_hours they
    wait for the morning, as they do in the daemon.
    """
    replaced = ended = 0
    more = True
    while more:
        done = office.hotline.expire(office.now, EXPIRED_AT_ONCE, By(actor(), reason))
        replaced, ended, more = replaced + done.replaced, ended + done.ended, done.more
        if done.replaced:
            office.ring_daemon()
    hours = office.settings.registration.reminder_hours
    until = hours.next_start(office.eye.local(office.now)) if done.waiting else None
    expiry = show.Expiry(replaced, ended, done.waiting, until)
    show.show_one(show.EXPIRY, expiry, form, office.eye)


@click.command()
@reason_option
@format_option
@pass_office
def purge(office: Office, reason: str | None, form: str) -> None:
    """Remove what is older than [retention] says, now."""
    done = office.hotline.purge_all(office.now, By(actor(), reason))
    show.show_one(show.PURGED, done, form, office.eye)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@pass_office
def backup(office: Office, file: Path) -> None:
    """Write a consistent copy of the database.

    Also while the daemon runs. FILE must not exist; it is made with mode 0600. The secret key is
    not in it: keep gateway.secret_key_file too, elsewhere.

    \b
        smsgw backup /srv/backup/smsgw-$(date +%F).db
    """
    office.store.backup(file)
    click.echo(f"{file}: {show.octets(file.stat().st_size)}")
