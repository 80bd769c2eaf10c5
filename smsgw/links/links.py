"""All links by name: made, changed and ended as the configuration says, while traffic goes on.

Owns what outlives a link of a name (its counts and oddities), and writes states where commands
read them. Knows the gateway's verbs for that, and the store's thread; no socket.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from smsgw import clock
from smsgw.config import Settings, SmscSettings
from smsgw.desk import Desk
from smsgw.gateway import Gateway, LinkBegins
from smsgw.histogram import Histogram
from smsgw.links.counts import Counts
from smsgw.links.here import Here
from smsgw.links.link import Link
from smsgw.links.trial import Trial
from smsgw.model import LinkLive, LinkState
from smsgw.smpp.events import Watch
from smsgw.store import StoreUnavailable
from smsgw.worker import Worker

log = logging.getLogger("smsgw.links")


class Measurement(NamedTuple):
    """Something counted on a link; names ending in _total only grow."""

    name: str
    meaning: str
    value: float | Histogram
    labels: Mapping[str, str]


class _Wanted(NamedTuple):
    """What the configuration says about a link."""

    smsc: SmscSettings
    shortcode: str


class Links:
    """
    Args:
        gateway: keeps states, and lets go what is held for a link; asked on *worker*'s thread.
        watch: told by the sessions of each large PDU.
        oddities: of each link, what was counted before the start.
        stopped: links that somebody took down, and in words who.
    """

    def __init__(
        self,
        desk: Desk,
        gateway: Gateway,
        worker: Worker,
        watch: Watch | None = None,
        oddities: Mapping[str, Mapping[str, int]] | None = None,
        stopped: Mapping[str, str] | None = None,
    ) -> None:
        self._desk = desk
        self._gateway = gateway
        self._worker = worker
        self.here = Here(desk, gateway, worker, self)  #: which of them are this node's
        self._watch = watch
        self._links: dict[str, Link] = {}
        self._wanted: dict[str, _Wanted] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._counts: dict[str, Counts] = {}  # by name, ended links included
        self._oddities: dict[str, Mapping[str, int]] = dict(oddities or {})
        self._stopped: dict[str, str] = dict(stopped or {})
        self._quiet = False  # the end of all has begun
        self._trials: dict[str, Trial] = {}
        self._change = asyncio.Event()
        self._published: dict[str, object] = {}  # the state of each link, as it is stored
        self._binds: dict[str, int] = {}  # of each link, after which what was held left again

    def __iter__(self) -> Iterator[Link]:
        """The links that there are now, those that are ending included."""
        return iter(list(self._links.values()))

    # --- life -----------------------------------------------------------------------------------

    async def configure(self, settings: Settings) -> None:
        """Have the links of *settings*, and no others.

        As `follow`; returns when those that had to end have done so.
        """
        self.follow(settings)
        while self._ending:
            # What is asked for goes on, whether or not anybody waits for it.
            await asyncio.wait(set(self._ending.values()))

    def follow(self, settings: Settings) -> None:
        """Begin to have the links of *settings*, and no others.

        New ones start, equal ones are left alone, and a new `max_per_second` is taken over. Others
        that changed end and begin anew; those that are gone end: they take no more texts, what
        they hold goes back, answers are waited for up to response_timeout, and then they unbind.
        """
        if self._quiet:
            return
        shortcode = settings.gateway.shortcode
        self._wanted = {smsc.name: _Wanted(smsc, shortcode) for smsc in settings.smsc}
        self.here.want(self._wanted.keys())
        for name in {**self._links, **self._wanted}:
            self._look_at(name)

    def stop(self, stopped: Mapping[str, str]) -> list[str]:
        """Keep these links down, each by somebody's wish, and no others; a link that was up ends
        as one does that is gone from the configuration. Those of which it is new."""
        before, self._stopped = self._stopped, dict(stopped)
        new = [name for name in {**before, **stopped} if before.get(name) != stopped.get(name)]
        for name in new:
            self._look_at(name)
        self._change.set()
        return new

    def test(self, name: str, *, anew: bool) -> Trial | None:
        """The test of a link that is running, or was; None: the link is down, or there is none.

        Args:
            anew: begin one, where none is running.
        """
        trial, link = self._trials.get(name), self._links.get(name)
        if link is None or link.rests or name in self._ending:
            self._trials.pop(name, None)
            return None
        if trial is None or (anew and trial.over):
            trial = self._trials[name] = Trial(link)
            trial.start()
        return trial

    async def ended(self, name: str, patience: float) -> bool:
        """Wait so many seconds until the link has ended, if it has to; whether it has."""
        task = self._ending.get(name)
        if task is not None:
            await asyncio.wait({task}, timeout=patience)
        return name not in self._ending

    def _look_at(self, name: str) -> None:
        """Begin what brings the link *name* nearer to what is wanted."""
        link = self._links.get(name)
        wanted = self._wanted.get(name) if name in self.here else None
        if name in self._ending:
            return  # looked at again at its end, so that no second bind stands beside the first
        stopped = name in self._stopped
        if link is not None and link.rests:
            self._oddities[name] = link.oddities
            link.discard()
            del self._links[name]
            link = None
        if link is None:
            if wanted is not None:
                self._start(name, wanted)
        elif wanted is None or stopped or not link.becomes(*wanted):
            task = asyncio.create_task(self._end(name, link), name=f"end of link {name}")
            self._ending[name] = task

    def _start(self, name: str, wanted: _Wanted) -> None:
        link = self._links[name] = Link(
            wanted.smsc,
            wanted.shortcode,
            self._desk,
            lambda _: self._change.set(),
            self._watch,
            oddities=self._oddities.get(name, {}),
            counts=self._counts.get(name),
            tenure=self.here.tenure(name),
        )
        self._counts[name] = link.counts
        if name in self._stopped:
            link.rest(self._stopped[name])
        else:
            link.start()

    async def _end(self, name: str, link: Link) -> None:
        try:
            await link.end()
        except Exception:
            log.exception("link %s: a fault of the gateway while it ended", name)
        finally:
            if self._links.get(name) is link:  # it has not vanished meanwhile
                self._oddities[name] = link.oddities
                self._trials.pop(name, None)
                del self._links[name], self._ending[name]
                self._look_at(name)
                self._change.set()
                self.here.ended(name)

    # --- on which node ----------------------------------------------------------------------------

    def begin(self, name: str, begins: LinkBegins) -> None:
        """It may run here, if it is wanted (`here.Runner`)."""
        self._oddities[name] = begins.oddities
        self._stopped.pop(name, None)
        if begins.stopped is not None:
            self._stopped[name] = begins.stopped
        if not self._quiet:
            self._look_at(name)
            self._change.set()

    def end(self, name: str) -> bool:
        """It may not, from its end on, which begins now; whether it has ended already."""
        self._look_at(name)
        return name not in self._links

    def vanish(self, name: str) -> None:
        """It may not, not even for a word of leave."""
        link, ending = self._links.pop(name, None), self._ending.pop(name, None)
        self._trials.pop(name, None)
        self._published.pop(name, None)
        if link is not None:
            self.here.watch(link.vanish())
        if ending is not None:
            ending.cancel()
        self._change.set()

    def is_configured(self, name: str) -> bool:
        return name in self._wanted

    def quiesce(self) -> None:
        """First step of the end of all: take no more texts, send none, start no connection."""
        self._quiet = True
        self._wanted = {}
        self.here.quiesce()
        for link in self._links.values():
            link.quiesce()

    async def close(self) -> None:
        """Last step: read the answers that are still to come, unbind, close. Takes up to twice
        the response_timeout. Call it after `quiesce` and the desk's drain."""
        closing = [link.close() for name, link in self._links.items() if name not in self._ending]
        await asyncio.gather(*closing, *self._ending.values())

    # --- what they are --------------------------------------------------------------------------

    def named(self, names: Any) -> list[str]:
        """Those of *names* that are up; what waits for another one waits for its carrier."""
        return [name for name, link in self._links.items() if name in names and not link.rests]

    def states(self) -> Mapping[str, tuple[LinkState, str | None]]:
        """By name the state of each, and in words why it is not bound, or of little use."""
        return {name: link.status for name, link in self._links.items()}

    def live(self) -> Mapping[str, LinkLive]:
        """By name all that one looks at to know how each is."""
        return {name: link.live() for name, link in self._links.items()}

    def note_rates(self) -> None:
        """To be called every few seconds."""
        for link in self._links.values():
            link.note_rate()

    def summary(self) -> str:
        """In words, how many are bound."""
        bound = sum(state is LinkState.BOUND for state, _ in self.states().values())
        return f"{bound} of {len(self._links)} links bound"

    def total(self, count: Callable[[Counts], int]) -> int:
        """The sum of a *count* over all links that there were since the start."""
        return sum(map(count, self._counts.values()))

    def measure(self) -> Iterator[Measurement]:
        """Everything that is counted on each."""
        for name, link in self._links.items():
            labels = {"link": name}
            for what, meaning, value in link.measure():
                yield Measurement(what, meaning, value, labels)
            meaning = "What the SMSC did against the standard, by kind."
            for oddity, number in link.oddities.items():
                kind = oddity.partition(" ")[0]  # without the fingerprint of a suspect
                yield Measurement("oddities_total", meaning, number, labels | {"kind": kind})

    # --- where commands read it -----------------------------------------------------------------

    async def change(self) -> None:
        """Wait until there is something new to `publish`."""
        await self._change.wait()
        self._change.clear()

    async def publish(self) -> None:
        """Store the state of each link where commands read it, unless it stands there; and let
        what is held for a link leave again that has bound since.

        Raises:
            StoreLost: end the process.
        """
        for link in self:
            state, reason = link.status
            oddities = dict(link.oddities)
            next_try = link.live().next_try
            now = state, reason, oddities, next_try
            if now != self._published.get(link.name) and await self._store(
                link.name,
                partial(self._gateway.link_changed, token=self.here.token(link.name)),
                link.name,
                state,
                reason,
                clock.now(),
                oddities,
                next_try,
            ):
                self._published[link.name] = now
        for name in self._published.keys() - self._links.keys():
            # That of another node is not ours to forget; one that leaves is forgotten by `here`.
            if self.here.is_shared or await self._store(name, self._gateway.forget_link, name):
                self._published.pop(name, None)
        for link in self:
            await self._release_held(link)

    async def _store(self, name: str, function: Callable[..., None], *args: Any) -> bool:
        """Have the state of a link stored; whether it was."""
        try:
            await self._worker.do(function, *args)
        except StoreUnavailable as fault:
            log.warning("link %s: its state cannot be stored: %s", name, fault)
            return False
        return True

    async def _release_held(self, link: Link) -> None:
        binds = link.counts.binds
        if not link.able or self._binds.get(link.name) == binds:
            return
        more = True
        while more:  # a step at a time: traffic commits in between
            try:
                more = await self._worker.do(self._gateway.release_held, link.name, clock.now())
            except StoreUnavailable as fault:
                log.warning("link %s: what is held stays so: %s", link.name, fault)
                return
            if more:
                self._desk.ring(link.name)
        self._binds[link.name] = binds
