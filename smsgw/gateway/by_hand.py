"""What people do to texts of ours that the SMSC has not taken: send them again, or never.

Each leaves a line in the history of the account that the text is about, and one in the audit.
"""

from datetime import datetime

from smsgw.clock import stamp
from smsgw.errors import AlreadyCancelled, OnItsWay, PasswordReplaced, PasswordWiped
from smsgw.gateway.batch import with_reason
from smsgw.gateway.tools import Tools
from smsgw.reseal import KEPT
from smsgw.store import Changes, ReplyRow


def retry(tools: Tools, mt_id: int, actor: str, now: datetime, reason: str | None = None) -> None:
    """Let a reply leave at once, also one that failed or was cancelled.

    Raises:
        NotFound: it is not in the outbox.
        PasswordReplaced: the password that it tells opens nothing any more.
        PasswordWiped: it ended too long ago.
    """
    with tools.store.transaction():
        reply = tools.store.reply(mt_id)
        if reply.account_id is not None and not reply.password_is_current:
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


def _is_past(reply: ReplyRow, now: datetime) -> bool:
    """Whether its password is wiped, or is to be."""
    return reply.wiped or (reply.ended_at is not None and now - reply.ended_at >= KEPT)
