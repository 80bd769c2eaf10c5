"""What waits to be sent."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from smsgw.clock import stamp, unstamp
from smsgw.errors import NoReply
from smsgw.model import (
    AccountState,
    Address,
    MtState,
)
from smsgw.store.rows import storable
from smsgw.store.values import (
    HELD,
    STEP,
    ClaimedRow,
    ReplyRow,
)
from smsgw.store.verbs.engine import Engine, moment
from smsgw.store.verbs.names import Names

sql = Names("outbox")


class Outbox(Engine):
    """What waits."""

    # --- the outbox ---------------------------------------------------------------------------

    def due(self, link: str, *, reminder: bool, room: int, now: datetime) -> list[ClaimedRow]:
        """At most *room* due replies (or reminders) of *link*, oldest first; not yet leased."""
        rows = self._all(sql.CLAIM, link=link, reminder=int(reminder), room=room, now=stamp(now))
        return [
            ClaimedRow(id_, since, Address(address, ton, npi), sealed, wording, cmnd, lapses)
            for id_, since, address, ton, npi, sealed, wording, cmnd, lapses in rows
        ]

    def lease(self, ids: Iterable[int], until: datetime) -> None:
        ends = stamp(until)
        self._many(sql.LEASE, [(ends, id_) for id_ in ids])

    def due_times(
        self, link: str, *, reminder: bool
    ) -> tuple[datetime, datetime] | tuple[None, None]:
        """When the next and the last queued text of *link* fall due, those that are held apart."""
        first, last = self._one(sql.DUE_TIMES, link=link, reminder=int(reminder), held=HELD)
        return (None, None) if first is None else (unstamp(first), unstamp(last))

    def set_back_due(self, link: str, latest: datetime, now: datetime, *, reminder: bool) -> int:
        """Let texts be due now that were to be due after *latest*; how many, of `STEP` at most."""
        return self._count(
            sql.SET_BACK_DUE,
            link=link,
            reminder=int(reminder),
            latest=stamp(latest),
            now=stamp(now),
            held=HELD,
            limit=STEP,
        )

    def begin_day(self, ids: Iterable[int], now: datetime) -> None:
        """Count the day after which these texts are given up from *now*."""
        self._many(sql.BEGIN_DAY, [(stamp(now), id_) for id_ in ids])

    def end_all_leases(self, now: datetime) -> None:
        """Whatever is queued is due now: the daemon that held it is dead."""
        self._run(sql.END_ALL_LEASES, now=stamp(now))

    def end_leases(self, now: datetime, latest: datetime, ends: datetime) -> tuple[set[str], int]:
        """Let texts fall due again whose lease is over.

        Args:
            latest: a lease that ends after it gets this end instead: *ends*.

        Returns:
            The links that have such texts, and how many leases got another end.
        """
        values = {"now": stamp(now), "latest": stamp(latest), "ends": stamp(ends)}
        rows = self._all(sql.END_LEASES, **values)
        ended = {link for link, leased in rows if not leased}
        return ended, sum(leased for _, leased in rows)

    def links_in_outbox(self) -> list[str]:
        """Links for which something waits."""
        return [name for (name,) in self._all(sql.LINKS_IN_OUTBOX)]

    def waiting_by_link(self) -> dict[str, int]:
        """How many texts wait for each link; reads them all."""
        return dict(self._all(sql.COUNT_BY_LINK))

    def move_to_link(self, gone: str, link: str, now: datetime) -> int:
        """Let *link* carry what waits for *gone*; how many texts, of `STEP` at most."""
        return self._count(
            sql.MOVE_TO_LINK, gone=gone, link=link, now=stamp(now), held=HELD, limit=STEP
        )

    def release_held(self, link: str, now: datetime) -> int:
        """Let what is held for *link* be due; how many texts, of `STEP` at most."""
        return self._count(sql.RELEASE_HELD, link=link, now=stamp(now), held=HELD, limit=STEP)

    def give_up_old(self, before: datetime, now: datetime) -> list[tuple[int, str]]:
        """(mt, link) of texts that have waited since *before* and now have failed, `STEP` at
        most."""
        return self._all(sql.GIVE_UP_OLD, before=stamp(before), now=stamp(now), limit=STEP)

    def taken(self, texts: Sequence[tuple[int, str]], now: datetime) -> None:
        """The SMSC took these (mt, id that it gave); what was sealed is wiped."""
        at = stamp(now)
        self._add(sql.ADD_SENT, [(mt_id, storable(smsc), at) for mt_id, smsc in texts])
        self._many(sql.TAKE_OUT, [(mt_id,) for mt_id, _ in texts])

    def tries(self, ids: Iterable[int]) -> list[tuple[int, int, int]]:
        """(mt, tries so far, unanswered ones) of those that are queued."""
        return self._all(sql.FIND_TRIES, ids=self._ids(ids))

    def postpone(
        self, mt_id: int, due: datetime | None, tries: int, unanswered: int, reason: str
    ) -> None:
        """Let a text wait until *due*; None: it is held."""
        due_at = HELD if due is None else stamp(due)
        self._execute(sql.POSTPONE, (due_at, tries, unanswered, storable(reason), mt_id))

    def give_up(self, mt_id: int, now: datetime) -> None:
        """No SMSC took it in time; the reason of its last try stays with it."""
        self._execute(sql.GIVE_UP, (stamp(now), mt_id))

    def fail(self, mt_id: int, reason: str, now: datetime) -> bool:
        """No SMSC will take it; false: it does not wait any more."""
        return self._count(sql.FAIL, id=mt_id, reason=storable(reason), now=stamp(now)) > 0

    def refused_account(self, mt_id: int) -> tuple[int, int] | None:
        """The account whose password the refused text carries, and how many texts before it
        reached nobody; None where there is none, or the text was asked for before."""
        found: tuple[int, int] | None = self._one(sql.FIND_REFUSED, id=mt_id)
        if found is not None:
            self._execute(sql.COUNT_REFUSED, (mt_id,))
        return found

    def reply(self, mt_id: int) -> ReplyRow:
        """The reply *mt_id*, which the SMSC has not taken.

        Raises:
            NoReply: there is none in the outbox.
        """
        row = self._one(sql.FIND_REPLY, id=mt_id)
        if row is None:
            raise NoReply(mt_id)
        state, account_id, current, account_state, wiped, ended_at, leased = row
        return ReplyRow(
            MtState(state),
            account_id,
            current == mt_id and account_state == AccountState.ISSUED,
            bool(wiped),
            moment(ended_at),
            bool(leased) and state == MtState.QUEUED,
        )

    def retry(self, mt_id: int, now: datetime) -> None:
        """Let a reply be due now, with all its time before it; one that is leased stays so."""
        self._run(sql.RETRY, id=mt_id, now=stamp(now))

    def cancel(self, mt_id: int, reason: str, now: datetime) -> bool:
        """Cancel a reply that waits or failed; false where there is none such."""
        return self._count(sql.CANCEL, id=mt_id, reason=storable(reason), now=stamp(now)) > 0

    # --- what is sealed -----------------------------------------------------------------------

    def sealed_after(self, id_: int, limit: int) -> list[tuple[int, bytes | None, str, int | None]]:
        """(mt, what is sealed, state, microseconds when it ended) of the next *limit* texts in the
        outbox after *id_*."""
        return self._all(sql.SEALED_AFTER, after=id_, limit=limit)

    def reseal(self, mt_id: int, sealed: bytes) -> None:
        self._execute(sql.RESEAL, (sealed, mt_id))

    def has_ended(self, mt_id: int, at: int) -> None:
        """It failed or was cancelled, at *at* microseconds or before."""
        self._execute(sql.HAS_ENDED, (at, mt_id))

    def wipe(self, mt_id: int) -> None:
        """Forget the password in a text that nobody will send."""
        self._execute(sql.WIPE, (mt_id,))

    def data_keys(self) -> list[tuple[bytes, str, int, bytes]]:
        """(id, use, made, sealed) of the data keys in this database."""
        return self._all(sql.LIST_DATA_KEYS)

    def add_data_keys(self, keys: Iterable[tuple[bytes, str, int, bytes]]) -> None:
        """Have these there, and no others."""
        self._run(sql.FORGET_DATA_KEYS)
        self._many(sql.ADD_DATA_KEY, keys)

    def forget_data_keys(self) -> None:
        self._run(sql.FORGET_DATA_KEYS)
