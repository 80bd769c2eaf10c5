"""What every page has at hand. A thread for each file, or connection, does what blocks."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from smsgw import clock
from smsgw.config import PortalSettings, Settings
from smsgw.database import Server
from smsgw.gateway import Citizens, Gateway, Rules
from smsgw.passwords import OnDemand
from smsgw.portal.hashing import Hashers
from smsgw.portal.keys import Keys, open_keys
from smsgw.portal.rendering import Pages
from smsgw.portal.sessions import limits_of
from smsgw.portal.short import Limits, Short, open_short
from smsgw.portal.texts import Words
from smsgw.registration import common_passwords, units
from smsgw.store import Store, open_store
from smsgw.vault import Vault
from smsgw.worker import Worker

log = logging.getLogger("smsgw.portal")

T = TypeVar("T")

#: What is never asked for again is removed so often.
UPKEEP_SECONDS = 60.0
#: So long a page waits for another writer of the database; meanwhile others wait for it.
BUSY = timedelta(seconds=2)


class Portal:
    """To be opened and closed on the event loop."""

    def __init__(self, settings: Settings, options: PortalSettings) -> None:
        self.settings = settings
        self.options = options
        self.words = Words(settings)
        self.pages = Pages(self.words)
        self.limits: Limits = limits_of(options)
        self.keys: Keys
        self.hashers: Hashers
        self.verdicts: Counter[str] = Counter()  #: tries, by what became of them
        self.citizens: Citizens
        self.short: Short
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        """
        Raises:
            SmsgwError: there is no database, or a file cannot be read or made.
        """
        settings, stack = self.settings, self._stack
        self._store_worker = Worker("store")
        stack.callback(self._store_worker.close)
        self._short_worker = Worker("short")
        stack.callback(self._short_worker.close)
        store: Store = await self._store_worker.do(
            partial(
                open_store,
                settings.gateway.database,
                create=False,
                busy_timeout=BUSY,
                copies_log=False,
                migrate=False,
            )
        )
        stack.push_async_callback(self._store_worker.do, store.close)
        vault = Vault.deferred(settings.gateway.secret_key_file)
        issuer = OnDemand(settings.registration.password_length)
        gateway = await self._store_worker.do(Gateway, store, Rules.of(settings), vault, issuer)
        self.citizens = Citizens(gateway)
        # Tables that take a moment to read when they are first asked.
        await self._store_worker.do(common_passwords.known)
        await self._store_worker.do(units.provinces)
        shared = self.citizens.portal_key if isinstance(settings.gateway.database, Server) else None
        self.keys = await self._store_worker.do(open_keys, settings, shared)
        short = await self._short_worker.do(open_short, settings)
        assert short is not None  # noqa: S101 - it was made
        self.short = short
        stack.push_async_callback(self._short_worker.do, short.close)
        self.hashers = Hashers()
        stack.callback(self.hashers.close)
        upkeep = asyncio.create_task(self._upkeep(), name="upkeep")
        stack.callback(upkeep.cancel)

    async def close(self) -> None:
        await self._stack.aclose()

    async def ask(self, verb: Callable[..., T], *args: Any, **options: Any) -> T:
        """A verb of `citizens`, in the thread that owns the database.

        Raises:
            Unavailable: the database is locked, or gone.
        """
        return await self._store_worker.do(partial(verb, *args, **options))

    async def shortly(self, verb: Callable[..., T], *args: Any, **options: Any) -> T:
        """A verb of `short`, in its thread.

        Raises:
            Unavailable: the file is locked, or cannot be made.
        """
        return await self._short_worker.do(partial(verb, *args, **options))

    async def _upkeep(self) -> None:
        while True:
            await asyncio.sleep(UPKEEP_SECONDS)
            try:
                await self.shortly(self.short.forget, clock.now(), self.limits)
            except Exception as fault:
                log.error("upkeep failed reason=%r", fault)
