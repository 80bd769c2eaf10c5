"""The counts of the running hour and what they rest on: the store, when memory does not know.

`limits` counts; here is what is counted for whom, and what `status` reads of it.
"""

from datetime import datetime, timedelta

from smsgw.clock import stamp
from smsgw.limits import CEILING_FACT, Ceiling, HeavySenders
from smsgw.store import Store

#: While the limit of all together is reached, `status` says so for at least this long, and what it
#: says is at most this old.
_SHOWN, _TOLD = 60_000_000, 10_000_000  # microseconds


class Counts:
    """
    Args:
        per_phone: replies an hour to each phone; 0: no limit.
        in_all: replies an hour to everybody together; 0: no limit.
    """

    def __init__(self, store: Store, per_phone: int, in_all: int) -> None:
        self._store = store
        self._in_all = in_all
        self.heavy_senders = HeavySenders(per_phone)
        self._ceiling: Ceiling | None = None
        self._told_until = 0

    def ceiling(self, now: datetime) -> Ceiling | None:
        """What was answered in the last hour, where there is a limit for all together."""
        if self._in_all and self._ceiling is None:
            answers = self._store.count_answers(now - timedelta(hours=1))
            self._ceiling = Ceiling(self._in_all, answers)
        return self._ceiling

    def at_ceiling(self, ceiling: Ceiling, now: datetime) -> bool:
        """No more is answered now; say so where commands read it, inside a transaction.

        Returns:
            Whether this has begun just now.
        """
        at = stamp(now)
        until = max(ceiling.more_at(at), at + _SHOWN)
        begins = at > self._told_until + _SHOWN
        if until > self._told_until + _TOLD:
            self._told_until = until
            self._store.set_fact(CEILING_FACT, str(until))
        return begins

    def forget(self) -> None:
        """Nobody knows what was committed: what was counted is counted again."""
        self.heavy_senders.forget()
        self._ceiling, self._told_until = None, 0
