"""Which key the portals over one database have: known by its marks, so that all have the same.

A browser that is sent from one portal to another brings forms that the first has sealed, and
clients check by the keys of one what another has signed. The marks tell nothing of the key.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from smsgw.gateway.over import OverGateway

_FACT = "portal_key"


class KeyMarks(NamedTuple):
    """A digest of each part of a key."""

    secret: str  #: of what seals
    signing: tuple[str, ...]  #: of those that sign; the first one does


class PortalKey(OverGateway):
    @property
    def is_known(self) -> bool:
        """Whether there are portals that have one."""
        return self._store.fact(_FACT) is not None

    def agree(self, marks: KeyMarks, make: Callable[[], object] | None = None) -> bool:
        """Whether the portals have this key; from now on they do, where they had none.

        One with a newer signing key before the one that signs is theirs, too: so they get a new
        one after the other.

        Args:
            make: the key is new; called before the portals have it.
        """
        store = self._store
        with store.transaction():
            known = store.fact(_FACT)
            if known is None:
                if make is not None:
                    make()
            else:
                secret, signs = known.split()
                if make is not None or marks.secret != secret or signs not in marks.signing:
                    return False
            mine = f"{marks.secret} {marks.signing[0]}"
            if known != mine:
                store.set_fact(_FACT, mine)
        return True

    def forget(self, who: str, reason: str | None, now: datetime) -> None:
        """The next portal that starts says which key they have."""
        store = self._store
        with store.transaction():
            self._tools.audit(who, "portal --forget-key", None, reason, now)
            store.forget_fact(_FACT)
