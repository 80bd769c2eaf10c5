"""A store that one process has to itself: there are no others to ask about."""

from collections.abc import Mapping

from smsgw.store.values import Standby


class Alone:
    """The `protocol.Nodes` of such a store."""

    is_shared = False

    def set_configuration(self, _digest: str) -> None:
        """There is nobody to compare it with."""

    def owners(self) -> Mapping[str, str]:
        return {}

    def want(self, _link: str, _node: str) -> bool:
        return False

    def standby(self) -> Standby | None:
        return None
