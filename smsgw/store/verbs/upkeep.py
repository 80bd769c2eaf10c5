"""Audit, links, facts, retention."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from smsgw.clock import EPOCH, stamp, unstamp
from smsgw.model import (
    AuditEntry,
    LinkState,
    LinkStatus,
)
from smsgw.store.rows import storable
from smsgw.store.values import NO_END, Beat, Stop
from smsgw.store.verbs.engine import moment
from smsgw.store.verbs.ids import HOUR, Ids
from smsgw.store.verbs.names import Names

sql = Names("upkeep")

_PAGE_ROWS = 500  # of a list that is read page by page


class Upkeep(Ids):
    """Audit, links, facts, retention."""

    def note(
        self,
        at: datetime,
        who: str,
        command: str,
        account: str | None,
        detail: str,
        *,
        account_id: int | None = None,
    ) -> int:
        """Add a line to the audit; its id.

        Args:
            account: masked, like every number in *detail*.
            account_id: which one that is.
        """
        values = {
            "who": storable(who),
            "command": command,
            "account": account and storable(account),
            "detail": storable(detail),
            "account_id": account_id,
        }
        added: int = self._one(sql.ADD_AUDIT, at=stamp(at), **values)[0]
        return added

    def amend_note(self, note: int, detail: str) -> None:
        self._run(sql.AMEND_AUDIT, id=note, detail=storable(detail))

    def audit(self, since: datetime | None = None, who: str | None = None) -> Iterator[AuditEntry]:
        """Who did what, in order of time; nothing is held open between two pages."""
        statement = sql.LIST_AUDIT if who is None else sql.LIST_AUDIT_OF
        place = {"id": 0, "at": stamp(since or EPOCH)}
        while rows := self._all(statement, who=who, limit=_PAGE_ROWS, **place):
            for _, at, *texts in rows:
                yield AuditEntry(unstamp(at), *texts)
            place = {"id": rows[-1][0], "at": rows[-1][1]}

    def purge_audit(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* lines of the audit; how many went."""
        return self._count(sql.PURGE_AUDIT, before=stamp(before), limit=limit)

    def links(self) -> list[LinkStatus]:
        return [
            LinkStatus(
                name,
                LinkState(state),
                unstamp(since),
                reason,
                mo,
                mt,
                json.loads(oddities),
                moment(next_try),
            )
            for name, state, since, reason, mo, mt, oddities, next_try in self._all(sql.LIST_LINKS)
        ]

    def set_link(
        self,
        name: str,
        state: LinkState,
        reason: str | None,
        now: datetime,
        next_try: datetime | None = None,
    ) -> None:
        self._run(
            sql.SET_LINK,
            name=name,
            state=state,
            reason=reason and storable(reason),
            now=stamp(now),
            next_try=None if next_try is None else stamp(next_try),
        )

    def beat(self, beat: Beat) -> None:
        node, pid, version, started_at, at, tick, ended, *_ = beat
        values = node, pid, version, stamp(started_at), stamp(at), tick, int(ended)
        self._execute(sql.SET_HEARTBEAT, values)

    def beats(self) -> list[Beat]:
        return [
            Beat(node, pid, version, unstamp(started), unstamp(at), tick, bool(ended), *rest)
            for node, pid, version, started, at, tick, ended, *rest in self._all(
                sql.LIST_HEARTBEATS
            )
        ]

    def set_oddities(self, name: str, oddities: Mapping[str, int]) -> None:
        """Keep how often the peer of a link was odd, by kind."""
        self._run(sql.SET_ODDITIES, name=name, oddities=json.dumps(oddities))

    def forget_link(self, name: str) -> None:
        self._run(sql.FORGET_LINK, name=name)

    def stopped_links(self) -> dict[str, Stop]:
        """The links that somebody took down, and who it was."""
        return {
            link: Stop(unstamp(at), who, reason)
            for link, at, who, reason in self._all(sql.LIST_STOPPED)
        }

    def stop_link(self, name: str, stop: Stop) -> bool:
        """Remember that it is to stay down; false: it was down already."""
        at, who, reason = stop
        values = {"at": stamp(at), "who": storable(who), "reason": reason and storable(reason)}
        return bool(self._count(sql.STOP_LINK, link=name, **values))

    def start_link(self, name: str) -> bool:
        """Forget that; false: nobody had stopped it."""
        return bool(self._count(sql.START_LINK, link=name))

    def count_on_link(self, name: str, mo: int, mt: int) -> None:
        self._execute(sql.COUNT_ON_LINK, (mo, mt, name))

    def carriers(self) -> dict[str, str]:
        """The carrier last known of each link there ever was."""
        return dict(self._all(sql.LIST_CARRIERS))

    def set_carriers(self, carriers: Mapping[str, str]) -> None:
        """Remember the carrier of each of these links."""
        self._many(sql.SET_CARRIER, list(carriers.items()))

    def fact(self, name: str) -> str | None:
        row = self._one(sql.GET_FACT, name=name)
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        self._run(sql.SET_FACT, name=name, value=storable(value))

    def forget_fact(self, name: str) -> None:
        self._run(sql.FORGET_FACT, name=name)

    def purge_messages(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* old MO and MT each; how many went."""
        self.keep_last_ids()
        at = stamp(before)
        end = self._one(sql.FIRST_ID_AFTER, hour=at // HOUR)
        values = {"before": at, "end": end[0] if end else NO_END, "limit": limit}
        self._run(sql.PURGE_HOURS, hour=at // HOUR)
        gone = [
            row
            for statement in (sql.PURGE_OUTBOX, sql.PURGE_SENT)
            for row in self._all(statement, **values)
        ]
        texts = self._all(sql.PURGE_MO, **values)
        self._run(sql.PURGE_IGNORED, ids=self._ids(id_ for _, id_ in texts))
        counters = self._all(sql.PURGE_SURPLUS, hour=at // HOUR, limit=limit)
        self.forget_subscribers([*gone, *texts, *counters])
        return len(gone) + len(texts)

    def purge_accounts(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* accounts closed before that time, with their history."""
        self.keep_last_ids()
        values = {"before": stamp(before), "limit": limit}
        self._run(sql.PURGE_HISTORY, **values)
        self._run(sql.PURGE_GUESSES, **values)
        gone = self._all(sql.PURGE_ACCOUNTS, **values)
        self.forget_subscribers(gone)
        return len(gone)

    def keep_last_ids(self) -> None:
        """Before rows are removed: no id is used twice."""
        self._run(sql.KEEP_LAST_IDS)

    def forget_subscribers(self, gone: Sequence[tuple[int, ...]]) -> None:
        """Forget those of these rows' subscribers (first) who have nothing left."""
        self._run(sql.PURGE_SUBSCRIBERS, subscribers=self._ids({row[0] for row in gone}))
