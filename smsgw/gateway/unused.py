"""Accounts that nobody ever used: closed some time after their registration, if the configuration
says so.

A walk through the accounts in the order of their registration, a piece at a time, which begins
behind those that it has looked at before. An account that did not have to be closed then never
will, unless it was only too young.
"""

from datetime import datetime

from smsgw.clock import stamp
from smsgw.gateway.batch import By
from smsgw.gateway.tools import Tools
from smsgw.gateway.work import Work
from smsgw.registration import machine

#: Up to which account none is left that could be closed one day.
_FACT = "unused_accounts_looked_at"
#: Accounts of one step that are looked at, and closed.
_SPAN, _CLOSED_AT_ONCE = 2000, 50


class Unused:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._after: int | None = None  #: None: between two walks
        self._young: int | None = None  #: the first one of this walk that will be old enough later

    def step(self, now: datetime, by: By | None = None) -> tuple[int, bool]:
        """Close some, inside a transaction: how many, and whether there is more to look at."""
        keep, store = self._tools.rules.keep_unused_accounts, self._tools.store
        if keep is None:
            return 0, False
        known = int(store.fact(_FACT) or 0)
        if self._after is None:
            self._after, self._young = known, None
        before, last = stamp(now - keep), store.last_ids()[1]
        found = store.never_active(self._after, self._after + _SPAN)
        old = [id_ for id_, at in found if at < before]
        some = old[:_CLOSED_AT_ONCE]
        self._close(some, now, by)
        end = min(last, some[-1] if len(old) > len(some) else self._after + _SPAN)
        young = [(id_, at) for id_, at in found if at >= before and id_ <= end]
        if self._young is None and young:
            self._young = young[0][0]
        # Later ones are younger still, except for what a clock that was ahead has noted.
        later = not old and any(at <= stamp(now) for _, at in young)
        more = end < last and not later
        done = min(end, (self._young or end + 1) - 1)
        if done > known:
            store.set_fact(_FACT, str(done))
        self._after = end if more else None
        return len(some), more

    def _close(self, ids: list[int], now: datetime, by: By | None) -> None:
        if not ids:
            return
        tools = self._tools
        assert tools.rules.keep_unused_accounts is not None  # noqa: S101 - else none is looked for
        day = tools.rules.today(now - tools.rules.keep_unused_accounts)
        work = Work(tools.store, now, tools.no_passwords())
        for row in tools.store.accounts_by_ids(ids):
            tools.accounts.apply(
                work,
                machine.Close,
                row,
                actor=by and by.who,
                reason=f"never used, and registered before {day.isoformat()}",
            )
        work.write()
