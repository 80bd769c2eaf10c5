"""What the hotline asks of the gateway, from its own process beside the daemon.

The same rules, store and outbox as the daemon's; each verb is one transaction and leaves a line
in the account's history that names who did it. What it puts in the outbox leaves with the
daemon's next claim.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from smsgw import passwords, phone
from smsgw.clock import stamp
from smsgw.errors import NotFound, SmsgwError
from smsgw.gateway import Done, Gateway, Purged, Trial
from smsgw.intake import Intake, history_row
from smsgw.limits import Ceiling
from smsgw.model import (
    Account,
    AccountState,
    Address,
    HistoryEntry,
    Ignored,
    Mo,
    Mt,
    Outcome,
    Reply,
)
from smsgw.passwords import Issued, Supply
from smsgw.registration import machine, syntax
from smsgw.reseal import KEPT
from smsgw.store import rows
from smsgw.store.rows import Changes
from smsgw.store.store import MASK, AccountRow, ReplyRow, Reservation
from smsgw.vault import KEY_OCTETS, Vault

#: So long a CMND may be registered by its owner's phone alone, where the hotline says so.
RESERVED_FOR = timedelta(days=7)
#: So many accounts are ended in one transaction: the daemon waits for some milliseconds.
CLOSED_AT_ONCE = 50
_READ_AT_ONCE = 500

_WHY_IGNORED = {
    Ignored.SENDER: "the sender is not a telephone number",
    Ignored.COUNTRY: "the number is not of a country in limits.countries",
    Ignored.KIND_OF_NUMBER: "the number is of a kind that costs, or no phone",
    Ignored.PHONE_LIMIT: "the phone is past its hourly limit of replies",
    Ignored.GATEWAY_LIMIT: "the gateway is past limits.replies_per_hour",
    Ignored.OWN_WORDING: "the text quotes our own wording",
    Ignored.RECEIPT: "the text reads like a delivery receipt",
}


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

    def supersede(self, row: AccountRow, now: datetime, why: str = "") -> None:
        """The text that waits stays."""

    def at_ceiling(self, ceiling: Ceiling, now: datetime) -> bool:
        """Nobody is told."""
        return False


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

    def close_account(
        self, key: str, reason: str, actor: str, now: datetime, *, reserve_for: str | None = None
    ) -> Account:
        """End an account; its phone and CMND may register again.

        Args:
            reserve_for: a telephone number that alone may register the CMND for 7 days. With it,
                an account that is closed already is no fault: what was reserved is replaced.

        Raises:
            NotFound: no such account.
            SmsgwError: it is closed already, or *reserve_for* is no telephone number.
        """
        heir = None if reserve_for is None else self._heir(reserve_for, now)
        with self.store.transaction():
            row = self._open(key) if heir is None else self._find(key)[0]
            if row.account.state is not AccountState.CLOSED:
                self._close(row, reason, actor, now)
            self.store.reserve(row.account.cmnd, heir)
            if heir is not None:
                until = f"{heir.ends_at.astimezone(self.zone):%Y-%m-%d %H:%M}"
                closed = AccountState.CLOSED
                what = f"reserved for {heir.phone} until {until}"
                at = stamp(now)
                entry = rows.history(row.account.id, at, what, closed, closed, actor, reason)
                self.store.write(Changes(history=[entry]))
            return self.store.account(row.account.id).account

    def issued_since(
        self, since: datetime, *, link: str | None = None, prefix: str = ""
    ) -> list[int]:
        """The accounts that were registered since then and are issued still: what a flood left.

        Args:
            link: by this one alone; None: by any.
            prefix: from phones that begin so, in E.164.
        """
        return self.store.issued_since(since, link, prefix)

    def accounts_by_ids(self, ids: Sequence[int]) -> Iterator[Account]:
        """These accounts, in steps between which nothing is read."""
        for start in range(0, len(ids), _READ_AT_ONCE):
            for row in self.store.accounts_by_ids(ids[start : start + _READ_AT_ONCE]):
                yield row.account

    def close_issued(
        self, ids: Sequence[int], reason: str, actor: str, now: datetime
    ) -> Iterator[int]:
        """End those of these accounts that are issued still, some in a transaction; after each
        of them, how many they were.

        What is reserved stays so: it is for the owner of a CMND, whoever was ended here.
        """
        for start in range(0, len(ids), CLOSED_AT_ONCE):
            with self.store.transaction():
                rows = self.store.accounts_by_ids(ids[start : start + CLOSED_AT_ONCE])
                issued = [row for row in rows if row.account.state is AccountState.ISSUED]
                for row in issued:
                    self._close(row, reason, actor, now)
            yield len(issued)

    def _close(self, row: AccountRow, reason: str, actor: str, now: datetime) -> None:
        step = machine.step(row.account.state, machine.Close)
        self.supersede(row, now)
        self.store.close_account(row.account.id, step.to, now)
        self._remember(row, machine.Close, step.to, now, actor, reason)

    def _heir(self, text: str, now: datetime) -> Reservation:
        number = phone.from_text(text, self.region)
        if number is None:
            raise SmsgwError(
                f"{text.strip()!r} is not a telephone number", "the owner's, in any writing"
            )
        return Reservation(number, now + RESERVED_FOR)

    def reservation(self, cmnd: str, now: datetime) -> Reservation | None:
        """For whom this CMND is reserved."""
        return self.store.reservation(cmnd, now)

    def open_account_of(self, number: str) -> str | None:
        """The user name that a phone (E.164) has now."""
        return next(iter(self.store.senders([number])[2]), None)

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
        """What the gateway would do with *text* from *sender*; nothing is kept, nothing sent.

        Decided over reads alone: whoever stops the command in its middle holds up nobody.

        Raises:
            UnicodeEncodeError: *text* holds octets that no text can.
        """
        text.encode()
        address = Address(sender.strip(), 0, 0)
        number = phone.normalise(address, self.region)
        changes, done = Changes(), Done()
        link = self._link_of(number)
        nobodys = Vault([os.urandom(KEY_OCTETS)])  # nothing is sealed
        rehearsal = _Rehearsal(self.store, self.settings, nobodys, _Masked())
        intake = Intake(rehearsal, {link: 1}, now, changes, done, Supply(rehearsal.issuer))
        intake.take([Mo(link, 0, address, text, 0)])
        (outcome,) = done.outcomes
        reply = done.replies[0].text if done.replies else None
        reason = Ignored(changes.ignored[0][1]) if changes.ignored else None
        return Trial(outcome, reply, self._explain(outcome, reason, number, text, now))

    def _link_of(self, number: str | None) -> str:
        """A link by which a text of *number* may come: of its account's carrier, if it has one."""
        links: tuple[str, ...] = ()
        if number is not None:
            _, accounts, _ = self.store.senders([number])
            links = tuple(
                link
                for its in accounts.values()
                for link in self.carriers.links(self.carriers.of(its.link))
            )
        return (links or self._links or ("",))[0]

    def _explain(
        self,
        outcome: Outcome,
        reason: Ignored | None,
        number: str | None,
        text: str,
        now: datetime,
    ) -> str:
        match outcome:
            case Outcome.SYNTAX_ERROR:
                strict = self.settings.registration.check_personal_number
                today = now.astimezone(self.zone).date()
                read = syntax.parse(text, today, check_personal_number=strict)
                return read.reason if isinstance(read, syntax.SyntaxFault) else ""
            case Outcome.IGNORED:
                return _WHY_IGNORED[reason or Ignored.PHONE_LIMIT]
            case Outcome.ALREADY_REGISTERED:
                return self._explain_refusal(number, text, now)
            case _:
                return "a new issued password"

    def _explain_refusal(self, number: str | None, text: str, now: datetime) -> str:
        request = syntax.parse(text, now.astimezone(self.zone).date())
        if isinstance(request, syntax.Request) and number is not None:
            kept = self.store.reservation(request.cmnd, now)
            known = self.store.senders([number])[1] or self.store.holders_by_cmnd([request.cmnd])
            if kept is not None and not known:
                until = f"{kept.ends_at.astimezone(self.zone):%Y-%m-%d %H:%M}"
                return f"the CMND is reserved for {kept.phone} until {until}"
        return "the CMND or the phone has an account"


def _is_past(reply: ReplyRow, now: datetime) -> bool:
    """Whether its password is wiped, or is to be."""
    return reply.wiped or (reply.ended_at is not None and now - reply.ended_at >= KEPT)
