"""Lets data keys die: a walk through the outbox, in small steps.

Each key must be gone ten minutes after the last text that left with it, however long other texts
wait. So a walk seals what still waits with another key, and forgets every key with which nothing is
sealed any more. Texts that were sealed anew together stay as they are until one of them leaves. So
a carrier that is down all night costs one pass, not one every few minutes.

The same walk wipes the password of what failed or was cancelled a day ago.

Knows rows, keys and times. Must not know why a text waits.
"""

from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta

from smsgw.clock import stamp
from smsgw.datakeys import DataKeys
from smsgw.model import MtState
from smsgw.store import Store
from smsgw.vault import ID_OCTETS, KeyUnknown, SealBroken

#: Rows of one step, which is one transaction: a text that comes in meanwhile waits for it.
STEP = 200
#: A text that failed or was cancelled can be sent again for so long; then its password is wiped.
KEPT = timedelta(hours=24)


class Walk:
    """From the first row of the outbox to the last, and then from the first again."""

    def __init__(self, store: Store, keys: DataKeys) -> None:
        self._store = store
        self._keys = keys
        #: Rows that the key of what waits has sealed; below 0: not known.
        self._company = 0
        self._begin()

    def _begin(self) -> None:
        self._after = 0
        self._retired: set[bytes] | None = None
        self._seen: Counter[bytes] = Counter()
        self._moved = 0

    def step(self, now: datetime) -> bool:
        """One step; false: it was the last one of a walk.

        Raises:
            StoreUnavailable, KeyFault: nothing was done; the next walk begins anew.
        """
        try:
            with self._store.transaction():
                more = self._step(stamp(now))
        except BaseException:
            self._company = -1
            self._begin()
            raise
        if not more:
            self._begin()
        return more

    def _step(self, at: int) -> bool:
        if self._retired is None:
            self._keys.clean()
            self._retired = self._keys.retired(at)
        rows = self._store.sealed_after(self._after, STEP)
        moved = self._moved
        for id_, sealed, state, ended_at in rows:
            self._after = id_
            if sealed is not None and not self._wipe(id_, state, ended_at, at):
                self._take_over(id_, sealed, at)
        if self._moved > moved or len(rows) == STEP:
            # What was sealed anew must be on the disk before its former key is forgotten; and what
            # others sealed since this step must have been looked at.
            return True
        self._keys.forget(self._retired - self._seen.keys())
        self._judge()
        return False

    def _wipe(self, id_: int, state: str, ended_at: int | None, at: int) -> bool:
        """Wipe the password of a text that nobody sent again in time; whether it is gone."""
        if state == MtState.QUEUED:
            return False
        if ended_at is None:
            self._store.has_ended(id_, at)
            return False
        if at - ended_at < KEPT // timedelta(microseconds=1):
            return False
        self._store.wipe(id_)
        return True

    def _take_over(self, id_: int, sealed: bytes, at: int) -> None:
        """Seal with the key of what waits, if the former one has to go."""
        key = sealed[:ID_OCTETS]
        assert self._retired is not None  # noqa: S101 - the walk has begun
        if key in self._retired or self._keys.by_secret_key(sealed):
            with suppress(KeyUnknown, SealBroken):  # stays as it is: the key may turn up again
                text = self._keys.unseal(id_, sealed)
                self._store.reseal(id_, self._keys.seal_waiting(id_, text, at))
                self._moved += 1
                return
        self._seen[key] += 1

    def _judge(self) -> None:
        """The key of what waits stays only while nothing has left that it sealed."""
        waiting = self._keys.waiting
        found = self._seen[waiting] if waiting else 0
        if found != self._company or not found + self._moved:
            self._keys.retire_waiting()
            self._company = 0
        else:
            self._company = found + self._moved
