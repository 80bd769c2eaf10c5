"""One SQLite file: accounts, messages, outbox."""

from smsgw.store.store import Store, StoreLost, StoreUnavailable

__all__ = ["Store", "StoreLost", "StoreUnavailable"]
