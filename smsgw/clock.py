"""The one clock: UTC, and frozen by tests. Nothing else asks the system for the date."""

from datetime import UTC, datetime, timedelta

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
