"""What a node looks at once a second: what others left for it, the standby, what must be alike."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from smsgw import clock, neighbours
from smsgw.config import WithoutStandby
from smsgw.gateway import WAKE_FACT
from smsgw.neighbours import Neighbours
from smsgw.store import Beat, Standby, StoreUnavailable, empty_store

LIVES = Beat("a", 1, "1.0", clock.now(), clock.now(), 0, False, 1.0, 0.0, "one")


class Worker:
    """Does it here and now."""

    async def do(self, function, *arguments):
        return function(*arguments)


class Shared:
    """A store of which a test says what others have left in it."""

    def __init__(self):
        self._store = empty_store()
        self.told = Standby(seen=True, why="")
        self.heard: list[Beat] = [LIVES]
        self.fails = False

    def __getattr__(self, name):
        return getattr(self._store, name)

    def standby(self):
        if self.fails:
            raise StoreUnavailable("gone")
        return self.told

    def beats(self):
        return self.heard


@pytest.fixture
def look(house, monkeypatch):
    """`look(store)`: the neighbours of node `a`, a desk, and how often it was woken."""
    monkeypatch.setattr(neighbours, "LOOK_SECONDS", 0)

    def look(store, without=WithoutStandby.SERVE):
        gateway = house.settings.gateway.model_copy(
            update={"node": "a", "without_standby": without}
        )
        settings = house.settings.model_copy(update={"gateway": gateway})
        desk: Any = SimpleNamespace(takes_texts=True)
        worker: Any = Worker()
        woken: list[bool] = []

        async def wake():
            woken.append(True)

        found = Neighbours(
            settings,
            store,
            worker,
            desk,
            woken=wake,
            changed=lambda: None,
        )
        return found, desk, woken

    return look


def test_node_is_woken_once_for_each_thing_that_is_left(look):
    async def scenario():
        store = Shared()
        found, _, woken = look(store)
        await found.start()
        for fact in ("x", "x", "y"):
            store.set_fact(WAKE_FACT, fact)
            await found._look()
        return woken

    assert 2 == len(asyncio.run(scenario()))


@pytest.mark.parametrize(("without", "taken"), [("serve", True), ("wait", False)])
def test_missing_standby_is_said_when_it_changes_and_waited_for_where_wanted(
    look, caplog, without, taken
):
    async def scenario():
        store = Shared()
        found, desk, _ = look(store, WithoutStandby(without))
        await found.start()
        assert desk.takes_texts
        store.told = Standby(seen=False, why="none is connected")
        for _ in range(2):
            await found._look()
            assert desk.takes_texts is taken
        store.told = Standby(seen=True, why="")
        await found._look()
        assert desk.takes_texts

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    assert ["ERROR", "WARNING"] == [record.levelname for record in caplog.records]
    assert "none is connected" in caplog.text


def test_other_configuration_and_wrong_clock_are_logged_once(look, caplog):
    async def scenario():
        store = Shared()
        others = (
            LIVES._replace(node="b", configuration="two"),
            LIVES._replace(node="c", ahead=-3600.0),
        )
        gone = LIVES._replace(node="d", configuration="two", ended=True)
        store.heard = [LIVES, *others, gone]
        found, *_ = look(store)
        await found.start()
        await found._look()

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    assert [
        "node b has another configuration than a",
        "the clock of node c is 60 min behind that of the database",
    ] == [record.getMessage() for record in caplog.records]


def test_store_that_does_not_answer_is_looked_at_again(look):
    async def scenario():
        store = Shared()
        found, _, woken = look(store)
        await found.start()
        store.fails = True
        store.set_fact(WAKE_FACT, "x")
        task = asyncio.create_task(found.run())
        await asyncio.sleep(0)
        store.fails = False
        async with asyncio.timeout(10):
            while not woken:
                await asyncio.sleep(0)
        task.cancel()

    asyncio.run(scenario())
