"""One SQLite file: accounts, messages, outbox."""

from smsgw.store.rows import FINGERPRINT_MASK, Changes
from smsgw.store.store import (
    MASK,
    STEP,
    AccountRow,
    ClaimedRow,
    EarlyReceipt,
    Guesses,
    PartRow,
    ReplyRow,
    Reservation,
    SentText,
    Store,
    StoreLost,
    StoreMoved,
    StoreUnavailable,
)

__all__ = [
    "FINGERPRINT_MASK",
    "MASK",
    "STEP",
    "AccountRow",
    "Changes",
    "ClaimedRow",
    "EarlyReceipt",
    "Guesses",
    "PartRow",
    "ReplyRow",
    "Reservation",
    "SentText",
    "Store",
    "StoreLost",
    "StoreMoved",
    "StoreUnavailable",
]
