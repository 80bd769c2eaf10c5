"""What the hotline asks of the gateway: people's verbs, for commands and for whoever serves people.

The same rules, store and outbox as the daemon's, from a process of its own beside the daemon or
inside it. Each verb that changes something is one transaction, and leaves a line in the account's
history that names who did it and why, and one in the audit. What it puts in the outbox leaves with
the daemon's next claim.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from smsgw import passwords, phone
from smsgw.errors import NeverAnswered, NoPhone, Stale, UnfitPassword
from smsgw.gateway import by_hand, guessing, moving, trial
from smsgw.gateway.batch import By, Expired, Purged, Trial, with_reason
from smsgw.gateway.gateway import Gateway
from smsgw.gateway.guessing import Verified
from smsgw.gateway.looking import Looking
from smsgw.gateway.lookup import is_closed
from smsgw.gateway.rights import Rights
from smsgw.gateway.work import Work
from smsgw.logs import redact
from smsgw.model import Account, AccountState
from smsgw.passwords import Issued, Supply
from smsgw.registration import machine, own_password
from smsgw.store import AccountRow, Reservation, Stop

#: So long a CMND may be registered by its owner's phone alone, where the hotline says so.
RESERVED_FOR = timedelta(days=7)
#: So many accounts are ended in one transaction: the daemon waits for some milliseconds.
CLOSED_AT_ONCE = 50


class Hotline(Looking):
    """KEY means what `lookup` says.

    Args:
        bell: rung after each commit that lets a text of ours leave at once, on the store's thread;
            whoever claims what is in the outbox is to look at it.
    """

    def __init__(self, gateway: Gateway, bell: Callable[[], object] = lambda: None) -> None:
        super().__init__(gateway)
        self._bell = bell

    @property
    def rights(self) -> Rights:
        """What a citizen may ask for besides."""
        return Rights(self._tools)

    def _let_leave(self) -> None:
        """A text was put into the outbox, perhaps for a link of another node."""
        self._gateway.wake_nodes()
        self._bell()

    # --- the audit ----------------------------------------------------------------------------

    def note_look_up(
        self, who: str, command: str, about: Account | str | None, detail: str, now: datetime
    ) -> int:
        """Leave a line of something that was only looked at; its id."""
        with self._store.transaction():
            return self._tools.audit(who, command, about, detail, now)

    def amend_note(self, note: int, detail: str) -> None:
        """Say in that line what came of it."""
        with self._store.transaction():
            self._store.amend_note(note, detail)

    @contextmanager
    def noted(
        self, who: str, command: str, about: Account, reason: str | None, now: datetime
    ) -> Iterator[None]:
        """What is done inside, elsewhere than in the store, leaves a line; none where it fails."""
        with self._store.transaction():
            self._tools.audit(who, command, about, reason, now)
            yield

    # --- passwords ----------------------------------------------------------------------------

    def expire(self, now: datetime, limit: int = 500, by: By | None = None) -> Expired:
        """As the daemon does by itself."""
        done = self._gateway.expire(now, limit, by)
        if done.replaced:
            self._let_leave()
        return done

    def reset_password(
        self,
        key: str,
        actor: str,
        now: datetime,
        reason: str | None = None,
        issued: Issued | None = None,
    ) -> Account:
        """Issue a new password and text it to the account's phone.

        Args:
            issued: the new password, where it was hashed already.

        Raises:
            NotFound: no such account.
            Closed: it was ended.
            WrongKey: our secret key is not the daemon's.
        """
        if issued is None:
            issued = self._tools.issuer.take(1)[0]  # hashes, so before others have to wait for us
        with self._store.transaction():
            row = self.seen(key)
            self._tools.seals.check_key()
            work = Work(self._store, now, Supply.of(issued))
            self._tools.accounts.apply(work, machine.NewPassword, row, actor=actor, reason=reason)
            work.write()
            self._tools.audit(actor, "accounts reset-password", row.account, reason, now)
            account = self._store.account(row.account.id).account
        self._let_leave()
        return account

    def set_password(
        self,
        key: str,
        password: str,
        actor: str,
        now: datetime,
        reason: str | None = None,
        seen: AccountRow | None = None,
    ) -> Account:
        """Keep the citizen's own password; the account is active from then on.

        Args:
            seen: the account as it was looked up before the password was typed; another one than
                that, or with another password, is not changed.

        Raises:
            NotFound: no such account.
            Closed: it was ended.
            Stale: it has changed since it was looked up.
            UnfitPassword: it cannot be a citizen's own.
        """
        seen = seen or self.seen(key)  # say so before the hash is made
        username = seen.account.username
        self._judge(password, seen)
        hashed = passwords.hash_password(password)
        with self._store.transaction():
            row = self._store.account(seen.account.id)
            if is_closed(row) or row.password_hash != seen.password_hash:
                raise Stale(username)
            work = self._work(now)
            self._tools.accounts.apply(
                work, machine.OwnPassword, row, own_hash=hashed, actor=actor, reason=reason
            )
            work.write()
            self._tools.audit(actor, "accounts set-password", row.account, reason, now)
            return self._store.account(row.account.id).account

    def _judge(self, password: str, row: AccountRow) -> None:
        """
        Raises:
            UnfitPassword: it cannot be the own one of that account's citizen.
        """
        least = self.rules.own_password_min
        reason = own_password.form_fault(password, least)
        if reason is None and guessing.opens(row, password):
            reason = own_password.Reason.SAME_AS_OLD
        reason = reason or own_password.content_fault(password, own_password.person(row.account))
        if reason:
            raise UnfitPassword(reason.value, own_password.RULES[reason].format(least=least))

    def check_password(self, key: str, password: str, actor: str, now: datetime) -> Verified:
        """Whether *password* opens the account, for somebody who might be guessing.

        Raises:
            NotFound: no such account.
            Ambiguous: *key* fits two.
        """
        return guessing.check(self._tools, lambda: self.exact(key), password, actor, now)

    # --- ends ---------------------------------------------------------------------------------

    def close_account(
        self, key: str, reason: str, actor: str, now: datetime, *, reserve_for: str | None = None
    ) -> Account:
        """End an account; its phone and CMND may register again.

        Args:
            reserve_for: a telephone number that alone may register the CMND for 7 days. With it,
                an account that is closed already is no fault: what was reserved is replaced.

        Raises:
            NotFound: no such account.
            Closed: it is closed already.
            NoPhone: *reserve_for* is no telephone number.
            NeverAnswered: it could never register the CMND.
        """
        heir = None if reserve_for is None else self._heir(reserve_for, now)
        with self._store.transaction():
            row = self.seen(key) if heir is None else self.exact(key)
            work = self._work(now)
            if not is_closed(row):
                self._tools.accounts.apply(work, machine.Close, row, actor=actor, reason=reason)
            self._store.reserve(row.account.cmnd, heir)
            if heir is not None:
                until = self.rules.local_minute(heir.ends_at)
                work.changes.add_history(
                    row.account.id,
                    at=work.at,
                    what=f"reserved for {heir.phone} until {until}",
                    before=AccountState.CLOSED,
                    after=AccountState.CLOSED,
                    who=actor,
                    reason=reason,
                )
            work.write()
            told = reason if heir is None else f"reserved for {heir.phone}: {reason}"
            self._tools.audit(actor, "accounts close", row.account, told, now)
            return self._store.account(row.account.id).account

    def close_issued(
        self, ids: Sequence[int], reason: str, actor: str, now: datetime
    ) -> Iterator[int]:
        """End those of these accounts that are issued still, some in a transaction; after each
        of them, how many they were.

        What is reserved stays so: it is for the owner of a CMND, whoever was ended here.
        """
        for start in range(0, len(ids), CLOSED_AT_ONCE):
            with self._store.transaction():
                rows = self._store.accounts_by_ids(ids[start : start + CLOSED_AT_ONCE])
                issued = [row for row in rows if row.account.state is AccountState.ISSUED]
                work = self._work(now)
                for row in issued:
                    self._tools.accounts.apply(work, machine.Close, row, actor=actor, reason=reason)
                work.write()
                if issued:
                    did = f"closed={len(issued)}: {reason}"
                    self._tools.audit(actor, "accounts close-many", None, did, now)
            yield len(issued)

    def _work(self, now: datetime) -> Work:
        """What a verb does that issues no password; inside its transaction."""
        return Work(self._store, now, self._tools.no_passwords())

    def _heir(self, text: str, now: datetime) -> Reservation:
        number = phone.from_text(text, self.rules.region)
        if number is None:
            raise NoPhone(text.strip())
        if why := phone.may_be_texted(number, self.rules.countries):
            raise NeverAnswered(number, trial.WHY_IGNORED[why])
        return Reservation(number, now + RESERVED_FOR)

    # --- the outbox ---------------------------------------------------------------------------

    def retry(self, mt_id: int, actor: str, now: datetime, reason: str | None = None) -> None:
        """Let a reply leave at once, also one that failed or was cancelled.

        Raises:
            NotFound: it is not in the outbox.
            PasswordReplaced: the password that it tells opens nothing any more.
            PasswordWiped: it ended too long ago.
        """
        by_hand.retry(self._tools, mt_id, actor, now, reason)
        self._let_leave()

    def cancel(
        self,
        mt_id: int,
        actor: str,
        now: datetime,
        reason: str | None = None,
        *,
        links_live: bool = False,
    ) -> None:
        """Never send a reply that waits or failed.

        Args:
            links_live: what is leased is in the memory of a link, or on its way.

        Raises:
            NotFound: it is not in the outbox.
            AlreadyCancelled: nothing is left to do.
            OnItsWay: it may be the SMSC's already.
        """
        by_hand.cancel(self._tools, mt_id, actor, now, reason, links_live=links_live)

    # --- links --------------------------------------------------------------------------------

    def stop_link(self, name: str, actor: str, now: datetime, reason: str | None = None) -> Stop:
        """Take a link down until somebody starts it; who stopped it first, if it is down already.

        Raises:
            NoLink: there is none of that name.
        """
        return by_hand.stop_link(self._tools, name, actor, now, reason)

    def start_link(self, name: str, actor: str, now: datetime, reason: str | None = None) -> bool:
        """Take a link up again; false: nobody had stopped it.

        Raises:
            NoLink: there is none of that name.
        """
        return by_hand.start_link(self._tools, name, actor, now, reason)

    def move_link(
        self, name: str, node: str, actor: str, now: datetime, reason: str | None = None
    ) -> str | None:
        """Have *node* take a link; the node that has it now, None: nobody has.

        Raises:
            NoLink: there is none of that name.
            SmsgwError: the node does not live, or has the link, or there are no nodes.
        """
        return moving.move_link(self._tools, name, node, actor, now, reason)

    def test_link(self, name: str, number: str, actor: str, now: datetime) -> int:
        """Send the fixed text of a test by a link; the id of its message.

        Args:
            number: whose phone it is, in any writing.

        Raises:
            NoLink: there is none of that name.
            NoPhone: *number* is no telephone number.
            NeverTexted: it is one that gets no text of ours.
        """
        mt_id = by_hand.test_link(self._tools, name, number, actor, now)
        self._let_leave()
        return mt_id

    # --- retention ----------------------------------------------------------------------------

    def purge_all(self, now: datetime, by: By | None = None) -> Purged:
        """Remove all that the retention rules say, in steps between which others may write."""
        messages = accounts = unused = 0
        note: int | None = None

        def tell(step: Purged) -> None:
            nonlocal messages, accounts, unused, note
            messages, accounts = messages + step.messages, accounts + step.accounts
            unused += step.unused
            if by:
                did = f"messages={messages} accounts={accounts}"
                if unused:
                    did += f" unused={unused}"
                did = with_reason(did, by.reason)
                if note is None:
                    note = self._tools.audit(by.who, "purge", None, did, now)
                else:
                    self._store.amend_note(note, redact(did))

        while self._gateway.purge(now, by, tell).more:
            pass
        return Purged(messages, accounts, unused, more=False)

    def truncate_log(self) -> bool:
        """Leave nothing of what was removed on the disk; false: not now, or not by us."""
        return self._store.truncate_log()

    # --- what if ------------------------------------------------------------------------------

    def try_text(self, sender: str, text: str, now: datetime) -> Trial:
        """What the gateway would do with *text* from *sender*; nothing is kept, nothing sent.

        Raises:
            UnicodeEncodeError: *text* holds octets that no text can.
        """
        return trial.try_text(self._tools.rehearsal(), sender, text, now)
