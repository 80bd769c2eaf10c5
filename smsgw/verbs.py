"""What commands may ask of a running daemon: what needs its key, its links or its turn.

A table of verbs, each a coroutine on the event loop that gives its work to the store's thread, like
everything else. The daemon does a verb as a whole, with the name of who asked and why, so that the
hotline needs no key. Knows the hotline's verbs, the desk and the links; no socket.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from smsgw import clock
from smsgw.asking import identity
from smsgw.control import Verb
from smsgw.desk import Desk
from smsgw.errors import SmsgwError
from smsgw.gateway import By, Expired, Hotline
from smsgw.links import Links
from smsgw.monitor import Monitor
from smsgw.passwords import OnDemand
from smsgw.pulse import Pulse
from smsgw.records import plain
from smsgw.reload import Reloaded
from smsgw.store import StoreLost
from smsgw.worker import Worker

log = logging.getLogger(__name__)

T = TypeVar("T")

#: How long a verb waits for a link that ends; it ends by itself.
STOP_SECONDS = 2.0
#: Of what is wrong with a configuration, so much fits an answer.
_MOST_FAULTS, _LONGEST_FAULT = 50, 400
#: Who reads lets go of the log within moments.
_LOG_TRIES, _LOG_PAUSE_SECONDS = 20, 0.1
#: How long a command lets the daemon wait for its store, each time that it asks.
PULSE_SECONDS = 3.0


class Verbs:
    """
    Args:
        links: the ones that are; read at each call.
        file: that the configuration comes from.
        expire: replaces some passwords that had lapsed at a moment.
        reload: takes the configuration over again.
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
        file: Path,
        reload: Callable[[], Awaitable[Reloaded]],
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
        self._file = file
        self._reload = reload
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
            "reload": self.reload,
            "stop-link": self.stop_link,
            "start-link": self.start_link,
            "test-link": self.test_link,
            "text-test": self.text_test,
            "truncate-log": self.truncate_log,
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
            issuer = OnDemand(self._hotline.rules.password_length)
            (issued,) = await asyncio.to_thread(issuer.take, 1)
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

    # --- configuration and links --------------------------------------------------------------

    async def reload(self, actor: str, file: Sequence[int] | None = None) -> Mapping[str, Any]:
        """Take the configuration over again, whole or not at all.

        Args:
            file: device and inode of the file that is meant, where it has to be ours; if it is
                not, nothing is done, and the answer tells no faults.
        """
        if file is not None and list(file) != identity(self._file):
            return {"file": str(self._file)}
        log.info("control reload who=%s", actor)
        done = await self._reload()
        faults = [fault[:_LONGEST_FAULT] for fault in done.faults[:_MOST_FAULTS]]
        return {"file": str(self._file), "faults": faults, "changed": list(done.changed)}

    async def stop_link(
        self, name: str, actor: str, reason: str | None = None
    ) -> Mapping[str, Any]:
        """Take one link down, while the others go on."""
        now = clock.now()
        stop = await self._in_store(self._hotline.stop_link, name, actor, now, reason)
        if stop.at == now:
            log.warning("link %s: stopped who=%s", name, actor)
        told = await self._follow_stops()
        ended = await self._links.ended(name, STOP_SECONDS)
        await self._publish()
        return {"told": told[name], "new": stop.at == now, "ended": ended}

    async def start_link(
        self, name: str, actor: str, reason: str | None = None
    ) -> Mapping[str, Any]:
        """Take it up again."""
        done = await self._in_store(self._hotline.start_link, name, actor, clock.now(), reason)
        if done:
            log.warning("link %s: started who=%s", name, actor)
        await self._follow_stops()
        await self._publish()
        return {"new": done}

    async def _follow_stops(self) -> Mapping[str, str]:
        """Have the links do what the store says."""
        stopped = await self._in_store(self._hotline.stopped_links)
        self._links.stop(stopped)
        return stopped

    async def _publish(self) -> None:
        """Whoever looks next sees what was done."""
        try:
            await self._links.publish()
        except StoreLost as fault:
            self._on_lost(fault)
            raise

    async def test_link(self, name: str, *, anew: bool) -> Mapping[str, Any]:
        """How far the test of a link has come, to be asked again until it is over; so nobody
        waits here for a carrier.

        Args:
            anew: begin one, unless one is running.
        """
        self._hotline.check_link(name)
        await self._links.ended(name, STOP_SECONDS)
        trial = self._links.test(name, anew=anew)
        if trial is None:
            return {"held": False, "steps": [], "over": True}
        steps = [step._asdict() for step in trial.steps]
        return {"held": True, "steps": steps, "over": trial.over}

    async def text_test(self, name: str, number: str, actor: str) -> Mapping[str, Any]:
        """Send the text of a test by a link, as any other; the id of its message."""
        mt_id = await self._in_store(self._hotline.test_link, name, number, actor, clock.now())
        log.info("control test link=%s mt=%d who=%s", name, mt_id, actor)
        return {"mt_id": mt_id}

    async def _in_store(self, function: Callable[..., T], *args: Any) -> T:
        try:
            return await self._worker.do(function, *args)
        except StoreLost as fault:
            self._on_lost(fault)
            raise
