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
        self._seen: int | None = None  # which version of them was read
        self._written_in = -1  # the number of the transaction that replaced them

    def changed(self) -> list[DataKey] | None:
        if self._written_in == self._store.transactions:
            return None
        # What we wrote may have been rolled back, or another node have replaced it.
        version = self._store.keys_version
        if version is not None and version == self._seen:
            return None
        found = [DataKey(*row) for row in self._store.data_keys()]
        self._seen = version
        return found

    def replace(self, keys: list[DataKey]) -> None:
        self._store.add_data_keys(keys)
        self._seen, self._written_in = None, self._store.transactions

    def clean(self) -> None:
        """A transaction leaves nothing."""

    def in_use(self, id_: bytes) -> bool:
        after = 0
        while rows := self._store.sealed_after(after, _AT_ONCE):
            if any(sealed is not None and sealed[:ID_OCTETS] == id_ for _, sealed, *_ in rows):
                return True
            after = rows[-1][0]
        return False
