"""A store that one process has to itself: there are no others to ask about."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from smsgw.store.values import Standby


class Alone:
    """The `protocol.Nodes` and `protocol.Fences` of such a store."""

    is_shared = False

    def set_configuration(self, _digest: str) -> None:
        """There is nobody to compare it with."""

    def owners(self) -> Mapping[str, str]:
        return {}

    def want(self, _link: str, _node: str) -> bool:
        return False

    def standby(self) -> Standby | None:
        return None

    # --- as `protocol.Fences`: nobody takes a link from us ---

    number = 0
    succeeds = True
    keys_version = None

    def held(self) -> Mapping[str, int]:
        return {}

    def taken_by_others(self) -> set[str]:
        return set()

    def is_configured_alike(self) -> bool:
        return True

    def end_leases_of(self, _link: str, _now: datetime) -> None:
        """They ended at the start."""

    def end_leases_but(
        self, _others: Iterable[str], _now: datetime, _latest: datetime, _ends: datetime
    ) -> tuple[set[str], int]:
        return set(), 0
