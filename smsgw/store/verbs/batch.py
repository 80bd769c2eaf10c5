"""What a batch needs to know, and what it adds."""

from collections.abc import Iterable
from datetime import date, datetime

from smsgw.clock import stamp
from smsgw.model import (
    AccountState,
    Holder,
    from_tuple,
)
from smsgw.store import rows
from smsgw.store.rows import Changes, storable
from smsgw.store.verbs.feed import FeedWriter
from smsgw.store.verbs.ids import HOUR, Ids
from smsgw.store.verbs.names import Names

sql = Names("batch")

_ACCOUNT_STATES = {state.value: state for state in AccountState}


class Batch(Ids, FeedWriter):
    """What a batch asks and adds."""

    def _forget(self) -> None:
        super()._forget()
        self._wordings: dict[tuple[str, str], int] = {}
        self._hour = 0  # the last one that stands in `hours`

    # --- what a batch needs to know -----------------------------------------------------------

    def senders(
        self, phones: Iterable[str]
    ) -> tuple[dict[str, int], dict[int, Holder], dict[str, Holder]]:
        """The ids of those of *phones* that are known, and their open accounts, by that id and
        by CMND."""
        known, by_phone, by_cmnd = {}, {}, {}
        asked = list(phones)
        odd: dict[str, str] = {}  # as it is kept -> as it came, where that is another one
        every = "".join(asked)  # at once: it hardly ever is
        if storable(every) != every:
            odd = {storable(phone): phone for phone in asked}
            asked = list(odd)
        for phone, who, cmnd, *account in self._all(sql.FIND_SENDERS, phones=self._texts(asked)):
            known[odd.get(phone, phone)] = who
            if cmnd is not None:
                by_phone[who] = by_cmnd[cmnd] = _holder(*account)
        return known, by_phone, by_cmnd

    def twins(
        self, texts: Iterable[tuple[int, int]], since: datetime
    ) -> dict[tuple[int, int], int]:
        """Which session brought the last text after *since* with the same (subscriber,
        fingerprint), where there is one; *since* is a quarter of an hour ago at most."""
        at = stamp(since)
        first = rows.quarter(at)
        found = self._all(
            sql.FIND_TWINS,
            keys=self._pairs(texts),
            since=at,
            last=first,
            this=first + 1 + rows.FINGERPRINT_MASK,
            mask=rows.FINGERPRINT_MASK,
        )
        return {(who, what): session for who, what, session in found if session is not None}

    def count_recent(
        self, subscribers: Iterable[int], since: datetime, most: int
    ) -> dict[int, int]:
        """How many texts of each were kept since the quarter of an hour of *since*; no count goes
        beyond *most*."""
        first = rows.quarter(stamp(since))
        keys = self._ids(subscribers)
        return dict(self._all(sql.COUNT_RECENT, subscribers=keys, first=first, most=most))

    def recent(self, subscriber: int, since: datetime, most: int) -> list[tuple[int, bool]]:
        """(when, was it answered) of the newest *most* texts of one sender after *since*."""
        at = stamp(since)
        found = self._all(sql.FIND_RECENT, subscriber=subscriber, first=rows.quarter(at), most=most)
        return [(when, bool(answered)) for when, answered in found if when > at]

    def count_answers(self, since: datetime) -> list[tuple[int, int]]:
        """(second since 1970, texts answered in it) after *since*, oldest first."""
        return self._all(sql.COUNT_ANSWERS, **self._since(since))

    def holders_by_cmnd(self, cmnds: Iterable[str]) -> dict[str, Holder]:
        """The open accounts of these CMND."""
        rows = self._all(sql.HOLDERS_BY_CMND, cmnds=self._texts(cmnds))
        return {cmnd: _holder(*holder) for cmnd, *holder in rows}

    def count_resets(self, account_id: int, since: datetime) -> int:
        """How often a citizen had this account's password replaced by texting, after *since*."""
        count: int = self._one(sql.COUNT_RESETS, account=account_id, since=stamp(since))[0]
        return count

    def has_note(self, account_id: int, event: str, reason: str, since: datetime) -> bool:
        """Whether the account's history has *event* with just this *reason* after *since*."""
        values = {"account": account_id, "event": event, "reason": reason, "since": stamp(since)}
        return self._one(sql.FIND_NOTE, **values) is not None

    def wordings(self) -> list[str]:
        """The latest wordings of what we sent, with their placeholders."""
        return [text for (text,) in self._all(sql.LIST_WORDINGS)]

    def wording(self, reply: str, text: str) -> int:
        """The id of a wording, added where it is new."""
        key = (reply, text)
        known = self._wordings.get(key)
        if known is None:
            row = self._one(sql.FIND_WORDING, reply=reply, text=text)
            if row is None:
                self._run(sql.ADD_WORDING, reply=reply, text=text)
                row = self._one(sql.FIND_WORDING, reply=reply, text=text)
            known = self._wordings[key] = int(row[0])
        return known

    # --- what goes in -------------------------------------------------------------------------

    def write(self, changes: Changes) -> None:
        """Write all of *changes*.

        Raises:
            Conflict: a phone or CMND has an open account already.
        """
        first = changes.mos[0] if changes.mos else changes.mts[0] if changes.mts else None
        if first is not None:
            id_, created_at = first[:2]
            if created_at // HOUR != self._hour:
                self._hour = created_at // HOUR
                self._run(sql.ADD_HOUR, hour=self._hour, first_id=id_)
        for statement, added in (
            (sql.ADD_SUBSCRIBER, changes.subscribers),
            (sql.ADD_MO, changes.mos),
            (sql.ADD_ACCOUNT, changes.accounts),
            (sql.ADD_MT, changes.mts),
        ):
            self._add(statement, added)
        if changes.ignored:
            self._add(sql.ADD_IGNORED, changes.ignored)
        if changes.surplus:
            self._many(sql.ADD_SURPLUS, changes.surplus)
        for statement, changed in (
            (sql.SUPERSEDE, changes.superseded),
            (sql.ISSUE_PASSWORD, changes.issued),
            (sql.SET_OWN_PASSWORD, changes.own),
            (sql.END_PASSWORD, changes.ended),
            (sql.KEEP_PASSWORD, changes.kept),
            (sql.CLOSE_ACCOUNT, changes.closed),
            (sql.ADD_HISTORY, changes.history),
        ):
            if changed:
                self._many(statement, changed)
        if changes.told:
            self._tell(changes.subjects, changes.told)


def _holder(id_: int, state: str, birth_date: str, link: str, no_password: int) -> Holder:
    known = _ACCOUNT_STATES[state]
    ended = bool(no_password) and known is AccountState.ISSUED
    return from_tuple(Holder, (id_, known, date.fromisoformat(birth_date), link, ended))
