"""Keeps the leases of this node: looks, renews, takes and gives back, in a thread of its own.

The thread has a session of its own, so that no batch keeps it waiting, and tells the event loop
what changes. When a tenure is over, the loop looks itself: the thread may be waiting for a server
that does not answer.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Protocol

from smsgw.errors import SmsgwError
from smsgw.leases.tenure import JOBS, Tenure, boottime
from smsgw.leases.watch import LOOK_EACH, LOOK_SECONDS, MAY_ACT_FOR, RENEW_AFTER, Watch
from smsgw.store import LeaseRow, Leases

log = logging.getLogger("smsgw.leases")

#: At the end, what could not be given back by then is left to run out.
END_SECONDS = 3.0


class Tenant(Protocol):
    """Who runs what this node holds; called on the event loop."""

    def taken(self, tenure: Tenure) -> None:
        """A link is this node's."""

    def lost(self, tenure: Tenure) -> None:
        """It may not act any more: not an octet."""

    def is_to_go(self, tenure: Tenure) -> None:
        """Another node is to have the link: end it, then `Keeper.give_back`."""


class _Nobody:
    """Runs nothing."""

    def taken(self, tenure: Tenure) -> None: ...
    def lost(self, tenure: Tenure) -> None: ...
    def is_to_go(self, tenure: Tenure) -> None: ...


class Keeper:
    """To be made and used on the event loop.

    Args:
        leases: used by the keeper's thread alone.
        lease: seconds.
        succeeds: the process that was this node before is known to have ended.
    """

    def __init__(self, leases: Leases, node: str, lease: float, *, succeeds: bool = True) -> None:
        self._loop = asyncio.get_running_loop()
        self._tenant: Tenant = _Nobody()
        self._here: dict[str, Tenure] = {}  # as the loop knows it
        self._timer: asyncio.TimerHandle | None = None
        self._names = frozenset({JOBS})
        # The thread's own.
        self._leases = leases
        self._node = node
        self._lease = lease
        self._watch = Watch(node, lease)
        self._held: dict[str, Tenure] = {}
        self._succeeds = succeeds
        self._last: dict[str, int] = {}  # tokens that we had last
        self._renewed_at = 0.0
        self._going: set[Tenure] = set()  # that the tenant was told to end
        self._fault: str | None = None
        # Between both.
        self._given: SimpleQueue[Tenure] = SimpleQueue()
        self._call = threading.Event()
        self._quiet = self._ending = False
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._work, name="leases", daemon=True)

    # --- on the loop --------------------------------------------------------------------------

    def start(self, tenant: Tenant) -> None:
        """Begin to hold what is `wanted`; *tenant* runs it."""
        self._tenant = tenant
        self._thread.start()

    def want(self, links: Collection[str]) -> None:
        """Hold these as far as they can be had, and no others."""
        self._names = frozenset({*links, JOBS})
        self._call.set()

    @property
    def has_jobs(self) -> bool:
        """Whether this node is the one that does what is done by the clock."""
        tenure = self._here.get(JOBS)
        return tenure is not None and tenure.may_act()

    def give_back(self, tenure: Tenure) -> None:
        """Nothing is sent for it any more, and all that was is stored: others may have it."""
        tenure.end()
        if self._here.get(tenure.name) is tenure:
            del self._here[tenure.name]
        self._given.put(tenure)
        self._call.set()

    def drop(self, tenure: Tenure) -> None:
        """Somebody found that it is over."""
        tenure.end()
        if self._here.get(tenure.name) is tenure:
            del self._here[tenure.name]
            if tenure.name == JOBS:
                return
            self._tenant.lost(tenure)

    def quiesce(self) -> None:
        """Take no link any more."""
        self._quiet = True

    async def end(self) -> None:
        """Give everything back, and end."""
        self._quiet = self._ending = True
        for tenure in list(self._here.values()):
            self.give_back(tenure)
        self._call.set()
        if self._thread.is_alive():
            await asyncio.wait({self._ended}, timeout=END_SECONDS)
        if self._timer is not None:
            self._timer.cancel()

    def _takes(self, tenure: Tenure) -> None:
        if self._quiet or not tenure.may_act():
            self.give_back(tenure)
            return
        self._here[tenure.name] = tenure
        self._look_after()
        if tenure.name != JOBS:
            log.info("link %s: this node holds it, token=%d", tenure.name, tenure.token)
            self._tenant.taken(tenure)

    def _goes(self, tenure: Tenure) -> None:
        if self._here.get(tenure.name) is not tenure:
            return
        if tenure.name == JOBS:
            self.give_back(tenure)
        else:
            self._tenant.is_to_go(tenure)

    def _look_after(self) -> None:
        """Drop what is over, and come back when the next one may be."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for tenure in list(self._here.values()):
            if not tenure.may_act():
                self.drop(tenure)
        if self._here:
            left = min(tenure.until for tenure in self._here.values()) - boottime()
            self._timer = self._loop.call_later(max(left, 0.005), self._look_after)

    # --- in the thread ------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._ending or not self._given.empty():
            self._call.clear()
            try:
                self._turn()
                self._is_well()
            except SmsgwError as fault:
                self._watch.begin_anew()
                self._is_ill(str(fault))
                if self._ending:
                    break
            self._call.wait(min(LOOK_EACH * self._lease, LOOK_SECONDS))
        self._leases.close()
        self._tell(self._has_ended)

    def _turn(self) -> None:
        while not self._given.empty():
            given = self._given.get()
            if self._held.get(given.name) is given:
                del self._held[given.name]
            self._going.discard(given)
            self._leases.release(given.name, given.token)
        if self._ending:
            return
        names = self._names
        rows, beats = self._leases.look(names | self._held.keys())
        now = boottime()
        self._watch.see(rows, beats, now)
        for row in rows:
            tenure = self._held.get(row.name)
            if tenure is not None and (
                tenure.over or (row.owner, row.token) != (self._node, tenure.token)
            ):
                self._forget(tenure)
        if now - self._renewed_at >= RENEW_AFTER * self._lease:
            self._renew()
        for row in rows if not self._quiet else ():
            if row.name in self._held:
                self._look_at(row, row.name in names, now)
            elif row.name in names:
                ended = self._succeeds or self._last.get(row.name) == row.token
                if self._watch.may_take(row, now, ended=ended):
                    self._take(row)

    def _renew(self) -> None:
        sent = boottime()
        held = {name: tenure.token for name, tenure in self._held.items()}
        ours = self._leases.renew(held) if held else set()
        for name, tenure in list(self._held.items()):
            if name in ours:
                tenure.until = sent + MAY_ACT_FOR * self._lease
            else:
                self._forget(tenure)
        self._renewed_at = sent

    def _take(self, row: LeaseRow) -> None:
        sent = boottime()
        token = self._leases.take(row)
        if token is not None:
            tenure = Tenure(row.name, token, sent + MAY_ACT_FOR * self._lease, self.drop)
            self._held[row.name] = tenure
            self._last[row.name] = token
            self._tell(self._takes, tenure)

    def _look_at(self, row: LeaseRow, stays: bool, now: float) -> None:
        """What is to become of one that we hold."""
        tenure = self._held[row.name]
        if stays and row.wanted is not None and not self._watch.is_wanted_elsewhere(row, now):
            self._leases.forget_wish(row)
        elif (not stays or row.wanted is not None) and tenure not in self._going:
            self._going.add(tenure)
            self._tell(self._goes, tenure)

    def _forget(self, tenure: Tenure) -> None:
        del self._held[tenure.name]
        self._going.discard(tenure)
        tenure.end()
        self._tell(self.drop, tenure)

    def _is_ill(self, fault: str) -> None:
        if self._fault is None:
            log.warning("leases cannot be renewed: %s", fault)
        self._fault = fault

    def _is_well(self) -> None:
        if self._fault is not None:
            log.warning("leases can be renewed again")
        self._fault = None

    def _has_ended(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _tell(self, function: Callable[..., None], *args: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(function, *args)
