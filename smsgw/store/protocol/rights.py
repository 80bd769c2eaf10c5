"""What a citizen may ask for, asked of a store; and accounts that nobody ever used."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Protocol

from smsgw.model import Address, AuditEntry
from smsgw.store.values import (
    AccountFacts,
    KeptMessage,
    KeptPart,
    KeptReceipt,
    KeptReservation,
    KeptSurplus,
    Share,
)


class Rights(Protocol):
    """The hotline, for a citizen's rights; the daily work, for accounts that nobody used."""

    def correct_account(
        self, account_id: int, name: str, birth_date: date, link: str, address: Address
    ) -> None:
        """What was texted is put right."""

    def never_active(self, after: int, end: int) -> list[tuple[int, int]]:
        """(id, registered at) of those accounts after *after* that are issued and never were
        active."""

    def account_facts(self, account_id: int) -> AccountFacts:
        """What is kept of an account besides itself."""

    def own_messages(self, share: Share) -> list[KeptMessage]:
        """Texts both ways, in the order of their ids."""

    def own_parts(self, share: Share) -> list[KeptPart]:
        """Parts of long texts."""

    def own_surplus(self, share: Share) -> list[KeptSurplus]:
        """Texts that were only counted, by the hour."""

    def own_early_receipts(self, share: Share) -> list[KeptReceipt]:
        """Receipts whose text is not known yet."""

    def own_reservations(self, cmnd: str, phone: str) -> list[KeptReservation]:
        """Who alone may register this CMND, and which others this phone alone may."""

    def own_audit(self, account_id: int) -> list[AuditEntry]:
        """The lines of the audit that are about one account."""

    def erase_texts(self, share: Share, limit: int) -> tuple[int, bool]:
        """Remove at most *limit* texts with their replies; how many, and whether there are more."""

    def erase_account(self, account_id: int) -> None:
        """Remove a closed account and its history; its lines of the audit are about nobody."""

    def erase_reservations_for(self, phone: str) -> None:
        """What this phone alone may register, anybody may again."""

    def mask_in_history(self, accounts: Iterable[int], phone: str, mask: str) -> None:
        """Let the histories of these accounts name *phone* no more."""

    def texts_naming(self, cmnd: str) -> Iterator[list[tuple[int, str]]]:
        """(id, text) of all texts that may name a CMND; a piece at a time, some of them empty."""

    def set_text(self, mo_id: int, text: str) -> None:
        """Other words for a citizen's text."""
