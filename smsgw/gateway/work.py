"""What one transaction of the gateway works with: its moment, its passwords, its ids, its changes.

Decisions are gathered here and written in one go, so that whoever decides need not write, and a
rehearsal is the same without the writing.
"""

from datetime import datetime

from smsgw.clock import stamp
from smsgw.model import Reply
from smsgw.passwords import Supply
from smsgw.store import Changes, Store


class Work:
    """Ids are counted on from the last ones in use. That is right only while nobody else writes,
    so it is made inside the transaction (a rehearsal keeps nothing, and needs none).

    Attributes:
        at: *now* in microseconds since 1970.
        subscriber: the last id of a subscriber that was used; `account` and `message` (mo and mt
            together) likewise.
        wordings: template and id of the texts that it has composed.
    """

    __slots__ = (
        *("_store", "account", "at", "changes", "message", "now", "subscriber", "supply"),
        "wordings",
    )

    def __init__(self, store: Store, now: datetime, supply: Supply) -> None:
        self._store = store
        self.now = now
        self.at = stamp(now)
        self.supply = supply
        self.changes = Changes()
        self.wordings: dict[Reply, tuple[str, int]] = {}
        self.subscriber, self.account, self.message = store.last_ids()

    def write(self) -> None:
        """Write all that was gathered."""
        self._store.write(self.changes)
