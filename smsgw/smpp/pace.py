"""How fast a link may send: the configured bound, and what the SMSC asks for by throttling.

Pure: counts and times in (monotonic seconds), counts and times out. Belongs to the link and
not to one session, so that a reconnect does not forget that the SMSC is tired.

    free ---- throttled ----> pause ----> probe: one message ---- accepted ----> growing ----> free
                                ^               |                                   |
                                +-- throttled, twice as long                        |
                                +------------------------ throttled ----------------+
"""

import sys
from collections import deque

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
#: A probe without an answer is given up after this, and another one sent.
PROBE_PATIENCE = 5.0
#: After a pause the link starts with this share of the rate at which it was throttled ...
BACK_OFF = 0.75
#: ... and doubles it every so many seconds, until throttled again or
DOUBLING = 10.0
#: throttled for so long ago that nothing is held back any more.
FORGOTTEN = 120.0

_UNBOUNDED = sys.maxsize
_NEVER = float("-inf")


class Pace:
    """How many submit_sm a link may send now.

    Args:
        max_per_second: in any span of one second, at most; 0: no bound of ours.
    """

    def __init__(self, max_per_second: int = 0) -> None:
        self._bound = max_per_second or _UNBOUNDED
        self._recent: deque[tuple[float, int]] = deque()  # when, how many: of the last second
        self._sum = 0  # of these
        self._pause = FIRST_PAUSE
        self._resume = _NEVER  # end of the pause
        self._probing = False
        self._probed = _NEVER  # when the probe left
        self._rate = float(_UNBOUNDED)  # a second, at the moment _since
        self._since = _NEVER

    def allowance(self, now: float) -> int:
        """How many may leave now."""
        if now < self._resume:
            return 0
        if self._probing:
            return int(now >= self._probed + PROBE_PATIENCE)
        limit = self._limit(now)
        if limit == _UNBOUNDED:
            return limit
        self._forget(now)
        return max(0, limit - self._sum)

    def next_chance(self, now: float) -> float:
        """When `allowance` will be more than nothing, if no answer comes before."""
        if now < self._resume:
            return self._resume
        if self._probing:
            return max(now, self._probed + PROBE_PATIENCE)
        if self.allowance(now) > 0:
            return now
        return self._recent[0][0] + 1.0

    def sent(self, count: int, now: float) -> None:
        """*count* submit_sm leave now."""
        if not count:
            return
        self._forget(now)
        self._recent.append((now, count))
        self._sum += count
        if self._probing:
            self._probed = now

    def throttled(self, now: float) -> None:
        """The SMSC refused one because the link is too fast."""
        if now < self._resume:
            return  # one of many that left before the pause
        if self._probing:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        else:
            self._forget(now)
            self._pause = FIRST_PAUSE
            self._rate = max(1.0, min(self._limit(now), self._sum) * BACK_OFF)
        self._resume = now + self._pause
        self._probing = True
        self._probed = _NEVER

    def accepted(self, now: float) -> None:
        """The SMSC took one."""
        if self._probing and now >= self._resume and self._probed > _NEVER:
            self._probing = False
            self._since = now

    def _limit(self, now: float) -> int:
        """How many in one second."""
        age = now - self._since
        if age > FORGOTTEN:
            return self._bound
        return min(self._bound, int(self._rate * 2 ** (age / DOUBLING)))

    def _forget(self, now: float) -> None:
        recent = self._recent
        while recent and recent[0][0] <= now - 1.0:
            self._sum -= recent.popleft()[1]
