"""How often a password may be guessed at. Pure: counts and times come in, a judgement goes out.

A try is reserved before anything is hashed and judged afterwards, so that many at once are no more
than as many in a row. Each counts in one bucket of its name: that of strangers, or that of a
browser which has logged in to the very name. Strangers count by their address, too.
"""

from datetime import timedelta
from typing import NamedTuple

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
#: Who finds all tries reserved by others.
CROWDED_WAIT = timedelta(seconds=30)
#: A name without an account is shut for so long, one with an account until its secret is new.
SHUT_NOBODY = timedelta(days=30)
#: What somebody is told to wait who will not be let in before the secret is new.
SHUT_WAIT = timedelta(hours=1)

WINDOW = timedelta(minutes=10)  #: in which failures of an address are counted
BLOCKED = timedelta(minutes=10)
FAILURES, NAMES = 60, 20  #: free in a window
SHARED = 10  #: times as many, behind networks of many citizens

#: Of a moment that is no more ahead than this the clock is not wrong: portals write side by side,
#: and one may have looked at its clock before another wrote.
AHEAD = timedelta(minutes=1)

#: A browser is known to a name for so long after it logged in.
KNOWN_FOR = timedelta(days=180)


class Bucket(NamedTuple):
    """How the tries of one bucket are counted."""

    free: int  #: wrong ones in a row before anybody waits
    end: int  #: wrong ones in a row, after which nothing more is judged


STRANGERS = Bucket(free=5, end=100)
KNOWN = Bucket(free=10, end=50)


def wait_after(wrong: int, bucket: Bucket) -> timedelta:
    """How long nothing is judged after *wrong* tries in a row, the last of them included."""
    if wrong < bucket.free:
        return timedelta(0)
    wait: timedelta = FIRST_WAIT * 2 ** min(wrong - bucket.free, 20)
    return min(wait, LONGEST_WAIT)


def room(wrong: int, bucket: Bucket) -> int:
    """How many tries may be reserved at a time: those that are free yet, and one after a wait."""
    return max(1, bucket.free - wrong)
