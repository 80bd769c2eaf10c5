"""The data keys of several machines: in the database, where all of them find them.

What is replaced there stays in the server's files until it vacuums, and in its log: how long, the
documents say. With the secret key, which is not there, a copy of those files opens what waited when
it was made, and what left shortly before.
"""

from smsgw.datakeys import DataKey
from smsgw.store import Store
from smsgw.vault import ID_OCTETS

_AT_ONCE = 1000


class KeyTable:
    """The `datakeys.Home` of a store that nodes share; each verb inside of a transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def changed(self) -> list[DataKey] | None:
        # Whatever was read before may have been rolled back, or been another node's to forget.
        return [DataKey(*row) for row in self._store.data_keys()]

    def replace(self, keys: list[DataKey]) -> None:
        self._store.add_data_keys(keys)

    def clean(self) -> None:
        """A transaction leaves nothing."""

    def in_use(self, id_: bytes) -> bool:
        after = 0
        while rows := self._store.sealed_after(after, _AT_ONCE):
            if any(sealed is not None and sealed[:ID_OCTETS] == id_ for _, sealed, *_ in rows):
                return True
            after = rows[-1][0]
        return False
