"""The place that decides and stores: a text comes in, an account and a reply go to the disk.

Plain functions of what came and the time; each is one transaction, except where it says so. No
socket, no PDU, no event loop: the desk calls it from the store's thread, commands from their own
process. What has to leave at once is returned; everything else waits in the outbox.

Failures: `StoreUnavailable` (nothing happened, the SMSC is asked to try again) is answered here;
`StoreLost` (the disk cannot be trusted) goes up and ends the process.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, assert_never

from smsgw import phone
from smsgw.carriers import Carriers
from smsgw.clock import stamp, unstamp
from smsgw.config import Settings, SourceNumbers
from smsgw.datakeys import DataKey, DataKeys, file_of
from smsgw.delivery import Deliveries
from smsgw.errors import SmsgwError
from smsgw.harmless import masked
from smsgw.intake import PARTS_LIMIT, RETRANSMISSION_WINDOW, Intake, history_row
from smsgw.limits import CEILING_FACT, Ceiling, HeavySenders
from smsgw.logs import redact
from smsgw.model import (
    Address,
    Answer,
    LinkState,
    Mo,
    Mt,
    Outcome,
    Postponed,
    Receipt,
    Refused,
    Reply,
    SubmitResult,
    Taken,
    Unanswered,
    from_tuple,
)
from smsgw.passwords import Issued, Issuer, Supply
from smsgw.registration import machine
from smsgw.registration.own_wording import OwnWording
from smsgw.registration.replies import templates
from smsgw.reseal import Walk
from smsgw.store import (
    STEP,
    AccountRow,
    ClaimedRow,
    Store,
    StoreLost,
    StoreMoved,
    StoreUnavailable,
    rows,
)
from smsgw.store.rows import Changes
from smsgw.vault import KeyFault, KeyUnknown, SealBroken, Vault

log = logging.getLogger(__name__)

#: A reply that no SMSC has taken by then has failed.
GIVE_UP_AFTER = timedelta(hours=24)
#: A receipt whose text is still unknown by then belongs to nobody.
_EARLY_RECEIPT_LIMIT = timedelta(hours=1)
_FIRST_DELAY = timedelta(seconds=2)
_LONGEST_DELAY = timedelta(minutes=10)
_THROTTLED_DELAY = timedelta(seconds=1)
#: While the carrier refuses our short code, one text asks each 20 s, by then it should be there.
_BARRED_DELAY = timedelta(seconds=15)
#: So many times an SMSC may take a text and not answer, on sessions that live on. It may have
#: delivered each of them.
MOST_UNANSWERED = 3
#: A time that is so much further ahead than its longest delay was noted by a clock that was wrong:
#: two looks at the clock are never so far apart.
_CLOCK_SLACK = timedelta(minutes=1)
_GIVE_UP_MICROSECONDS = GIVE_UP_AFTER // timedelta(microseconds=1)
#: The texts of a batch are worth sending until the same moment.
_moment = lru_cache(maxsize=256)(unstamp)
#: For so many response times more, a text that was not answered in time waits for a late answer.
_LATE_ANSWERS = 2
_PURGE_STEP = 500
#: Long texts that lack a part, and parts that are forgotten, in one step.
_TIDY_TEXTS, _TIDY_PARTS = 100, 2000
#: Above that limit, `status` says so for as long at least; and what it says is as old at most.
_CEILING_SHOWN, _CEILING_TOLD = timedelta(minutes=1), timedelta(seconds=10)
_REMINDER = Reply.REMINDER


@dataclass(slots=True)
class Batch:
    """Everything that came in since the last commit."""

    mos: Sequence[Mo] = ()
    receipts: Sequence[Receipt] = ()
    results: Sequence[tuple[str, SubmitResult]] = ()  #: with the name of the link
    #: How many replies each link can hold in memory; more than that wait in the outbox.
    room: Mapping[str, int] = field(default_factory=dict)
    #: How many may be registered; None: as many as the stock has passwords for. The first ones
    #: may, where older registrations wait for a password already.
    registrations: int | None = None

    def __len__(self) -> int:
        return len(self.mos) + len(self.receipts) + len(self.results)

    def singles(self, done: "Done") -> "Iterator[Batch]":
        """The same, each message by itself; settlements first, as in the whole.

        Args:
            done: what has become of those before when the next one is asked for: they used up
                room and passwords.
        """
        for result in self.results:
            yield Batch(results=(result,))
        for receipt in self.receipts:
            yield Batch(receipts=(receipt,))
        room, seen = dict(self.room), 0
        for mo in self.mos:
            for mt in done.replies[seen:]:
                room[mt.link] -= 1
            seen = len(done.replies)
            left = self.registrations
            if done.passwords_wanted:
                left = 0  # an older text waits for one
            elif left is not None:
                left -= done.passwords_given
            yield Batch(mos=(mo,), room=room, registrations=left)


@dataclass(slots=True)
class Done:
    """What became of a batch."""

    #: For each MO; None: its turn comes with the next batch (see `passwords_wanted`).
    answers: list[Answer | None] = field(default_factory=list)
    receipts: list[Answer] = field(default_factory=list)
    #: False: the results of submits were not stored; offer them again.
    settled: bool = True
    replies: list[Mt] = field(default_factory=list)  #: leased; they leave from memory
    #: Links with something in the outbox to claim, and when.
    due: dict[str, datetime] = field(default_factory=dict)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    #: What was strange though it was dealt with: how often, by (link, kind).
    oddities: Counter[tuple[str, str]] = field(default_factory=Counter)
    passwords_wanted: int = 0  #: registrations that wait for the hashers
    passwords_given: int = 0  #: to its registrations
    trouble: str | None = None  #: why the store did not take it
    more: bool = False  #: of `tidy`: there is more to do

    @classmethod
    def later(cls, batch: Batch, trouble: str | None = None) -> "Done":
        """Nothing of *batch* was stored; *trouble*: because of the store, not of the batch.

        A settlement that cannot be stored for its own sake is not offered again: its lease ends.
        """
        return cls(
            answers=[Answer.LATER] * len(batch.mos),
            receipts=[Answer.LATER] * len(batch.receipts),
            settled=trouble is None or not batch.results,
            trouble=trouble,
        )

    def add(self, other: "Done") -> None:
        self.answers += other.answers
        self.receipts += other.receipts
        self.settled = self.settled and other.settled
        self.replies += other.replies
        for link, at in other.due.items():
            self.falls_due(link, at)
        self.outcomes += other.outcomes
        self.oddities += other.oddities
        self.passwords_wanted += other.passwords_wanted
        self.passwords_given += other.passwords_given
        self.trouble = other.trouble or self.trouble

    def falls_due(self, link: str, at: datetime) -> None:
        known = self.due.get(link)
        if known is None or at < known:
            self.due[link] = at


class Claim(NamedTuple):
    mts: list[Mt]  #: leased, replies before reminders
    next_due: datetime | None  #: when the next one falls due
    reply_due: datetime | None  #: when the next one does that is no reminder


class Moved(NamedTuple):
    """What waited for links that cannot send, and leaves by others."""

    links: frozenset[str]  #: that have it now
    more: bool


class Expired(NamedTuple):
    """What one expiry pass did."""

    replaced: int  #: passwords replaced, each with its reminder
    ended: int  #: passwords deleted and not replaced, after the last reminder
    more: bool  #: others are due
    links: frozenset[str]  #: links that have reminders to send
    waiting: int = 0  #: due, but outside the reminder hours
    short: int = 0  #: due, but the stock had no password for them


class By(NamedTuple):
    """Who has the gateway do at once what it does by itself, and why."""

    who: str
    reason: str | None = None


class Purged(NamedTuple):
    messages: int
    accounts: int
    more: bool


class Trial(NamedTuple):
    """What the gateway would do with a text."""

    outcome: Outcome
    reply: str | None
    detail: str


class Gateway:
    """Registration, replies and expiry over one store.

    Args:
        issuer: where issued passwords come from; the daemon's stock, or on demand.

    Attributes:
        ttl: how long an issued password lives, in microseconds.
        lease: how long a link may hold a text in memory.
    """

    def __init__(self, store: Store, settings: Settings, vault: Vault, issuer: Issuer) -> None:
        self.store = store
        self.settings = settings
        self._vault = DataKeys(vault, store.path and file_of(store.path))
        self._walk = Walk(store, self._vault)
        self._turned = -1
        self._traces = False  # data keys may still stand in the database, deleted
        self.issuer = issuer
        self._templates = templates(settings.messages)
        self.region = settings.gateway.region
        self.zone = settings.gateway.timezone
        self._links = tuple(link.name for link in settings.smsc)
        self.ttl = settings.registration.password_ttl // timedelta(microseconds=1)
        configured = {link.name: link.carrier for link in settings.smsc}
        self.carriers = Carriers(configured, store.carriers())
        #: Links whose numbers are national, whatever their TON says.
        self.national = frozenset(
            link.name for link in settings.smsc if link.source_numbers is SourceNumbers.NATIONAL
        )
        self.salts = _Salts(self.carriers)
        self.own_wording = OwnWording([*self._templates.values(), *store.wordings()])
        self.heavy_senders = HeavySenders(settings.limits.replies_per_phone_per_hour)
        self._ceiling: Ceiling | None = None
        self._ceiling_told = 0
        self._patience = {link.name: link.response_timeout for link in settings.smsc}
        slowest = max(self._patience.values(), default=timedelta(0))
        self.lease = timedelta(seconds=60) + slowest
        self._longest_delay = max(_LONGEST_DELAY, _LATE_ANSWERS * slowest)

    # --- the daemon takes over ----------------------------------------------------------------

    def start(self, now: datetime) -> None:
        """Take over from a daemon that ended or died: its leases end, its links are forgotten."""
        store = self.store
        with store.transaction():
            store.set_fact("key_id", str(self._vault.key_id))
            if not self.settings.limits.replies_per_hour:
                store.set_fact(CEILING_FACT, "0")
            self._adopt_data_keys()
            self._vault.retire_all(stamp(now))
            self._turn(stamp(now))  # so that what is wrong with it is said now
            store.set_carriers({link.name: link.carrier for link in self.settings.smsc})
            store.end_all_leases(now)
            for name in self._links:
                store.set_link(name, LinkState.CONNECTING, None, now)
            for status in store.links():
                if status.name not in self._links:
                    store.forget_link(status.name)
            for gone in store.links_in_outbox():
                if gone not in self._links:
                    carrier = self.carriers.of(gone)
                    fate = "they leave by another of its carrier"
                    if not self.carriers.links(carrier):
                        fate = f"they wait: no link of its carrier {carrier} is"
                    log.warning("outbox link=%s has texts and is not configured: %s", gone, fate)

    def link_changed(
        self,
        name: str,
        state: LinkState,
        reason: str | None,
        now: datetime,
        oddities: Mapping[str, int] | None = None,
    ) -> None:
        """Keep the state of a link, and what was odd on it, where commands can read it."""
        with self.store.transaction():
            self.store.set_link(name, state, reason, now)
            if oddities is not None:
                self.store.set_oddities(name, oddities)

    def release_held(self, link: str, now: datetime) -> bool:
        """Let some of what is held for *link*, which has bound anew, be due; whether there was any.

        Call it again until there is none.
        """
        with self.store.transaction():
            released = self.store.release_held(link, now)
        if released:
            log.warning("outbox link=%s has bound anew: %d held texts leave again", link, released)
        return bool(released)

    def stand_in(self, able: Collection[str], spared: Collection[str], now: datetime) -> Moved:
        """Let links that are *able* to send carry some of what waits for others of their carrier.

        Args:
            spared: links that are not able, but may be so again in a moment.
        """
        stand_ins: list[tuple[str, str]] = []
        for link in self.store.links_in_outbox():
            if link not in able and link not in spared:
                siblings = self.carriers.links(self.carriers.of(link))
                stand_ins += [(link, other) for other in siblings if other in able][:1]
        if not stand_ins:
            return Moved(frozenset(), more=False)  # the usual case needs no write lock
        moved: dict[str, int] = {}
        with self.store.transaction():
            for link, other in stand_ins:
                if count := self.store.move_to_link(link, other, now):
                    moved[other] = max(count, moved.get(other, 0))
                    log.warning("outbox link=%s cannot send: %d texts go by %s", link, count, other)
        return Moved(frozenset(moved), more=STEP in moved.values())

    def probe(self, now: datetime) -> None:
        """Write something of no importance.

        Raises:
            StoreUnavailable: the store takes nothing now.
        """
        with self.store.transaction():
            self.store.set_fact("probed_at", str(stamp(now)))

    def _way(self, link: str) -> str:
        """*link*, or one of its carrier where it is no longer configured.

        Where there is none either, what it should carry waits under its name.
        """
        if link in self._links:
            return link
        return next(iter(self.carriers.links(self.carriers.of(link))), link)

    # --- a batch ------------------------------------------------------------------------------

    def commit(self, batch: Batch, now: datetime) -> Done:
        """Decide and store *batch*, in one transaction.

        A batch that fails is done again message by message, so that one bad message does not
        take the others with it.

        Raises:
            StoreLost: end the process without an answer.
        """
        try:
            return self._commit(batch, now)
        except StoreLost:
            raise
        except StoreUnavailable as error:
            log.error("store: %s", error)
            self._forget_counts()
            return Done.later(batch, str(error))
        except Exception as error:
            self._forget_counts()
            if len(batch) == 1:
                # The type alone: the message may hold what the citizen wrote.
                log.error("batch: one message cannot be stored (%s)", type(error).__name__)
                return Done.later(batch)
            done = Done()
            for single in batch.singles(done):
                done.add(self.commit(single, now))
            return done

    def _commit(self, batch: Batch, now: datetime) -> Done:
        done = Done()
        store = self.store
        counts: dict[str, list[int]] = {}
        intake = None
        with self._supply(batch.registrations) as supply, store.transaction():
            deliveries = Deliveries(self, now, done)
            if batch.results:
                self._settle(batch.results, deliveries, now, done, counts)
            read = self._take_receipts(batch.receipts, deliveries, now, done)
            if batch.mos:
                changes = Changes()
                intake = Intake(self, batch.room, now, changes, done, supply)
                intake.take(batch.mos)
                store.write(changes)
                done.passwords_given = supply.given
                # What waits for its turn is counted when that comes.
                read += [
                    mo.link
                    for mo, answer in zip(batch.mos, done.answers, strict=True)
                    if answer is Answer.OK
                ]
            for link in set(read):
                counts.setdefault(link, [0, 0])[0] = read.count(link)
            for link, (mo, mt) in counts.items():
                store.count_on_link(link, mo, mt)
        if intake:
            intake.committed()
        return done

    # --- limits -------------------------------------------------------------------------------

    def ceiling(self, now: datetime) -> Ceiling | None:
        """What was answered in the last hour, where there is a limit for all together."""
        limit = self.settings.limits.replies_per_hour
        if limit and self._ceiling is None:
            self._ceiling = Ceiling(limit, self.store.count_answers(now - timedelta(hours=1)))
        return self._ceiling

    def at_ceiling(self, ceiling: Ceiling, now: datetime) -> bool:
        """No more is answered now; say so where commands read it, inside a transaction.

        Returns:
            Whether this has begun just now.
        """
        at = stamp(now)
        shown = _CEILING_SHOWN // timedelta(microseconds=1)
        until = max(ceiling.more_at(at), at + shown)
        begins = at > self._ceiling_told + shown
        if until > self._ceiling_told + _CEILING_TOLD // timedelta(microseconds=1):
            self._ceiling_told = until
            self.store.set_fact(CEILING_FACT, str(until))
        return begins

    def _forget_counts(self) -> None:
        """Nobody knows what was committed: what was counted is counted again."""
        self.heavy_senders.forget()
        self._ceiling, self._ceiling_told = None, 0

    @contextmanager
    def _supply(self, most: int | None = None) -> Iterator[Supply]:
        """At most *most* passwords for what is inside; a store in trouble, or a text that cannot
        be stored, must not use up what was hashed ahead."""
        supply, stored = Supply(self.issuer, most), False
        try:
            yield supply
            stored = True
        except StoreMoved:
            stored = True  # a file that comes back may yet tell them
            raise
        finally:
            supply.close(stored=stored)

    # --- submits -----------------------------------------------------------------

    def _settle(
        self,
        results: Sequence[tuple[str, SubmitResult]],
        deliveries: Deliveries,
        now: datetime,
        done: Done,
        counts: dict[str, list[int]],
    ) -> None:
        store = self.store
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
                        deliveries.refused(mt_id)
                    log.warning("mt %d link=%s refused: %s", mt_id, link, reason)
                case _:
                    assert_never(result)
        for link, texts in taken.items():
            store.taken(texts, now)
            counts.setdefault(link, [0, 0])[1] += len(texts)
        if taken and store.any_early_receipt():
            for link, texts in taken.items():
                deliveries.taken(link, texts)
        if again:
            for mt_id, tries, unanswered in store.tries(again):
                link, failed = again[mt_id]
                self._try_again(link, failed, tries, unanswered, now, done)

    def _try_again(
        self,
        link: str,
        failed: Postponed | Unanswered,
        tries: int,
        unanswered: int,
        now: datetime,
        done: Done,
    ) -> None:
        """Say when a text that was not taken leaves again, if at all by itself."""
        delay = min(_FIRST_DELAY * 2 ** min(tries - 1, 20), _LONGEST_DELAY)
        if isinstance(failed, Postponed):
            if failed.throttled or failed.barred:  # not the fault of this text
                delay = _BARRED_DELAY if failed.barred else _THROTTLED_DELAY
                tries = max(tries - 1, 0)
        elif not failed.link_lost:
            # A slow SMSC may have it, and its answer still counts: sent again too soon, the citizen
            # would read it twice.
            delay = max(delay, _LATE_ANSWERS * self._patience.get(link, delay))
            unanswered += 1
            if unanswered >= MOST_UNANSWERED:
                self._hold(link, failed, tries, unanswered)
                return
        due = now + delay
        self.store.postpone(failed.mt_id, due, tries, unanswered, failed.reason)
        done.falls_due(link, due)

    def _hold(self, link: str, failed: Unanswered, tries: int, unanswered: int) -> None:
        """Send a text no more by itself: the citizen may have read it each time."""
        reason = (
            f"held: the SMSC did not answer {unanswered} tries ({failed.reason}); "
            "`smsgw outbox retry` or a new bind of the link sends it"
        )
        self.store.postpone(failed.mt_id, None, tries, unanswered, reason)
        log.error("mt %d link=%s held: %d tries without an answer", failed.mt_id, link, unanswered)

    def _take_receipts(
        self, receipts: Sequence[Receipt], deliveries: Deliveries, now: datetime, done: Done
    ) -> list[str]:
        """Settle what *receipts* are about; the links that brought texts which are none."""
        if not receipts:
            return []
        done.receipts += [Answer.OK] * len(receipts)
        texts = deliveries.take(receipts)
        if texts:
            changes = Changes()
            Intake(self, {}, now, changes, done, Supply(self.issuer, 0)).keep_receipts(texts)
            self.store.write(changes)
        return [mo.link for mo in texts]

    # --- the outbox ---------------------------------------------------------------------------

    def claim(self, link: str, room: int, now: datetime, room_in_all: int | None = None) -> Claim:
        """Lease due texts of *link*: at most *room* replies, then reminders in their hours.

        Args:
            room_in_all: so many texts are not exceeded by reminders; None: *room*.
        """
        store = self.store
        mts: list[Mt] = []
        with store.transaction():
            allowed = self._reminders_may_leave(now)
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
            store.lease([mt.id for mt in mts], now + self.lease)
            next_due = reply_due = self._next_due(link, now, reminder=False)
            reminder_due = self._next_due(link, now, reminder=True)
        if reminder_due is not None:
            if not self._reminders_may_leave(max(reminder_due, now)):
                reminder_due = self._reminders_start(max(reminder_due, now))
            next_due = min(next_due or reminder_due, reminder_due)
        return Claim(mts, next_due, reply_due)

    def _compose_again(
        self, row: ClaimedRow, link: str, reminder: bool, now: datetime
    ) -> Mt | None:
        """The text of *row*, unless it is never to leave."""
        store, at, since = self.store, stamp(now), row.since
        if at - since >= _GIVE_UP_MICROSECONDS:
            store.give_up(row.id, now)
            log.warning("mt %d link=%s given up after 24 hours", row.id, link)
            return None
        if row.lapses is not None and row.lapses <= at:
            store.cancel(row.id, "its password has lapsed", now)
            log.warning("mt %d link=%s cancelled: its password has lapsed", row.id, link)
            return None
        if since > at + _CLOCK_SLACK // timedelta(microseconds=1):
            store.begin_day([row.id], now)
            since = at
        try:
            password = self._unseal(row.id, row.sealed) if row.sealed else ""
        except (KeyUnknown, SealBroken) as error:
            store.fail(row.id, str(error), now)
            log.error("mt %d link=%s: %s", row.id, link, error)
            return None
        text = row.wording.format(row.cmnd, password)
        valid_until = unstamp(row.lapses or since + _GIVE_UP_MICROSECONDS)
        return Mt(row.id, link, row.to, text, reminder, valid_until)

    def _next_due(self, link: str, now: datetime, *, reminder: bool) -> datetime | None:
        """When the next text of *link* falls due."""
        first, last = self.store.due_times(link, reminder=reminder)
        latest = now + self._longest_delay + _CLOCK_SLACK
        if last is None or last <= latest:
            return first
        count = self.store.set_back_due(link, latest, now, reminder=reminder)
        log.warning(
            "the clock was set back: %d texts of link=%s were due until %s, and are now",
            count, link, last.isoformat(timespec="seconds"),
        )  # fmt: skip
        return now

    def _reminders_may_leave(self, now: datetime) -> bool:
        return self.settings.registration.reminder_hours.allows(now.astimezone(self.zone))

    def _reminders_start(self, now: datetime) -> datetime:
        hours = self.settings.registration.reminder_hours
        return hours.next_start(now.astimezone(self.zone))

    def compose(
        self,
        changes: Changes,
        mt_id: int,
        reply: Reply,
        to: Address,
        who: int,
        link: str,
        at: int,
        due: int,
        leased: int,
        mo_id: int | None,
        account_id: int | None,
        cmnd: str,
        issued: Issued | None,
    ) -> Mt:
        """Add a text of ours to *changes*; what it says, for where it leaves at once."""
        template = self._templates[reply]
        wording = self.store.wording(reply, template)
        if issued is None:
            password, sealed, worth = "", None, _GIVE_UP_MICROSECONDS
        else:
            password, worth = issued.password, self.ttl
            if self.store.transactions != self._turned:
                self._turn(at)
            sealed = bytearray(self._vault.seal(mt_id, password))
        reminder = reply is _REMINDER
        number, ton, npi = to
        changes.mts.append(
            rows.mt(
                mt_id, at, who, link, wording, mo_id, account_id, 1 if reminder else 0, due,
                leased, number, ton, npi, sealed,
            )
        )  # fmt: skip
        text = template.format(cmnd, password)
        return from_tuple(Mt, (mt_id, link, to, text, reminder, _moment(at + worth)))

    # --- seals --------------------------------------------------------------------------------

    def _turn(self, at: int) -> None:
        """Have a data key that is young enough, on the disk before what is sealed with it."""
        try:
            self._vault.turn(at)
        except KeyFault as fault:
            raise StoreUnavailable(fault.problem, fault.remedy) from fault
        self._turned = self.store.transactions

    def _unseal(self, mt_id: int, sealed: bytes) -> str:
        try:
            try:
                return self._vault.unseal(mt_id, sealed)
            except KeyUnknown:
                # The database may have been replaced by a copy, which brings its keys.
                if not self._adopt_data_keys():
                    raise
                return self._vault.unseal(mt_id, sealed)
        except KeyFault as fault:  # not this text's, and it may pass
            raise StoreUnavailable(fault.problem, fault.remedy) from fault

    def _adopt_data_keys(self) -> bool:
        """Take the data keys of a copy out of it, and seal all with today's secret key; whether
        there were some."""
        found = [DataKey(*row) for row in self.store.data_keys()]
        self._vault.adopt(found)
        if found:
            self.store.forget_data_keys()  # the file is on the disk, and has them
            self._traces = True
        return bool(found)

    def renew_seals(self, now: datetime) -> bool:
        """One step of the walk that lets data keys die; true: there is more to do.

        Raises:
            StoreUnavailable, KeyFault: nothing was done.
        """
        if self._walk.step(now):
            return True
        self._traces = self._traces and not self.store.truncate_log()
        return False

    def end_seals(self, now: datetime) -> None:
        """Nothing is sealed any more for a while: keep the keys of what waits, and no other.

        Raises:
            StoreUnavailable, KeyFault: they stay until the next start.
        """
        self._vault.retire_texts(stamp(now))
        for _ in range(2):  # the first walk may find that what waits needs another key
            while self._walk.step(now):
                pass

    # --- expiry -------------------------------------------------------------------------------

    def expire(self, now: datetime, limit: int = 500, by: By | None = None) -> Expired:
        """Replace at most *limit* issued passwords that have lapsed, each with a reminder.

        What is due is read from the accounts, not from what an earlier pass did: a restart
        neither skips nor doubles anyone, and a month's stop gives one reminder, not ten.

        Args:
            by: who asked for it at the command line, and why.
        """
        store = self.store
        self._set_back_expiries(now)
        if not self._reminders_may_leave(now):
            return Expired(0, 0, False, frozenset(), waiting=store.count_due_accounts(now))
        expected = store.count_due_accounts(now, limit)
        if not expected:
            return Expired(0, 0, False, frozenset())  # the usual case needs no write lock
        with self._supply(expected) as supply:
            supply.fetch(expected)  # may hash, which must not hold up other writers
            return self._expire(now, limit, supply, by)

    def _expire(self, now: datetime, limit: int, supply: Supply, by: By | None) -> Expired:
        store, rules = self.store, self.settings.registration
        countries = self.settings.limits.countries
        actor, reason = by or (None, None)
        with store.transaction():
            self._check_key()
            due = store.due_accounts(now, limit)
            last: list[tuple[AccountRow, type[machine.Event], str | None]] = []
            lapsed: list[AccountRow] = []
            for row in due:
                if why := phone.may_be_texted(row.account.phone, countries):
                    barred = f"no reminder may go to this number ({why})"
                    last.append((row, machine.Undeliverable, barred))
                elif machine.lapse(row.account.reminders, rules.max_reminders) is machine.Lapse:
                    lapsed.append(row)
                else:
                    last.append((row, machine.LastLapse, None))
            changes = Changes()
            _, _, mt_id = store.last_ids()
            for row in lapsed:
                issued = supply.draw()
                if issued is None:
                    break
                mt_id += 1
                reminders = row.account.reminders + 1
                self._issue(
                    changes, row, machine.Lapse, issued, mt_id, now,
                    reminders=reminders, actor=actor, reason=reason,
                )  # fmt: skip
            for row, event, told in last:
                self.supersede(row, now)
                to = machine.step(row.account.state, event).to
                changes.history.append(history_row(row, event, to, now, actor, told or reason))
            store.delete_passwords(row.account.id for row, _, _ in last)
            store.write(changes)
            replaced = supply.given
            if by:
                done = f"replaced={replaced} ended={len(last)}"
                self._audit(by.who, "expire", None, with_reason(done, by.reason), now)
        if replaced or last:
            log.info("expiry replaced=%d ended=%d", replaced, len(last))
        return Expired(
            replaced,
            len(last),
            len(due) == limit and replaced == len(lapsed),
            frozenset(self._way(row.account.link) for row in lapsed[:replaced]),
            short=len(lapsed) - replaced,
        )

    def _set_back_expiries(self, now: datetime) -> None:
        """Let no password live longer than any can: a wrong clock would have said until when."""
        expires = now + timedelta(microseconds=self.ttl)
        latest = expires + _CLOCK_SLACK
        last = self.store.last_expiry()
        if last is None or last <= latest:
            return
        with self.store.transaction():
            count = self.store.set_back_expiries(latest, expires)
        log.warning(
            "the clock was set back: %d passwords were to lapse until %s, and lapse at %s",
            count, last.isoformat(timespec="seconds"), expires.isoformat(timespec="seconds"),
        )  # fmt: skip

    def _issue(
        self,
        changes: Changes,
        row: AccountRow,
        event: type[machine.Event],
        issued: Issued,
        mt_id: int,
        now: datetime,
        *,
        reminders: int,
        actor: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Replace an account's password and text the new one to its phone."""
        self.supersede(row, now)
        step = machine.step(row.account.state, event)
        assert step.reply is not None  # noqa: S101 - the table's own rule: a new password is told
        at, account = stamp(now), row.account
        self.compose(
            changes, mt_id, step.reply, row.address, row.subscriber_id,
            self._way(account.link), at, at, 0, None, account.id, account.cmnd, issued,
        )  # fmt: skip
        expires = at + self.ttl
        changes.passwords.append(
            rows.password(account.id, step.to, issued.hash, mt_id, at, expires, reminders)
        )
        changes.history.append(history_row(row, event, step.to, now, actor, reason))

    def supersede(
        self, row: AccountRow, now: datetime, why: str = "its password was replaced"
    ) -> None:
        """A text that still waits must not tell a password that is no more, nor keep it."""
        if row.password_mt_id is not None:
            self.store.supersede(row.password_mt_id, why, now)

    def _check_key(self) -> None:
        """Refuse to seal what the daemon could not open.

        Raises:
            SmsgwError: the daemon seals with another key than we have.
        """
        known = self.store.fact("key_id")
        if known is not None and known != str(self._vault.key_id):
            raise SmsgwError(
                "this is not the secret key that the daemon uses",
                "set gateway.secret_key_file, or CREDENTIALS_DIRECTORY, as the service has it",
            )

    # --- housekeeping -------------------------------------------------------------------------

    def tidy(self, now: datetime) -> Done:
        """End some of what has waited long enough; call it again while there is `more`.

        Long texts that lack a part after ten minutes are answered as what they are; leases that
        are over end; what has waited for a day has failed; parts of texts that were decided on,
        receipts of nobody and reservations are forgotten.
        """
        done, changes = Done(), Changes()
        store = self.store
        incomplete = store.incomplete(now - PARTS_LIMIT, _TIDY_TEXTS)
        intake = None
        try:
            with store.transaction():
                if incomplete:
                    intake = Intake(self, {}, now, changes, done, Supply(self.issuer, 0))
                    intake.give_up(incomplete)
                    store.write(changes)
                self._end_waits(now, done)
                old = store.purge_parts(now - 2 * RETRANSMISSION_WINDOW, _TIDY_PARTS)
                store.purge_early_receipts(now - _EARLY_RECEIPT_LIMIT)
                store.purge_reservations(now)
        except StoreUnavailable:
            self._forget_counts()
            raise
        if intake:
            intake.committed()
        done.more = len(incomplete) == _TIDY_TEXTS or old == _TIDY_PARTS
        return done

    def _end_waits(self, now: datetime, done: Done) -> None:
        """Leases that are over, texts that have waited for a day, and times of a wrong clock."""
        store = self.store
        ends = now + self.lease
        links, set_back = store.end_leases(now, ends + _CLOCK_SLACK, ends)
        for link in links:
            done.falls_due(link, now)
        if set_back:
            log.warning("the clock was set back: so were %d leases", set_back)
        for mt_id, link in store.give_up_old(now - GIVE_UP_AFTER, now):
            log.warning("mt %d link=%s given up after 24 hours", mt_id, link)
        if count := store.set_back_parts(now + _CLOCK_SLACK, now):
            log.warning("the clock was set back: so was the arrival of %d parts", count)

    def purge(self, now: datetime, told: Callable[[int, int], None] | None = None) -> Purged:
        """Remove some of what the retention rules say; call it again while there is `more`.

        Args:
            told: called with what went (messages, accounts), in the same transaction.
        """
        rules, store = self.settings.retention, self.store
        with store.transaction():
            messages = store.purge_messages(now - rules.messages, _PURGE_STEP)
            accounts = store.purge_accounts(now - rules.closed_accounts, _PURGE_STEP)
            noted = store.purge_audit(now - rules.audit, _PURGE_STEP)
            if told:
                told(messages, accounts)
        more = bool(messages or accounts or noted)
        if not more:
            store.truncate_log()  # what was removed does not stay in it either
        return Purged(messages, accounts, more)

    # --- the audit ----------------------------------------------------------------------------

    def _audit(
        self, who: str, command: str, number: str | None, detail: str | None, now: datetime
    ) -> int:
        """Add a line to the audit, in the transaction of what it tells; its id.

        Args:
            number: the CMND or phone that it is about, which is masked.
            detail: long numbers in it are masked, too.
        """
        account = masked(number) if number else None
        return self.store.note(now, who, command, account, redact(detail or ""))


def with_reason(what: str, reason: str | None) -> str:
    return f"{what}: {reason}" if reason else what


class _Salts(dict[str, int]):
    """What each link adds to the fingerprint of a text: links of one carrier add the same, so
    that the same octets by another carrier are another text."""

    def __init__(self, carriers: Carriers) -> None:
        self._carriers = carriers

    def __missing__(self, link: str) -> int:
        name = self._carriers.of(link).encode()
        salt = int.from_bytes(blake2b(name, digest_size=8).digest(), "big")
        self[link] = salt = salt & rows.FINGERPRINT_MASK
        return salt
