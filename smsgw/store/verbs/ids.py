"""Ids grow with time: what several groups of verbs find through them."""

from datetime import datetime

from smsgw.clock import EPOCH, stamp
from smsgw.store.verbs.engine import Engine
from smsgw.store.verbs.names import Names

sql = Names("ids")

HOUR = 3_600_000_000  # microseconds


class Ids(Engine):
    """What ids tell."""

    def last_ids(self) -> tuple[int, int, int]:
        """The last id of subscribers, of accounts, and of messages (mo and mt together)."""
        subscriber, account, message = self._one(sql.LAST_IDS)
        return subscriber, account, message

    def _since(self, since: datetime | None) -> dict[str, int]:
        """The bounds of messages made since then."""
        at = stamp(since or EPOCH)
        (first,) = self._one(sql.FIRST_ID_SINCE, hour=at // HOUR)
        return {"first": first, "since": at}
