"""The place that decides and stores: a text comes in, an account and a reply go to the disk.

The daemon's verbs: plain functions of what came and the time, each one transaction, except where it
says so. No socket, no PDU, no event loop: the desk calls them from the store's thread, commands
from their own process. What has to leave at once is returned; everything else waits in the outbox.

Failures: `StoreUnavailable` (nothing happened, the SMSC is asked to try again) is answered here;
`StoreInDoubt` (it may have happened) makes a batch wait for what `resolve` finds out; `StoreLost`
(the disk cannot be trusted) goes up and ends the process.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from smsgw.clock import stamp
from smsgw.gateway import by_hand
from smsgw.gateway.batch import Batch, By, Claim, Done, Expired, LinkBegins, Moved, Purged
from smsgw.gateway.expiry import Expiry
from smsgw.gateway.holding import Holding
from smsgw.gateway.housekeeping import Housekeeping
from smsgw.gateway.intake import Intake
from smsgw.gateway.outbox import Outbox
from smsgw.gateway.receipts import Receipts
from smsgw.gateway.rules import Rules
from smsgw.gateway.seals import Seals
from smsgw.gateway.tools import Tools
from smsgw.gateway.work import Work
from smsgw.limits import CEILING_FACT
from smsgw.model import Answer, LinkState, Receipt
from smsgw.passwords import Issuer, Supply
from smsgw.store import Beat, Store, StoreInDoubt, StoreLost, StoreMoved, StoreUnavailable
from smsgw.vault import Vault

log = logging.getLogger("smsgw.gateway")


class Gateway:
    """Registration, replies and expiry over one store.

    Args:
        issuer: where issued passwords come from; the daemon's stock, or on demand.

    Attributes:
        store: which it is over.
        tools: what its rooms work with.
    """

    def __init__(self, store: Store, rules: Rules, vault: Vault, issuer: Issuer) -> None:
        self.store = store
        self.tools = Tools.of(store, rules, issuer, Seals(store, vault))
        self._furnish()

    def _furnish(self) -> None:
        self._outbox = Outbox(self.tools)
        self._holding = Holding(self.tools)
        self._expiry = Expiry(self.tools)
        self._housekeeping = Housekeeping(self.tools, self._outbox)

    @property
    def rules(self) -> Rules:
        """What the configuration means; others may be assigned while nothing else runs."""
        return self.tools.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self.tools = Tools.of(self.store, rules, self.tools.issuer, self.tools.seals)
        self._furnish()

    # --- the daemon takes over ----------------------------------------------------------------

    def start(self, now: datetime) -> None:
        """Take over from a daemon that ended or died: its leases end, its links are forgotten.
        Where nodes share the store, each link is taken over by itself."""
        store, rules = self.store, self.rules
        with store.transaction():
            self._note(rules)
            self.tools.seals.take_over(now)
            if not store.is_shared:
                store.end_all_leases(now)
                self._holding.begin(rules.links, now)
                for status in store.links():
                    if status.name not in rules.links:
                        store.forget_link(status.name)
            self._outbox.warn_of_strangers()

    def take_over(self, link: str, token: int, now: datetime) -> LinkBegins | None:
        """Begin with *link*, which this node has taken; None: it is another's by now."""
        return self._holding.take_over(link, token, now)

    def follow(self, rules: Rules) -> None:
        """From the next text on, other rules.

        Raises:
            StoreUnavailable: the ones before stay.
        """
        with self.store.transaction():
            self._note(rules)
        self.rules = rules
        with suppress(StoreUnavailable):  # only words
            self._outbox.warn_of_strangers()

    def _note(self, rules: Rules) -> None:
        """What of *rules* others read in the store."""
        if not rules.replies_per_hour:
            self.store.set_fact(CEILING_FACT, "0")
        self.store.set_carriers(rules.carriers)

    def link_changed(
        self,
        name: str,
        state: LinkState,
        reason: str | None,
        now: datetime,
        oddities: Mapping[str, int] | None = None,
        next_try: datetime | None = None,
        *,
        token: int | None = None,
    ) -> None:
        """Keep the state of a link, and what was odd on it, where commands can read it.

        Args:
            token: only while this node has it with that one.
        """
        with self.store.transaction():
            if self._holding.has(name, token):
                self.store.set_link(name, state, reason, now, next_try)
                if oddities is not None:
                    self.store.set_oddities(name, oddities)

    def forget_link(self, name: str, token: int | None = None) -> None:
        """Keep nothing of a link that is configured no more; *token* as above."""
        with self.store.transaction():
            if self._holding.has(name, token):
                self.store.forget_link(name)

    def beat(self, beat: Beat) -> None:
        """Keep that the daemon lives.

        Raises:
            StoreUnavailable: the store takes nothing now.
        """
        with self.store.transaction():
            self.store.beat(beat)

    def wake_nodes(self) -> None:
        """Have the daemons of all nodes look for what is due; nothing where there are no others."""
        if self.store.is_shared:
            with self.store.transaction():
                by_hand.wake_nodes(self.store)

    def probe(self, now: datetime) -> None:
        """Write something of no importance.

        Raises:
            StoreUnavailable: the store takes nothing now.
        """
        with self.store.transaction():
            self.store.set_fact("probed_at", str(stamp(now)))

    # --- a batch ------------------------------------------------------------------------------

    def commit(self, batch: Batch, now: datetime) -> Done:
        """Decide and store *batch*, in one transaction.

        A batch that fails is done again message by message, so that one bad message does not
        take the others with it.

        Returns:
            What became of it; where that is in doubt (`Done.otherwise`), nothing may be told before
            `resolve` knows.

        Raises:
            StoreLost: end the process without an answer.
        """
        try:
            return self._commit(batch, now)
        except StoreLost:
            raise
        except StoreUnavailable as error:
            self.tools.counts.forget()
            return Done.later(batch, str(error))
        except Exception as error:
            self.tools.counts.forget()
            if len(batch) == 1:
                # The type alone: the message may hold what the citizen wrote.
                log.error("batch: one message cannot be stored (%s)", type(error).__name__)
                return Done.later(batch)
            return self._commit_singly(batch, now)

    def _commit_singly(self, batch: Batch, now: datetime) -> Done:
        """The same message by message; what is behind one that is in doubt comes again."""
        done, parts = Done(), list[Done]()
        singles = batch.singles(done)
        for single in singles:
            part = self.commit(single, now)
            if part.otherwise is not None:
                behind = [Done.later(each, part.trouble) for each in singles]
                not_this = Done.later(single, part.trouble)
                done = Done.sum([*parts, part, *behind])
                done.otherwise = Done.sum([*parts, not_this, *behind])
                return done
            parts.append(part)
            done.add(part)
        return done

    def resolve(self, done: Done) -> Done:
        """What became of a batch that is in doubt; nothing else is stored until it is known.

        Raises:
            StoreUnavailable: nobody knows yet.
        """
        happened = self.store.resolve()
        self.tools.counts.forget()  # what it counts is not known here
        found = done if happened or done.otherwise is None else done.otherwise
        found.otherwise = found.trouble = None
        return found

    def _commit(self, batch: Batch, now: datetime) -> Done:
        done, store, tools = Done(), self.store, self.tools
        try:
            with tools.supply(batch.registrations) as supply, store.transaction(asks=True):
                ours = batch if batch.tokens is None else self._holding.ours(batch, done)
                intake = self._write(ours, supply, now, done)
                if ours is not batch:
                    done.make_room_for(batch)
        except StoreMoved:
            raise
        except StoreInDoubt as doubt:
            log.error("store: %s", doubt)
            done.trouble, done.otherwise = str(doubt), Done.again(batch)
            return done
        if intake:
            intake.committed()
        return done

    def _write(self, batch: Batch, supply: Supply, now: datetime, done: Done) -> Intake | None:
        """All of *batch*, inside of its transaction; the intake of its texts, if there are any."""
        store, tools = self.store, self.tools
        taken: Counter[str] = Counter()
        intake = None
        receipts = Receipts(tools, now, done)
        if batch.results:
            taken = self._outbox.settle(batch.results, receipts, now, done)
        read = self._take_receipts(batch.receipts, receipts, now, done)
        if batch.mos:
            work = Work(store, now, supply)
            intake = Intake(tools, work, done, batch.room)
            intake.take(batch.mos)
            intake.write()
            done.passwords_given = supply.given
            done.written.append(work.changes)
            # What waits for its turn is counted when that comes.
            read += [
                mo.link
                for mo, answer in zip(batch.mos, done.answers, strict=True)
                if answer is Answer.OK
            ]
        for link in {*read, *taken}:
            store.count_on_link(link, read.count(link), taken[link])
        return intake

    def _take_receipts(
        self, found: Sequence[Receipt], receipts: Receipts, now: datetime, done: Done
    ) -> list[str]:
        """Settle what receipts are about; the links that brought texts which are none."""
        if not found:
            return []
        done.receipts += [Answer.OK] * len(found)
        texts = receipts.take(found)
        if texts:
            work = Work(self.store, now, self.tools.no_passwords())
            intake = Intake(self.tools, work, done)
            intake.keep_receipts(texts)
            intake.write()
            done.written.append(work.changes)
        return [mo.link for mo in texts]

    # --- the outbox and passwords ---------------------------------------------------------------

    def claim(
        self,
        link: str,
        room: int,
        now: datetime,
        room_in_all: int | None = None,
        token: int | None = None,
    ) -> Claim:
        """Lease due texts of *link*: at most *room* replies, then reminders in their hours.

        Args:
            room_in_all: so many texts are not exceeded by reminders; None: *room*.
            token: only while this node has the link with that one; else it is `Claim.lost`.
        """
        return self._outbox.claim(link, room, now, room_in_all, token)

    def release_held(self, link: str, now: datetime) -> bool:
        """Let some of what is held for *link*, which has bound anew, be due; whether there was any.

        Call it again until there is none.
        """
        return self._outbox.release_held(link, now)

    def stand_in(self, able: Collection[str], spared: Collection[str], now: datetime) -> Moved:
        """Let links that are *able* to send carry some of what waits for others of their carrier.

        Args:
            spared: links that are not able, but may be so again in a moment.
        """
        return self._outbox.stand_in(able, spared, now)

    def expire(self, now: datetime, limit: int = 500, by: By | None = None) -> Expired:
        """Replace at most *limit* issued passwords that have lapsed, each with a reminder.

        Args:
            by: who asked for it at the command line, and why.
        """
        return self._expiry.expire(now, limit, by)

    def renew_seals(self, now: datetime) -> bool:
        """One step of the walk that lets data keys die; true: there is more to do.

        Raises:
            StoreUnavailable, KeyFault: nothing was done.
        """
        return self.tools.seals.renew(now)

    def end_seals(self, now: datetime) -> None:
        """Nothing is sealed any more for a while: keep the keys of what waits, and no other.

        Raises:
            StoreUnavailable, KeyFault: they stay until the next start.
        """
        self.tools.seals.end(now)

    # --- housekeeping -------------------------------------------------------------------------

    def tidy(self, now: datetime, *, for_all: bool = True) -> Done:
        """End some of what has waited long enough; call it again while there is `more`.

        Args:
            for_all: false: only what each node has to do, as another one does the rest.
        """
        return self._housekeeping.tidy(now, for_all=for_all)

    def purge(
        self,
        now: datetime,
        by: By | None = None,
        told: Callable[[Purged], None] | None = None,
    ) -> Purged:
        """Remove some of what the retention rules say; call it again while there is `more`.

        Args:
            by: who asked for it at the command line, and why.
            told: called with what went, in the same transaction.
        """
        return self._housekeeping.purge(now, by, told)
