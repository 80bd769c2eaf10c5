"""What happens by the clock: password expiry, incomplete texts, purge, a heartbeat in the log.

`schedule` says which job is due; what a job has to do, it asks the database. A restart or a month
of standing still therefore neither skips nor repeats anything. Between two jobs nothing runs: one
timer sleeps until the next is due.

`schedule` has three weak sides, each met here: a job that raises is lost (every job is guarded),
its clock is the local wall clock (a jump, summer time included, is noticed by comparing it with
the loop's monotonic clock, and everything is planned anew), and its time zones need pytz (local
times are turned into those of this machine).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import time, timedelta
from typing import cast
from zoneinfo import ZoneInfo

import schedule

from smsgw import clock
from smsgw.errors import SmsgwError

log = logging.getLogger(__name__)

#: A difference between wall clock and monotonic clock beyond this is a jump. Smaller ones make a
#: job late or early by as much, which hurts nobody.
JUMP = timedelta(seconds=1)

Work = Callable[[], Awaitable[None]]


class Jobs:
    """Runs each job when it is due; one that is not done by its next time is not started twice.

    Args:
        fatal: exceptions after which nothing may go on; any other is logged, and the job comes
            again at its next time.
    """

    def __init__(self, fatal: tuple[type[BaseException], ...] = ()) -> None:
        self._fatal = fatal
        self._scheduler = schedule.Scheduler()  # never the module's own, which is global
        self._plans: list[Callable[[], None]] = []
        self._longest_sleep = timedelta.max
        self._due: deque[tuple[str, Work]] = deque()
        self._running: set[str] = set()
        self._changed = asyncio.Event()

    def every(self, interval: timedelta, name: str, work: Work, *, at_start: bool = True) -> None:
        """Do *work* at the start, and then again each *interval*."""

        def plan() -> None:
            if at_start:
                self._due.append((name, work))
            # Job.interval may be a fraction: all it does is timedelta(seconds=interval).
            seconds = cast(int, interval.total_seconds())
            self._scheduler.every(seconds).seconds.do(self._due.append, (name, work))

        self._plans.append(plan)
        self._longest_sleep = min(self._longest_sleep, interval)

    def daily(self, at: time, zone: ZoneInfo, name: str, work: Work) -> None:
        """Do *work* once a day when it is *at* in *zone*."""

        def plan() -> None:
            there = clock.now().astimezone(zone).replace(hour=at.hour, minute=at.minute, second=0)
            here = there.astimezone().strftime("%H:%M")
            self._scheduler.every().day.at(here).do(self._due.append, (name, work))

        self._plans.append(plan)

    def plan_anew(self, times: Callable[["Jobs"], None]) -> None:
        """From now on the jobs that *times* asks for, at its times; what is running goes on."""
        self._plans.clear()
        self._longest_sleep = timedelta.max
        times(self)
        self._changed.set()

    async def run(self) -> None:
        """Go on until cancelled, or until a job raises one of the *fatal* exceptions."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._drive(group)
        except BaseExceptionGroup as faults:
            raise faults.exceptions[0] from None

    async def _drive(self, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        self._plan()
        while True:
            skew = _skew(loop)
            while self._due:
                name, work = self._due.popleft()
                if name not in self._running:
                    self._running.add(name)
                    group.create_task(self._do(name, work), name=name)
            idle = self._scheduler.idle_seconds
            if idle is None:  # no jobs at all
                return
            # Never longer than the shortest interval, so that a clock set back is noticed.
            with suppress(TimeoutError):
                async with asyncio.timeout(min(idle, self._longest_sleep.total_seconds())):
                    await self._changed.wait()
            if self._changed.is_set():
                self._plan()
            elif abs(_skew(loop) - skew) > JUMP:
                log.warning("the clock jumped by %s: all jobs are planned anew", _skew(loop) - skew)
                self._plan()
            else:
                self._scheduler.run_pending()

    def _plan(self) -> None:
        self._changed.clear()
        self._scheduler.clear()
        for plan in self._plans:
            plan()

    async def _do(self, name: str, work: Work) -> None:
        try:
            await work()
        except self._fatal:
            raise
        except SmsgwError as fault:  # in its own words; a trace would tell no more
            log.error("job %s: %s; it comes again at its next time", name, fault)
        except Exception:
            log.exception("job %s failed; it comes again at its next time", name)
        finally:
            self._running.discard(name)


def _skew(loop: asyncio.AbstractEventLoop) -> timedelta:
    """How far the clock that `schedule` reads is ahead of the loop's."""
    local = clock.now().astimezone().replace(tzinfo=None)
    return local - clock.EPOCH.replace(tzinfo=None) - timedelta(seconds=loop.time())
