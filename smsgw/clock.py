"""The one clock: UTC, and frozen by tests. Nothing else asks the system for the date.

Beside it stands the clock that nobody sets, for ages that a wrong date must not fool.
"""

from datetime import UTC, datetime, timedelta
from time import monotonic

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> int:
    """*moment* as the store keeps it: microseconds since 1970, UTC."""
    return (moment - EPOCH) // _MICROSECOND


def unstamp(microseconds: int) -> datetime:
    """The moment that `stamp` turned into *microseconds*."""
    return EPOCH + timedelta(microseconds=microseconds)


def tick() -> int:
    """Now, in microseconds of the clock of this machine that nobody sets. The same in all of its
    processes; while the machine sleeps it stands still, as they do."""
    return int(monotonic() * 10**6)
