"""What the hotline asks of the gateway, from its own process beside the daemon.

The same rules, store and outbox as the daemon's; each verb is one transaction and leaves a line
in the account's history that names who did it. What it puts in the outbox leaves with the
daemon's next claim.
"""

from collections.abc import Sequence
from datetime import datetime

from smsgw import passwords, phone
from smsgw.clock import stamp
from smsgw.errors import NotFound, SmsgwError
from smsgw.gateway import Done, Gateway, Purged, Trial
from smsgw.intake import Intake, history_row
from smsgw.model import (
    Account,
    AccountState,
    Address,
    HistoryEntry,
    Mo,
    Mt,
    Outcome,
    Reply,
)
from smsgw.passwords import Issued, Supply
from smsgw.registration import machine, syntax
from smsgw.store import rows
from smsgw.store.rows import Changes
from smsgw.store.store import MASK, AccountRow, ReplyRow


class _Masked:
    """An issuer of masks instead of passwords, for who only wants to see a text."""

    def take(self, n: int) -> list[Issued]:
        return [Issued(MASK, "")] * n

    def give_back(self, unused: Sequence[Issued]) -> None:
        """They were nothing."""


class _Rehearsal(Gateway):
    """The gateway as a text would find it, that writes and seals nothing."""

    def compose(
        self,
        changes: Changes,
        mt_id: int,
        reply: Reply,
        to: Address,
        who: int,
        link: str,
        at: int,
        due: int,
        leased: int,
        mo_id: int | None,
        account_id: int | None,
        cmnd: str,
        issued: Issued | None,
    ) -> Mt:
        return Mt(mt_id, link, to, self._templates[reply].format(cmnd, MASK), reminder=False)

    def supersede(self, row: AccountRow) -> None:
        """The text that waits stays."""


class Hotline(Gateway):
    """The gateway with the verbs of the command line.

    KEY is a user name, a phone number in any writing, or a CMND.
    """

    # --- looking up ---------------------------------------------------------------------------

    def find(self, key: str) -> Account:
        """The account that *key* names: the open one, else the one closed last.

        Raises:
            NotFound: there never was one.
        """
        return self._find(key)[0].account

    def history(self, key: str) -> list[HistoryEntry]:
        """The whole story of the citizen behind *key*, oldest first.

        Raises:
            NotFound: nobody with that key ever texted.
        """
        try:
            rows = self._find(key)
            phones = {row.account.phone for row in rows}
        except NotFound:
            number = phone.from_text(key, self.region)
            if number is None or not self.store.senders([number])[0]:
                raise
            rows, phones = [], {number}
        story: list[HistoryEntry] = []
        for number in phones:
            story += self.store.delivery_history(number)
        for row in rows:
            story += self.store.account_history(row.account.id)
        story.sort(key=lambda entry: entry.at)
        return story

    def _find(self, key: str) -> list[AccountRow]:
        digits = key.replace(" ", "").replace(".", "")
        found: list[AccountRow] = []
        if digits.isascii() and digits.isdigit() and len(digits) in (9, 12):
            found = self.store.accounts_of_cmnd(digits)
        if not found:
            number = phone.from_text(key, self.region)
            found = self.store.accounts_of_phone(number) if number else []
        if not found:
            raise NotFound(
                f"no account {key.strip()!r}", "give a user name (the CMND) or a phone number"
            )
        return found

    def _open(self, key: str) -> AccountRow:
        row = self._find(key)[0]
        if row.account.state is AccountState.CLOSED:
            raise SmsgwError(
                f"account {row.account.username} is closed",
                "its phone and CMND may register again by text",
            )
        return row

    # --- passwords ----------------------------------------------------------------------------

    def reset_password(self, key: str, actor: str, now: datetime) -> Account:
        """Issue a new password and text it to the account's phone.

        Raises:
            NotFound: no such account.
            SmsgwError: it is closed, or our secret key is not the daemon's.
        """
        issued = self.issuer.take(1)[0]  # hashes, so before others have to wait for us
        with self.store.transaction():
            row = self._open(key)
            self._check_key()
            changes = Changes()
            mt_id = self.store.last_ids()[2] + 1
            self._issue(
                changes, row, machine.NewPassword, issued, mt_id, now, reminders=0, actor=actor
            )
            self.store.write(changes)
            return self.store.account(row.account.id).account

    def set_password(self, key: str, password: str, actor: str, now: datetime) -> Account:
        """Keep the citizen's own password; the account is active from then on.

        Raises:
            NotFound: no such account.
            SmsgwError: it is closed.
        """
        self._open(key)  # say so before the hash is made
        hashed = passwords.hash_password(password)
        with self.store.transaction():
            row = self._open(key)
            step = machine.step(row.account.state, machine.OwnPassword)
            self.supersede(row)
            self.store.set_own_password(row.account.id, step.to, hashed)
            self._remember(row, machine.OwnPassword, step.to, now, actor)
            return self.store.account(row.account.id).account

    def verify_password(self, key: str, password: str) -> bool:
        """Whether *password* opens the account now; a closed account has none.

        Raises:
            NotFound: no such account.
        """
        return passwords.verify(self._find(key)[0].password_hash, password)

    def close_account(self, key: str, reason: str, actor: str, now: datetime) -> Account:
        """End an account; its phone and CMND may register again.

        Raises:
            NotFound: no such account.
            SmsgwError: it is closed already.
        """
        with self.store.transaction():
            row = self._open(key)
            step = machine.step(row.account.state, machine.Close)
            self.supersede(row)
            self.store.close_account(row.account.id, step.to, now)
            self._remember(row, machine.Close, step.to, now, actor, reason)
            return self.store.account(row.account.id).account

    def _remember(
        self,
        row: AccountRow,
        event: type[machine.Event],
        to: AccountState,
        now: datetime,
        actor: str,
        reason: str | None = None,
    ) -> None:
        entry = history_row(row, event, to, now, actor, reason)
        self.store.write(Changes(history=[entry]))

    # --- the outbox ---------------------------------------------------------------------------

    def retry(self, mt_id: int, actor: str, now: datetime) -> None:
        """Let a reply leave at once, also one that failed or was cancelled.

        Raises:
            NotFound: it is not in the outbox.
            SmsgwError: the password that it tells is no longer valid.
        """
        with self.store.transaction():
            reply = self.store.reply(mt_id)
            if reply.account_id is not None and not reply.password_is_current:
                raise SmsgwError(
                    f"reply {mt_id} tells a password that is no longer valid",
                    "use `smsgw accounts reset-password`",
                )
            self.store.retry(mt_id, now)
            self._note(reply, f"retry of message {mt_id}", actor, now)

    def cancel(self, mt_id: int, actor: str, now: datetime) -> None:
        """Never send a reply that waits or failed.

        Raises:
            NotFound: it is not in the outbox.
            SmsgwError: it is cancelled already.
        """
        with self.store.transaction():
            reply = self.store.reply(mt_id)
            if not self.store.cancel(mt_id, f"cancelled by {actor}"):
                raise SmsgwError(f"reply {mt_id} is cancelled already")
            self._note(reply, f"cancel of message {mt_id}", actor, now)

    def _note(self, reply: ReplyRow, what: str, actor: str, now: datetime) -> None:
        """Remember what was done to a reply, with the account that it is about."""
        if reply.account_id is not None:
            state = self.store.account(reply.account_id).account.state
            entry = rows.history(reply.account_id, stamp(now), what, state, state, actor, None)
            self.store.write(Changes(history=[entry]))

    # --- retention ----------------------------------------------------------------------------

    def purge_all(self, now: datetime) -> Purged:
        """Remove all that the retention rules say, in steps between which others may write."""
        messages = accounts = 0
        while True:
            step = self.purge(now)
            messages, accounts = messages + step.messages, accounts + step.accounts
            if not step.more:
                return Purged(messages, accounts, more=False)

    # --- what if ------------------------------------------------------------------------------

    def try_text(self, sender: str, text: str, now: datetime) -> Trial:
        """What the gateway would do with *text* from *sender*; nothing is kept, nothing sent.

        Decided over reads alone: whoever stops the command in its middle holds up nobody.

        Raises:
            UnicodeEncodeError: *text* holds octets that no text can.
        """
        text.encode()
        address = Address(sender.strip(), 0, 0)
        number = phone.normalise(address, self.region)
        link = self._links[0] if self._links else ""
        changes, done = Changes(), Done()
        rehearsal = _Rehearsal(self.store, self.settings, self._vault, _Masked())
        intake = Intake(rehearsal, {link: 1}, now, changes, done, Supply(rehearsal.issuer))
        intake.take([Mo(link, 0, address, text, 0)])
        (outcome,) = done.outcomes
        reply = done.replies[0].text if done.replies else None
        return Trial(outcome, reply, self._explain(outcome, number, text, now))

    def _explain(self, outcome: Outcome, number: str | None, text: str, now: datetime) -> str:
        match outcome:
            case Outcome.SYNTAX_ERROR:
                strict = self.settings.registration.check_personal_number
                today = now.astimezone(self.zone).date()
                read = syntax.parse(text, today, check_personal_number=strict)
                return read.reason if isinstance(read, syntax.SyntaxFault) else ""
            case Outcome.IGNORED if number is None:
                return "the sender is not a telephone number"
            case Outcome.IGNORED:
                return "the phone is past its hourly limit of replies"
            case Outcome.ALREADY_REGISTERED:
                return "the CMND or the phone has an account"
            case _:
                return "a new issued password"
