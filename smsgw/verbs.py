"""What commands may ask of a running daemon: what needs its key, its links or its turn.

A table of verbs, each a coroutine on the event loop that gives its work to the store's thread, like
everything else. The daemon does a verb as a whole, with the name of who asked and why, so that the
hotline needs no key. Knows the hotline's verbs, the desk and the links; no socket.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from smsgw import clock
from smsgw.control import Verb
from smsgw.desk import Desk
from smsgw.errors import SmsgwError
from smsgw.gateway import By, Expired, Hotline
from smsgw.links import Links
from smsgw.passwords import OnDemand
from smsgw.store import StoreLost
from smsgw.worker import Worker

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Who reads lets go of the log within moments.
_LOG_TRIES, _LOG_PAUSE_SECONDS = 20, 0.1


class Verbs:
    """
    Args:
        links: the ones that are; read at each call.
        expire: replaces some passwords that had lapsed at a moment.
        on_lost: told when the disk cannot be trusted any more.
    """

    def __init__(
        self,
        desk: Desk,
        hotline: Hotline,
        worker: Worker,
        links: Links,
        expire: Callable[[By, datetime], Awaitable[Expired]],
        on_lost: Callable[[StoreLost], None],
    ) -> None:
        self._desk = desk
        self._hotline = hotline
        self._worker = worker
        self._links = links
        self._expire = expire
        self._on_lost = on_lost
        self._issuer = OnDemand(hotline.rules.password_length)
        # Hashes cost 20 ms of a core each: commands have them one after another.
        self._turn = asyncio.Lock()

    @property
    def table(self) -> Mapping[str, Verb]:
        return {
            "ring": self.ring,
            "reset-password": self.reset_password,
            "expire": self.expire,
            "retry": self.retry,
            "cancel": self.cancel,
            "truncate-log": self.truncate_log,
        }

    async def ring(self) -> Mapping[str, Any]:
        """Something in the outbox may be due at once."""
        self._desk.ring()
        return {}

    async def reset_password(
        self, key: str, actor: str, reason: str | None = None
    ) -> Mapping[str, Any]:
        """Issue a new password and text it. Not from the stock, which is for citizens who wait."""
        async with self._turn:
            (issued,) = await asyncio.to_thread(self._issuer.take, 1)
            account = await self._in_store(
                self._hotline.reset_password, key, actor, clock.now(), reason, issued
            )
        log.info("control reset-password who=%s", actor)
        return {"username": account.username, "phone": account.phone}

    async def expire(self, actor: str, at: int, reason: str | None = None) -> Mapping[str, Any]:
        """Replace some passwords that had lapsed by *at* (microseconds since 1970); to be asked
        again with the same moment while there are `more`, so that a pass has an end."""
        moment = min(clock.unstamp(at), clock.now())
        async with self._turn:
            try:
                done = await self._expire(By(actor, reason), moment)
            except StoreLost as fault:
                self._on_lost(fault)
                raise
        log.info("control expire who=%s replaced=%d ended=%d", actor, done.replaced, done.ended)
        return {
            "replaced": done.replaced,
            "ended": done.ended,
            "waiting": done.waiting,
            "more": done.more or done.short > 0,
        }

    async def retry(self, mt_id: int, actor: str, reason: str | None = None) -> Mapping[str, Any]:
        """Let a reply leave at once."""
        await self._in_store(self._hotline.retry, mt_id, actor, clock.now(), reason)
        log.info("control retry mt=%d who=%s", mt_id, actor)
        return {}

    async def cancel(self, mt_id: int, actor: str, reason: str | None = None) -> Mapping[str, Any]:
        """Take a reply back from the link that holds it, and never send it.

        One that is on its way has a lease and is in no link's hands: the store refuses it. What
        the store does not answer for keeps its lease, and falls due when that ends.
        """
        held = [(link, mt) for link in self._links if (mt := link.take_back(mt_id))]
        try:
            await self._in_store(self._cancel, mt_id, actor, reason, not held)
        except SmsgwError:
            for link, mt in held:
                link.send([mt])
                link.flush()
            raise
        log.info("control cancel mt=%d who=%s", mt_id, actor)
        return {}

    async def truncate_log(self) -> Mapping[str, Any]:
        """Leave nothing of what was removed in the database's log, which somebody may be reading
        just now."""
        for _ in range(_LOG_TRIES):
            if done := await self._in_store(self._hotline.truncate_log):
                break
            await asyncio.sleep(_LOG_PAUSE_SECONDS)
        return {"done": done}

    def _cancel(self, mt_id: int, actor: str, reason: str | None, links_live: bool) -> None:
        self._hotline.cancel(mt_id, actor, clock.now(), reason, links_live=links_live)

    async def _in_store(self, function: Callable[..., T], *args: Any) -> T:
        try:
            return await self._worker.do(function, *args)
        except StoreLost as fault:
            self._on_lost(fault)
            raise
