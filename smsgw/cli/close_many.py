"""`smsgw accounts close-many`: what a flood of texts left."""

import time
from datetime import datetime

import click

from smsgw import clock, phone
from smsgw.cli import tables, views
from smsgw.cli.asking import says_yes, yes_option
from smsgw.cli.guess import closest
from smsgw.cli.options import TIMES, actor, asked, format_option, moment, required_reason
from smsgw.cli.tools import Tools, pass_tools
from smsgw.errors import SmsgwError
from smsgw.speech import say, say_many

#: So many of the accounts that shall be ended are shown to people.
MOST_SHOWN = 20
#: Between two transactions of a long change: SQLite gives the lock to whoever asks first, and the
#: daemon, which has citizens waiting, asks again each few milliseconds only.
BREATH_SECONDS = 0.05


def _beginning(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    """Callback of an option that takes the beginning of telephone numbers: E.164."""
    if value is None:
        return ""
    found = phone.beginning(value, ctx.ensure_object(Tools).settings.gateway.region)
    if found is None:
        raise click.BadParameter(f"{value!r} does not begin a telephone number, as +84907 does.")
    return found


@click.command("close-many")
@click.option(
    "--registered-since",
    "since",
    metavar="TIME",
    required=True,
    callback=moment,
    help=f"Only what was registered since then: {TIMES}",
)
@click.option("--link", metavar="NAME", help="Only what was registered by this link.")
@click.option(
    "--phone-prefix",
    "prefix",
    metavar="PREFIX",
    callback=_beginning,
    help="Only phones that begin so, in any writing: +84907, 0907.",
)
@required_reason
@yes_option
@format_option
@pass_tools
def close_many(
    tools: Tools,
    *,
    since: datetime,
    link: str | None,
    prefix: str,
    reason: str,
    yes: bool,
    form: str,
) -> None:
    """End the issued accounts that a flood of texts left.

    Says how many and which, and asks: only the answer y ends them. An account whose citizen has
    chosen a password is never among them. Each keeps the reason in its history; phones and CMND
    may register again.

    \b
        smsgw accounts close-many --registered-since 2h \\
            --phone-prefix 0907 --reason "flood"
    """
    hotline = tools.hotline
    if link is not None:
        _must_be_a_link(tools, link)
    ids = hotline.issued_since(since, link=link, prefix=prefix)
    people = form == tables.Format.TABLE
    shown = ids[:MOST_SHOWN] if people else ids
    filters = {
        "registered-since": tools.viewer.minute(since),
        "link": link,
        "prefix": prefix or None,
    }
    found = hotline.accounts_by_ids(shown)
    with tools.listing("accounts close-many", found, asked(filters)) as listed:
        tables.show(views.ACCOUNTS, listed, form, tools.viewer)
    if not ids:
        return
    if people and len(ids) > len(shown):
        click.echo(say("... and {n} more", n=len(ids) - len(shown)))
    question = say_many(len(ids), "End {n} issued account?", "End {n} issued accounts?")
    if not yes and not says_yes(question, aloud=people):
        raise SmsgwError("nothing was closed", "only the answer y ends them, or --yes")
    closed = 0
    for some in hotline.close_issued(ids, reason, actor(), clock.now()):
        closed += some
        if some:
            time.sleep(BREATH_SECONDS)
    ended = say_many(closed, "{n} account closed", "{n} accounts closed")
    click.echo(ended, err=not people)


def _must_be_a_link(tools: Tools, name: str) -> None:
    """
    Raises:
        SmsgwError: no link ever had this name.
    """
    configured = [link.name for link in tools.settings.smsc]
    names = list(dict.fromkeys((*configured, *tools.store.carriers())))
    if name not in names:
        meant = closest(name, names)
        known = ", ".join(sorted(names))
        if meant:
            raise SmsgwError(f"no link {name!r}", f"there are {known}; did you mean {meant}?")
        raise SmsgwError(f"no link {name!r}", f"there are {known}")
