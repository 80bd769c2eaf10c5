"""Does to an account what its row of `TRANSITIONS` says: state, password, history, text.

The only place that does so. The caller says what has happened (`machine.Event`), to whom, and who
asked for it; a new row of the table needs nothing here. All of it is gathered in `Work`; nothing is
written yet.
"""

import secrets
from typing import NamedTuple, assert_never

from smsgw.carriers import Carriers
from smsgw.gateway.composer import Composer, Recipient, Told
from smsgw.gateway.work import Work
from smsgw.model import Account, AccountState, Mt, Reply, from_tuple
from smsgw.passwords import Issued
from smsgw.registration import machine
from smsgw.registration.machine import Event, Password, Step
from smsgw.registration.syntax import Request
from smsgw.store import AccountRow

_REPLACED = "its password was replaced"
# Looking up an enum's member takes as long as several calls, and each registration comes by here.
_NEW, _KEEP = Password.NEW, Password.KEEP
_CLOSED = AccountState.CLOSED


def new_sub() -> str:
    """What programs shall call an account; it says nothing of it."""
    return secrets.token_hex(16)


class Applied(NamedTuple):
    """What an event has led to."""

    account: int
    state: AccountState
    mt: Mt | None  #: the text that tells of it


class Accounts:
    """
    Args:
        ttl: how long an issued password lives, in microseconds.
    """

    def __init__(self, composer: Composer, carriers: Carriers, ttl: int) -> None:
        self._composer = composer
        self._carriers = carriers
        self._ttl = ttl

    def apply(
        self,
        work: Work,
        event: type[Event],
        who: Request | AccountRow,
        to: Recipient | None = None,
        *,
        own_hash: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        why: str = _REPLACED,
    ) -> Applied | None:
        """*event* happens to the account of *who*.

        Args:
            who: the account; or the request of somebody who has none.
            to: where the text goes, if the event is a text of the citizen; None: to the account's
                phone, by the outbox.
            own_hash: of the password that the citizen chose.
            actor: who did it at the command line.
            reason: that the account's history gives for it.
            why: why nobody gets a text that still waits with the password before.

        Returns:
            None: the event takes a new password, and none is ready now. Nothing was done.

        Raises:
            ImpossibleEvent: the table has no such row.
        """
        row = who if isinstance(who, AccountRow) else None
        step = machine.step(None if row is None else row.account.state, event)
        issued = None
        if step.password is _NEW:
            issued = work.supply.draw()
            if issued is None:
                return None
        mt_id = 0
        if step.reply is not None:
            mt_id = work.message = work.message + 1
        if row is not None:
            account, cmnd = row.account.id, row.account.cmnd
            self._change(work, step, row, mt_id, issued or own_hash, why)
            self._remember(work, event, step.to, row.account, actor, reason)
            if to is None:
                link = self._carriers.way(row.account.link)
                to = Recipient(row.subscriber_id, row.address, link)
        else:
            assert type(who) is Request and to is not None  # noqa: S101, PT018 - the caller's duty
            account, cmnd = self._open(work, step, who, to, mt_id, issued), who.cmnd
        mt = None
        if step.reply is not None:
            told = from_tuple(Told, (account, cmnd, issued))
            mt = self._composer.write(work, mt_id, step.reply, to, told)
        return from_tuple(Applied, (account, step.to, mt))

    def _open(
        self,
        work: Work,
        step: Step,
        request: Request,
        to: Recipient,
        mt_id: int,
        issued: Issued | None,
    ) -> int:
        """A new account."""
        assert issued is not None  # noqa: S101 - a rule of the table: who is new gets a password
        account = work.account = work.account + 1
        name, cmnd, birth_date = request
        at = work.at
        work.changes.add_account(
            account,
            at=at,
            subscriber=to.subscriber,
            cmnd=cmnd,
            name=name,
            birth_date=birth_date.isoformat(),
            state=step.to,
            link=to.link,
            address=to.address,
            password_hash=issued.hash,
            mt=mt_id,
            expires=at + self._ttl,
        )
        return account

    def _change(
        self,
        work: Work,
        step: Step,
        row: AccountRow,
        mt_id: int,
        password: Issued | str | None,
        why: str,
    ) -> None:
        """What becomes of an account that exists, and of its password."""
        changes, at, account = work.changes, work.at, row.account
        if step.tells is not None:
            sub = new_sub() if step.password is Password.CITIZENS else None
            changes.tell(account.id, step.tells, at, sub)
        if step.password is not _KEEP and row.password_mt_id is not None:
            # A text that still waits must not tell a password that is no more, nor keep it.
            changes.supersede(row.password_mt_id, why, at)
        if step.to is _CLOSED:
            changes.close_account(account.id, step.to, at)
            return
        match step.password:
            case Password.NEW:
                assert isinstance(password, Issued)  # noqa: S101 - it was drawn
                changes.issue_password(
                    account.id,
                    step.to,
                    password_hash=password.hash,
                    mt=mt_id,
                    at=at,
                    expires=at + self._ttl,
                    reminders=account.reminders + 1 if step.reply is Reply.REMINDER else 0,
                )
            case Password.CITIZENS:
                assert isinstance(password, str)  # noqa: S101 - who chose one says which
                changes.set_own_password(account.id, step.to, password)
            case Password.NONE:
                changes.end_password(account.id, step.to)
            case Password.KEEP:
                changes.keep_password(account.id, step.to)
            case _:
                assert_never(step.password)

    @staticmethod
    def _remember(
        work: Work,
        event: type[Event],
        to: AccountState,
        account: Account,
        actor: str | None,
        reason: str | None,
    ) -> None:
        """The line that an event leaves in the account's history."""
        work.changes.add_history(
            account.id,
            at=work.at,
            what=event.word,
            before=account.state,
            after=to,
            who=actor,
            reason=reason,
        )
