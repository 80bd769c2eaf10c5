"""Issued passwords: drawn, hashed, kept ready.

Knows argon2id and the threads that make (password, hash) pairs ahead. Knows no account, no store
and no message: a pair belongs to nobody until somebody takes it.
"""

import logging
import os
import secrets
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from time import monotonic
from typing import NamedTuple, Protocol

from argon2 import PasswordHasher, Type
from argon2.exceptions import HashingError, InvalidHashError, VerificationError

from smsgw import tuning
from smsgw.model import from_tuple

log = logging.getLogger("smsgw.passwords")

#: Lower-case letters and digits without those that look alike on a phone: 0 o, 1 l i.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
MIN_LENGTH, MAX_LENGTH = 8, 16

#: Nice value of the hashers: they run on what the line leaves over.
LOWEST_PRIORITY = 19
#: Rest after a hash that failed (no memory), before the next try.
PAUSE_AFTER_FAILURE_SECONDS = 1.0
#: So long after the last draw the burst is over. A hasher that has rested for so long gives back
#: the memory of its hashes; between two hashes that would take longer than to keep it.
QUIET_SECONDS = 1.0
#: What a hash takes, until some were made here.
USUAL_HASH_SECONDS = 0.02
#: Weight of the last hash in the measured pace, against those before it.
WEIGHT_OF_THE_LAST = 0.1
#: A hash takes some 20 ms; a hasher that is not back after this is left to die with the process.
CLOSE_TIMEOUT_SECONDS = 2.0

# OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, 2 passes, 1 lane. Written out, so that a
# new release of argon2-cffi changes neither the cost of a burst nor the strength of a hash.
_HASHER = PasswordHasher(
    time_cost=2, memory_cost=19456, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
)


class Issued(NamedTuple):
    """A fresh password with its argon2id hash; the hash goes to disk, the password never."""

    password: str
    hash: str

    def __repr__(self) -> str:
        return "Issued(********)"


class Issuer(Protocol):
    """Where the gateway gets its issued passwords from."""

    def take(self, n: int) -> list[Issued]:
        """At most *n* pairs, each handed out once; fewer when no more are ready."""

    def give_back(self, unused: Sequence[Issued]) -> None:
        """Return pairs that were not used after all."""


def draw(length: int) -> str:
    """A random password of *length* characters of `ALPHABET`, from the system's random source.

    8 characters are 39 bits: enough for three days behind a hash that costs 20 ms a guess.

    Raises:
        ValueError: *length* is not 8 to 16.
    """
    if not MIN_LENGTH <= length <= MAX_LENGTH:
        raise ValueError(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters, not {length}")
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def hash_password(password: str) -> str:
    """The argon2id hash of *password*, with parameters and salt in front (PHC string).

    Takes some 20 ms of a core and 19 MiB, without the GIL.
    """
    return _HASHER.hash(password)


def verify(hash_: str | None, password: str) -> bool:
    """Whether *password* is the one behind *hash_*.

    Costs the same for a wrong password and for an account without one (None), so that time tells
    nobody which accounts have a password.
    """
    if hash_ is None:
        _HASHER.hash(password)
        return False
    try:
        return _HASHER.verify(hash_, password)
    except (VerificationError, InvalidHashError):
        return False


def is_dated(hash_: str) -> bool:
    """Whether *hash_* was made with other parameters than those of today."""
    return _HASHER.check_needs_rehash(hash_)


class OnDemand:
    """Pairs made when they are asked for: for commands, which need one and can wait 20 ms."""

    def __init__(self, length: int) -> None:
        self._length = length

    def take(self, n: int) -> list[Issued]:
        """*n* pairs, hashed now on the caller's time."""
        return [_make(self._length) for _ in range(n)]

    def give_back(self, unused: Sequence[Issued]) -> None:
        """Forget them; the next ones are made afresh."""


class Supply:
    """The passwords of one transaction: what was taken and is not stored in the end goes back.

    Once there was none to be had, no more are given out, though the stock may have some by then:
    the same text sent again must not overtake the first, which would then find its phone
    registered.

    Args:
        most: so many may be given out; None: no matter how many.
    """

    def __init__(self, issuer: Issuer, most: int | None = None) -> None:
        self._issuer = issuer
        self._left = inf if most is None else most
        self._ahead: list[Issued] = []  # the next one is the last
        self._given: list[Issued] = []
        self._dry = False

    @classmethod
    def of(cls, issued: Issued) -> "Supply":
        """The one password that was hashed already, for whoever wants it."""
        supply = cls(OnDemand(0), 1)
        supply._ahead = [issued]
        return supply

    @property
    def given(self) -> int:
        """How many were given out."""
        return len(self._given)

    def fetch(self, n: int) -> None:
        """Have *n* ready to be given out, or as many as there are: one by one takes longer."""
        n = int(min(n - len(self._ahead), self._left - len(self._ahead)))
        if n > 0:
            self._ahead = self._issuer.take(n)[::-1] + self._ahead

    def draw(self) -> Issued | None:
        """The next one; None: whoever wants it has to wait."""
        if not self._ahead and not self._dry:
            self.fetch(1)
        if not self._ahead:
            self._dry = True
            return None
        issued = self._ahead.pop()
        self._given.append(issued)
        self._left -= 1
        return issued

    def close(self, *, stored: bool) -> None:
        """Return what was taken and not needed; *stored*: what was given out is on the disk."""
        unused = self._ahead if stored else self._given + self._ahead[::-1]
        if unused:
            self._issuer.give_back(unused)
        self._ahead, self._given = [], []


class Stock:
    """Pairs made ahead by threads of lowest priority, in memory only.

    One thread fewer than there are cores (at least one) fills the stock to *size*, then rests. It
    rests as well while the stock is being drawn on and still half full: a burst has the cores to
    itself. While registrations wait for an empty stock, every core hashes. All methods may be
    called from any thread and never wait for a hash, except `close`.

    Args:
        size: how many pairs are kept ready.
        length: characters in a password.
        on_filled: called from a hasher's thread each time a pair is ready that somebody waits for.
    """

    def __init__(self, size: int, length: int, on_filled: Callable[[], object]) -> None:
        self._size = size
        self._length = length
        self._on_filled = on_filled
        # The passwords lie in bytearrays: a str cannot be wiped.
        self._ready: deque[tuple[bytearray, str]] = deque()
        self._waiting = 0
        self._hash_seconds = USUAL_HASH_SECONDS  # of one hasher; a mean in which the last count
        self._drawn_at = -inf
        self._closed = False
        lock = threading.Lock()
        self._lock = lock
        self._below_size = threading.Condition(lock)
        self._demand = threading.Condition(lock)
        cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
        steady = max(1, cores - 1)
        self._threads = [
            threading.Thread(
                target=self._fill if number < steady else self._help_out,
                name=f"hasher-{number}",
                daemon=True,
            )
            for number in range(max(1, cores))
        ]

    def __len__(self) -> int:
        """How many pairs are ready."""
        return len(self._ready)

    @property
    def rate(self) -> float:
        """Pairs a second that all hashers together make, at the pace of their last ones."""
        return len(self._threads) / self._hash_seconds

    def start(self) -> None:
        """Let the hashers begin."""
        for thread in self._threads:
            thread.start()

    def take(self, n: int) -> list[Issued]:
        """At most *n* pairs; fewer, or none, when the stock runs out. Never waits."""
        with self._lock:
            was_full = len(self._ready) >= self._size
            taken = [self._ready.popleft() for _ in range(min(n, len(self._ready)))]
            if taken:
                self._drawn_at = monotonic()
                # Not at each draw of a burst: to wake a thread that goes back to rest takes time as
                # well.
                if was_full or self._is_low():
                    self._below_size.notify_all()
        return [from_tuple(Issued, (password.decode(), hash_)) for password, hash_ in taken]

    def give_back(self, unused: Sequence[Issued]) -> None:
        """Return pairs that nobody was told of; the next `take` has them first."""
        with self._lock:
            if not self._closed:
                self._ready.extendleft(
                    (bytearray(i.password.encode()), i.hash)
                    for i in unused
                    if len(i.password) == self._length
                )

    def make(self, length: int) -> None:
        """From now on, passwords of *length*: no `take` gives another one."""
        with self._lock:
            if length != self._length:
                self._length = length
                self._wipe()
                self._below_size.notify_all()
                self._demand.notify_all()

    def _wipe(self) -> None:
        for password, _ in self._ready:
            password[:] = bytes(len(password))
        self._ready.clear()

    def wanted(self, n: int) -> None:
        """Say that *n* registrations wait for a pair now; 0: none does any more."""
        with self._lock:
            self._waiting = n
            if n:
                self._below_size.notify_all()
                self._demand.notify_all()

    def close(self) -> None:
        """Stop the hashers and wipe what is ready; waits for a hash that is being made."""
        with self._lock:
            self._closed = True
            self._wipe()
            self._below_size.notify_all()
            self._demand.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(CLOSE_TIMEOUT_SECONDS)

    def _is_needed(self) -> bool:
        return self._closed or self._waiting > len(self._ready)

    def _is_low(self) -> bool:
        return len(self._ready) * 2 < self._size or self._is_needed()

    def _is_short(self) -> bool:
        return len(self._ready) < self._size

    def _is_to_fill(self) -> bool:
        quiet = monotonic() - self._drawn_at >= QUIET_SECONDS
        return self._is_low() or (quiet and self._is_short())

    def _fill(self) -> None:
        """The life of a steady hasher."""
        self._hash_while(self._below_size, self._is_to_fill, self._is_short)

    def _help_out(self) -> None:
        """The life of the hasher on the last core: it works only while somebody waits.

        On a machine of two cores a second hasher beside the line would cost milliseconds a
        message, nice or not.
        """
        self._hash_while(self._demand, self._is_needed, self._is_needed)

    def _hash_while(
        self,
        condition: threading.Condition,
        needed: Callable[[], bool],
        soon: Callable[[], bool],
    ) -> None:
        """Hash while *needed*; look once in a while if it is so *soon*, else sleep until told."""
        _lower_priority()
        tuning.keep_memory_of_hashes()
        while True:
            with condition:
                if not condition.wait_for(needed, QUIET_SECONDS):
                    if not soon():
                        tuning.give_memory_back()
                        condition.wait_for(lambda: soon() or needed())
                    continue
            if self._closed:
                return
            began = monotonic()
            try:
                issued = _make(self._length)
            except (HashingError, MemoryError) as error:
                log.error("hash failed reason=%r retry_s=%g", error, PAUSE_AFTER_FAILURE_SECONDS)
                with condition:
                    condition.wait_for(lambda: self._closed, PAUSE_AFTER_FAILURE_SECONDS)
                continue
            with self._lock:
                if self._closed:
                    return
                took = max(monotonic() - began, 1e-6)
                self._hash_seconds += WEIGHT_OF_THE_LAST * (took - self._hash_seconds)
                if len(issued.password) != self._length:
                    continue  # another one is wanted since
                self._ready.append((bytearray(issued.password.encode()), issued.hash))
                somebody_waits = self._waiting > 0
            del issued
            if somebody_waits:
                self._on_filled()


def _make(length: int) -> Issued:
    password = draw(length)
    return Issued(password, hash_password(password))


def _lower_priority() -> None:
    # On Linux a nice value belongs to a thread, elsewhere to the whole process, which must not
    # become slow. A sandbox may forbid it: then the hashers only compete a little more.
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
