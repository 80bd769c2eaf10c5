"""What people do by hand: to texts of ours that the SMSC has not taken, and to links.

A text: send it again, or never; that leaves a line in the history of the account that it is about.
A link: take it down, and up again, or try it with a text. Each leaves a line in the audit.
"""

import secrets
from datetime import datetime

from smsgw import phone
from smsgw.clock import stamp
from smsgw.errors import (
    AlreadyCancelled,
    NeverTexted,
    NoLink,
    NoPhone,
    OnItsWay,
    PasswordReplaced,
    PasswordWiped,
)
from smsgw.gateway import trial
from smsgw.gateway.batch import with_reason
from smsgw.gateway.rules import Rules
from smsgw.gateway.tools import Tools
from smsgw.gateway.work import Work
from smsgw.model import Account, Address
from smsgw.reseal import KEPT
from smsgw.store import Changes, ReplyRow, Stop, Store

#: What a phone reads that somebody sends a test to: in every alphabet, without a password, and the
#: same for everybody, so that nothing can be made of it.
TEST_TEXT = "Day la tin nhan kiem tra cua he thong. Xin vui long khong tra loi."
#: A fact of the store that is another one whenever daemons are to look at what others have done.
WAKE_FACT = "woken_by"
INTERNATIONAL = ISDN = 1  #: SMPP v3.4 §5.2.5, §5.2.6


def retry(tools: Tools, mt_id: int, actor: str, now: datetime, reason: str | None = None) -> None:
    """Let a reply leave at once, also one that failed or was cancelled.

    Raises:
        NotFound: it is not in the outbox.
        PasswordReplaced: the password that it tells opens nothing any more, or is about to be
            replaced, as its time is over.
        PasswordWiped: it ended too long ago.
    """
    with tools.store.transaction():
        reply = tools.store.reply(mt_id)
        if reply.account_id is not None and (
            not reply.password_is_current or _has_lapsed(tools, reply.account_id, now)
        ):
            raise PasswordReplaced(mt_id)
        if reply.account_id is not None and _is_past(reply, now):
            raise PasswordWiped(mt_id)
        tools.store.retry(mt_id, now)
        _note(tools, reply, "retry", mt_id, actor, now, reason=reason)


def cancel(
    tools: Tools,
    mt_id: int,
    actor: str,
    now: datetime,
    reason: str | None = None,
    *,
    links_live: bool,
) -> None:
    """Never send a reply that waits or failed.

    Args:
        links_live: what is leased is in the memory of a link, or on its way.

    Raises:
        NotFound: it is not in the outbox.
        AlreadyCancelled: nothing is left to do.
        OnItsWay: it may be the SMSC's already.
    """
    with tools.store.transaction():
        reply = tools.store.reply(mt_id)
        if links_live and reply.leased:
            raise OnItsWay(mt_id)
        if not tools.store.cancel(mt_id, f"cancelled by {actor}", now):
            raise AlreadyCancelled(mt_id)
        _note(tools, reply, "cancel", mt_id, actor, now, reason=reason)


def told_account(tools: Tools, mt_id: int) -> Account | None:
    """The account that the password in a reply opens now; None: it tells no such password.

    Raises:
        NotFound: it is not in the outbox.
    """
    reply = tools.store.reply(mt_id)
    if reply.account_id is None or reply.wiped or not reply.password_is_current:
        return None
    return tools.store.account(reply.account_id).account


def stop_link(tools: Tools, name: str, actor: str, now: datetime, reason: str | None) -> Stop:
    """Take a link down until somebody starts it; who stopped it first, if it is down already.

    Raises:
        NoLink: there is none of that name.
    """
    check_link(tools.rules, name)
    with tools.store.transaction():
        if tools.store.stop_link(name, Stop(now, actor, reason)):
            wake_nodes(tools.store)
            tools.audit(actor, "links stop", None, with_reason(f"link {name}", reason), now)
        return tools.store.stopped_links()[name]


def start_link(tools: Tools, name: str, actor: str, now: datetime, reason: str | None) -> bool:
    """Take a link up again; false: nobody had stopped it.

    Raises:
        NoLink: there is none of that name.
    """
    with tools.store.transaction():
        if name not in tools.store.stopped_links():  # gone from the configuration, perhaps
            check_link(tools.rules, name)
        if not tools.store.start_link(name):
            return False
        wake_nodes(tools.store)
        tools.audit(actor, "links start", None, with_reason(f"link {name}", reason), now)
    return True


def test_link(tools: Tools, name: str, number: str, actor: str, now: datetime) -> int:
    """Send the fixed text of a test by a link; the id of its message.

    Raises:
        NoLink: there is none of that name.
        NoPhone: *number* is no telephone number.
        NeverTexted: it is one that gets no text of ours.
    """
    check_link(tools.rules, name)
    to = test_recipient(tools.rules, number)
    store = tools.store
    with store.transaction():
        work = Work(store, now, tools.no_passwords())
        subscriber = store.senders([to])[0].get(to)
        if subscriber is None:
            work.subscriber += 1
            subscriber = work.subscriber
            work.changes.add_subscriber(subscriber, to)
        work.message += 1
        work.changes.add_mt(
            work.message,
            at=work.at,
            subscriber=subscriber,
            to=test_address(to),
            link=name,
            wording=store.wording("test", TEST_TEXT),
            mo=None,
            account=None,
            reminder=False,
            leased_until=0,
            sealed=None,
        )
        work.write()
        tools.audit(actor, "links test", to, f"link {name}: message {work.message}", now)
    return work.message


def test_recipient(rules: Rules, number: str) -> str:
    """*number* in E.164, if a text of ours may go there.

    Raises:
        NoPhone, NeverTexted: none may.
    """
    found = phone.from_text(number, rules.region)
    if found is None:
        raise NoPhone(number.strip())
    if why := phone.may_be_texted(found, rules.countries):
        raise NeverTexted(trial.WHY_IGNORED[why])
    return found


def test_address(e164: str) -> Address:
    """How a number is written to a carrier from which it never came."""
    return Address(e164.removeprefix("+"), INTERNATIONAL, ISDN)


def check_link(rules: Rules, name: str) -> None:
    """
    Raises:
        NoLink: there is none of that name.
    """
    if name not in rules.links:
        raise NoLink(name, ", ".join(rules.links))


def wake_nodes(store: Store) -> None:
    """Have the daemons of all nodes look at what was done; inside a transaction."""
    if store.is_shared:
        store.set_fact(WAKE_FACT, secrets.token_hex(8))


def _note(
    tools: Tools,
    reply: ReplyRow,
    verb: str,
    mt_id: int,
    actor: str,
    now: datetime,
    *,
    reason: str | None,
) -> None:
    """Remember what was done to a reply, with the account that it is about."""
    account = None
    if reply.account_id is not None:
        account = tools.store.account(reply.account_id).account
        state, changes = account.state, Changes()
        changes.add_history(
            account.id,
            at=stamp(now),
            what=f"{verb} of message {mt_id}",
            before=state,
            after=state,
            who=actor,
            reason=reason,
        )
        tools.store.write(changes)
    told = with_reason(f"message {mt_id}", reason)
    tools.audit(actor, f"outbox {verb}", account, told, now)


def _has_lapsed(tools: Tools, account_id: int, now: datetime) -> bool:
    """Whether nobody would send the password any more: the next pass replaces it."""
    expires = tools.store.account(account_id).account.password_expires_at
    return expires is not None and expires <= now


def _is_past(reply: ReplyRow, now: datetime) -> bool:
    """Whether its password is wiped, or is to be."""
    return reply.wiped or (reply.ended_at is not None and now - reply.ended_at >= KEPT)
