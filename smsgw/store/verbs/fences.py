"""Leases, where one process has all of the store: nothing is asked of them."""

from collections.abc import Iterable, Mapping
from datetime import datetime


class NotShared:
    """The `protocol.Fences` of such a store."""

    is_shared = False
    number = 0
    succeeds = True

    def held(self) -> Mapping[str, int]:
        return {}

    def owners(self) -> Mapping[str, str]:
        return {}

    def end_leases_of(self, link: str, now: datetime) -> None:
        """Nobody takes anything over but at the start: `end_all_leases`."""

    def end_old_leases_of(
        self, links: Iterable[str], now: datetime, latest: datetime, ends: datetime
    ) -> tuple[set[str], int]:
        return set(), 0
