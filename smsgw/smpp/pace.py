"""How fast a link may send: the configured bound, and what the SMSC asks for by refusing.

Pure: counts and times in (monotonic seconds), counts and times out. Belongs to the link and
not to one session, so that a reconnect does not forget that the SMSC is tired.

    free ---- throttled ----> pause ----> probe: one message ---- accepted ----> growing ----> free
                                ^               |                                   |
                                +-- throttled, twice as long                        |
                                +------------------------ throttled ----------------+

Two other refusals are about less than the speed of the link. A recipient whose queue is full says
nothing about others, until several in a row are full: then it is as a throttle. If the SMSC refuses
our short code, one message is tried each `BARRED_PAUSE` until one is accepted; then nothing is held
back any more.
"""

import sys
from collections import deque

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
#: A probe without an answer is given up after this, and another one sent.
PROBE_PATIENCE = 5.0
#: After a pause the link starts with this share of the rate at which it was throttled ...
BACK_OFF = 0.75
#: ... is back at what it carried before after so many seconds ...
RECOVERY = 5.0
#: ... and goes on to double its rate every so many seconds, until throttled again or
DOUBLING = 10.0
#: throttled for so long ago that nothing is held back any more.
FORGOTTEN = 120.0
#: The most that a link carried in a second is remembered for so long ...
PEAK_KEPT = 600.0
#: ... and an SMSC that throttles where hardly anything was sent was asked too much by others.
#: A first throttle never holds a link below this rate for longer than the recovery.
LEAST_CARRIED = 10.0
#: So many recipients in a row whose queue is full: it is the SMSC that is full.
SEVERAL = 3
#: While our short code is refused: somebody is mending it, and wants to see that it works.
BARRED_PAUSE = 20.0

#: Recipients that are remembered as full; more make no difference.
_MOST_FULL = 100
_UNBOUNDED = sys.maxsize
_NEVER = float("-inf")


class Pace:
    """How many submit_sm a link may send now.

    Args:
        max_per_second: in any span of one second, at most; 0: no bound of ours.

    Attributes:
        probing: nothing but one message at a time may leave, which asks whether more may.
        barred: our short code is refused.
    """

    def __init__(self, max_per_second: int = 0) -> None:
        self.probing = False
        self.barred = False
        self._bound = max_per_second or _UNBOUNDED
        self._recent: deque[tuple[float, int]] = deque()  # when, how many: of the last second
        self._sum = 0  # of these
        self._pause = FIRST_PAUSE
        self._resume = _NEVER  # end of the pause
        self._probed = _NEVER  # when the probe left
        self._rate = float(_UNBOUNDED)  # a second, at the moment _since
        self._growth = 2 ** (1 / DOUBLING)  # by which it grows in a second, for the recovery
        self._since = _NEVER
        self._peak = 0  # the most of one second, before any throttle
        self._peak_until = _NEVER
        self._full: set[str] = set()  # recipients refused since one was accepted

    def bind_to(self, max_per_second: int) -> None:
        """From now on at most so many in any second; 0: no bound of ours."""
        self._bound = max_per_second or _UNBOUNDED

    def allowance(self, now: float) -> int:
        """How many may leave now."""
        if now < self._resume:
            return 0
        if self.probing:
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
        if self.probing:
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
        if self._sum > self._peak or now > self._peak_until:
            self._peak, self._peak_until = self._sum, now + PEAK_KEPT
        if self.probing:
            self._probed = now

    def throttled(self, now: float) -> None:
        """The SMSC refused one because the link is too fast."""
        if now < self._resume:
            return  # one of many that left before the pause
        if self.probing:
            self._pause = BARRED_PAUSE if self.barred else min(2 * self._pause, LONGEST_PAUSE)
        else:
            self._forget(now)
            self._pause = FIRST_PAUSE
            carried = float(min(self._limit(now), self._sum))
            self._rate = max(1.0, carried * BACK_OFF)
            if now - self._since > FORGOTTEN:  # else it was throttled again: that much it carries
                carried = max(carried, self._peak, LEAST_CARRIED)
            self._growth = max(2 ** (1 / DOUBLING), (carried / self._rate) ** (1 / RECOVERY))
            self._peak = 0
        self._wait(now)

    def full(self, recipient: str, now: float) -> None:
        """The SMSC refused one because the queue of *recipient* is full."""
        if recipient not in self._full:
            if len(self._full) < _MOST_FULL:
                self._full.add(recipient)
            if len(self._full) >= SEVERAL:
                self.throttled(now)
                return
        # It says nothing about the link, so that another message may be the probe.
        if self.probing and now >= self._resume:
            self._probed = _NEVER

    def source_refused(self, now: float) -> None:
        """The SMSC refused one because it comes from our short code."""
        if self.barred and now < self._resume:
            return  # one of many that left before
        self.barred = True
        self._pause = BARRED_PAUSE
        self._wait(now)

    def accepted(self, now: float) -> None:
        """The SMSC took one."""
        if self._full:
            self._full.clear()
        if self.probing and now >= self._resume and self._probed > _NEVER:
            self.probing = False
            if self.barred:
                self.barred = False  # whether it is too fast is another question
            else:
                self._since = now

    def _wait(self, now: float) -> None:
        self._resume = now + self._pause
        self.probing = True
        self._probed = _NEVER

    def _limit(self, now: float) -> int:
        """How many in one second."""
        age = now - self._since
        if age > FORGOTTEN:
            return self._bound
        rate = self._rate * self._growth ** min(age, RECOVERY)
        if age > RECOVERY:
            rate *= 2 ** ((age - RECOVERY) / DOUBLING)
        return min(self._bound, int(rate))

    def _forget(self, now: float) -> None:
        recent = self._recent
        while recent and recent[0][0] <= now - 1.0:
            self._sum -= recent.popleft()[1]
