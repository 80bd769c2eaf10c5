"""The configuration is read again while the daemon runs, and taken over whole or not at all.

A list of rooms says what each of them takes over, and in which order. The first one may refuse: it
writes to the store, and until it has, nothing is another than before. Knows files by who reads
them, and rooms by what they follow; no link, no text.

What asks for it at once is one reload or two: who comes while one is waiting for its turn shares
that, since the file is yet to be read. `systemd` is told of its begin and its end, also where it
was refused (sd_notify(3), RELOADING=1).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from smsgw import clock
from smsgw.config import ConfigError, Settings, changes, need_restart
from smsgw.errors import SmsgwError
from smsgw.store import StoreLost
from smsgw.systemd_notify import notify

log = logging.getLogger("smsgw.daemon")

#: What a room does with the settings; what it raises refuses them.
TakeOver = Callable[[Settings], Awaitable[None]]


class Room(NamedTuple):
    """Somebody who follows the configuration."""

    name: str
    follows: AbstractSet[str]  #: tables, or single keys such as `gateway.timezone`
    take_over: TakeOver


class LastReload(NamedTuple):
    """When the configuration was read again last, and whether it was taken over."""

    at: datetime
    ok: bool


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What became of it."""

    faults: Sequence[str] = ()  #: a line each; none: it is taken over
    changed: Sequence[str] = ()  #: keys


class Reload:
    """
    Args:
        settings: those of the start.
        read: reads *file*; in a thread, for a disk may hang.
        rooms: who takes over, in this order.
        note: keeps when it was, and whether it went well, where others see it.
    """

    def __init__(
        self,
        settings: Settings,
        file: Path,
        read: Callable[[], Settings],
        rooms: Sequence[Room],
        note: Callable[[LastReload], Awaitable[None]],
    ) -> None:
        self.settings = settings  #: that are followed now
        self._file = file
        self._read = read
        self._rooms = rooms
        self._note = note
        self._turn = asyncio.Lock()
        self._waiting: asyncio.Task[Reloaded] | None = None
        self._tasks: set[asyncio.Task[Reloaded]] = set()  # the loop itself holds none
        self._over = False

    async def again(self) -> Reloaded:
        """Read the file, and have all rooms take it over; whoever stops waiting stops nothing.

        Raises:
            StoreLost: end the process.
        """
        return await asyncio.shield(self.begin())

    def begin(self) -> "asyncio.Task[Reloaded]":
        """The same for who does not wait."""
        if self._waiting is None:
            self._waiting = task = asyncio.create_task(self._in_turn(), name="reload")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return self._waiting

    def end(self) -> None:
        """Take over nothing more."""
        self._over = True

    async def _in_turn(self) -> Reloaded:
        async with self._turn:
            self._waiting = None  # who asks from now on may have changed the file since
            # CLOCK_MONOTONIC, with which systemd tells a late READY=1 from this one.
            notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
            try:
                done = await self._reload()
                await self._note(LastReload(clock.now(), not done.faults))
            finally:
                notify("READY=1")
        for fault in done.faults:
            log.error("reload refused: %s", fault)
        if not done.faults:
            log.info("reload changed=%s", ",".join(done.changed) or "nothing")
        return done

    async def _reload(self) -> Reloaded:
        try:
            settings = await asyncio.to_thread(self._read)
        except ConfigError as error:
            return Reloaded([f"{error.path}: {fault}" for fault in error.faults])
        except SmsgwError as error:
            return Reloaded([str(error)])
        changed = changes(self.settings, settings)
        fixed = need_restart()
        if faults := [f"{self._file}: {key}: takes a restart" for key in changed if key in fixed]:
            return Reloaded(faults)
        if self._over:
            return Reloaded(["the daemon ends"])
        try:
            for room in self._rooms:
                await room.take_over(settings)
        except StoreLost:
            raise
        except SmsgwError as error:
            return Reloaded([f"nothing is taken over: {error}"])
        self.settings = settings
        return Reloaded(changed=changed)
