"""What commands may ask of a running daemon: what needs its key, its links or its turn.

A table of verbs, each a coroutine on the event loop that gives its work to the store's thread, like
everything else. The daemon does a verb as a whole, with the name of who asked and why, so that the
hotline needs no key. Knows the hotline's verbs, the desk and the links; no socket.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

from smsgw import clock
from smsgw.control import Verb
from smsgw.desk import Desk
from smsgw.errors import SmsgwError
from smsgw.gateway import By, Expired, Hotline
from smsgw.links import Links
from smsgw.monitor import Monitor
from smsgw.passwords import OnDemand
from smsgw.pulse import Pulse
from smsgw.records import plain
from smsgw.store import StoreLost
from smsgw.worker import Worker

log = logging.getLogger(__name__)

T = TypeVar("T")

#: How long a command lets the daemon wait for its store, each time that it asks.
PULSE_SECONDS = 3.0


class Verbs:
    """
    Args:
        links: the ones that are; read at each call.
        expire: replaces some passwords that had lapsed at a moment.
        on_lost: told when the disk cannot be trusted any more.
        pulse, monitor: tell how the store and everything is.
    """

    def __init__(
        self,
        desk: Desk,
        hotline: Hotline,
        worker: Worker,
        links: Links,
        expire: Callable[[By, datetime], Awaitable[Expired]],
        on_lost: Callable[[StoreLost], None],
        *,
        pulse: Pulse,
        monitor: Monitor,
    ) -> None:
        self._pulse = pulse
        self._monitor = monitor
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
            "pulse": self.pulse,
            "status": self.status,
            "reset-password": self.reset_password,
            "expire": self.expire,
            "retry": self.retry,
            "cancel": self.cancel,
        }

    async def ring(self) -> Mapping[str, Any]:
        """Something in the outbox may be due at once."""
        self._desk.ring()
        return {}

    async def pulse(self) -> Mapping[str, Any]:
        """For how many seconds the store has not answered; 0: it has just done so."""
        return {"silent": await self._pulse.answers(PULSE_SECONDS)}

    async def status(self) -> Mapping[str, Any]:
        """What one looks at to know whether it works (`overview.told` reads it)."""
        seen = await self._monitor.overview()
        return {each.name: plain(getattr(seen, each.name)) for each in fields(seen)}

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

    def _cancel(self, mt_id: int, actor: str, reason: str | None, links_live: bool) -> None:
        self._hotline.cancel(mt_id, actor, clock.now(), reason, links_live=links_live)

    async def _in_store(self, function: Callable[..., T], *args: Any) -> T:
        try:
            return await self._worker.do(function, *args)
        except StoreLost as fault:
            self._on_lost(fault)
            raise
