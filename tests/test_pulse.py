"""The heartbeat: that the loop turns, the store's thread works, and the disk takes a commit."""

import asyncio
import threading
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest

from smsgw import clock, pulse
from smsgw.desk import Desk
from smsgw.pulse import Pulse
from smsgw.store import Beat, open_store
from smsgw.worker import Worker
from tests import raw_sqlite
from tests.house import House

PATIENCE = 10  # seconds; a deadline, not a delay


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.setattr(pulse, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(pulse, "SILENT_SECONDS", 0.2)
    house = House(tmp_path)
    house.store.close()  # the worker's thread has its own
    return house


@asynccontextmanager
async def beating(house):
    """A pulse over the house's store; its worker and its desk."""
    worker = Worker("store")
    store = await worker.do(open_store, house.path)
    house.gateway.store = store
    passwords: Any = _NoPasswords()
    desk = Desk(house.gateway, worker, passwords)
    now = clock.now()
    birth = Beat("here", 7, "1.0", now, now, 0, ended=False)
    beats = Pulse(house.gateway, worker, desk, birth)
    task = asyncio.create_task(beats.run())
    try:
        async with asyncio.timeout(PATIENCE):
            yield beats, worker, desk
    finally:
        task.cancel()
        await worker.do(store.close)
        worker.close()


class _NoPasswords:
    def __len__(self):
        return 0


async def until(happened):
    while not happened():
        await asyncio.sleep(0.01)


def last_beat(house):
    with closing(open_store(house.path, create=False)) as other:
        (beat,) = other.beats()
    return beat


def test_a_row_says_again_and_again_that_the_daemon_lives(house):
    async def body():
        async with beating(house) as (beats, _, _):
            assert 0.0 == await beats.answers(5)
            first = last_beat(house)
            assert ("here", 7, "1.0", False) == (*first[:3], first.ended)
            await until(lambda: last_beat(house).tick > first.tick)
            await beats.end()
        assert last_beat(house).ended

    asyncio.run(body())


def test_store_that_does_not_answer_is_told_and_told_again_when_it_does(house):
    async def body():
        async with beating(house) as (beats, worker, desk):
            assert 0.0 == await beats.answers(5)
            hangs = threading.Event()
            worker.do(hangs.wait)
            await until(lambda: desk.trouble)
            assert "not answered for" in desk.trouble
            assert await beats.answers(0.1) > 0.1
            assert beats.age > 0.1
            hangs.set()
            await until(lambda: not desk.trouble)
            assert 0.0 == await beats.answers(5)

    asyncio.run(body())


def test_locked_store_is_told_though_nobody_texts(house, monkeypatch):
    monkeypatch.setattr(pulse, "SILENT_SECONDS", 10)

    async def body():
        async with beating(house) as (beats, _, desk):
            assert 0.0 == await beats.answers(5)
            with closing(raw_sqlite.connect(house.path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                await until(lambda: desk.trouble)
                assert "locked" in desk.trouble
                assert 0.0 == await beats.answers(5)  # it answers, though badly
                other.execute("ROLLBACK")
            await until(lambda: not desk.trouble)

    asyncio.run(body())
