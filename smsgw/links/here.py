"""Which links are this node's: all of the configuration, or those of which it has the lease.

What is taken begins once the store has ended what the node before had in its memory; what is to go
ends in good order, is stored, and given back; what is lost ends at once.
"""

import asyncio
import logging
from collections.abc import Collection, Coroutine
from typing import Any, Protocol

from smsgw import clock
from smsgw.desk import Desk
from smsgw.gateway import Gateway, LinkBegins
from smsgw.leases import Keeper, Tenure
from smsgw.store import StoreFault
from smsgw.worker import Worker

log = logging.getLogger("smsgw.links")

#: Before a store that does not answer is asked again.
RETRY_SECONDS = 0.5


class Runner(Protocol):
    """Who runs the links that are this node's."""

    def begin(self, name: str, begins: LinkBegins) -> None:
        """It may run here, if it is wanted."""

    def end(self, name: str) -> bool:
        """It may not, from its end on, which begins now; whether it has ended already. Else
        `Here.ended` is called then."""

    def vanish(self, name: str) -> None:
        """It may not, not even for a word of leave."""

    def is_configured(self, name: str) -> bool:
        """Whether the configuration has it."""


class Here:
    """The tenant of the leases; without a *keeper* every link is this node's."""

    def __init__(self, desk: Desk, gateway: Gateway, worker: Worker, runner: Runner) -> None:
        self._desk = desk
        self._gateway = gateway
        self._worker = worker
        self._runner = runner
        self._keeper: Keeper | None = None
        self._tenures: dict[str, Tenure] = {}  # of links that have begun here
        self._going: set[str] = set()  # that are to go
        self._tasks: set[asyncio.Future[Any]] = set()

    def share(self, keeper: Keeper) -> None:
        """From now on a link is this node's while it has the lease."""
        self._keeper = keeper
        keeper.start(self)

    def want(self, names: Collection[str]) -> None:
        """Have these, as far as they can be had, and no others."""
        if self._keeper is not None:
            self._keeper.want(names)

    def quiesce(self) -> None:
        """Take nothing over any more."""
        if self._keeper is not None:
            self._keeper.quiesce()

    def __contains__(self, name: str) -> bool:
        """Whether that link may run here, and go on."""
        return self._keeper is None or (name in self._tenures and name not in self._going)

    @property
    def is_shared(self) -> bool:
        """Whether there may be links of the configuration that are another node's."""
        return self._keeper is not None

    @property
    def does_jobs(self) -> bool:
        """Whether it is for this node to do what is done by the clock."""
        return self._keeper is None or self._keeper.has_jobs

    def tenure(self, name: str) -> Tenure | None:
        """Of a link that is this node's; None: links have no leases."""
        return self._tenures.get(name)

    def token(self, name: str) -> int | None:
        """The same, its token."""
        return tenure.token if (tenure := self._tenures.get(name)) else None

    def watch(self, future: "asyncio.Future[Any]") -> None:
        """Keep it until it is done."""
        self._tasks.add(future)
        future.add_done_callback(self._tasks.discard)

    # --- what the keeper tells ------------------------------------------------------------------

    def taken(self, tenure: Tenure) -> None:
        self._start(self._take_over(tenure))

    def is_to_go(self, tenure: Tenure) -> None:
        name = tenure.name
        if self._tenures.get(name) is not tenure:  # has not begun yet
            self._give_back(tenure)
            return
        log.warning("link %s: goes to another node", name)
        self._going.add(name)
        if self._runner.end(name):
            self.ended(name)

    def lost(self, tenure: Tenure) -> None:
        name = tenure.name
        if self._tenures.get(name) is tenure:
            log.error("link %s: its lease is lost, another node may take it", name)
            self._forget(tenure)
            self._runner.vanish(name)
            self._desk.results.forget(name)

    # --- what becomes of it ---------------------------------------------------------------------

    async def _take_over(self, tenure: Tenure) -> None:
        name, begins = tenure.name, None
        while begins is None:
            try:
                values = name, tenure.token, clock.now()
                begins = await self._worker.do(self._gateway.take_over, *values)
            except StoreFault as fault:
                log.warning("link %s: cannot be taken over yet: %s", name, fault)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                if begins is None:
                    tenure.lose()
            if tenure.over or not tenure.may_act():
                return
        self._tenures[name] = tenure
        self._runner.begin(name, begins)

    def ended(self, name: str) -> None:
        """The link has ended here, and may go if it is to."""
        if name in self._going:
            self._start(self._let_go(self._tenures[name]))

    async def _let_go(self, tenure: Tenure) -> None:
        name = tenure.name
        await self._desk.results.stored(name)
        if not self._runner.is_configured(name):
            try:
                await self._worker.do(self._gateway.forget_link, name, tenure.token)
            except StoreFault as fault:
                log.warning("link %s: is still listed: %s", name, fault)
        if self._tenures.get(name) is tenure:
            self._forget(tenure)
            self._desk.results.forget(name)
            self._give_back(tenure)

    def _forget(self, tenure: Tenure) -> None:
        del self._tenures[tenure.name]
        self._going.discard(tenure.name)

    def _give_back(self, tenure: Tenure) -> None:
        if self._keeper is not None:
            self._keeper.give_back(tenure)

    def _start(self, step: Coroutine[Any, Any, None]) -> None:
        self.watch(asyncio.create_task(step))
