"""`smsgw clients`: the programs that may ask the portal."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import click

from smsgw import records
from smsgw.cli import tables
from smsgw.cli.options import actor, format_option, reason_option
from smsgw.cli.tables import View
from smsgw.cli.tools import Tools, pass_tools

if TYPE_CHECKING:
    from smsgw.gateway import Secret
    from smsgw.store import ClientRow


@dataclass(frozen=True, slots=True)
class ClientLine:
    """A client as people and scripts see it."""

    name: str
    client_id: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    pkce: str
    created_at: datetime
    revoked_at: datetime | None
    secrets: int  #: how many count now

    @classmethod
    def of(cls, row: "ClientRow") -> "ClientLine":
        return cls(
            row.name,
            row.client_id,
            row.redirect_uris,
            row.scopes,
            row.pkce,
            row.created_at,
            row.revoked_at,
            len(row.digests),
        )


CLIENTS = View[ClientLine](
    keys=records.CLIENT,
    columns={
        "name": lambda c, _: c.name,
        "client_id": lambda c, _: c.client_id,
        "scopes": lambda c, _: " ".join(c.scopes),
        "PKCE": lambda c, _: c.pkce,
        "secrets": lambda c, _: str(c.secrets),
        "created": lambda c, viewer: viewer.minute(c.created_at),
        "revoked": lambda c, viewer: viewer.minute(c.revoked_at),
        "redirect URIs": lambda c, _: " ".join(c.redirect_uris),
    },
    empty="No clients.",
    wraps="redirect URIs",
)

SECRET: "View[Secret]" = View(keys=("client_id", "client_secret"), columns={})

NAME = click.argument("name", metavar="NAME")


@click.group()
def clients() -> None:
    """Say which programs citizens may come from, and which may ask for themselves.

    NAME is 1 to 64 of a-z, 0-9, - and the full stop. A name is never given twice: it stands in
    citizens' histories.
    """


@clients.command()
@NAME
@click.option(
    "--redirect-uri",
    "redirect_uris",
    metavar="URL",
    multiple=True,
    help="Where citizens go back to, to the letter; may be repeated.",
)
@click.option(
    "--post-logout-uri",
    "post_logout_uris",
    metavar="URL",
    multiple=True,
    help="Where they go after the log-out, to the letter; may be repeated.",
)
@click.option(
    "--scope",
    "scopes",
    metavar="SCOPE",
    multiple=True,
    help="Several with blanks between, or repeated: openid profile phone address email citizen_id;"
    " of the interface for programs: verify change read.  [default: openid]",
)
@click.option("--title", metavar="TEXT", default="", help="What citizens read.  [default: NAME]")
@click.option(
    "--pkce",
    type=click.Choice(["required", "optional"]),
    default="required",
    show_default=True,
    help="Optional only for a client that cannot do it, such as OpenCPS.",
)
@click.option(
    "--national-claims", is_flag=True, help="Add the claims of the national portal to citizen_id."
)
@click.option(
    "--synthetic-email",
    metavar="DOMAIN",
    help="The scope email gives an address of this domain that nobody reads, for Liferay.",
)
@reason_option
@format_option
@pass_tools
def create(
    tools: Tools,
    *,
    name: str,
    redirect_uris: tuple[str, ...],
    post_logout_uris: tuple[str, ...],
    scopes: tuple[str, ...],
    title: str,
    pkce: str,
    national_claims: bool,
    synthetic_email: str | None,
    reason: str | None,
    form: str,
) -> None:
    """Let a program in, and show its secret, this once.

    \b
        smsgw clients create dvc \\
            --redirect-uri https://dvc.danang.gov.vn/back \\
            --scope "openid profile address" \\
            --title "Cong dich vu cong Da Nang"
        smsgw clients create kiosk --scope "verify read"
    """
    from smsgw.gateway import NewClient, Pkce

    new = NewClient(
        name,
        redirect_uris,
        post_logout_uris,
        scopes,
        title,
        Pkce(pkce),
        national_claims,
        synthetic_email,
    )
    _show(tools.citizens.clients.create(new, actor(), tools.now, reason), form, tools)


@clients.command("list")
@format_option
@pass_tools
def list_(tools: Tools, form: str) -> None:
    """List all programs, also those that were revoked; no secret is shown."""
    found = map(ClientLine.of, tools.citizens.clients.all())
    tables.show(CLIENTS, found, form, tools.viewer)


@clients.command()
@NAME
@reason_option
@format_option
@pass_tools
def rotate(tools: Tools, name: str, reason: str | None, form: str) -> None:
    """Give a program a second secret, shown this once.

    Both count until `smsgw clients retire NAME` ends the old one.
    """
    _show(tools.citizens.clients.rotate(name, actor(), tools.now, reason), form, tools)


@clients.command()
@NAME
@reason_option
@pass_tools
def retire(tools: Tools, name: str, reason: str | None) -> None:
    """End the older of a program's two secrets."""
    tools.citizens.clients.retire(name, actor(), tools.now, reason)
    click.echo(f"{name}: the older secret is worth nothing any more")


@clients.command()
@NAME
@reason_option
@pass_tools
def revoke(tools: Tools, name: str, reason: str | None) -> None:
    """End a program: its secrets are worth nothing any more."""
    tools.citizens.clients.revoke(name, actor(), tools.now, reason)
    click.echo(f"{name}: revoked")


def _show(secret: "Secret", form: str, tools: Tools) -> None:
    if form == tables.Format.TABLE:
        click.echo(f"client_id: {secret.client_id}")
        click.echo(f"client_secret: {secret.client_secret}")
    else:
        tables.show(SECRET, [secret], form, tools.viewer)
