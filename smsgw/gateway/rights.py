"""What a citizen may ask of whoever keeps the register: to be put right, told all, forgotten.

A person is a CMND: the accounts that it has and had. Texts belong to phones, and a phone may have
had one account after another; whose its texts are is a matter of time (`_share`).

What others keep of a citizen (the portal's profile, log-ins, `sub`) joins in `_kept_elsewhere` and
`_erase_elsewhere`, and nowhere else.
"""

from datetime import date, datetime
from typing import Any, NamedTuple

from smsgw.clock import stamp
from smsgw.errors import Contradiction, NoAccount, StillOpen, UnknownLink
from smsgw.gateway import own_data
from smsgw.gateway.citizen import corrected
from smsgw.gateway.lookup import Lookup, is_closed
from smsgw.gateway.tools import Tools
from smsgw.happenings import Changed
from smsgw.harmless import masked
from smsgw.model import Account, Address
from smsgw.phone import INTERNATIONAL
from smsgw.records import ACCOUNT, record
from smsgw.registration import syntax
from smsgw.store import NO_END, AccountRow, Changes, Reservation, Share

#: What stands for the words of a text that named somebody who is forgotten.
ERASED = "(erased)"
#: Texts that go in one transaction: the daemon waits for some milliseconds.
_TEXTS_AT_ONCE = 500
_ISDN = 1  # numbering plan indicator, SMPP v3.4 §5.2.6


class Correction(NamedTuple):
    """What is to be put right, as `registration.syntax` reads it; None: stays as it is."""

    name: str | None = None
    birth_date: date | None = None
    link: str | None = None


class Corrected(NamedTuple):
    account: Account
    changes: list[str]  #: in words; none: it was so already


class Erased(NamedTuple):
    username: str
    texts: int  #: both ways
    named: int  #: texts of other phones that named the CMND
    freed: list[Reservation]  #: what was kept, and is no more
    gone: list[str]  #: numbers that nobody else has: nothing should name them any more


class Rights:
    """KEY means what `lookup` says."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._store = tools.store
        self._lookup = Lookup(tools.store, tools.rules.region)

    # --- put right ----------------------------------------------------------------------------

    def correct(
        self, key: str, right: Correction, reason: str, actor: str, now: datetime
    ) -> Corrected:
        """Put right what was texted.

        Its history has both, what it was and what it is now: it is kept as long as the account.
        Texts that wait already keep their link.

        Raises:
            NotFound: no such account.
            Ambiguous: *key* fits two.
            Closed: it was ended.
            UnknownLink: the link is not in the configuration.
            Contradiction: the number tells another date of birth, where that is checked.
        """
        rules = self._tools.rules
        if right.link is not None and right.link not in rules.links:
            raise UnknownLink(right.link, list(rules.links))
        with self._store.transaction():
            row = self._lookup.open(key)
            account = row.account
            now_so = (
                right.name or account.full_name,
                right.birth_date or account.birth_date,
                right.link or account.link,
            )
            checks = rules.check_personal_number and right.birth_date is not None
            if checks and syntax.contradicts(account.cmnd, now_so[1]):
                raise Contradiction(account.username, now_so[1].isoformat())
            was = (account.full_name, account.birth_date, account.link)
            names = ("name", "date of birth", "link")
            changed = [
                (name, f"{name} from {old} to {new}")
                for name, old, new in zip(names, was, now_so, strict=True)
                if old != new
            ]
            told = ", ".join(name for name, _ in changed) or "nothing"
            self._tools.audit(actor, "accounts correct", account, f"{told}: {reason}", now)
            if changed:
                self._store.correct_account(account.id, *now_so, self._address(row, now_so[2]))
                changes = Changes()
                changes.add_history(
                    account.id,
                    at=stamp(now),
                    what="corrected: " + ", ".join(words for _, words in changed),
                    before=account.state,
                    after=account.state,
                    who=actor,
                    reason=reason,
                )
                self._store.write(changes)
                renamed = now_so[0] != account.full_name
                corrected(self._store, account.id, now, name=renamed)
            account = self._store.account(account.id).account
        return Corrected(account, [words for _, words in changed])

    def _address(self, row: AccountRow, link: str) -> Address:
        """How *link* is told the phone: as its carrier wrote it; to another carrier, which has
        not written it yet, as all of them read it."""
        carriers = self._tools.carriers
        if carriers.of(link) == carriers.of(row.account.link):
            return row.address
        return Address(row.account.phone.removeprefix("+"), INTERNATIONAL, _ISDN)

    # --- tell all -----------------------------------------------------------------------------

    def export(self, key: str, now: datetime) -> tuple[list[Account], dict[str, Any]]:
        """All that is kept of one person, and the accounts that it is about. Secrets are not
        among it: passwords are masked, and their hashes tell nobody anything.

        Raises:
            NotFound: nobody with that key ever texted.
            Ambiguous: *key* fits two.
        """
        try:
            row = self._lookup.exact(key)
        except NoAccount:
            shares, rows = [self._lookup.without_account(key)], []
        else:
            rows = sorted(
                self._store.accounts_of_cmnd(row.account.cmnd), key=lambda row: row.account.id
            )
            shares = [self._share(row, to_tell=True) for row in rows]
        store = self._store
        accounts = [row.account for row in rows]
        reservations = {
            kept: None
            for account in accounts
            for kept in store.own_reservations(account.cmnd, account.phone)
        }
        told = {
            "exported_at": now,
            "accounts": [self._account(account) for account in accounts],
            "phones": list(dict.fromkeys(share.phone for share in shares)),
            "messages": [each for share in shares for each in store.own_messages(share)],
            "parts": [each for share in shares for each in store.own_parts(share)],
            "counted": [each for share in shares for each in store.own_surplus(share)],
            "early_receipts": [each for s in shares for each in store.own_early_receipts(s)],
            "reservations": list(reservations),
            "audit": [each for account in accounts for each in store.own_audit(account.id)],
        }
        return accounts, told | self._kept_elsewhere(accounts)

    def _account(self, account: Account) -> dict[str, Any]:
        row = self._store.account(account.id)
        return {
            **record(account, ACCOUNT),
            "address": row.address._asdict(),
            **self._store.account_facts(account.id)._asdict(),
            "history": [
                {
                    "at": entry.at,
                    "what": entry.what,
                    "detail": entry.detail,
                    "before": entry.old,
                    "after": entry.new,
                    "actor": entry.actor,
                    "reason": entry.reason,
                }
                for entry in self._store.account_history(account.id)
                if isinstance(entry, Changed)
            ],
        }

    def _kept_elsewhere(self, accounts: list[Account]) -> dict[str, Any]:
        """What others keep of the person; a key of its own for each of them."""
        return {"portal": [own_data.of_portal(self._store, account.id) for account in accounts]}

    # --- forget -------------------------------------------------------------------------------

    def to_erase(self, key: str) -> AccountRow:
        """The account that `erase` would remove.

        Raises:
            NotFound: no such account.
            Ambiguous: *key* fits two, open or closed.
            StillOpen: none of them is closed.
        """
        return self._lookup.closed(key)

    def erase(self, row: AccountRow, reason: str, actor: str, now: datetime) -> Erased:
        """Remove a closed account and all that is kept of its citizen; masked lines of the audit
        stay. In steps, between which others may write: what was cut off is done by another call.

        Raises:
            NoAccount: somebody else has removed it.
            StillOpen: it is not closed.
        """
        store, account = self._store, row.account
        texts, note = 0, 0
        named: int | None = None
        freed: list[Reservation] | None = None
        while freed is None:
            with store.transaction():
                found = store.account(account.id)
                if not is_closed(found):
                    raise StillOpen(account.username)
                note = note or self._tools.audit(actor, "accounts erase", account, reason, now)
                gone, more = store.erase_texts(self._share(found), _TEXTS_AT_ONCE)
                texts += gone
                if named is not None and not more:
                    freed = self._erase_account(account, now)
            if named is None and not more:
                # Before the account goes, by which another call would find what is left of it.
                named = self._erase_name(account)
        numbers = [] if store.accounts_of_cmnd(account.cmnd) else [account.cmnd]
        if not store.senders([account.phone])[0]:
            numbers.append(account.phone.removeprefix("+"))
        return Erased(account.username, texts, named or 0, freed, numbers)

    def _erase_account(self, account: Account, now: datetime) -> list[Reservation]:
        """Remove the account itself; what of it stands with others goes where it is the last of
        its CMND, or of its phone."""
        store = self._store
        freed = store.own_reservations(account.cmnd, account.phone)
        store.erase_account(account.id)
        self._erase_elsewhere(account, now)
        namesakes = [other.account.id for other in store.accounts_of_cmnd(account.cmnd)]
        last_of_phone = not store.accounts_of_phone(account.phone)
        store.mask_in_history(namesakes, account.phone, masked(account.phone))
        if not namesakes:
            store.reserve(account.cmnd, None)
        if last_of_phone:
            store.erase_reservations_for(account.phone)
        return [
            Reservation(kept.phone, kept.ends_at)
            for kept in freed
            if (kept.cmnd == account.cmnd and not namesakes)
            or (kept.phone == account.phone and last_of_phone)
        ]

    def _erase_name(self, account: Account) -> int:
        """Take the words out of texts of other phones that name a CMND which has no other account;
        how many. Texts that come meanwhile are of whoever registers it now."""
        found, cmnd = 0, account.cmnd
        if any(other.account.id != account.id for other in self._store.accounts_of_cmnd(cmnd)):
            return found
        for texts in self._store.texts_naming(cmnd):
            if some := [mo_id for mo_id, text in texts if _names(text, cmnd)]:
                with self._store.transaction():
                    for mo_id in some:
                        self._store.set_text(mo_id, ERASED)
                found += len(some)
        return found

    def _erase_elsewhere(self, account: Account, now: datetime) -> None:
        """Have others forget the citizen, in the same transaction."""
        self._store.erase_citizens([account.id], now)

    # --- whose texts --------------------------------------------------------------------------

    def _share(self, row: AccountRow, *, to_tell: bool = False) -> Share:
        """Which texts of its phone are an account's.

        The first account of a phone has all from the beginning, which are the tries of who
        registered it; a later one those from its registration on. A text behind the end of one
        may be of whoever has the number next, registered or not: nobody is told of it, and it goes
        with the earlier.
        """
        account = row.account
        family = sorted(
            self._store.accounts_of_phone(account.phone), key=lambda row: row.account.id
        )
        place = [each.account.id for each in family].index(account.id)
        begins, ends = stamp(account.registered_at) if place else 0, NO_END
        if place + 1 < len(family):
            ends = stamp(family[place + 1].account.registered_at)
        if to_tell:
            closed_at = self._store.account_facts(account.id).closed_at
            if closed_at is not None:
                ends = min(ends, stamp(closed_at) + 1)
        return Share(row.subscriber_id, account.phone, begins, ends)


def _names(text: str, cmnd: str) -> bool:
    read = syntax.fold(text) or text
    return cmnd in read.replace(" ", "").replace(".", "")
