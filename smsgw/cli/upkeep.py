"""`smsgw expire`, `purge` and `backup`: what the daemon's jobs do, now."""

from pathlib import Path
from typing import Any

import click

from smsgw import copies
from smsgw.cli import show
from smsgw.cli.office import Office, pass_office
from smsgw.cli.options import actor, format_option, reason_option
from smsgw.clock import stamp
from smsgw.gateway import By, with_reason

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
    replaced = ended = waiting = 0
    more = True
    while more:
        done = office.ask("expire", actor=actor(), at=stamp(office.now), reason=reason)
        if done is None:
            done = _expire_here(office, reason)
        replaced, ended = replaced + done["replaced"], ended + done["ended"]
        waiting, more = done["waiting"], done["more"]
    if not (replaced or ended):
        office.note("expire", None, with_reason("replaced=0 ended=0", reason))
    hours = office.settings.registration.reminder_hours
    until = hours.next_start(office.eye.local(office.now)) if waiting else None
    expiry = show.Expiry(replaced, ended, waiting, until)
    show.show_one(show.EXPIRY, expiry, form, office.eye)


def _expire_here(office: Office, reason: str | None) -> dict[str, Any]:
    """The same as the daemon's verb, where no daemon answers."""
    with office.sealing() as hotline:
        done = hotline.expire(office.now, EXPIRED_AT_ONCE, By(actor(), reason))
    if done.replaced:
        office.ring_daemon()
    return done._asdict()


@click.command()
@reason_option
@format_option
@pass_office
def purge(office: Office, reason: str | None, form: str) -> None:
    """Remove what is older than [retention] says, now."""
    done = office.hotline.purge_all(office.now, By(actor(), reason))
    show.show_one(show.PURGED, done, form, office.eye)


@click.command()
@click.argument("file", metavar="FILE|FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--keep",
    metavar="N",
    type=click.IntRange(1),
    help="Name the copy by date and time in FOLDER, and keep the last N of these.",
)
@pass_office
def backup(office: Office, file: Path, keep: int | None) -> None:
    """Write a consistent, checked copy of the database.

    Also while the daemon runs. FILE must not exist; it is made with mode 0600, and has its name
    only once it is whole. The secret key is not in it: keep gateway.secret_key_file too, elsewhere.

    \b
        smsgw backup /srv/backup/smsgw-$(date +%F).db
        smsgw backup --keep 14 /srv/backup
    """
    if keep is None:
        copies.backup(office.store, file, office.now)
    else:
        file = copies.backup_into(office.store, file, keep, office.now)
    office.note("backup", None, str(file))
    click.echo(f"{file}: {show.octets(file.stat().st_size)}")
