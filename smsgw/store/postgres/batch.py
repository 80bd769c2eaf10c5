"""What goes in: as for every engine, and the counters of ids besides."""

from smsgw.store.postgres.sql import server as sql
from smsgw.store.postgres.transactions import Transactions
from smsgw.store.rows import Changes, Row
from smsgw.store.verbs import batch
from smsgw.store.verbs.ids import Ids


class Counted(Ids, Transactions):
    """Ids from a row of counters."""

    def last_ids(self) -> tuple[int, int, int]:
        """As every store; inside of a transaction they are known from its begin."""
        return self._last_ids or super().last_ids()


class Batch(batch.Batch, Counted):
    """What a batch asks and adds."""

    def write(self, changes: Changes) -> None:
        """As every store."""
        super().write(changes)
        subscriber, account, message = self.last_ids()
        # Also where a batch adds senders alone, since all of its texts wait for a password.
        ids = (
            _last(changes.subscribers, subscriber),
            _last(changes.accounts, account),
            max(_last(changes.mos, message), _last(changes.mts, message)),
        )
        if ids != (subscriber, account, message):
            self._execute(sql.SET_LAST_IDS, ids)
            self._last_ids = ids


def _last(rows: list[Row], before: int) -> int:
    return max((row[0] for row in rows), default=before)
