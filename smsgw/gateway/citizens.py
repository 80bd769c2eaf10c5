"""What citizens do themselves, for the portal: log in, choose a password, complete their data.

The same rules, store and table of transitions as the daemon's and the hotline's. Each verb is one
short transaction and hashes nothing; who calls it owns the store's thread. A password is told by
its `mark`: whoever proved one shows its mark, and a verb that finds another one raises
`SecretReplaced` and has changed nothing. What lives shortly (sessions, tries) is not here.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from smsgw.errors import MustChange, SecretReplaced
from smsgw.gateway import own_data
from smsgw.gateway.accounts import new_sub
from smsgw.gateway.citizen import (
    Citizen,
    LoggedIn,
    Proof,
    citizen_of,
    digest_of,
    is_shut,
    keep,
    mark_of,
)
from smsgw.gateway.clients import Clients
from smsgw.gateway.gateway import Gateway
from smsgw.gateway.interface import Interface
from smsgw.gateway.over import OverGateway
from smsgw.gateway.portal_key import PortalKey
from smsgw.gateway.work import Work
from smsgw.model import AccountState, Feed
from smsgw.registration import machine, profile
from smsgw.registration.profile import Fault, Question
from smsgw.store import CitizenRow, LogIn


class Citizens(OverGateway):
    """An account is named by its id; of a closed one no verb does anything.

    Args:
        gateway: over the portal's store; it seals and sends nothing here.

    Attributes:
        interface: what programs ask by `sub`.
        clients: which programs there are.
        portal_key: which key all portals over this database have.
    """

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self.interface = Interface(gateway)
        self.clients = Clients(gateway)
        self.portal_key = PortalKey(gateway)

    # --- passwords ------------------------------------------------------------------------------

    def proof(self, username: str, now: datetime) -> Proof:
        """What opens the account of *username* (9 or 12 digits), if there is one."""
        return self._proof(self._store.citizen_of_cmnd(username), username, now)

    def proof_of(self, account: int, now: datetime) -> Proof:
        """The same of an account: whether a session's mark is still the password's."""
        row = self._store.citizen(account)
        if row is None or row.account.account.state is AccountState.CLOSED:
            return Proof(None, None, None, "", None, shut=False)
        return self._proof(row, row.account.account.username, now)

    def _proof(self, row: CitizenRow | None, username: str, now: datetime) -> Proof:
        mark = mark_of(row) if row else ""
        shut = is_shut(self._store.shut_of(username), mark, now)
        if row is None:
            return Proof(None, None, None, mark, None, shut)
        account = row.account.account
        until = account.password_expires_at
        if until is not None:  # at night nothing is replaced
            until = self._tools.rules.reminders_start(max(until, now))
        hash_ = row.account.password_hash
        return Proof(account.id, hash_, account.state, mark, until, shut)

    def renew_hash(self, account: int, old: str, new: str) -> None:
        """The same password with other parameters. No change: sessions and counters stay."""
        with self._store.transaction():
            row = self._store.citizen(account)
            if row and self._store.renew_hash(account, old, new):
                self._store.keep_mark(account, digest_of(new), mark_of(row))

    def log_in(
        self, account: int, mark: str, now: datetime, *, address: str, how: str = "page"
    ) -> LoggedIn:
        """Somebody proved the password of that *mark*.

        Args:
            address: from where; "" where a client does not say.
            how: "page", or the NAME of a client.

        Raises:
            SecretReplaced: it was replaced meanwhile.
        """
        store = self._store
        with store.transaction():
            self._proved(account, mark)
            before = store.log_ins(account, 1)
            store.add_log_in(account, how, address, now)
        return LoggedIn(before[0] if before else None)

    def set_own_password(
        self, account: int, mark: str, new_hash: str, now: datetime, *, by: str = "page"
    ) -> str:
        """Keep the citizen's own password in place of the one of that *mark*; the new mark.

        Args:
            by: "page", or the NAME of a client; kept in the history.

        Raises:
            SecretReplaced: by a text, the expiry pass, the hotline; the new one is not kept.
        """
        with self._store.transaction():
            row = self._proved(account, mark)
            work = Work(self._store, now, self._tools.no_passwords())
            self._tools.accounts.apply(
                work, machine.OwnPassword, row.account, own_hash=new_hash, actor=by
            )
            work.write()
        return digest_of(new_hash)

    def shut(self, username: str, mark: str, now: datetime) -> None:
        """100 wrong in a row at the password of that *mark* (""; nobody has one): nothing is
        judged for that name until its password is a new one; else for 30 days."""
        with self._store.transaction():
            row = self._store.citizen_of_cmnd(username)
            if (mark_of(row) if row else "") == mark:
                account = row.account.account.id if row else None
                self._store.shut_name(username, account, mark, now)

    def is_shut(self, username: str, now: datetime) -> bool:
        return self.proof(username, now).shut

    def _proved(self, account: int, mark: str) -> CitizenRow:
        """The open account whose password has that mark.

        Raises:
            SecretReplaced: there is none such.
        """
        row = self._store.citizen(account)
        if row is None or not mark or mark_of(row) != mark:
            raise SecretReplaced
        return row

    # --- data -----------------------------------------------------------------------------------

    def citizen(self, account: int, mark: str) -> Citizen:
        """
        Raises:
            SecretReplaced: the password is another one by now, or the account closed.
        """
        return citizen_of(self._proved(account, mark))

    def log_ins(self, account: int, limit: int) -> list[LogIn]:
        """Good log-ins, the latest first."""
        return self._store.log_ins(account, limit)

    def sub(self, account: int, mark: str, now: datetime) -> str:
        """The account's `sub`, made where it has none.

        Raises:
            SecretReplaced: as above.
        """
        if (known := self._proved(account, mark).sub) is not None:
            return known
        with self._store.transaction():
            self._proved(account, mark)
            self._store.add_subject(account, new_sub(), now)
            row = self._store.citizen(account)
        assert row is not None  # noqa: S101 - it was there a statement ago
        assert row.sub is not None  # noqa: S101 - and has one
        return row.sub

    def save(
        self, account: int, mark: str, question: Question, typed: Mapping[str, str], now: datetime
    ) -> tuple[Fault, ...]:
        """Keep the answer to one page; empty: it is kept. Else all that is wrong with it.

        Raises:
            SecretReplaced: as above.
            MustChange: the issued password comes first.
        """
        with self._store.transaction():
            citizen = self._complete(account, mark)
            today = self._tools.rules.today(now)
            found = profile.answer(question, typed, citizen.answers, citizen.texted, today)
            if isinstance(found, tuple):
                return found
            keep(self._store, citizen, found, "page", now)
        return ()

    def confirm(self, account: int, mark: str, version: int, text: str, now: datetime) -> bool:
        """The citizen agrees to the policy *text* and confirms the answers of that *version*.

        Returns:
            False: they were changed in another window, or one is missing; nothing was done.

        Raises:
            SecretReplaced, MustChange: as above.
        """
        store = self._store
        with store.transaction():
            citizen = self._complete(account, mark)
            if citizen.version != version or not profile.is_complete(citizen.answers):
                return False
            if not citizen.must_complete:
                return True  # the same form twice
            store.set_consent(account, text, version, now)
            store.add_profile_change(
                account, "data confirmed", f"with the policy of {text}", "page", now
            )
            store.tell(account, Feed.PROFILE_CHANGED, now)
        return True

    def _complete(self, account: int, mark: str) -> Citizen:
        """Somebody who may tell data now."""
        citizen = self.citizen(account, mark)
        if citizen.must_change:
            raise MustChange
        return citizen

    def disclosed(
        self, accounts: Iterable[int], client: str, scopes: Iterable[str], now: datetime
    ) -> None:
        """The data of these *scopes* go to that client (its NAME). Written once a day (UTC)."""
        store, told = self._store, " ".join(sorted(scopes))
        if new := store.undisclosed(accounts, client, told, now):
            with store.transaction():
                store.add_disclosures(new, client, told, now)

    def own_data(self, account: int) -> dict[str, Any]:
        """All that is kept of a citizen, as plain values of JSON, for the page."""
        return own_data.all_of(self._store, account)

    def portal_data(self, account: int) -> dict[str, Any]:
        """Of it what the portal has added, for `accounts export`; the account may be closed."""
        return own_data.of_portal(self._store, account)
