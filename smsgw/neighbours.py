"""Where several nodes share a server: what each looks at once a second, and how one wakes others.

What another node, or a command on its machine, leaves in the database for this one: texts for a
link that is held here, links that somebody stopped or started. A fact that is another each time
says that there is something; so one small read is enough as long as there is nothing.

Besides: whether a synchronous standby has what we commit, without which texts may have to wait; and
whether all nodes have the same configuration and the right time. Knows the store's verbs and whom
to tell; no session, no lease.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from smsgw.config import Settings, WithoutStandby, common_digest
from smsgw.desk import Desk
from smsgw.gateway import WAKE_FACT
from smsgw.overview import differences
from smsgw.store import Beat, Standby, Store, StoreUnavailable
from smsgw.worker import Worker

log = logging.getLogger("smsgw.daemon")

LOOK_SECONDS = 1.0


class _Seen(NamedTuple):
    wake: str | None
    standby: Standby | None
    beats: list[Beat]


class Neighbours:
    """
    Args:
        woken: another process has left something in the database.
        changed: `status` has something new to say.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        worker: Worker,
        desk: Desk,
        *,
        woken: Callable[[], Awaitable[None]],
        changed: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._store = store
        self._worker = worker
        self._desk = desk
        self._woken = woken
        self._changed = changed
        self._wake: str | None = None
        self._standby: bool | None = None
        self._said: tuple[str, ...] = ()

    async def take_over(self, settings: Settings) -> None:
        """From now on, these settings.

        Raises:
            StoreUnavailable: what others compare with theirs is still that of the ones before.
        """
        self._settings = settings
        await self._worker.do(self._publish, common_digest(settings))

    async def start(self) -> None:
        """Before the first text comes."""
        await self.take_over(self._settings)
        seen = await self._worker.do(self._read)
        self._wake = seen.wake
        self._judge(seen)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look()
            except StoreUnavailable:
                pass  # the heartbeat finds that, too, and says it
            except Exception:
                log.exception("what other nodes left cannot be looked at")

    async def _look(self) -> None:
        seen = await self._worker.do(self._read)
        self._judge(seen)
        if seen.wake != self._wake:
            await self._woken()
            self._wake = seen.wake

    def _judge(self, seen: _Seen) -> None:
        self._judge_standby(seen.standby)
        said = tuple(differences(seen.beats, self._settings.gateway.node))
        for line in said:
            if line not in self._said:
                log.warning("%s", line)
        self._said = said

    def _judge_standby(self, standby: Standby | None) -> None:
        if standby is None:
            return
        wait = self._settings.gateway.without_standby is WithoutStandby.WAIT
        self._desk.takes_texts = standby.seen or not wait
        if standby.seen != self._standby:
            if not standby.seen:
                waits = ": no text is taken until there is one" if wait else ""
                log.error("%s%s", standby.told(), waits)
            elif self._standby is not None:
                log.warning("a synchronous standby is seen again")
            self._standby = standby.seen
            self._changed()

    # --- on the store's thread ------------------------------------------------------------------

    def _read(self) -> _Seen:
        return _Seen(self._store.fact(WAKE_FACT), self._store.standby(), self._store.beats())

    def _publish(self, digest: str) -> None:
        with self._store.transaction():
            self._store.set_configuration(digest)
