"""Writes the feed of changes, in the transaction of what it tells."""

from collections.abc import Sequence

from smsgw.model import Feed
from smsgw.store.rows import Row
from smsgw.store.verbs.engine import Engine
from smsgw.store.verbs.names import Names

sql = Names("feed")


class FeedWriter(Engine):
    """For batches, and for the portal's own changes."""

    def _tell(self, subjects: Sequence[Row], told: Sequence[Row]) -> None:
        """Tell (what, when, of which account), once *subjects* are there."""
        if subjects:
            self._many(sql.ADD_SUBJECT, subjects)
        for what, at, account in told:
            kind = what
            if kind == Feed.ACTIVATED and not self._count(sql.ACTIVATE, account=account):
                kind = Feed.PASSWORD_CHANGED.value
            self._run(sql.TELL, at=at, type=kind, account=account)
            self._run(sql.TOUCH_SUBJECT, at=at, account=account)
