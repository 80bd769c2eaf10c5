"""The place that decides and stores: a text comes in, an account and a reply go to the disk.

Plain functions of what came and the time; each is one transaction, except where it says so. No
socket, no PDU, no event loop: the desk calls it from the store's thread, commands from their own
process. What has to leave at once is returned; everything else waits in the outbox.

Failures: `StoreUnavailable` (nothing happened, the SMSC is asked to try again) is answered here;
`StoreLost` (the disk cannot be trusted) goes up and ends the process.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple, assert_never

from smsgw import phone
from smsgw.clock import stamp
from smsgw.config import Settings
from smsgw.errors import SmsgwError
from smsgw.model import (
    AccountState,
    Address,
    Answer,
    Holder,
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
)
from smsgw.passwords import Issued, Issuer
from smsgw.registration import machine, syntax
from smsgw.registration.replies import Replies
from smsgw.smpp.alphabets import join
from smsgw.smpp.receipts import match_keys, normal_id
from smsgw.store import rows
from smsgw.store.rows import Changes, Row
from smsgw.store.store import (
    AccountRow,
    PartRow,
    Store,
    StoreLost,
    StoreUnavailable,
)
from smsgw.vault import Vault

log = logging.getLogger(__name__)

#: Within this time the same octets on another session are a retransmission.
RETRANSMISSION_WINDOW = timedelta(minutes=15)
#: A long text whose last part has not come by then is answered as a syntax error.
PARTS_LIMIT = timedelta(minutes=10)
#: A reply that no SMSC has taken by then has failed.
GIVE_UP_AFTER = timedelta(hours=24)
#: A receipt whose text is still unknown by then belongs to nobody.
_EARLY_RECEIPT_LIMIT = timedelta(hours=1)
_RESETS_PER_DAY = 3
_REGISTERED = machine.step(None, machine.Registration).to
_REGISTERED_WORD = _REGISTERED.value
_WORD = {outcome: outcome.value for outcome in Outcome}  # `.value` is slow, and a plain str
_FIRST_DELAY = timedelta(seconds=2)
_LONGEST_DELAY = timedelta(minutes=10)
_THROTTLED_DELAY = timedelta(seconds=1)
_PURGE_STEP = 500


@dataclass(slots=True)
class Batch:
    """Everything that came in since the last commit."""

    mos: Sequence[Mo] = ()
    receipts: Sequence[Receipt] = ()
    results: Sequence[tuple[str, SubmitResult]] = ()  #: with the name of the link
    #: How many replies each link can hold in memory; more than that wait in the outbox.
    room: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.mos) + len(self.receipts) + len(self.results)

    def singles(self) -> "Iterable[Batch]":
        """The same, each message by itself; settlements first, as in the whole."""
        for result in self.results:
            yield Batch(results=(result,))
        for receipt in self.receipts:
            yield Batch(receipts=(receipt,))
        for mo in self.mos:
            yield Batch(mos=(mo,), room=self.room)


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
    passwords_wanted: int = 0  #: registrations that wait for the hashers
    trouble: str | None = None  #: why the store did not take it

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
        self.passwords_wanted += other.passwords_wanted
        self.trouble = other.trouble or self.trouble

    def falls_due(self, link: str, at: datetime) -> None:
        known = self.due.get(link)
        if known is None or at < known:
            self.due[link] = at


class Claim(NamedTuple):
    mts: list[Mt]  #: leased, replies before reminders
    next_due: datetime | None  #: when the next one falls due


class Expired(NamedTuple):
    """What one expiry pass did."""

    replaced: int  #: passwords replaced, each with its reminder
    ended: int  #: passwords deleted and not replaced, after the last reminder
    more: bool  #: others are due
    links: frozenset[str]  #: links that have reminders to send
    waiting: int = 0  #: due, but outside the reminder hours
    short: int = 0  #: due, but the stock had no password for them


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
    """

    def __init__(self, store: Store, settings: Settings, vault: Vault, issuer: Issuer) -> None:
        self._store = store
        self._settings = settings
        self._vault = vault
        self._issuer = issuer
        self._replies = Replies(settings.messages)
        self._region = settings.gateway.region
        self._zone = settings.gateway.timezone
        self._links = tuple(link.name for link in settings.smsc)
        self._ttl = settings.registration.password_ttl // timedelta(microseconds=1)
        longest = max((link.response_timeout for link in settings.smsc), default=timedelta(0))
        self._lease = timedelta(seconds=60) + longest

    # --- the daemon takes over ----------------------------------------------------------------

    def start(self, now: datetime) -> None:
        """Take over from a daemon that ended or died: its leases end, its links are forgotten."""
        store = self._store
        with store.transaction():
            store.set_fact("key_id", str(self._vault.key_id))
            store.end_all_leases(now)
            for name in self._links:
                store.set_link(name, LinkState.CONNECTING, None, now)
            for status in store.links():
                if status.name not in self._links:
                    store.forget_link(status.name)
            for gone in store.links_in_outbox():
                if gone not in self._links:
                    carrier = self._carrier(gone)
                    moved = store.move_to_link(gone, carrier)
                    log.warning(
                        "outbox link=%s is not configured, %d go by %s", gone, moved, carrier
                    )

    def link_changed(self, name: str, state: LinkState, reason: str | None, now: datetime) -> None:
        """Keep the state of a link where commands can read it."""
        with self._store.transaction():
            self._store.set_link(name, state, reason, now)

    def _carrier(self, link: str) -> str:
        """*link*, or the first one where it is no longer configured."""
        return link if link in self._links or not self._links else self._links[0]

    # --- a batch ------------------------------------------------------------------------------

    def commit(self, batch: Batch, now: datetime) -> Done:
        """Decide and store *batch*, in one transaction.

        A batch that fails is done again message by message, so that one bad message does not
        take the others with it.

        Raises:
            StoreLost: end the process without an answer.
        """
        started = monotonic()
        try:
            done = self._commit(batch, now)
        except StoreLost:
            raise
        except StoreUnavailable as error:
            log.error("store: %s", error)
            return Done.later(batch, str(error))
        except Exception as error:
            if len(batch) == 1:
                # The type alone: the message may hold what the citizen wrote.
                log.error("batch: one message cannot be stored (%s)", type(error).__name__)
                return Done.later(batch)
            done = Done()
            for single in batch.singles():
                done.add(self.commit(single, now))
            return done
        if done.outcomes:
            log.info(
                "mo %s ms=%d",
                " ".join(f"{outcome}={count}" for outcome, count in done.outcomes.items()),
                (monotonic() - started) * 1000,
            )
        return done

    def _commit(self, batch: Batch, now: datetime) -> Done:
        done = Done()
        store = self._store
        counts: dict[str, list[int]] = {}
        with store.transaction():
            if batch.results:
                self._settle(batch.results, now, done, counts)
            for receipt in batch.receipts:
                self._take_receipt(receipt, now)
                done.receipts.append(Answer.OK)
            if batch.mos:
                changes = Changes()
                Intake(self, batch.room, now, changes, done).take(batch.mos)
                store.write(changes)
                # What waits for its turn is counted when that comes.
                read = zip(batch.mos, done.answers, strict=True)
                for link, count in Counter(mo.link for mo, answer in read if answer).items():
                    counts.setdefault(link, [0, 0])[0] = count
            for link, (mo, mt) in counts.items():
                store.count_on_link(link, mo, mt)
        return done

    # --- submits and receipts -----------------------------------------------------------------

    def _settle(
        self,
        results: Sequence[tuple[str, SubmitResult]],
        now: datetime,
        done: Done,
        counts: dict[str, list[int]],
    ) -> None:
        store = self._store
        taken: dict[str, list[tuple[int, str]]] = {}
        again: dict[int, tuple[str, Postponed | Unanswered]] = {}
        for link, result in results:
            match result:
                case Taken(mt_id, smsc_id):
                    taken.setdefault(link, []).append((mt_id, normal_id(smsc_id)))
                case Postponed() | Unanswered():
                    again[result.mt_id] = link, result
                case Refused(mt_id, reason):
                    store.fail(mt_id, reason)
                    log.warning("mt %d link=%s refused: %s", mt_id, link, reason)
                case _:
                    assert_never(result)
        for link, texts in taken.items():
            store.taken(link, texts, now)
            counts.setdefault(link, [0, 0])[1] += len(texts)
        if taken and store.any_early_receipt():
            for link, texts in taken.items():
                self._match_early_receipts(link, texts, now)
        if again:
            for mt_id, tries in store.tries(again):
                link, failed = again[mt_id]
                if isinstance(failed, Postponed) and failed.throttled:
                    due, tries = now + _THROTTLED_DELAY, max(tries - 1, 0)
                else:
                    due = now + min(_FIRST_DELAY * 2 ** min(tries - 1, 20), _LONGEST_DELAY)
                store.postpone(mt_id, due, tries, failed.reason)
                done.falls_due(link, due)

    def _take_receipt(self, receipt: Receipt, now: datetime) -> None:
        if receipt.state is None:
            return  # on its way still; the last word comes later
        store = self._store
        key = match_keys(receipt.smsc_id)
        number = phone.normalise(receipt.phone, self._region) or receipt.phone.number
        found = store.awaiting_receipt(receipt.link, (key.normal, *key.others))
        best = _best_match(key.normal, number, found)
        if best is None:
            store.park_receipt(receipt.link, key.normal, number, receipt.state, receipt.reason, now)
        else:
            store.settle_sent(best, receipt.state, receipt.reason, now)

    def _match_early_receipts(
        self, link: str, texts: Sequence[tuple[int, str]], now: datetime
    ) -> None:
        store = self._store
        for mt_id, smsc_id in texts:
            key = match_keys(smsc_id)
            for row, number, state, reason in store.early_receipts(link, (key.normal, *key.others)):
                if number == store.phone_of(mt_id) or not number.startswith("+"):
                    store.settle_sent(mt_id, state, reason, now)
                    store.forget_early_receipt(row)
                    break

    # --- the outbox ---------------------------------------------------------------------------

    def claim(self, link: str, room: int, now: datetime) -> Claim:
        """Lease at most *room* due texts of *link*: replies, then reminders in their hours."""
        store = self._store
        mts: list[Mt] = []
        with store.transaction():
            allowed = self._reminders_may_leave(now)
            for reminder in (False, True):
                if reminder and not allowed:
                    continue
                for row in store.due(link, reminder=reminder, room=room - len(mts), now=now):
                    if stamp(now) - row.created_at >= GIVE_UP_AFTER // timedelta(microseconds=1):
                        store.give_up(row.id)
                        log.warning("mt %d link=%s given up after 24 hours", row.id, link)
                        continue
                    try:
                        password = self._vault.unseal(row.id, row.sealed) if row.sealed else ""
                    except SmsgwError as error:
                        store.fail(row.id, str(error))
                        log.error("mt %d link=%s: %s", row.id, link, error)
                        continue
                    text = row.wording.format(row.cmnd, password)
                    mts.append(Mt(row.id, link, row.to, text, reminder))
            store.lease([mt.id for mt in mts], now + self._lease)
            next_due = store.next_due(link, reminder=False)
            reminder_due = store.next_due(link, reminder=True)
        if reminder_due is not None:
            if not self._reminders_may_leave(max(reminder_due, now)):
                reminder_due = self._reminders_start(max(reminder_due, now))
            next_due = min(next_due or reminder_due, reminder_due)
        return Claim(mts, next_due)

    def _reminders_may_leave(self, now: datetime) -> bool:
        return self._settings.registration.reminder_hours.allows(now.astimezone(self._zone))

    def _reminders_start(self, now: datetime) -> datetime:
        hours = self._settings.registration.reminder_hours
        return hours.next_start(now.astimezone(self._zone))

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
        template = self._replies.template(reply)
        wording = self._store.wording(reply, template)
        if issued is None:
            password, sealed = "", None
        else:
            password = issued.password
            sealed = bytearray(self._vault.seal(mt_id, password))
        reminder = reply is Reply.REMINDER
        number, ton, npi = to
        changes.mts.append(rows.mt(mt_id, at, who, link, wording, mo_id, account_id))
        changes.replies.append(
            rows.reply(mt_id, link, 1 if reminder else 0, due, leased, number, ton, npi, sealed)
        )
        return Mt(mt_id, link, to, template.format(cmnd, password), reminder)

    # --- expiry -------------------------------------------------------------------------------

    def expire(self, now: datetime, limit: int = 500) -> Expired:
        """Replace at most *limit* issued passwords that have lapsed, each with a reminder.

        What is due is read from the accounts, not from what an earlier pass did: a restart
        neither skips nor doubles anyone, and a month's stop gives one reminder, not ten.
        """
        store, rules = self._store, self._settings.registration
        if not self._reminders_may_leave(now):
            return Expired(0, 0, False, frozenset(), waiting=store.count_due_accounts(now))
        expected = len(store.due_accounts(now, limit))
        if not expected:
            return Expired(0, 0, False, frozenset())  # the usual case needs no write lock
        issued = self._issuer.take(expected)  # may hash, which must not hold up other writers
        with store.transaction():
            self._check_key()
            due = store.due_accounts(now, limit)
            last: list[AccountRow] = []
            lapsed: list[AccountRow] = []
            for row in due:
                event = machine.lapse(row.account.reminders, rules.max_reminders)
                (lapsed if event is machine.Lapse else last).append(row)
            changes = Changes()
            _, _, mt_id = store.last_ids()
            for row, password in zip(lapsed, issued, strict=False):
                mt_id += 1
                reminders = row.account.reminders + 1
                self._issue(changes, row, machine.Lapse, password, mt_id, now, reminders=reminders)
            for row in last:
                self._supersede(row)
                step = machine.step(row.account.state, machine.LastLapse)
                changes.history.append(history_row(row, machine.LastLapse, step.to, now))
            store.delete_passwords(row.account.id for row in last)
            store.write(changes)
        self._issuer.give_back(issued[len(lapsed) :])
        issued = issued[: len(lapsed)]
        if issued or last:
            log.info("expiry replaced=%d ended=%d", len(issued), len(last))
        return Expired(
            len(issued),
            len(last),
            len(due) == limit and len(issued) == len(lapsed),
            frozenset(self._carrier(row.account.link) for row in lapsed[: len(issued)]),
            short=len(lapsed) - len(issued),
        )

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
    ) -> None:
        """Replace an account's password and text the new one to its phone."""
        self._supersede(row)
        step = machine.step(row.account.state, event)
        assert step.reply is not None  # noqa: S101 - the table's own rule: a new password is told
        at, account = stamp(now), row.account
        self.compose(
            changes, mt_id, step.reply, row.address, row.subscriber_id,
            self._carrier(account.link), at, at, 0, None, account.id, account.cmnd, issued,
        )  # fmt: skip
        expires = at + self._ttl
        changes.passwords.append(
            rows.password(account.id, step.to, issued.hash, mt_id, at, expires, reminders)
        )
        changes.history.append(history_row(row, event, step.to, now, actor))

    def _supersede(self, row: AccountRow) -> None:
        """A text that still waits must not tell a password that is no more."""
        if row.password_mt_id is not None:
            self._store.cancel(row.password_mt_id, "its password was replaced")

    def _check_key(self) -> None:
        """Refuse to seal what the daemon could not open.

        Raises:
            SmsgwError: the daemon seals with another key than we have.
        """
        known = self._store.fact("key_id")
        if known is not None and known != str(self._vault.key_id):
            raise SmsgwError(
                "this is not the secret key that the daemon uses",
                "set gateway.secret_key_file, or CREDENTIALS_DIRECTORY, as the service has it",
            )

    # --- housekeeping -------------------------------------------------------------------------

    def tidy(self, now: datetime) -> Done:
        """End what has waited long enough.

        Long texts that lack a part after ten minutes are answered as what they are; leases that
        are over end; old parts and receipts of nobody are forgotten.
        """
        done, changes = Done(), Changes()
        store = self._store
        incomplete = store.incomplete(now - PARTS_LIMIT)
        with store.transaction():
            if incomplete:
                Intake(self, {}, now, changes, done).give_up(incomplete)
                store.write(changes)
            for link in store.end_leases(now):
                done.falls_due(link, now)
            store.purge_parts(now - 2 * RETRANSMISSION_WINDOW)
            store.purge_early_receipts(now - _EARLY_RECEIPT_LIMIT)
        return done

    def purge(self, now: datetime) -> Purged:
        """Remove some of what the retention rules say; call it again while there is `more`."""
        rules, store = self._settings.retention, self._store
        with store.transaction():
            messages = store.purge_messages(now - rules.messages, _PURGE_STEP)
            accounts = store.purge_accounts(now - rules.closed_accounts, _PURGE_STEP)
        if not messages and not accounts:
            store.truncate_log()  # what was removed does not stay in it either
        return Purged(messages, accounts, bool(messages or accounts))


class Intake:
    """The MOs of one batch: what the store knows of them, the decision on each, the rows of all.

    Lives inside one transaction. Several texts of a batch may concern one phone or CMND, so what
    was decided for the first is what the second finds.
    """

    def __init__(
        self,
        gateway: Gateway,
        room: Mapping[str, int],
        now: datetime,
        changes: Changes,
        done: Done,
    ) -> None:
        self._gateway = gateway
        self._store = gateway._store
        self._settings = gateway._settings
        self._room = dict(room)
        self._now = now
        self._at = stamp(now)
        self._leased_until = stamp(now + gateway._lease)
        self._expires = self._at + gateway._ttl
        self._today = now.astimezone(gateway._zone).date()
        self._changes = changes
        self._done = done
        self._limit = gateway._settings.limits.replies_per_phone_per_hour
        self._repeat = gateway._settings.registration.repeat
        self._next_subscriber, self._next_account, self._next_message = self._store.last_ids()
        self._subscribers: dict[str, int] = {}
        #: Which session brought the last text of a sender with the same octets.
        self._twins: dict[tuple[int, int], int] = {}
        self._answered: dict[int, int] = {}
        self._by_cmnd: dict[str, Holder] = {}
        self._by_phone: dict[int, Holder] = {}
        self._touched: set[int] = set()  # accounts whose password this batch changes
        self._issued: list[Issued] = []

    def take(self, mos: Sequence[Mo]) -> None:
        """Decide on all of *mos*, in their order; one entry in `done.answers` for each."""
        region = self._gateway._region
        numbers = [phone.normalise(mo.sender, region) for mo in mos]
        self._know_senders(
            [number or mo.sender.number for number, mo in zip(numbers, mos, strict=True)], mos
        )
        texts: list[Mo | None] = list(mos)
        for index, (mo, number) in enumerate(zip(mos, numbers, strict=True)):
            if mo.part is not None and number is not None:
                texts[index] = self._join(self._subscribers[number], mo)
        strict = self._settings.registration.check_personal_number
        parsed = [
            None
            if mo is None or number is None
            else syntax.parse(mo.text, self._today, check_personal_number=strict)
            for mo, number in zip(texts, numbers, strict=True)
        ]
        self._know_holders(parsed)
        for mo, text, number, request in zip(mos, texts, numbers, parsed, strict=True):
            answer = Answer.OK if text is None else self._decide(text, number, request)
            if answer is None and mo.part is not None and number is not None:
                self._store.take_back_part(self._subscribers[number], mo.part)
            self._done.answers.append(answer)
        self._gateway._issuer.give_back(self._issued)

    def give_up(self, incomplete: Sequence[tuple[int, str, str]]) -> None:
        """Answer each long text (subscriber, phone, ref) as what it is: not a registration."""
        self._know_senders([number for _, number, _ in incomplete], ())
        for subscriber, number, ref in incomplete:
            rows = self._store.parts(subscriber, ref)
            self._store.mark_joined(subscriber, ref)
            whole = self._whole(rows)
            text = f"{whole.text or ''} [...]"  # what is there, for the hotline; never valid
            fault = syntax.parse(text, self._today)
            self._decide(whole._replace(text=text), number, fault)

    # --- what the store knows -----------------------------------------------------------------

    def _know_senders(self, numbers: Sequence[str], mos: Sequence[Mo]) -> None:
        store = self._store
        self._subscribers = store.subscribers(set(numbers))
        known = set(self._subscribers.values())
        if known:
            pairs = {
                (self._subscribers[number], mo.fingerprint)
                for number, mo in zip(numbers, mos, strict=False)
                if number in self._subscribers
            }
            since = self._now - RETRANSMISSION_WINDOW
            self._twins = store.twins(pairs, since)
            if self._limit:
                self._answered = store.count_replies(known, self._now - timedelta(hours=1))
            self._by_phone = store.holders_by_phone(known)
        for number in numbers:
            if number not in self._subscribers:
                self._next_subscriber += 1
                self._subscribers[number] = self._next_subscriber
                self._changes.subscribers.append(rows.subscriber(self._next_subscriber, number))

    def _know_holders(self, parsed: Sequence[syntax.Request | syntax.SyntaxFault | None]) -> None:
        cmnds = [request.cmnd for request in parsed if isinstance(request, syntax.Request)]
        if cmnds:
            self._by_cmnd = self._store.holders_by_cmnd(cmnds)
            wanted = sum(cmnd not in self._by_cmnd for cmnd in cmnds)
            self._issued = self._gateway._issuer.take(wanted)
            self._issued.reverse()  # popped from the end, so the oldest goes first

    # --- one text -----------------------------------------------------------------------------

    def _decide(
        self,
        mo: Mo,
        number: str | None,
        request: syntax.Request | syntax.SyntaxFault | None,
    ) -> Answer | None:
        if number is None or request is None:
            # A short code or a name: machines that answer machines must not loop.
            self._record(mo, self._subscribers[mo.sender.number], Outcome.IGNORED)
            return Answer.OK
        who = self._subscribers[number]
        twin = self._twins.get((who, mo.fingerprint))
        if twin is not None and (twin != mo.session or mo.unanswered_twin):
            self._record(mo, who, Outcome.RETRANSMISSION)
            return Answer.OK
        if self._limit and self._answered.get(who, 0) >= self._limit:
            self._record(mo, who, Outcome.IGNORED)
            return Answer.OK
        return self._answer(mo, who, request)

    def _answer(
        self, mo: Mo, who: int, request: syntax.Request | syntax.SyntaxFault
    ) -> Answer | None:
        by_phone = self._by_phone.get(who)
        by_cmnd = self._by_cmnd.get(request.cmnd) if type(request) is syntax.Request else None
        resets_left = 0
        if self._repeat is machine.Repeat.RESET and by_phone is not None and by_phone == by_cmnd:
            if by_phone.account_id in self._touched:
                return None  # this very batch gives it a password; its turn comes with the next
            used = self._store.count_resets(by_phone.account_id, self._now - timedelta(days=1))
            resets_left = _RESETS_PER_DAY - used
        decision = machine.decide(
            request,
            phone_holder=by_phone,
            cmnd_holder=by_cmnd,
            repeat=self._repeat,
            resets_left=resets_left,
        )
        issued, account_id, cmnd = None, None, ""
        if decision.event is not None:
            if not self._issued and not self._done.passwords_wanted:
                self._issued = self._gateway._issuer.take(1)
            if not self._issued:
                # All later ones wait as well, though the stock may have a password by now: the
                # same text sent again must not overtake the first.
                self._done.passwords_wanted += 1
                return None
            issued = self._issued.pop()
        mo_id = self._record(mo, who, decision.outcome)
        mt_id = self._next_message = mo_id + 1
        if issued is not None:
            assert type(request) is syntax.Request  # noqa: S101 - a fault changes no account
            cmnd = request.cmnd
            if decision.event is machine.Registration:
                account_id = self._register(mo, who, request, issued, mt_id)
            else:
                account_id = self._reset(decision, issued, mt_id)
        self._reply(mo, who, decision.reply, mo_id, mt_id, account_id, cmnd, issued)
        return Answer.OK

    def _record(self, mo: Mo, who: int, outcome: Outcome) -> int:
        self._next_message = id_ = self._next_message + 1
        fingerprint = mo.fingerprint
        self._changes.mos.append(
            rows.mo(
                id_, self._at, who, mo.link, mo.session, fingerprint, _WORD[outcome], mo.text
            )
        )  # fmt: skip
        if outcome is not Outcome.RETRANSMISSION:
            self._twins[who, fingerprint] = mo.session
        self._done.outcomes[outcome] += 1
        return id_

    def _register(
        self, mo: Mo, who: int, request: syntax.Request, issued: Issued, mt_id: int
    ) -> int:
        self._next_account = account_id = self._next_account + 1
        name, cmnd, birth_date = request
        number, ton, npi = mo.sender
        self._changes.accounts.append(
            rows.account(
                account_id, who, cmnd, name, birth_date.isoformat(), _REGISTERED_WORD, mo.link,
                number, ton, npi, issued.hash, mt_id, self._at, self._expires,
            )
        )  # fmt: skip
        self._changes.registered.append(
            rows.registered(account_id, self._at, machine.Registration.word, _REGISTERED_WORD)
        )
        self._by_phone[who] = self._by_cmnd[cmnd] = Holder(account_id, _REGISTERED, birth_date)
        self._touched.add(account_id)
        return account_id

    def _reset(self, decision: machine.Decision, issued: Issued, mt_id: int) -> int:
        account_id, event = decision.account_id, decision.event
        assert account_id is not None  # noqa: S101 - a reset is about an account that exists
        assert event is not None  # noqa: S101 - the caller asked
        row = self._store.account(account_id)
        self._gateway._supersede(row)
        state = machine.step(row.account.state, event).to
        self._changes.passwords.append(
            rows.password(account_id, state, issued.hash, mt_id, self._at, self._expires, 0)
        )
        self._changes.history.append(history_row(row, event, state, self._now))
        self._touched.add(account_id)
        return account_id

    def _reply(
        self,
        mo: Mo,
        who: int,
        reply: Reply,
        mo_id: int,
        mt_id: int,
        account_id: int | None,
        cmnd: str,
        issued: Issued | None,
    ) -> None:
        link = mo.link
        room = self._room.get(link, 0)
        due, leased = (self._leased_until, 1) if room > 0 else (self._at, 0)
        mt = self._gateway.compose(
            self._changes, mt_id, reply, mo.sender, who, link, self._at,
            due, leased, mo_id, account_id, cmnd, issued,
        )  # fmt: skip
        if self._limit:
            self._answered[who] = self._answered.get(who, 0) + 1
        if leased:
            self._room[link] = room - 1
            self._done.replies.append(mt)
        else:
            self._done.falls_due(link, self._now)

    # --- long texts ---------------------------------------------------------------------------

    def _join(self, who: int, mo: Mo) -> Mo | None:
        """The whole text when *mo* was its last part; None: the part is kept (or known)."""
        part = mo.part
        assert part is not None  # noqa: S101 - the caller asked
        store = self._store
        rows = {row.part.number: row for row in store.parts(who, part.ref)}
        old = rows.get(part.number)
        started = min((row.created_at for row in rows.values()), default=self._at)
        if old is not None and old.fingerprint == mo.fingerprint:
            fresh = self._at - old.created_at < RETRANSMISSION_WINDOW // timedelta(microseconds=1)
            if fresh and (old.session != mo.session or mo.unanswered_twin):
                return None  # sent again; the first was committed
        first = next(iter(rows.values()), None)
        if first is not None:
            if first.joined and old is None and first.part.total == part.total:
                return None  # too late: the text was answered without it
            if first.joined or first.part.total != part.total:
                store.forget_parts(who, part.ref)  # the phone uses its reference again
                rows, started = {}, self._at
        row = PartRow(part, started, mo.link, mo.session, mo.fingerprint, mo.sender, joined=False)
        store.add_part(who, row)
        rows[part.number] = row
        if len(rows) < part.total:
            return None
        store.mark_joined(who, part.ref)
        return self._whole([rows[number] for number in sorted(rows)])._replace(
            link=mo.link, session=mo.session, sender=mo.sender
        )

    def _whole(self, rows: Sequence[PartRow]) -> Mo:
        """One text of its parts, as the session of the first brought it."""
        first = rows[0]
        alphabets = {link.name: link.default_alphabet for link in self._settings.smsc}
        alphabet = alphabets.get(first.link) or next(iter(alphabets.values()))
        fingerprint = 0
        for row in rows:
            fingerprint = (fingerprint * 31 + row.fingerprint) & 0x7FFF_FFFF_FFFF_FFFF
        text = join([row.part for row in rows], alphabet)
        return Mo(first.link, first.session, first.sender, text, fingerprint)


def history_row(
    row: AccountRow,
    event: type[machine.Event],
    to: AccountState,
    now: datetime,
    actor: str | None = None,
    reason: str | None = None,
) -> Row:
    """The line that an event leaves in the account's history."""
    account = row.account
    return rows.history(account.id, stamp(now), event.word, account.state, to, actor, reason)


def _best_match(normal: str, number: str, found: Sequence[tuple[int, str, str]]) -> int | None:
    """The text that a receipt is about, among (mt, id of the SMSC, phone) that may be meant.

    A decimal id of one text may read as the hexadecimal id of another: the phone decides, where
    the receipt names one, and then the id as it is written.
    """
    if number.startswith("+"):
        found = [row for row in found if row[2] == number]
    exact = [row for row in found if row[1] == normal]
    best = (exact or list(found))[:1]
    return best[0][0] if best else None
