"""What a citizen may ask for, and accounts that nobody ever used."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from smsgw.clock import unstamp
from smsgw.model import Address, AuditEntry, Direction, MtState, Outcome
from smsgw.store.rows import FINGERPRINT_MASK, quarter, storable
from smsgw.store.values import (
    NO_END,
    AccountFacts,
    KeptMessage,
    KeptPart,
    KeptReceipt,
    KeptReservation,
    KeptSurplus,
    Share,
)
from smsgw.store.verbs.engine import moment
from smsgw.store.verbs.names import Names
from smsgw.store.verbs.reports import masked_wording
from smsgw.store.verbs.upkeep import Upkeep

sql = Names("rights")

_TEXTS_AT_ONCE = 5000  # looked at by one statement


class Rights(Upkeep):
    """What a citizen may ask for, and accounts that nobody ever used."""

    def correct_account(
        self, account_id: int, name: str, birth_date: date, link: str, address: Address
    ) -> None:
        """What was texted is put right."""
        number, ton, npi = address
        self._run(
            sql.CORRECT_ACCOUNT,
            id=account_id,
            name=storable(name),
            birth_date=birth_date.isoformat(),
            link=link,
            address=storable(number),
            ton=ton,
            npi=npi,
        )

    def never_active(self, after: int, end: int) -> list[tuple[int, int]]:
        """(id, when it was registered) of those accounts after *after*, up to *end*, that are
        issued and never were active."""
        return self._all(sql.NEVER_ACTIVE, after=after, end=end)

    # --- all that is kept ---------------------------------------------------------------------

    def account_facts(self, account_id: int) -> AccountFacts:
        """What is kept of an account besides itself."""
        closed_at, undelivered, wrong, at = self._one(sql.ACCOUNT_FACTS, id=account_id)
        return AccountFacts(moment(closed_at), undelivered, wrong or 0, moment(at))

    def own_messages(self, share: Share) -> list[KeptMessage]:
        """Texts both ways, in the order of their ids."""
        found = [
            _message(row)
            for statement, values in (
                (sql.OWN_MO, _mo_bounds(share)),
                (sql.OWN_WAITING, _bounds(share)),
                (sql.OWN_SENT, _bounds(share)),
            )
            for row in self._all(statement, **values)
        ]
        return sorted(found, key=lambda message: message.id)

    def own_parts(self, share: Share) -> list[KeptPart]:
        """Parts of long texts."""
        return [
            KeptPart(share.phone, unstamp(at), *values)
            for at, *values in self._all(sql.OWN_PARTS, **_bounds(share))
        ]

    def own_surplus(self, share: Share) -> list[KeptSurplus]:
        """Texts that were only counted, by the hour."""
        return [
            KeptSurplus(share.phone, unstamp(at), number)
            for at, number in self._all(sql.OWN_SURPLUS, **_bounds(share))
        ]

    def own_early_receipts(self, share: Share) -> list[KeptReceipt]:
        """Receipts whose text is not known yet."""
        return [
            KeptReceipt(share.phone, unstamp(at), *values)
            for at, *values in self._all(
                sql.OWN_EARLY_RECEIPTS,
                phone=share.phone,
                begins=share.begins,
                ends=share.ends,
            )
        ]

    def own_reservations(self, cmnd: str, phone: str) -> list[KeptReservation]:
        """Who alone may register this CMND, and which others this phone alone may."""
        return [
            KeptReservation(its, heir, unstamp(ends))
            for its, heir, ends in self._all(sql.OWN_RESERVATIONS, cmnd=cmnd, phone=phone)
        ]

    def own_audit(self, account_id: int) -> list[AuditEntry]:
        """The lines of the audit that are about one account."""
        return [
            AuditEntry(unstamp(at), *texts)
            for at, *texts in self._all(sql.OWN_AUDIT, id=account_id)
        ]

    # --- to be forgotten ----------------------------------------------------------------------

    def erase_texts(self, share: Share, limit: int) -> tuple[int, bool]:
        """Remove at most *limit* texts with their replies, and with the last ones what nobody
        asked for; how many texts went, and whether there are more."""
        self.keep_last_ids()
        texts = [id_ for (id_,) in self._all(sql.ERASE_SOME_MO, limit=limit, **_mo_bounds(share))]
        ids = self._ids(texts)
        gone = len(texts) + sum(
            self._count(statement, ids=ids)
            for statement in (sql.ERASE_WAITING_REPLIES, sql.ERASE_SENT_REPLIES)
        )
        self._run(sql.ERASE_IGNORED, ids=ids)
        if len(texts) == limit:
            return gone, True
        values = _bounds(share)
        gone += self._count(sql.ERASE_WAITING_UNASKED, **values)
        gone += self._count(sql.ERASE_SENT_UNASKED, **values)
        self._run(sql.ERASE_PARTS, **values)
        self._run(sql.ERASE_SURPLUS, **values)
        del values["subscriber"]
        self._run(sql.ERASE_EARLY_RECEIPTS, phone=share.phone, **values)
        return gone, False

    def erase_account(self, account_id: int) -> None:
        """Remove a closed account and its history; the phone, where nothing is left of it."""
        self.keep_last_ids()
        if not (gone := self._all(sql.ERASE_ACCOUNT, id=account_id)):
            return  # it is open, and stays whole
        for statement in (sql.ERASE_HISTORY, sql.ERASE_GUESSES, sql.FORGET_IN_AUDIT):
            self._run(statement, id=account_id)
        self.forget_subscribers(gone)

    def erase_reservations_for(self, phone: str) -> None:
        """What this phone alone may register, anybody may again."""
        self._run(sql.ERASE_RESERVATIONS_FOR, phone=phone)

    def mask_in_history(self, accounts: Iterable[int], phone: str, mask: str) -> None:
        """Let the histories of these accounts name *phone* no more."""
        self._run(sql.MASK_IN_HISTORY, accounts=self._ids(accounts), phone=phone, mask=mask)

    def texts_naming(self, cmnd: str) -> Iterator[list[tuple[int, str]]]:
        """(id, text) of all texts that may name a CMND; a piece at a time, some of them empty."""
        for after in range(0, self.last_ids()[2], _TEXTS_AT_ONCE):
            end = after + _TEXTS_AT_ONCE
            yield self._all(sql.TEXTS_NAMING, after=after, end=end, cmnd=cmnd)

    def set_text(self, mo_id: int, text: str) -> None:
        """Other words for a citizen's text."""
        self._run(sql.SET_TEXT, id=mo_id, text=storable(text))


def _bounds(share: Share) -> dict[str, Any]:
    return {"subscriber": share.subscriber, "begins": share.begins, "ends": share.ends}


def _mo_bounds(share: Share) -> dict[str, Any]:
    """Besides in fingerprints, by which texts are found."""
    last = NO_END if share.ends == NO_END else quarter(share.ends) + FINGERPRINT_MASK
    return _bounds(share) | {"first": quarter(share.begins), "last": last}


def _message(row: Any) -> KeptMessage:
    id_, direction, phone, link, text, cmnd, state, outcome, created_at, reason = row[:10]
    answers, smsc_id, taken_at, final_at, tries = row[10:]
    return KeptMessage(
        id=id_,
        direction=Direction(direction),
        phone=phone,
        link=link,
        text=text if direction == Direction.MO else masked_wording(text, cmnd),
        state=None if state is None else MtState(state),
        outcome=None if outcome is None else Outcome(outcome),
        created_at=unstamp(created_at),
        reason=reason,
        answers=answers,
        smsc_id=smsc_id,
        taken_at=moment(taken_at),
        final_at=moment(final_at),
        tries=tries,
    )
