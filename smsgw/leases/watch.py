"""The rule: what this node has seen of all leases, and so who may take what, and when.

Pure: times are passed in, seconds of a clock that nobody sets.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from smsgw.store import LeaseRow

#: An owner renews after this part of the lease ...
RENEW_AFTER = 0.3
#: ... and may act for this part of it after it sent what was confirmed last.
MAY_ACT_FOR = 0.9
#: After this part of it everybody looks, and after so many seconds at the latest: what is given
#: back is to be taken at once.
LOOK_EACH, LOOK_SECONDS = 0.1, 0.4
#: A node that has not been seen to beat for so many seconds is not waited for.
SILENT_SECONDS = 15.0


class _Seen(NamedTuple):
    what: object
    since: float


class Watch:
    """
    Args:
        node: the name of this one.
        lease: seconds.
    """

    def __init__(self, node: str, lease: float) -> None:
        self._node = node
        self._lease = lease
        self._rows: dict[str, _Seen] = {}
        self._nodes: dict[str, _Seen] = {}

    def begin_anew(self) -> None:
        """The connection was lost: what is seen next may be older than what was seen before."""
        self._rows.clear()
        self._nodes.clear()

    def see(self, rows: Iterable[LeaseRow], beats: Iterable[tuple[str, int]], now: float) -> None:
        """That is how it stands; *now* is not before the answer had come.

        Args:
            beats: of each node that runs, a number that grows while it lives.
        """
        self._rows = _seen({row.name: row for row in rows}, self._rows, now)
        self._nodes = _seen(dict(beats), self._nodes, now)

    def may_take(self, row: LeaseRow, now: float, *, ended: bool = False) -> bool:
        """Whether this node, which does not hold it, may take *row*, which was seen last.

        What nobody has is taken at once, unless a node that lives is to have it: that gets a
        lease's time for it.

        Args:
            ended: where it is this node's, whoever had it for us is known to have ended.
        """
        waited = now - self._rows[row.name].since >= self._lease
        if row.owner is not None and not (ended and row.owner == self._node):
            return waited
        return waited or not self.is_wanted_elsewhere(row, now)

    def is_wanted_elsewhere(self, row: LeaseRow, now: float) -> bool:
        """Whether *row* is to be let go of, or left, for another node that lives."""
        return row.wanted not in (None, self._node) and self._lives(row.wanted, now)

    def _lives(self, node: str | None, now: float) -> bool:
        seen = self._nodes.get(node or "")
        return seen is not None and now - seen.since < max(self._lease, SILENT_SECONDS)


def _seen(found: Mapping[str, object], before: dict[str, _Seen], now: float) -> dict[str, _Seen]:
    """What stands there now, and since when it has stood so."""
    return {
        name: known if (known := before.get(name)) and known.what == what else _Seen(what, now)
        for name, what in found.items()
    }
