"""What waits to be sent: as for every engine, and the data keys that all nodes share."""

from collections.abc import Iterable

from smsgw.store.postgres.transactions import Transactions
from smsgw.store.verbs import outbox


class Outbox(outbox.Outbox, Transactions):
    """The outbox, and with what it is sealed."""

    def data_keys(self) -> list[tuple[bytes, str, int, bytes]]:
        """As every store; inside of a transaction they are known from its begin."""
        return super().data_keys() if self._data_keys is None else self._data_keys

    def add_data_keys(self, keys: Iterable[tuple[bytes, str, int, bytes]]) -> None:
        """As every store."""
        self._data_keys = None
        super().add_data_keys(keys)

    def forget_data_keys(self) -> None:
        """As every store."""
        self._data_keys = None
        super().forget_data_keys()
