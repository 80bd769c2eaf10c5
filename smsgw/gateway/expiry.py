"""Passwords whose time is over: each is replaced, with a reminder, or ended.

Knows the reminder hours and how often citizens are reminded; what a lapse does to an account says
the table of transitions.
"""

import logging
from datetime import datetime, timedelta

from smsgw import phone
from smsgw.gateway.batch import By, Expired, with_reason
from smsgw.gateway.rules import CLOCK_SLACK
from smsgw.gateway.tools import Tools
from smsgw.gateway.work import Work
from smsgw.passwords import Supply
from smsgw.registration import machine
from smsgw.store import AccountRow

log = logging.getLogger("smsgw.gateway")


class Expiry:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._store = tools.store
        self._rules = tools.rules

    def expire(self, now: datetime, limit: int, by: By | None) -> Expired:
        """Replace at most *limit* issued passwords that have lapsed, each with a reminder.

        What is due is read from the accounts, not from what an earlier pass did: a restart
        neither skips nor doubles anyone, and a month's stop gives one reminder, not ten.

        Args:
            by: who asked for it at the command line, and why.
        """
        store = self._store
        self._set_back(now)
        if not self._rules.reminders_may_leave(now):
            return Expired(0, 0, False, frozenset(), waiting=store.count_due_accounts(now))
        expected = store.count_due_accounts(now, limit)
        if not expected:
            return Expired(0, 0, False, frozenset())  # the usual case needs no write lock
        with self._tools.supply(expected) as supply:
            supply.fetch(expected)  # may hash, which must not hold up other writers
            return self._expire(now, limit, supply, by)

    def _expire(self, now: datetime, limit: int, supply: Supply, by: By | None) -> Expired:
        actor, reason = by or (None, None)
        with self._store.transaction():
            self._tools.seals.check_key()
            work = Work(self._store, now, supply)
            apply = self._tools.accounts.apply
            due = self._store.due_accounts(now, limit)
            lapsed: list[AccountRow] = []
            ended = 0
            for row in due:
                event, told = self._event(row)
                if event is machine.Lapse:
                    lapsed.append(row)
                    continue
                ended += 1
                apply(work, event, row, actor=actor, reason=told or reason)
            for row in lapsed:
                if apply(work, machine.Lapse, row, actor=actor, reason=reason) is None:
                    break  # the stock is empty
            work.write()
            replaced = supply.given
            if by:
                done = with_reason(f"replaced={replaced} ended={ended}", by.reason)
                self._tools.audit(by.who, "expire", None, done, now)
        if replaced or ended:
            log.info("expiry replaced=%d ended=%d", replaced, ended)
        way = self._tools.carriers.way
        return Expired(
            replaced,
            ended,
            len(due) == limit and replaced == len(lapsed),
            frozenset(way(row.account.link) for row in lapsed[:replaced]),
            short=len(lapsed) - replaced,
        )

    def _event(self, row: AccountRow) -> tuple[type[machine.Event], str | None]:
        """What the end of this password is, and what the account's history says of it."""
        account = row.account
        if why := phone.may_be_texted(account.phone, self._rules.countries):
            return machine.Undeliverable, f"no reminder may go to this number ({why})"
        return machine.lapse(account.reminders, self._rules.max_reminders), None

    def _set_back(self, now: datetime) -> None:
        """Let no password live longer than any can: a wrong clock would have said until when."""
        expires = now + timedelta(microseconds=self._rules.ttl)
        latest = expires + CLOCK_SLACK
        last = self._store.last_expiry()
        if last is None or last <= latest:
            return
        with self._store.transaction():
            count = self._store.set_back_expiries(latest, expires)
        log.warning(
            "the clock was set back: %d passwords were to lapse until %s, and lapse at %s",
            count, last.isoformat(timespec="seconds"), expires.isoformat(timespec="seconds"),
        )  # fmt: skip
