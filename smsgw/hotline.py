"""What the hotline asks of the gateway, from its own process beside the daemon.

The same rules, store and outbox as the daemon's; each verb is one transaction and leaves a line
in the account's history that names who did it. What it puts in the outbox leaves with the
daemon's next claim.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from smsgw import passwords, phone
from smsgw.clock import stamp
from smsgw.datakeys import DataKeys
from smsgw.errors import NotFound, SmsgwError
from smsgw.gateway import Done, Gateway, Purged, Trial
from smsgw.intake import Intake, history_row
from smsgw.model import (
    Account,
    AccountState,
    Address,
    Direction,
    HistoryEntry,
    Mo,
    Outcome,
)
from smsgw.registration import machine, syntax
from smsgw.reseal import KEPT
from smsgw.store import rows
from smsgw.store.rows import Changes
from smsgw.store.store import AccountRow, ReplyRow
from smsgw.vault import KEY_OCTETS, Vault


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
            self.supersede(row, now)
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
            self.supersede(row, now)
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
            SmsgwError: the password that it tells is no longer valid, or was wiped.
        """
        with self.store.transaction():
            reply = self.store.reply(mt_id)
            if reply.account_id is not None and not reply.password_is_current:
                raise SmsgwError(
                    f"reply {mt_id} tells a password that is no longer valid",
                    "use `smsgw accounts reset-password`",
                )
            if reply.account_id is not None and _is_past(reply, now):
                raise SmsgwError(
                    f"reply {mt_id} has no password any more: it ended more than 24 hours ago",
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
            if not self.store.cancel(mt_id, f"cancelled by {actor}", now):
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
        """What the gateway would do with *text* from *sender*; nothing is kept, nothing sent."""
        address = Address(sender.strip(), 0, 0)
        number = phone.normalise(address, self.region)
        link = self._links[0] if self._links else ""
        changes, done = Changes(), Done()
        with self.store.transaction(keep=False):
            with self._without_key():
                Intake(self, {link: 1}, now, changes, done).take([Mo(link, 0, address, text, 0)])
            self.store.write(changes)
            sent = self.store.messages(phone=number, direction=Direction.MT, limit=1)
        (outcome,) = done.outcomes
        reply = sent[0].text if done.replies else None
        return Trial(outcome, reply, self._explain(outcome, number, text, now))

    @contextmanager
    def _without_key(self) -> Iterator[None]:
        """Seal with a key of nobody: what is not kept needs no key, nor leaves one behind."""
        kept, self._vault = self._vault, DataKeys(Vault([os.urandom(KEY_OCTETS)]), None)
        try:
            yield
        finally:
            self._vault = kept
            self._turned = -1

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


def _is_past(reply: ReplyRow, now: datetime) -> bool:
    """Whether its password is wiped, or is to be."""
    return reply.wiped or (reply.ended_at is not None and now - reply.ended_at >= KEPT)
