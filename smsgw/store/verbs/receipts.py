"""Delivery receipts."""

from collections.abc import Iterable
from datetime import datetime

from smsgw.clock import stamp
from smsgw.model import (
    MtState,
    from_tuple,
)
from smsgw.store.rows import storable
from smsgw.store.values import (
    EarlyReceipt,
    SentText,
)
from smsgw.store.verbs.engine import Engine
from smsgw.store.verbs.names import Names

sql = Names("receipts")

#: An SMSC may give one id to all its texts: so many of them are looked at, the latest.
_SAME_ID = 16


class Receipts(Engine):
    """Receipts, and the texts that wait for them."""

    def _forget(self) -> None:
        super()._forget()
        self._early_receipts = True  # there may be some; only this process adds any, or it is told
        self._early_of: dict[str, int] = {}  # how many of each link, once counted

    def awaiting_receipt(self, link: str, smsc_id: str) -> list[SentText]:
        """Texts of *link* that the SMSC gave this id, however it is written; the latest first."""
        rows = self._all(sql.FIND_SENT, link=link, smsc_id=storable(smsc_id), limit=_SAME_ID)
        return [from_tuple(SentText, row) for row in rows]

    def awaiting_receipt_anyhow(
        self, links: Iterable[str], smsc_ids: Iterable[str]
    ) -> list[SentText]:
        """The same for several links and ids, in no order."""
        values = {
            "links": self._texts(links),
            "keys": self._texts(map(storable, smsc_ids)),
            "limit": _SAME_ID,
        }
        return [from_tuple(SentText, row) for row in self._all(sql.FIND_SENT_ANYHOW, **values)]

    def sent_text(self, mt_id: int) -> SentText | None:
        """The text *mt_id*, if it waits for a receipt."""
        row = self._one(sql.FIND_SENT_BY_ID, id=mt_id)
        return None if row is None else from_tuple(SentText, row)

    def settle_sent(self, mt_id: int, state: MtState, reason: str, now: datetime) -> None:
        self._run(sql.SETTLE_SENT, id=mt_id, state=state, reason=storable(reason), now=stamp(now))

    def park_receipt(
        self,
        link: str,
        smsc_id: str,
        phone: str,
        state: MtState,
        reason: str,
        now: datetime,
        *,
        most: int,
    ) -> None:
        """Keep a receipt whose text is not known yet by that id.

        Args:
            most: so many of a link are kept; the oldest goes.
        """
        self._early_receipts = True
        kept = self._early_of.get(link)
        if kept is None:
            kept = self._one(sql.COUNT_EARLY_RECEIPTS, link=link)[0]
        if kept >= most:
            kept -= self._count(sql.FORGET_OLDEST_EARLY_RECEIPT, link=link)
        self._early_of[link] = kept + 1
        self._run(
            sql.ADD_EARLY_RECEIPT,
            link=link,
            smsc_id=storable(smsc_id),
            phone=storable(phone),
            state=state,
            reason=storable(reason),
            now=stamp(now),
        )

    def any_early_receipt(self) -> bool:
        if self._early_receipts:
            self._early_receipts = self._one(sql.ANY_EARLY_RECEIPT) is not None
        return self._early_receipts

    def early_receipts(self, links: Iterable[str], smsc_ids: Iterable[str]) -> list[EarlyReceipt]:
        """What came by any of *links* about any of these ids, however they are written."""
        values = {
            "links": self._texts(links),
            "keys": self._texts(map(storable, smsc_ids)),
            "limit": _SAME_ID,
        }
        return [
            EarlyReceipt(id_, link, smsc_id, phone, MtState(state), reason)
            for id_, link, smsc_id, phone, state, reason in self._all(
                sql.FIND_EARLY_RECEIPTS, **values
            )
        ]

    def forget_early_receipt(self, receipt: EarlyReceipt) -> None:
        if receipt.link in self._early_of:
            self._early_of[receipt.link] -= 1
        self._run(sql.FORGET_EARLY_RECEIPT, id=receipt.id)

    def purge_early_receipts(self, before: datetime) -> None:
        if self._count(sql.PURGE_EARLY_RECEIPTS, before=stamp(before)):
            self._early_of.clear()
