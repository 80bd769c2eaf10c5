"""The part of the day in which citizens may be reminded.

Pure: a moment in local time comes in; no clock, no account.
"""

import re
from datetime import datetime, time, timedelta
from typing import NamedTuple, Self


class ReminderHours(NamedTuple):
    """The part of each day, in local time, in which citizens may be reminded."""

    start: int  #: minutes since midnight
    end: int  #: minutes since midnight; below *start*: the part goes on past midnight

    @classmethod
    def parse(cls, text: str) -> Self:
        """`07:00-22:00` and the like; raises ValueError."""
        match = re.fullmatch("([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})", text)
        if not match:
            raise ValueError("is not two times of day")
        hour, minute, end_hour, end_minute = map(int, match.groups())
        start, end = hour * 60 + minute, end_hour * 60 + end_minute
        if max(minute, end_minute) > 59 or start >= 24 * 60 or end > 24 * 60:
            raise ValueError("has a time of day that does not exist")
        if start == end:
            raise ValueError("leaves no time")
        return cls(start, end)

    def allows(self, local: datetime) -> bool:
        """Whether citizens may be reminded at *local*, a moment in local time."""
        minute = local.hour * 60 + local.minute
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def next_start(self, local: datetime) -> datetime:
        """The first moment from *local* on at which they may be."""
        if self.allows(local):
            return local
        # Not allowed means: before today's start, or after today's end and so before tomorrow's.
        day = local.date()
        if local.hour * 60 + local.minute >= self.start:
            day += timedelta(days=1)
        return datetime.combine(day, time(*divmod(self.start, 60)), local.tzinfo)

    def __str__(self) -> str:
        return "{:02}:{:02}-{:02}:{:02}".format(*divmod(self.start, 60), *divmod(self.end, 60))
