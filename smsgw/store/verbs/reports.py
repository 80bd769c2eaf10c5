"""What people and monitoring read."""

from datetime import UTC, date, datetime, tzinfo
from typing import Any

from smsgw.clock import unstamp
from smsgw.happenings import Changed, HistoryEntry, TextCame, TextMade, TextMoved, TextsCounted
from smsgw.model import AccountState, DayCount, Direction, Message, MtState, Outcome, QueuedReply
from smsgw.store.values import (
    HELD,
    MASK,
    LinkCount,
)
from smsgw.store.verbs.engine import moment
from smsgw.store.verbs.ids import Ids
from smsgw.store.verbs.names import Names

sql = Names("reports")

_STORY = 10_000  # texts of one citizen, more than anyone reads


class Reports(Ids):
    """What people and monitoring read."""

    def account_history(self, account_id: int) -> list[HistoryEntry]:
        """The changes of an account's state, in their order."""
        return [
            Changed(
                unstamp(at),
                event,
                None if old is None else AccountState(old),
                AccountState(new),
                actor,
                reason,
            )
            for at, event, old, new, actor, reason in self._all(sql.HISTORY, account=account_id)
        ]

    def messages(
        self,
        *,
        phone: str | None = None,
        direction: Direction | None = None,
        state: MtState | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[Message]:
        """What came and went, newest first; *state* is that of an MT and leaves out every MO."""
        values: dict[str, Any] = {
            **self._since(since),
            "limit": limit,
            "phone": phone,
            "state": state,
        }
        found: list[Message] = []
        if direction != Direction.MT and state is None:
            statement = sql.LIST_MO if phone is None else sql.LIST_MO_OF
            found += [_mo(row) for row in self._all(statement, **values)]
        if direction != Direction.MO:
            found += [_mt(row) for row in self._mts(**values)]
        found.sort(key=lambda m: (m.created_at, m.id), reverse=True)
        return found[:limit]

    def _mts(self, *, phone: str | None, **values: Any) -> list[Any]:
        """Texts of ours, newest first: those that wait, then those that were sent."""
        if phone is None:
            statements = sql.LIST_WAITING, sql.LIST_SENT
        else:
            statements = sql.LIST_WAITING_OF, sql.LIST_SENT_OF
            values["phone"] = phone
        return [row for statement in statements for row in self._all(statement, **values)]

    def delivery_history(self, phone: str) -> list[HistoryEntry]:
        """The texts of one phone, both ways, and what became of ours."""
        entries: list[HistoryEntry] = [
            TextCame(unstamp(created_at), Outcome(outcome), text, reason, mo_id=id_)
            for id_, _, _, text, outcome, created_at, reason in self._all(
                sql.LIST_MO_OF, phone=phone, since=0, limit=_STORY
            )
        ]
        for number, last_at in self._all(sql.SURPLUS_OF, phone=phone, limit=_STORY):
            entries.append(TextsCounted(unstamp(last_at), number))
        for row in self._mts(phone=phone, state=None, since=0, limit=_STORY):
            mt = _mt(row)
            state, (reply, taken_at, final_at) = MtState(row[5]), row[8:11]
            entries.append(
                TextMade(mt.created_at, reply, masked_wording(row[3], row[4]), mt_id=mt.id)
            )
            if taken_at is not None:
                entries.append(TextMoved(unstamp(taken_at), mt.id, MtState.SENT))
            if final_at is not None:
                entries.append(TextMoved(unstamp(final_at), mt.id, state, mt.reason))
            elif taken_at is None:
                entries.append(TextMoved(mt.created_at, mt.id, state, mt.reason))
        return entries

    def outbox(self) -> list[QueuedReply]:
        """What the SMSC has not taken, oldest first."""
        return [
            QueuedReply(
                id_,
                phone,
                link,
                masked_wording(wording, cmnd),
                MtState(state),
                unstamp(created_at),
                tries,
                unstamp(due_at) if state == MtState.QUEUED and due_at < HELD else None,
                reason,
            )
            for (
                id_,
                phone,
                link,
                wording,
                cmnd,
                state,
                created_at,
                tries,
                due_at,
                reason,
            ) in self._all(sql.LIST_OUTBOX)
        ]

    def stats(self, since: datetime | None, zone: tzinfo) -> list[DayCount]:
        """Counts by local day, direction and outcome, oldest day first."""
        totals: dict[tuple[date, Direction, str], int] = {}
        for direction, statement in (
            (Direction.MO, sql.COUNT_MO),
            (Direction.MT, sql.COUNT_MT),
        ):
            for quarter, outcome, count in self._all(statement, **self._since(since)):
                moment = datetime.fromtimestamp(quarter * 900, UTC)
                key = (moment.astimezone(zone).date(), direction, str(outcome))
                totals[key] = totals.get(key, 0) + count
        return [DayCount(*key, count) for key, count in sorted(totals.items())]

    def count_outbox(self, after: int, limit: int) -> tuple[list[LinkCount], int | None]:
        """What the *limit* texts behind the id *after* are, by link, and the id to go on from, if
        there are more."""
        rows = self._all(sql.COUNT_SOME_OF_OUTBOX, after=after, limit=limit, held=HELD)
        counts = [
            LinkCount(link, queued, held, failed, moment(oldest))
            for link, queued, held, failed, oldest, _, _ in rows
        ]
        more = sum(row[5] for row in rows) == limit
        return counts, max(row[6] for row in rows) if more else None

    def last_times(self) -> tuple[datetime | None, datetime | None]:
        """When the last text came, and when an SMSC last took one of ours."""
        mo, mt = self._one(sql.LAST_TIMES)
        return moment(mo), moment(mt)

    def count_since(self, since: datetime) -> tuple[int, int]:
        """How many texts came, and how many were made, since then.

        Reads each of them, which a command may do and the daemon's thread must not.
        """
        mo, mt = self._one(sql.COUNT_SINCE, **self._since(since))
        return mo, mt


def masked_wording(wording: str, cmnd: str | None) -> str:
    """A text of ours without its password."""
    return wording.format(cmnd or MASK, MASK)


def _mo(row: Any) -> Message:
    id_, phone, link, text, outcome, created_at, reason = row
    return Message(
        id_, Direction.MO, phone, link, text, None, Outcome(outcome), unstamp(created_at), reason
    )


def _mt(row: Any) -> Message:
    id_, phone, link, wording, cmnd, state, created_at, reason = row[:8]
    return Message(
        id_,
        Direction.MT,
        phone,
        link,
        masked_wording(wording, cmnd),
        MtState(state),
        None,
        unstamp(created_at),
        reason,
        row[11],
    )
