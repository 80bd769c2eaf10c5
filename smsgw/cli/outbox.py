"""`smsgw outbox`: texts of ours that the SMSC has not taken."""

import click

from smsgw.cli import show
from smsgw.cli.office import Office, pass_office
from smsgw.cli.options import actor, format_option, reason_option


@click.group()
def outbox() -> None:
    """See and settle replies that the SMSC has not taken."""


@outbox.command("list")
@format_option
@pass_office
def list_(office: Office, form: str) -> None:
    """List them, the oldest first."""
    with office.listing("outbox list", office.hotline.outbox(), "") as listed:
        show.show(show.OUTBOX, listed, form, office.eye)


@outbox.command()
@click.argument("id", type=int)
@reason_option
@pass_office
def retry(office: Office, id: int, reason: str | None) -> None:
    """Send a reply again at once; it has a day again."""
    if office.ask("retry", mt_id=id, actor=actor(), reason=reason) is None:
        office.hotline.retry(id, actor(), office.now, reason)
        office.ring_daemon()
    click.echo(f"{id}: queued")


@outbox.command()
@click.argument("id", type=int)
@reason_option
@pass_office
def cancel(office: Office, id: int, reason: str | None) -> None:
    """Never send a reply; a password in it is wiped.

    A running daemon takes it back from the link that holds it, or says that it is on its way.
    """
    if office.ask("cancel", mt_id=id, actor=actor(), reason=reason) is None:
        runs = office.daemon_pid is not None
        office.hotline.cancel(id, actor(), office.now, reason, links_live=runs)
    click.echo(f"{id}: cancelled")
