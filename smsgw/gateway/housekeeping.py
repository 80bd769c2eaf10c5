"""What is done by the clock with what has waited, or been kept, for long enough.

Each verb a step in one transaction, so that traffic commits in between.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from smsgw.gateway.batch import By, Done, Purged
from smsgw.gateway.citizen import SHUT_FOR
from smsgw.gateway.intake import Intake
from smsgw.gateway.known import RETRANSMISSION_WINDOW
from smsgw.gateway.long_texts import PARTS_LIMIT
from smsgw.gateway.outbox import Outbox
from smsgw.gateway.tools import Tools
from smsgw.gateway.unused import Unused
from smsgw.gateway.work import Work
from smsgw.store import StoreUnavailable

#: A receipt whose text is still unknown by then belongs to nobody.
_EARLY_RECEIPT_LIMIT = timedelta(hours=1)
_PURGE_STEP = 500
#: Long texts that lack a part, and parts that are forgotten, in one step.
_TIDY_TEXTS, _TIDY_PARTS = 100, 2000


class Housekeeping:
    def __init__(self, tools: Tools, outbox: Outbox) -> None:
        self._tools = tools
        self._store = tools.store
        self._rules = tools.rules
        self._outbox = outbox
        self._unused = Unused(tools)

    def tidy(self, now: datetime, *, for_all: bool) -> Done:
        """Long texts that lack a part after ten minutes are answered as what they are; leases that
        are over end; what has waited for a day has failed; parts of texts that were decided on,
        receipts of nobody, reservations and links of nobody are forgotten.

        Args:
            for_all: false: leases alone, which each node ends by the clock that noted them.
        """
        done, store = Done(), self._store
        if store.is_shared:
            self._tools.counts.forget()  # other nodes have answered meanwhile, which counts as well
        incomplete = store.incomplete(now - PARTS_LIMIT, _TIDY_TEXTS) if for_all else []
        intake, old = None, 0
        try:
            with store.transaction():
                if incomplete:
                    work = Work(store, now, self._tools.no_passwords())
                    intake = Intake(self._tools, work, done)
                    intake.give_up(incomplete)
                    intake.write()
                self._outbox.end_leases(now, done)
                if for_all:
                    self._outbox.end_waits(now)
                    old = store.purge_parts(now - 2 * RETRANSMISSION_WINDOW, _TIDY_PARTS)
                    store.purge_early_receipts(now - _EARLY_RECEIPT_LIMIT)
                    store.purge_reservations(now)
                    self._forget_links()
        except StoreUnavailable:
            self._tools.counts.forget()
            raise
        if intake:
            intake.committed()
        done.more = len(incomplete) == _TIDY_TEXTS or old == _TIDY_PARTS
        return done

    def _forget_links(self) -> None:
        """Links that no node knows any more; a daemon that is alone does it at its start."""
        store = self._store
        if store.is_shared and store.is_configured_alike():
            for name in {status.name for status in store.links()} - set(self._rules.links):
                if name not in store.taken_by_others():
                    store.forget_link(name)

    def purge(self, now: datetime, by: By | None, told: Callable[[Purged], None] | None) -> Purged:
        """As `Gateway.purge`."""
        rules, store = self._rules, self._store
        with store.transaction():
            messages = store.purge_messages(now - rules.keep_messages, _PURGE_STEP)
            closed = now - rules.keep_closed_accounts
            if ended := store.closed_before(closed, _PURGE_STEP):
                store.erase_citizens(ended, now)
            accounts = store.purge_accounts(closed, _PURGE_STEP)
            besides = (
                store.purge_audit(now - rules.keep_audit, _PURGE_STEP)
                + store.purge_log_ins(now - rules.keep_log_ins, _PURGE_STEP)
                + store.purge_feed(now - rules.keep_messages, _PURGE_STEP)
                + store.purge_shut_names(now - SHUT_FOR, _PURGE_STEP)
            )
            unused, more = self._unused.step(now, by)
            more = more or bool(messages or accounts or besides)
            done = Purged(messages, accounts, unused, more)
            if told:
                told(done)
        if not more:
            store.truncate_log()  # what was removed does not stay in it either
        return done
