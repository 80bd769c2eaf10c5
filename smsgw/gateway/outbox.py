"""The life of our texts between the commit and the SMSC: claimed, settled, tried again, held, moved
to another link, given up.

Inside the gateway's transactions. Knows links by name, time-outs and reminder hours; nothing of a
citizen's text and nothing of an account's states.
"""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import assert_never

from smsgw.clock import stamp, unstamp
from smsgw.gateway.batch import Claim, Done, Moved
from smsgw.gateway.composer import GIVE_UP_AFTER, GIVE_UP_MICROSECONDS
from smsgw.gateway.receipts import Receipts
from smsgw.gateway.rules import CLOCK_SLACK, LATE_ANSWERS, LONGEST_DELAY
from smsgw.gateway.tools import Tools
from smsgw.model import LinkState, Mt, Postponed, Refused, SubmitResult, Taken, Unanswered
from smsgw.store import STEP, ClaimedRow
from smsgw.vault import KeyUnknown, SealBroken

log = logging.getLogger("smsgw.gateway")

#: So many times an SMSC may take a text and not answer, on sessions that live on. It may have
#: delivered each of them.
MOST_UNANSWERED = 3
_FIRST_DELAY = timedelta(seconds=2)
_THROTTLED_DELAY = timedelta(seconds=1)
#: While the carrier refuses our short code, one text is tried each 20 s; by then it should be
#: there.
_BARRED_DELAY = timedelta(seconds=15)
_SLACK_MICROSECONDS = CLOCK_SLACK // timedelta(microseconds=1)


class Outbox:
    def __init__(self, tools: Tools) -> None:
        self._store = tools.store
        self._rules = tools.rules
        self._seals = tools.seals
        self._carriers = tools.carriers

    # --- out ----------------------------------------------------------------------------------

    def claim(
        self, link: str, room: int, now: datetime, room_in_all: int | None, token: int | None
    ) -> Claim:
        """As `Gateway.claim`."""
        store, rules = self._store, self._rules
        mts: list[Mt] = []
        with store.transaction():
            if token is not None and store.held().get(link) != token:
                return Claim([], None, None, lost=True)
            allowed = rules.reminders_may_leave(now)
            for reminder, limit in (
                (False, room),
                (True, room if room_in_all is None else room_in_all),
            ):
                left = limit - len(mts)
                if left <= 0 or (reminder and not allowed):
                    continue
                rows = store.due(link, reminder=reminder, room=left, now=now)
                composed = (self._compose_again(row, link, reminder, now) for row in rows)
                mts += [mt for mt in composed if mt is not None]
            store.lease([mt.id for mt in mts], now + rules.lease)
            next_due = reply_due = self._next_due(link, now, reminder=False)
            reminder_due = self._next_due(link, now, reminder=True)
        if reminder_due is not None:
            if not rules.reminders_may_leave(max(reminder_due, now)):
                reminder_due = rules.reminders_start(max(reminder_due, now))
            next_due = min(next_due or reminder_due, reminder_due)
        return Claim(mts, next_due, reply_due)

    def _compose_again(
        self, row: ClaimedRow, link: str, reminder: bool, now: datetime
    ) -> Mt | None:
        """The text of *row*, unless it is never to leave."""
        store, at, since = self._store, stamp(now), row.since
        if at - since >= GIVE_UP_MICROSECONDS:
            store.give_up(row.id, now)
            log.warning("mt=%d link=%s given up after 24 hours", row.id, link)
            return None
        if row.lapses is not None and row.lapses <= at:
            store.cancel(row.id, "its password has lapsed", now)
            log.warning("mt=%d link=%s cancelled: its password has lapsed", row.id, link)
            return None
        if since > at + _SLACK_MICROSECONDS:
            store.begin_day([row.id], now)
            since = at
        try:
            password = self._seals.unseal(row.id, row.sealed) if row.sealed else ""
        except (KeyUnknown, SealBroken) as error:
            store.fail(row.id, str(error), now)
            log.error("mt=%d link=%s: %s", row.id, link, error)
            return None
        text = row.wording.format(row.cmnd, password)
        valid_until = unstamp(row.lapses or since + GIVE_UP_MICROSECONDS)
        waits_since = None if reminder else monotonic() - (at - since) / 1_000_000
        return Mt(row.id, link, row.to, text, reminder, valid_until, waits_since)

    def _next_due(self, link: str, now: datetime, *, reminder: bool) -> datetime | None:
        """When the next text of *link* falls due."""
        first, last = self._store.due_times(link, reminder=reminder)
        latest = now + self._rules.longest_delay + CLOCK_SLACK
        if last is None or last <= latest:
            return first
        count = self._store.set_back_due(link, latest, now, reminder=reminder)
        log.warning(
            "the clock was set back: %d texts of link=%s were due until %s, and are now",
            count, link, last.isoformat(timespec="seconds"),
        )  # fmt: skip
        return now

    # --- back ---------------------------------------------------------------------------------

    def settle(
        self,
        results: Sequence[tuple[str, SubmitResult]],
        receipts: Receipts,
        now: datetime,
        done: Done,
    ) -> Counter[str]:
        """Store what SMSCs said to our texts.

        Returns:
            How many texts were taken, by link.
        """
        store = self._store
        taken: dict[str, list[tuple[int, str]]] = {}
        again: dict[int, tuple[str, Postponed | Unanswered]] = {}
        for link, result in results:
            if isinstance(result, Taken):  # nearly all; a class pattern takes longer
                mt_id, smsc_id = result
                taken.setdefault(link, []).append((mt_id, smsc_id.strip()))
                continue
            match result:
                case Postponed() | Unanswered():
                    again[result.mt_id] = link, result
                case Refused(mt_id, reason, address):
                    if store.fail(mt_id, reason, now) and address:
                        receipts.refused(mt_id)
                    log.warning("mt=%d link=%s refused: %s", mt_id, link, reason)
                case _:
                    assert_never(result)
        for texts in taken.values():
            store.taken(texts, now)
        if taken and store.any_early_receipt():
            for link, texts in taken.items():
                receipts.taken(link, texts)
        if again:
            for mt_id, tries, unanswered in store.tries(again):
                link, failed = again[mt_id]
                if due := self._try_again(link, failed, tries, unanswered, now):
                    done.falls_due(link, due)
        return Counter({link: len(texts) for link, texts in taken.items()})

    def _try_again(
        self,
        link: str,
        failed: Postponed | Unanswered,
        tries: int,
        unanswered: int,
        now: datetime,
    ) -> datetime | None:
        """When a text that was not taken leaves again, if at all by itself."""
        delay: timedelta = min(_FIRST_DELAY * 2 ** min(tries - 1, 20), LONGEST_DELAY)
        if isinstance(failed, Postponed):
            if failed.throttled or failed.barred:  # not the fault of this text
                delay = _BARRED_DELAY if failed.barred else _THROTTLED_DELAY
                tries = max(tries - 1, 0)
        elif not failed.link_lost:
            # A slow SMSC may have it, and its answer still counts: sent again too soon, the citizen
            # would read it twice.
            delay = max(delay, LATE_ANSWERS * self._rules.patience.get(link, delay))
            unanswered += 1
            if unanswered >= MOST_UNANSWERED:
                self._hold(link, failed, tries, unanswered)
                return None
        due: datetime = now + delay
        self._store.postpone(failed.mt_id, due, tries, unanswered, failed.reason)
        return due

    def _hold(self, link: str, failed: Unanswered, tries: int, unanswered: int) -> None:
        """Send a text no more by itself: the citizen may have read it each time."""
        reason = (
            f"held: the SMSC did not answer {unanswered} tries ({failed.reason}); "
            "`smsgw outbox retry` or a new bind of the link sends it"
        )
        self._store.postpone(failed.mt_id, None, tries, unanswered, reason)
        log.error("mt=%d link=%s held: %d tries without an answer", failed.mt_id, link, unanswered)

    # --- links that cannot send, and waits that are over --------------------------------------

    def release_held(self, link: str, now: datetime) -> bool:
        """Let some of what is held for *link*, which has bound anew, be due; whether there was any.

        Call it again until there is none.
        """
        with self._store.transaction():
            released = self._store.release_held(link, now)
        if released:
            log.warning("outbox link=%s has bound anew: %d held texts leave again", link, released)
        return bool(released)

    def stand_in(self, able: Collection[str], spared: Collection[str], now: datetime) -> Moved:
        """Let links that are *able* to send carry some of what waits for others of their carrier.

        Args:
            spared: links that are not able, but may be so again in a moment.
        """
        stand_ins: list[tuple[str, str]] = []
        waiting = self._store.links_in_outbox()
        if waiting and self._store.is_shared:
            able, waiting = self._among_nodes(able, waiting)
        for link in waiting:
            if link not in able and link not in spared:
                siblings = self._carriers.links(self._carriers.of(link))
                stand_ins += [(link, other) for other in siblings if other in able][:1]
        if not stand_ins:
            return Moved(frozenset(), more=False)  # the usual case needs no write lock
        moved: dict[str, int] = {}
        with self._store.transaction():
            for link, other in stand_ins:
                if count := self._store.move_to_link(link, other, now):
                    moved[other] = max(count, moved.get(other, 0))
                    log.warning("outbox link=%s cannot send: %d texts go by %s", link, count, other)
        return Moved(frozenset(moved), more=STEP in moved.values())

    def _among_nodes(
        self, able: Collection[str], waiting: Sequence[str]
    ) -> tuple[Collection[str], list[str]]:
        """The links that are able on any node, as far as we know, and those that are ours to look
        after: what we have ourselves, and what no node knows any more."""
        store = self._store
        if not store.is_configured_alike():
            return able, []
        others = store.taken_by_others()
        bound = {link.name for link in store.links() if link.state is LinkState.BOUND}
        with store.transaction():
            ours = store.held().keys()
        known = ours | (set(waiting) - set(self._rules.links) - others)
        return {*able, *(bound & others)}, [link for link in waiting if link in known]

    def warn_of_strangers(self) -> None:
        """Say what becomes of texts whose link is no longer configured."""
        for gone in self._store.links_in_outbox():
            if gone not in self._rules.links:
                carrier = self._carriers.of(gone)
                fate = "they leave by another of its carrier"
                if not self._carriers.links(carrier):
                    fate = f"they wait: no link of its carrier {carrier} is"
                log.warning("outbox link=%s has texts and is not configured: %s", gone, fate)

    def end_leases(self, now: datetime, done: Done) -> None:
        """Leases that are over; those that this node's clock has noted, or nobody's any more."""
        store, ends = self._store, now + self._rules.lease
        latest = ends + CLOCK_SLACK
        if store.is_shared:
            others = store.taken_by_others()
            links, set_back = store.end_leases_but(others, now, latest, ends)
        else:
            links, set_back = store.end_leases(now, latest, ends)
        for link in links:
            done.falls_due(link, now)
        if set_back:
            log.warning("the clock was set back: so were %d leases", set_back)

    def end_waits(self, now: datetime) -> None:
        """Texts that have waited for a day, and times of a wrong clock."""
        store = self._store
        for mt_id, link in store.give_up_old(now - GIVE_UP_AFTER, now):
            log.warning("mt=%d link=%s given up after 24 hours", mt_id, link)
        if count := store.set_back_parts(now + CLOCK_SLACK, now):
            log.warning("the clock was set back: so was the arrival of %d parts", count)
