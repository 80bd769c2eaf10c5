"""What the peer of a link does against the standard: counted, and said when it begins and ends."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

log = logging.getLogger("smsgw.links")

#: An oddity is over when there was none of its kind for so long.
ODDITY_ENDS_SECONDS = 15 * 60.0
#: Who keeps the counts for commands is told of changes so far apart at least.
ODDITIES_TOLD_SECONDS = 1.0
#: Kinds of oddities are ours and few; of inputs that are refused there may be many.
MAX_ODDITIES = 64


@dataclass(slots=True)
class _Spell:
    """A time in which a kind of oddity came again and again."""

    since: float  #: loop time
    last: float
    count: int = 0


class Oddities:
    """
    Args:
        before: what was counted before, kind to how often.
        on_change: called soon after one was counted.
    """

    def __init__(self, link: str, before: Mapping[str, int], on_change: Callable[[], None]) -> None:
        self.counts = Counter(before)  #: kind -> how often, ever
        self._link = link
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._spells: dict[str, _Spell] = {}
        self._timer: asyncio.TimerHandle | None = None  # only while something is odd
        self._teller: asyncio.TimerHandle | None = None

    def add(self, kind: str, count: int = 1, detail: str = "") -> None:
        """Something of *kind* was odd, so often; *detail* is for the log."""
        if kind not in self.counts and len(self.counts) >= MAX_ODDITIES:
            kind = "other"
        self.counts[kind] += count
        now = self._loop.time()
        spell = self._spells.get(kind)
        if spell is None:
            self._spells[kind] = spell = _Spell(now, now)
            said = f": {detail}" if detail else ""
            log.warning("odd link=%s kind=%s begins%s", self._link, kind, said)
            if self._timer is None:
                self._timer = self._loop.call_later(ODDITY_ENDS_SECONDS, self._end_spells)
        spell.last = now
        spell.count += count
        if self._teller is None:
            self._teller = self._loop.call_later(ODDITIES_TOLD_SECONDS, self._tell)

    def close(self) -> None:
        for timer in (self._timer, self._teller):
            if timer:
                timer.cancel()

    def _tell(self) -> None:
        self._teller = None
        self._on_change()

    def _end_spells(self) -> None:
        self._timer = None
        now = self._loop.time()
        for kind, spell in list(self._spells.items()):
            if spell.last + ODDITY_ENDS_SECONDS <= now:
                del self._spells[kind]
                log.info(
                    "odd link=%s kind=%s ends: %d in %d s",
                    self._link, kind, spell.count, spell.last - spell.since,
                )  # fmt: skip
        if self._spells:
            first = min(spell.last for spell in self._spells.values())
            self._timer = self._loop.call_at(first + ODDITY_ENDS_SECONDS, self._end_spells)
