"""Times, durations, sizes and counts in words for people. Knows a time zone and a moment; prints
nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from smsgw.speech import mark, say


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, and when: turns moments into what a person reads."""

    timezone: tzinfo
    now: datetime
    whole: bool = False  #: what everybody knows is not cut short: a pipe's reader may look for it

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.timezone)

    def zone(self) -> str:
        """How far the local time of this moment is from UTC, such as `+07`."""
        offset = f"{self.local(self.now):%z}"
        return offset[:3] if offset.endswith("00") else f"{offset[:3]}:{offset[3:5]}"

    def zone_in_words(self) -> str:
        """In which zone times are told."""
        return f"{self.timezone} (UTC{self.zone()})"

    def time(self, moment: datetime | None) -> str:
        """Local date and time, to the second."""
        return f"{self.local(moment):%Y-%m-%d %H:%M:%S}" if moment else "-"

    def minute(self, moment: datetime | None) -> str:
        """Local date and time, to the minute."""
        return f"{self.local(moment):%Y-%m-%d %H:%M}" if moment else "-"

    def short(self, moment: datetime) -> str:
        """Local date and time, where a line has much to say."""
        form = say("%d %b %H:%M") if _is_near(moment, self.now) else "%Y-%m-%d"
        return f"{self.local(moment):{form}}"

    def age(self, moment: datetime | None) -> str:
        """How long ago, or in how long."""
        if moment is None:
            return "-"
        if moment > self.now:
            return say("in {span}", span=told_span(moment - self.now))
        return say("{span} ago", span=told_span(self.now - moment))

    def both(self, moment: datetime | None) -> str:
        """Local time and age."""
        return f"{self.time(moment)} ({self.age(moment)})" if moment else "-"


def _is_near(moment: datetime, now: datetime) -> bool:
    """Whether day and month say which year is meant."""
    return abs(now - moment) < timedelta(days=180)


#: Units of a duration: seconds each, and how so many are said.
_DAYS, _HOURS = (86400, mark("{n} d")), (3600, mark("{n} h"))
_MINUTES, _SECONDS = (60, mark("{n} min")), (1, mark("{n} s"))


def span(duration: timedelta) -> str:
    """*duration* in the one unit in which a person would say it; in English."""
    number, text = _in_one_unit(duration)
    return text.format(n=number)


def told_span(duration: timedelta) -> str:
    """As `span`, in the language of the command."""
    number, text = _in_one_unit(duration)
    return say(text, n=number)


def _in_one_unit(duration: timedelta) -> tuple[str, str]:
    seconds = duration.total_seconds()
    size, text = _SECONDS if seconds < 60 else _MINUTES
    for longer, words in (_DAYS, _HOURS):
        if seconds >= 2 * longer:
            size, text = longer, words
            break
    return f"{seconds / size:.0f}", text


def octets(number: int) -> str:
    """*number* octets as a disk's size is said."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number / 1e3:.0f} kB"


def count(number: int, thing: str) -> str:
    """*number* things, in words."""
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"
