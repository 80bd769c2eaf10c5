"""`smsgw accounts`: what the hotline does for a citizen."""

import sys
import unicodedata
from contextlib import nullcontext, suppress
from datetime import timedelta

import click

from smsgw import clock, words
from smsgw.cli import portal_file, tables, terminal, views
from smsgw.cli.asking import ask_before, yes_option
from smsgw.cli.close_many import close_many
from smsgw.cli.helping import Group
from smsgw.cli.history import history
from smsgw.cli.options import (
    Choice,
    actor,
    asked,
    duration,
    fits_two,
    format_option,
    key_argument,
    read_line,
    reason_option,
    required_reason,
    typed,
)
from smsgw.cli.rights import correct, erase, export
from smsgw.cli.tools import Tools, pass_tools
from smsgw.errors import SmsgwError
from smsgw.gateway import Verdict
from smsgw.model import AccountState
from smsgw.speech import say, say_many, say_state


@click.group(cls=Group)
def accounts() -> None:
    """Look accounts up and act for their citizens.

    KEY is a user name, a phone number in any writing, or a CMND, in one word or several; `-` reads
    it from standard input. Where it is the phone of one account and the CMND of another, both are
    shown; a command that changes something wants phone:KEY or cmnd:KEY then.
    """


@accounts.command("list")
@click.option("--state", type=Choice([s.value for s in AccountState]), help="Only these accounts.")
@click.option(
    "--expiring-within",
    "within",
    metavar="DURATION",
    callback=duration,
    help="Only where the issued password expires by then: 30m, 2h, 3d; soonest first.",
)
@click.option(
    "--name",
    metavar="NAME",
    help="Only names with this in them; diacritics and case do not matter.",
)
@click.option("--newest", is_flag=True, help="The newest first.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="At most so many.")
@format_option
@pass_tools
def list_(
    tools: Tools,
    *,
    state: str | None,
    within: timedelta | None,
    name: str | None,
    newest: bool,
    limit: int | None,
    form: str,
) -> None:
    """List accounts, in the order of their registration.

    At a terminal they go through $PAGER, or less. A name is looked for in the whole table: with
    --limit no further than needed, and the newest are found first with --newest.

    \b
        smsgw accounts list --expiring-within 1d
        smsgw accounts list --name "thi dao" --limit 9
    """
    found = tools.hotline.accounts(
        state=AccountState(state) if state else None,
        expiring_before=tools.now + within if within is not None else None,
        name=name,
        newest=newest,
        limit=limit,
    )
    filters = {
        "state": state,
        "expiring-within": within and words.span(within),
        "name": name,
        "newest": newest or None,
        "limit": limit,
    }
    with (
        tools.listing("accounts list", found, asked(filters)) as listed,
        terminal.paged() if form == tables.Format.TABLE else nullcontext(),
    ):
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
    key = typed(key, "KEY")
    found = tools.look_up("accounts show", key)
    if len(found) > 1 and form == tables.Format.TABLE:
        click.echo(f"{fits_two(key)}\n")
    tables.show_each(views.ACCOUNT, [row.account for row in found], form, tools.viewer)


@accounts.command("reset-password")
@key_argument
@reason_option
@pass_tools
def reset_password(tools: Tools, key: str, reason: str | None) -> None:
    """Text a new issued password to the account's phone.

    Beside a running daemon this needs no secret key: the daemon does it.
    """
    key = typed(key, "KEY")
    done = tools.daemon.ask("reset-password", key=key, actor=actor(), reason=reason)
    if done is None:
        with tools.sealing() as hotline:
            account = hotline.reset_password(key, actor(), tools.now, reason)
        done = {"username": account.username, "phone": account.phone}
    told = {"username": done["username"], "phone": done["phone"]}
    click.echo(say("{username}: a new password goes to {phone}", **told))


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
    click.echo(
        say("{username}: active, with the citizen's own password", username=account.username)
    )


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
    click.echo(say("{username}: the password is right", username=username))


@accounts.command()
@key_argument
@click.option(
    "--reserve-for",
    "reserve_for",
    metavar="PHONE",
    help="For 7 days only this phone may register the CMND; `-` reads it from standard input.",
)
@required_reason
@yes_option
@pass_tools
def close(tools: Tools, key: str, reserve_for: str | None, reason: str, yes: bool) -> None:
    """End an account. Asks at a terminal.

    Its phone and CMND may register again. Where somebody registered the CMND of another, reserve
    it for its owner: a second --reserve-for replaces the first, also once the account is closed.

    \b
        smsgw accounts close 0905123456 --reason "asked to"
        smsgw accounts close 201234567 \\
            --reserve-for 0905777001 --reason "not its owner"
    """
    key = typed(key, "KEY")
    reserve_for = reserve_for and typed(reserve_for, "PHONE")
    hotline = tools.hotline
    seen = (hotline.exact if reserve_for else hotline.seen)(key).account
    if seen.state != AccountState.CLOSED:
        ask_before(
            say(
                "End account {username} of {name}, {phone}? There is no way back.",
                username=seen.username,
                name=seen.full_name,
                phone=seen.phone,
            ),
            yes=yes,
        )
    account = hotline.close_account(key, reason, actor(), tools.now, reserve_for=reserve_for)
    click.echo(f"{account.username}: {say_state(account.state)}")
    with suppress(SmsgwError):  # without a password they open nothing any more
        portal_file.end_sessions(tools.settings, account.id)
    if (kept := hotline.reservation(account.cmnd, tools.now)) is not None:
        until = tools.viewer.minute(kept.ends_at)
        told = {"until": until, "phone": kept.phone, "cmnd": account.cmnd}
        click.echo(say("until {until} only {phone} may register {cmnd}", **told))
        if (other := hotline.open_account_of(kept.phone)) is not None:
            told = {"phone": kept.phone, "other": other}
            click.echo(
                say("{phone} has account {other}: close that before it can register", **told)
            )


@accounts.command("end-sessions")
@key_argument
@reason_option
@pass_tools
def end_sessions(tools: Tools, key: str, reason: str | None) -> None:
    """Log a citizen out of the portal everywhere.

    The password stays: who knows it may log in again. Beside a lost phone, issue a new one.

    \b
        smsgw accounts end-sessions 0905123456 \\
            --reason "left logged in at a library"
    """
    key = typed(key, "KEY")
    hotline = tools.hotline
    row = hotline.exact(key)
    with hotline.noted(actor(), "accounts end-sessions", row.account, reason, tools.now):
        ended = portal_file.end_sessions(tools.settings, row.account.id)
    told = say_many(ended, "{n} session ended", "{n} sessions ended")
    click.echo(f"{row.account.username}: {told}")


def _read_password(*, confirm: bool) -> str:
    """A password that nobody sees, in the one form of Unicode that every keyboard ends in.

    NFKC as NIST SP 800-63B, section 5.1.1.2, has it: the same letters typed on a telephone and
    on a desk computer are the same password.
    """
    if sys.stdin.isatty():
        password = click.prompt(say("Password"), hide_input=True, confirmation_prompt=confirm)
    else:
        password = read_line("password")
    return unicodedata.normalize("NFKC", password)


accounts.add_command(correct)
accounts.add_command(export)
accounts.add_command(erase)
accounts.add_command(history)
accounts.add_command(close_many)
