"""`smsgw messages`: what came and went."""

from datetime import datetime

import click

from smsgw import phone as phones
from smsgw.cli import tables, views
from smsgw.cli.helping import Group
from smsgw.cli.options import TIMES, Choice, asked, format_option, moment, typed
from smsgw.cli.tools import Tools, pass_tools
from smsgw.harmless import masked
from smsgw.model import Direction, MtState


@click.group(cls=Group)
def messages() -> None:
    """See what came and went."""


@messages.command("list")
@click.option(
    "--phone",
    metavar="PHONE",
    help="Of one citizen, in any writing; `-` reads it from standard input.",
)
@click.option(
    "--direction",
    type=Choice([d.value for d in Direction]),
    help="mo: from citizens, mt: to them.",
)
@click.option("--state", type=Choice([s.value for s in MtState]), help="Only MT that stand so.")
@click.option(
    "--since",
    metavar="TIME",
    callback=moment,
    help=f"From then on: {TIMES}",
)
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="At most so many.",
)
@format_option
@pass_tools
def list_(
    tools: Tools,
    *,
    phone: str | None,
    direction: str | None,
    state: str | None,
    since: datetime | None,
    limit: int,
    form: str,
) -> None:
    """List messages, the newest first; passwords are masked.

    \b
        smsgw messages list --phone 0905123456 --since 3d
    """
    if phone is not None:
        phone = typed(phone, "PHONE")
        # What is no telephone number is looked for as it came: short codes and names text too.
        phone = phones.from_text(phone, tools.settings.gateway.region) or phone.strip()
    filters = {
        "phone": phone and (masked(phone) if phone.startswith("+") else phone),
        "direction": direction,
        "state": state,
        "since": since and tools.viewer.minute(since),
        "limit": limit,
    }
    found = tools.hotline.messages(
        phone=phone,
        direction=Direction(direction) if direction else None,
        state=MtState(state) if state else None,
        since=since,
        limit=limit,
    )
    with tools.listing("messages list", found, asked(filters)) as listed:
        tables.show(views.MESSAGES, listed, form, tools.viewer)
