"""`smsgw accounts`: what the hotline does for a citizen."""

import sys
import time
import unicodedata
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby

import click

from smsgw import clock, phone, words
from smsgw.cli import tables, views
from smsgw.cli.options import (
    actor,
    asked,
    duration,
    format_option,
    key_argument,
    moment,
    read_line,
    reason_option,
    typed,
)
from smsgw.cli.tools import Tools, pass_tools
from smsgw.errors import NotFound, SmsgwError
from smsgw.gateway import Verdict
from smsgw.model import AccountState

#: So many of the accounts that shall be ended are shown to people.
MOST_SHOWN = 20
#: Between two transactions of a long change: SQLite gives the lock to whoever asks first, and the
#: daemon, which has citizens waiting, asks again each few milliseconds only.
BREATH_SECONDS = 0.05


def _reason(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("say why, for the account's history.")
    return value.strip()


REASON = click.option(
    "--reason",
    metavar="TEXT",
    required=True,
    callback=_reason,
    help="Kept in the account's history.",
)


def _beginning(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    """Callback of an option that takes the beginning of telephone numbers: E.164."""
    if value is None:
        return ""
    found = phone.beginning(value, ctx.ensure_object(Tools).settings.gateway.region)
    if found is None:
        raise click.BadParameter(f"{value!r} does not begin a telephone number, as +84907 does.")
    return found


@click.group()
def accounts() -> None:
    """Look accounts up and act for their citizens.

    KEY is a user name, a phone number in any writing, or a CMND, in one word or several; `-` reads
    it from standard input. Where it is the phone of one account and the CMND of another, both are
    shown; a command that changes something wants phone:KEY or cmnd:KEY then.
    """


@accounts.command("list")
@click.option(
    "--state", type=click.Choice([s.value for s in AccountState]), help="Only these accounts."
)
@click.option(
    "--expiring-within",
    "within",
    metavar="DURATION",
    callback=duration,
    help="Only where the issued password expires by then: 30m, 2h, 3d.",
)
@format_option
@pass_tools
def list_(tools: Tools, state: str | None, within: timedelta | None, form: str) -> None:
    """List accounts, in the order of their registration.

    \b
        smsgw accounts list --state issued --expiring-within 1d
    """
    found = tools.hotline.accounts(
        state=AccountState(state) if state else None,
        expiring_before=tools.now + within if within is not None else None,
    )
    filters = {"state": state, "expiring-within": within and words.span(within)}
    with tools.listing("accounts list", found, asked(filters)) as listed:
        tables.show(views.ACCOUNTS, listed, form, tools.viewer)


@accounts.command("show")
@key_argument
@format_option
@pass_tools
def show_(tools: Tools, key: str, form: str) -> None:
    """Show one account.

    \b
        smsgw accounts show 0905123456
    """
    found = tools.look_up("accounts show", typed(key, "KEY"))
    tables.show_each(views.ACCOUNT, [row.account for row in found], form, tools.viewer)


@accounts.command()
@key_argument
@format_option
@pass_tools
def history(tools: Tools, key: str, form: str) -> None:
    """Tell one citizen's whole story.

    Texts, replies and their delivery, changes of state, who did what at the command line and why.
    """
    key = typed(key, "KEY")
    try:
        story = [views.story_line(entry) for entry in tools.hotline.history(key)]
    except NotFound:
        tools.note("accounts history", key, "no such account or phone")
        raise
    for username in dict.fromkeys(entry.username for entry in story):
        tools.note("accounts history", username or key)
    _show_stories(story, form, tools.viewer)


def _show_stories(story: list[views.StoryLine], form: str, viewer: words.Viewer) -> None:
    """Print a story; for people those of two citizens stand one below the other."""
    stories = [list(entries) for _, entries in groupby(story, lambda entry: entry.username)]
    if form != tables.Format.TABLE or len(stories) < 2:
        tables.show(views.HISTORIES if len(stories) > 1 else views.HISTORY, story, form, viewer)
        return
    for number, entries in enumerate(stories):
        click.echo(f"{chr(10) if number else ''}{entries[0].username}")
        tables.show(views.HISTORY, entries, form, viewer)


@accounts.command("reset-password")
@key_argument
@reason_option
@pass_tools
def reset_password(tools: Tools, key: str, reason: str | None) -> None:
    """Text a new issued password to the account's phone.

    Beside a running daemon this needs no secret key: the daemon does it.
    """
    key = typed(key, "KEY")
    done = tools.ask("reset-password", key=key, actor=actor(), reason=reason)
    if done is None:
        with tools.sealing() as hotline:
            account = hotline.reset_password(key, actor(), tools.now, reason)
        done = {"username": account.username, "phone": account.phone}
    click.echo(f"{done['username']}: a new password goes to {done['phone']}")


@accounts.command("set-password")
@key_argument
@reason_option
@pass_tools
def set_password(tools: Tools, key: str, reason: str | None) -> None:
    """Set the citizen's own password.

    The account becomes active. The password is asked for twice, or read from the next line of
    standard input where that is no terminal.
    """
    key = typed(key, "KEY")
    seen = tools.hotline.seen(key)  # before anybody types a password for nothing
    password = _read_password(confirm=True)
    account = tools.hotline.set_password(key, password, actor(), clock.now(), reason, seen)
    click.echo(f"{account.username}: {account.state}, with the citizen's own password")


@accounts.command("verify-password")
@key_argument
@pass_tools
def verify_password(tools: Tools, key: str) -> None:
    """Say whether a password is right.

    Exit status 0 if it is, 1 if not. The password is asked for, or read from the next line of
    standard input where that is no terminal. After five wrong ones in a row nothing is checked for
    30 seconds, after each further one for twice as long, up to an hour.
    """
    key = typed(key, "KEY")
    tools.hotline.exact(key)  # before anybody types a password for nothing
    password = _read_password(confirm=False)
    username, verdict, wait = tools.hotline.check_password(key, password, actor(), clock.now())
    if verdict is Verdict.NOT_CHECKED:
        raise SmsgwError(
            f"{username}: nothing was checked, as too many wrong passwords came before",
            f"the next one is looked at in {words.span(wait)}",
        )
    if verdict is Verdict.WRONG:
        raise SmsgwError(f"{username}: wrong password")
    click.echo(f"{username}: the password is right")


@accounts.command()
@key_argument
@click.option(
    "--reserve-for",
    "reserve_for",
    metavar="PHONE",
    help="For 7 days only this phone may register the CMND; `-` reads it from standard input.",
)
@REASON
@pass_tools
def close(tools: Tools, key: str, reserve_for: str | None, reason: str) -> None:
    """End an account.

    Its phone and CMND may register again. Where somebody registered the CMND of another, reserve
    it for its owner: a second --reserve-for replaces the first, also once the account is closed.

    \b
        smsgw accounts close 0905123456 --reason "asked at the hotline"
        smsgw accounts close 201234567 --reserve-for 0905777001 --reason "not its owner"
    """
    key = typed(key, "KEY")
    reserve_for = reserve_for and typed(reserve_for, "PHONE")
    hotline = tools.hotline
    account = hotline.close_account(key, reason, actor(), tools.now, reserve_for=reserve_for)
    click.echo(f"{account.username}: {account.state}")
    with suppress(SmsgwError):  # without a password they open nothing any more
        tools.end_sessions(account.id)
    if (kept := hotline.reservation(account.cmnd, tools.now)) is not None:
        until = tools.viewer.minute(kept.ends_at)
        click.echo(f"until {until} only {kept.phone} may register {account.cmnd}")
        if (other := hotline.open_account_of(kept.phone)) is not None:
            click.echo(f"{kept.phone} has account {other}: close that before it can register")


@accounts.command("end-sessions")
@key_argument
@reason_option
@pass_tools
def end_sessions(tools: Tools, key: str, reason: str | None) -> None:
    """Log a citizen out of the portal everywhere.

    The password stays: who knows it may log in again. Beside a lost phone, issue a new one.

    \b
        smsgw accounts end-sessions 0905123456 --reason "left logged in at a library"
    """
    key = typed(key, "KEY")
    hotline = tools.hotline
    row = hotline.exact(key)
    with hotline.noted(actor(), "accounts end-sessions", row.account.cmnd, reason, tools.now):
        ended = tools.end_sessions(row.account.id)
    click.echo(f"{row.account.username}: {words.count(ended, 'session')} ended")


@accounts.command("close-many")
@click.option(
    "--registered-since",
    "since",
    metavar="TIME",
    required=True,
    callback=moment,
    help="Only what was registered since then: 2026-11-24T16:30, or 2h for two hours ago.",
)
@click.option("--link", metavar="NAME", help="Only what was registered by this link.")
@click.option(
    "--phone-prefix",
    "prefix",
    metavar="PREFIX",
    callback=_beginning,
    help="Only phones that begin so, in any writing: +84907, 0907.",
)
@REASON
@click.option("--yes", is_flag=True, help="Do not ask.")
@format_option
@pass_tools
def close_many(
    tools: Tools,
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
        smsgw accounts close-many --registered-since 2h --phone-prefix 0907 --reason "flood"
    """
    hotline = tools.hotline
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
        click.echo(f"... and {len(ids) - len(shown)} more")
    them = words.count(len(ids), "issued account")
    if not yes and not _says_yes(f"End {them}?", aloud=people):
        raise SmsgwError("nothing was closed", "only the answer y ends them, or --yes")
    closed = 0
    for some in hotline.close_issued(ids, reason, actor(), clock.now()):
        closed += some
        if some:
            time.sleep(BREATH_SECONDS)
    click.echo(f"{words.count(closed, 'account')} closed", err=not people)


def _says_yes(question: str, *, aloud: bool) -> bool:
    """Whether standard input says `y`; *aloud*: the question belongs into the output."""
    if aloud or sys.stdin.isatty():
        click.echo(f"{question} [y/N] ", nl=False, err=not aloud)
    answer = sys.stdin.buffer.readline(80)
    if aloud and not sys.stdin.isatty():
        click.echo()  # nobody typed the end of the line
    return answer.strip().lower() == b"y"


def _read_password(*, confirm: bool) -> str:
    """A password that nobody sees, in the one form of Unicode that every keyboard ends in.

    NFKC as NIST SP 800-63B, section 5.1.1.2, has it: the same letters typed on a telephone and
    on a desk computer are the same password.
    """
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=confirm)
    else:
        password = read_line("password")
    return unicodedata.normalize("NFKC", password)
