"""Which accounts a person means by a key.

KEY is a user name, a phone number in any writing, or a CMND, in one word or several; `phone:` or
`cmnd:` before it says which is meant. Reads, and changes nothing.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from smsgw import phone
from smsgw.errors import Ambiguous, Closed, NoAccount, NotFound, StillOpen
from smsgw.happenings import HistoryEntry
from smsgw.model import AccountState
from smsgw.store import AccountRow, Share, Store


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


class Lookup:
    """
    Args:
        region: where a number without a country code is from.
    """

    def __init__(self, store: Store, region: str) -> None:
        self._store = store
        self._region = region

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

    def open(self, key: str) -> AccountRow:
        """The open account that *key* names, as it is now: what will be changed.

        Raises:
            NotFound: there never was one.
            Ambiguous: it fits two, open or closed.
            Closed: it was ended.
        """
        row = self.exact(key)
        if is_closed(row):
            raise Closed(row.account.username)
        return row

    def closed(self, key: str) -> AccountRow:
        """Among the closed accounts that *key* names the one that was closed last: what can be
        erased.

        Raises:
            NotFound: there never was one.
            Ambiguous: it fits two, open or closed.
            StillOpen: none is closed.
        """
        fits = self._fits(key)
        first = self._exact(key, fits)
        closed = {row.account.id: row for row in fits.family(first) if is_closed(row)}
        if not closed:
            raise StillOpen(first.account.username)
        return closed[self._store.last_closed(closed)]

    def without_account(self, key: str) -> Share:
        """The texts of a phone that never had an account.

        Raises:
            NotFound: nobody with that phone ever texted.
        """
        number = phone.from_text(_reading(key)[1], self._region)
        known = self._store.senders([number])[0] if number else {}
        if number is None or number not in known:
            raise NoAccount(key.strip())
        return Share(known[number], number)

    def history(self, key: str) -> list[HistoryEntry]:
        """The whole story of each citizen behind *key*, oldest first.

        Raises:
            NotFound: nobody with that key ever texted.
        """
        try:
            fits = self._fits(key)
        except NotFound:
            return self._story([], {self.without_account(key).phone})
        story: list[HistoryEntry] = []
        for row in self._shown(fits):
            family = fits.family(row)
            entries = self._story(family, {each.account.phone for each in family})
            story += [replace(entry, username=row.account.username) for entry in entries]
        return story

    def _story(self, family: Sequence[AccountRow], phones: set[str]) -> list[HistoryEntry]:
        story: list[HistoryEntry] = []
        for number in phones:
            story += self._store.delivery_history(number)
        for row in family:
            story += self._store.account_history(row.account.id)
            story += self._store.portal_history(row.account.id)
        story.sort(key=lambda entry: entry.at)
        return story

    def _fits(self, key: str) -> Fits:
        kind, written = _reading(key)
        by_cmnd: list[AccountRow] = []
        by_phone: list[AccountRow] = []
        digits = "".join(written.split()).replace(".", "")
        if kind != "phone" and digits.isascii() and digits.isdigit() and len(digits) in (9, 12):
            by_cmnd = self._store.accounts_of_cmnd(digits)
        if kind != "cmnd" and (number := phone.from_text(written, self._region)):
            by_phone = self._store.accounts_of_phone(number)
        if not by_cmnd and not by_phone:
            raise NoAccount(key.strip())
        return Fits(by_cmnd, by_phone)

    def _shown(self, fits: Fits) -> list[AccountRow]:
        firsts = fits.firsts()
        if found := [row for row in firsts if not is_closed(row)]:
            return found
        if len(firsts) > 1:
            last = self._store.last_closed(row.account.id for row in firsts)
            return [row for row in firsts if row.account.id == last]
        return firsts

    def _exact(self, key: str, fits: Fits) -> AccountRow:
        firsts = fits.firsts()
        if len(firsts) > 1:
            number, cmnd = fits.by_phone[0].account.phone, fits.by_cmnd[0].account.cmnd
            raise Ambiguous(key.strip(), number, cmnd)
        return firsts[0]


def is_closed(row: AccountRow) -> bool:
    return row.account.state is AccountState.CLOSED


def _reading(key: str) -> tuple[str | None, str]:
    """How a key is meant ("phone", "cmnd", None: either), and what is behind that."""
    written = unicodedata.normalize("NFKC", key).strip()
    kind, colon, rest = written.partition(":")
    if colon and kind.strip().lower() in ("phone", "cmnd"):
        return kind.strip().lower(), rest.strip()
    return None, written
