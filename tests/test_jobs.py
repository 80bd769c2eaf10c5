import asyncio
import logging
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from time import tzset
from zoneinfo import ZoneInfo

import pytest
from freezegun import freeze_time

from smsgw.jobs import Jobs

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
TICK = timedelta(milliseconds=20)


@asynccontextmanager
async def running(jobs):
    task = asyncio.create_task(jobs.run())
    try:
        async with asyncio.timeout(10):
            yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Counted:
    """A job that counts how often it ran, and can be waited for."""

    def __init__(self, fault=None):
        self.runs = 0
        self.fault = fault
        self._ran = asyncio.Condition()

    async def __call__(self):
        async with self._ran:
            self.runs += 1
            self._ran.notify_all()
        if self.fault:
            raise self.fault

    async def times(self, runs):
        async with self._ran:
            await self._ran.wait_for(lambda: self.runs >= runs)


def test_tick_comes_at_the_start_and_again_and_again():
    async def scenario():
        job, jobs = Counted(), Jobs()
        jobs.every(TICK, "tick", job)
        async with running(jobs):
            await job.times(3)

    asyncio.run(scenario())


def test_job_that_raises_is_logged_and_comes_again(caplog):
    async def scenario():
        bad, good, jobs = Counted(RuntimeError("no disk")), Counted(), Jobs()
        jobs.every(TICK, "bad", bad)
        jobs.every(TICK, "good", good)
        async with running(jobs):
            await bad.times(2)
            await good.times(2)

    with caplog.at_level(logging.ERROR):
        asyncio.run(scenario())
    assert "job bad failed" in caplog.text


def test_fatal_fault_ends_the_jobs():
    async def scenario():
        jobs = Jobs(fatal=(OSError,))
        jobs.every(TICK, "commit", Counted(OSError("I/O error")))
        async with running(jobs) as task:
            await task

    with pytest.raises(OSError, match="I/O error"):
        asyncio.run(scenario())


def test_slow_job_is_not_run_twice_at_once():
    async def scenario():
        inside, most, jobs = 0, 0, Jobs()
        done = Counted()

        async def slow():
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(3 * TICK.total_seconds())
            inside -= 1
            await done()

        jobs.every(TICK, "slow", slow)
        async with running(jobs):
            await done.times(3)
        return most

    assert 1 == asyncio.run(scenario())


@pytest.mark.parametrize("jump", [timedelta(days=-30), timedelta(days=30)], ids=["back", "forward"])
def test_clock_that_jumps_does_not_stop_the_tick(jump):
    async def scenario():
        job, jobs = Counted(), Jobs()
        jobs.every(TICK, "tick", job)
        start = datetime(2026, 5, 1, 12, tzinfo=UTC)
        with freeze_time(start, real_asyncio=True, tick=True) as frozen:
            async with running(jobs):
                await job.times(2)
                frozen.move_to(start + jump)
                await job.times(job.runs + 3)

    asyncio.run(scenario())


@pytest.fixture(params=[("UTC0", 0), ("ICT-7", 7)], ids=["UTC", "Hanoi"])
def system_zone(request, monkeypatch):
    """Hours that this machine's own clock is ahead of UTC."""
    name, hours = request.param
    monkeypatch.setenv("TZ", name)
    tzset()
    yield hours
    monkeypatch.undo()
    tzset()


def test_daily_job_runs_at_its_local_time(system_zone):
    async def scenario():
        daily, jobs = Counted(), Jobs()
        jobs.every(TICK, "tick", Counted())
        jobs.daily(time(3, 30), HANOI, "purge", daily)
        just_before = "2026-05-01 20:29:59"  # UTC
        with freeze_time(
            just_before, tz_offset=system_zone, real_asyncio=True, tick=True
        ) as frozen:
            frozen.move_to(just_before)  # to freeze the time took some
            async with running(jobs):
                assert 0 == daily.runs
                await daily.times(1)

    asyncio.run(scenario())


def test_daily_job_waits_for_its_time():
    async def scenario():
        daily, tick, jobs = Counted(), Counted(), Jobs()
        jobs.every(TICK, "tick", tick)
        jobs.daily(time(3, 30), HANOI, "purge", daily)
        with freeze_time("2026-05-01 20:31", real_asyncio=True, tick=True):
            async with running(jobs):
                await tick.times(5)
        return daily.runs

    assert 0 == asyncio.run(scenario())


def test_jobs_that_are_planned_anew_keep_the_new_times_at_once():
    async def scenario():
        before, after, jobs = Counted(), Counted(), Jobs()
        jobs.every(timedelta(hours=1), "before", before)
        async with running(jobs):
            await before.times(1)
            jobs.plan_anew(lambda jobs: jobs.every(TICK, "after", after))
            await after.times(3)
        assert 1 == before.runs

    asyncio.run(scenario())
