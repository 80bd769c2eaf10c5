"""What the hotline asks of the gateway, from its own process beside the daemon or through it.

The same rules, store and outbox as the daemon's; each verb is one transaction and leaves a line in
the account's history that names who did it and why, and one in the audit. What it puts in the
outbox leaves with the daemon's next claim.
"""

import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from hashlib import blake2b
from typing import NamedTuple

from smsgw import passwords, phone
from smsgw.clock import stamp
from smsgw.errors import NotFound, SmsgwError
from smsgw.gateway import By, Done, Gateway, Purged, Trial, with_reason
from smsgw.intake import Intake, history_row
from smsgw.limits import Ceiling
from smsgw.logs import redact
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
from smsgw.registration import machine, own_password, syntax
from smsgw.reseal import KEPT
from smsgw.store import MASK, AccountRow, Guesses, ReplyRow, Reservation, rows
from smsgw.store.rows import Changes
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


class Ambiguous(SmsgwError):
    """A key fits one account by phone and another by CMND, and something is to be changed."""


class Fits(NamedTuple):
    """The accounts that a key may mean; in each list the open one stands first, then the closed
    ones, the latest first."""

    by_cmnd: list[AccountRow]
    by_phone: list[AccountRow]

    def firsts(self) -> list[AccountRow]:
        """The account by CMND and the one by phone; one, where they are the same."""
        firsts = {row.account.id: row for row in (*self.by_cmnd[:1], *self.by_phone[:1])}
        return list(firsts.values())

    def family(self, of: AccountRow) -> list[AccountRow]:
        """All accounts that share with that one what the key names."""
        lists = [rows for rows in (self.by_cmnd, self.by_phone) if of in rows[:1]]
        return list({row.account.id: row for rows in lists for row in rows}.values())


class Verdict(Enum):
    """What became of a password that was to be verified."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_CHECKED = "not checked"  #: too many wrong ones came before it


class Verified(NamedTuple):
    username: str
    verdict: Verdict
    wait: timedelta  #: until the next one is looked at


class Hotline(Gateway):
    """The gateway with the verbs of the command line.

    KEY is a user name, a phone number in any writing, or a CMND, in one word or several; `phone:`
    or `cmnd:` before it says which is meant.
    """

    # --- looking up ---------------------------------------------------------------------------

    def look_up(self, key: str) -> list[AccountRow]:
        """The accounts that *key* names: one, or two where it is the phone of one and the CMND of
        another. Open ones hide closed ones; where none is open, the one closed last.

        Raises:
            NotFound: there never was one.
        """
        return self._shown(self._fits(key))

    def exact(self, key: str) -> AccountRow:
        """The one account that *key* names, to be changed; it may be closed.

        Raises:
            NotFound: there never was one.
            Ambiguous: it fits two, open or closed.
        """
        return self._exact(key, self._fits(key))

    def seen(self, key: str) -> AccountRow:
        """The open account that *key* names, as it is now: what will be changed.

        Raises:
            NotFound: there never was one.
            Ambiguous: it fits two, open or closed.
            SmsgwError: it is closed.
        """
        return self._open(key)

    def history(self, key: str) -> list[HistoryEntry]:
        """The whole story of each citizen behind *key*, oldest first.

        Raises:
            NotFound: nobody with that key ever texted.
        """
        try:
            fits = self._fits(key)
        except NotFound:
            number = phone.from_text(_reading(key)[1], self.region)
            if number is None or not self.store.senders([number])[0]:
                raise
            return self._story([], {number})
        story: list[HistoryEntry] = []
        for row in self._shown(fits):
            family = fits.family(row)
            entries = self._story(family, {each.account.phone for each in family})
            story += [replace(entry, username=row.account.username) for entry in entries]
        return story

    def _story(self, family: Sequence[AccountRow], phones: set[str]) -> list[HistoryEntry]:
        story: list[HistoryEntry] = []
        for number in phones:
            story += self.store.delivery_history(number)
        for row in family:
            story += self.store.account_history(row.account.id)
        story.sort(key=lambda entry: entry.at)
        return story

    def _fits(self, key: str) -> Fits:
        kind, written = _reading(key)
        by_cmnd: list[AccountRow] = []
        by_phone: list[AccountRow] = []
        digits = "".join(written.split()).replace(".", "")
        if kind != "phone" and digits.isascii() and digits.isdigit() and len(digits) in (9, 12):
            by_cmnd = self.store.accounts_of_cmnd(digits)
        if kind != "cmnd" and (number := phone.from_text(written, self.region)):
            by_phone = self.store.accounts_of_phone(number)
        if not by_cmnd and not by_phone:
            raise NotFound(
                f"no account {key.strip()!r}", "give a user name (the CMND) or a phone number"
            )
        return Fits(by_cmnd, by_phone)

    def _shown(self, fits: Fits) -> list[AccountRow]:
        firsts = fits.firsts()
        if found := [row for row in firsts if not _is_closed(row)]:
            return found
        if len(firsts) > 1:
            last = self.store.last_closed(row.account.id for row in firsts)
            return [row for row in firsts if row.account.id == last]
        return firsts

    def _exact(self, key: str, fits: Fits) -> AccountRow:
        firsts = fits.firsts()
        if len(firsts) > 1:
            number, cmnd = fits.by_phone[0].account.phone, fits.by_cmnd[0].account.cmnd
            raise Ambiguous(
                f"{key.strip()!r} is the phone of one account and the CMND of another",
                f"write phone:{number} or cmnd:{cmnd}",
            )
        return firsts[0]

    def _open(self, key: str) -> AccountRow:
        row = self.exact(key)
        if _is_closed(row):
            raise SmsgwError(
                f"account {row.account.username} is closed",
                "its phone and CMND may register again by text",
            )
        return row

    # --- the audit ----------------------------------------------------------------------------

    def note_look_up(
        self, who: str, command: str, number: str | None, detail: str, now: datetime
    ) -> int:
        """Leave a line of something that was only looked at; its id."""
        with self.store.transaction():
            return self._audit(who, command, number, detail, now)

    # --- passwords ----------------------------------------------------------------------------

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
            SmsgwError: it is closed, or our secret key is not the daemon's.
        """
        if issued is None:
            issued = self.issuer.take(1)[0]  # hashes, so before others have to wait for us
        with self.store.transaction():
            row = self._open(key)
            self._check_key()
            changes = Changes()
            mt_id = self.store.last_ids()[2] + 1
            self._issue(
                changes, row, machine.NewPassword, issued, mt_id, now,
                reminders=0, actor=actor, reason=reason,
            )  # fmt: skip
            self.store.write(changes)
            self._audit(actor, "accounts reset-password", row.account.cmnd, reason, now)
            return self.store.account(row.account.id).account

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
            SmsgwError: it is closed, or has changed since it was looked up; or the password cannot
                be a citizen's own.
        """
        seen = seen or self._open(key)  # say so before the hash is made
        username = seen.account.username
        least = self.settings.registration.own_password_min
        if fault := own_password.fault(password, username, least):
            raise SmsgwError(f"this password cannot be taken: {fault}")
        hashed = passwords.hash_password(password)
        with self.store.transaction():
            row = self.store.account(seen.account.id)
            if _is_closed(row) or row.password_hash != seen.password_hash:
                raise SmsgwError(
                    f"account {username} has changed since it was looked up, and nothing was set",
                    "see `smsgw accounts history`, then try again",
                )
            step = machine.step(row.account.state, machine.OwnPassword)
            self.supersede(row, now)
            self.store.set_own_password(row.account.id, step.to, hashed)
            self._remember(row, machine.OwnPassword, step.to, now, actor, reason)
            self._audit(actor, "accounts set-password", row.account.cmnd, reason, now)
            return self.store.account(row.account.id).account

    def verify_password(self, key: str, password: str) -> bool:
        """Whether *password* opens the account now; a closed account has none. Counts nothing.

        Raises:
            NotFound: no such account.
        """
        return passwords.verify(self.exact(key).password_hash, password)

    def check_password(self, key: str, password: str, actor: str, now: datetime) -> Verified:
        """Whether *password* opens the account, for somebody who might be guessing.

        Each try is counted before it is looked at, so that many at a time are no more than the
        same in a row; nothing is locked while the hash is made.

        Raises:
            NotFound: no such account.
            Ambiguous: *key* fits two.
        """
        command = "accounts verify-password"
        with self.store.transaction():
            row = self.exact(key)
            id_, username = row.account.id, row.account.username
            before = self._guesses(row, now)
            wait = before.at + own_password.wait_after(before.wrong) - now
            if wait > timedelta(0):
                self._audit(actor, command, username, Verdict.NOT_CHECKED.value, now)
                return Verified(username, Verdict.NOT_CHECKED, wait)
            counted = before._replace(wrong=before.wrong + 1, at=now)
            self.store.set_guesses(id_, counted)
            note = self._audit(actor, command, username, "not finished", now)
        right = passwords.verify(row.password_hash, password)
        verdict = Verdict.RIGHT if right else Verdict.WRONG
        with self.store.transaction():
            if right and self._guesses(row, now).wrong:
                self.store.forget_guesses(id_)
            self.store.amend_note(note, verdict.value)
        wait = timedelta(0) if right else own_password.wait_after(counted.wrong)
        return Verified(username, verdict, wait)

    def _guesses(self, row: AccountRow, now: datetime) -> Guesses:
        """What was guessed at the password that *row* has."""
        password = blake2b((row.password_hash or "").encode(), digest_size=8).hexdigest()
        found = self.store.guesses(row.account.id)
        if found is None or found.password != password:
            return Guesses(password, 0, now)
        # A clock that was ahead made nobody wait for longer than the rule says.
        return found._replace(at=min(found.at, now))

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
            row = self._open(key) if heir is None else self.exact(key)
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
            told = reason if heir is None else f"reserved for {heir.phone}: {reason}"
            self._audit(actor, "accounts close", row.account.cmnd, told, now)
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
                if issued:
                    did = f"closed={len(issued)}: {reason}"
                    self._audit(actor, "accounts close-many", None, did, now)
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

    def retry(self, mt_id: int, actor: str, now: datetime, reason: str | None = None) -> None:
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
            self._note(reply, "retry", mt_id, actor, now, reason)

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
            SmsgwError: it is cancelled already, or on its way.
        """
        with self.store.transaction():
            reply = self.store.reply(mt_id)
            if links_live and reply.leased:
                raise SmsgwError(
                    f"reply {mt_id} is on its way", "see `smsgw accounts history` for what follows"
                )
            if not self.store.cancel(mt_id, f"cancelled by {actor}", now):
                raise SmsgwError(f"reply {mt_id} is cancelled already")
            self._note(reply, "cancel", mt_id, actor, now, reason)

    def _note(
        self,
        reply: ReplyRow,
        verb: str,
        mt_id: int,
        actor: str,
        now: datetime,
        reason: str | None,
    ) -> None:
        """Remember what was done to a reply, with the account that it is about."""
        cmnd = None
        if reply.account_id is not None:
            account = self.store.account(reply.account_id).account
            cmnd, state, what = account.cmnd, account.state, f"{verb} of message {mt_id}"
            entry = rows.history(account.id, stamp(now), what, state, state, actor, reason)
            self.store.write(Changes(history=[entry]))
        told = with_reason(f"message {mt_id}", reason)
        self._audit(actor, f"outbox {verb}", cmnd, told, now)

    # --- retention ----------------------------------------------------------------------------

    def purge_all(self, now: datetime, by: By | None = None) -> Purged:
        """Remove all that the retention rules say, in steps between which others may write."""
        messages = accounts = 0
        note: int | None = None

        def tell(messages_gone: int, accounts_gone: int) -> None:
            nonlocal messages, accounts, note
            messages, accounts = messages + messages_gone, accounts + accounts_gone
            if by:
                did = with_reason(f"messages={messages} accounts={accounts}", by.reason)
                if note is None:
                    note = self._audit(by.who, "purge", None, did, now)
                else:
                    self.store.amend_note(note, redact(did))

        while self.purge(now, tell).more:
            pass
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


def _is_closed(row: AccountRow) -> bool:
    return row.account.state is AccountState.CLOSED


def _reading(key: str) -> tuple[str | None, str]:
    """How a key is meant ("phone", "cmnd", None: either), and what is behind that."""
    written = unicodedata.normalize("NFKC", key).strip()
    kind, colon, rest = written.partition(":")
    if colon and kind.strip().lower() in ("phone", "cmnd"):
        return kind.strip().lower(), rest.strip()
    return None, written
