"""Every key is followed by somebody while the daemon runs, or takes a restart."""

import asyncio
from pathlib import Path
from typing import Any, get_args

import pytest

from smsgw.config import Settings, changes, need_restart
from smsgw.errors import SmsgwError
from smsgw.followers import Followers
from smsgw.reload import Reload, Room
from tests.house import House

CONTRACT = {"database", "secret_key_file", "control_socket", "node", "lease"}
CONTRACT |= {"password_stock", "listen"}


def all_keys():
    for table, field in Settings.model_fields.items():
        if get_args(field.annotation):  # [[smsc]], which belongs to the links
            yield table
        else:
            yield from (f"{table}.{key}" for key in field.annotation.model_fields)


def test_every_key_is_followed_or_takes_a_restart():
    nobody: Any = None
    rooms = Followers(nobody, nobody, nobody, nobody, nobody, nobody, monitor=nobody).rooms()
    followed = set().union(*(room.follows for room in rooms))
    keys = set(all_keys())
    assert {key.partition(".")[0] for key in followed} <= set(Settings.model_fields)
    assert set() == {
        key
        for key in keys - set(need_restart())
        if key not in followed and key.partition(".")[0] not in followed
    }


def test_what_takes_a_restart_is_what_was_promised():
    assert {key.partition(".")[2] for key in need_restart()} <= CONTRACT
    assert {"gateway.database", "gateway.control_socket", "metrics.listen"} <= set(need_restart())


@pytest.fixture
def settings(house):
    return house.settings


def reloads(settings, read, *take_overs):
    """A reload over these rooms; what was noted."""
    noted = []

    async def note(last):
        noted.append(last.ok)

    rooms = [Room(str(n), set(), take_over) for n, take_over in enumerate(take_overs)]
    return Reload(settings, Path("c.toml"), read, rooms, note), noted


def test_room_that_cannot_take_over_stops_those_behind_it(settings):
    followed = []

    async def refuse(_):
        raise SmsgwError("the disk is full")

    async def follow(new):
        followed.append(new)

    async def scenario():
        reload, noted = reloads(settings, lambda: settings, refuse, follow)
        done = await reload.again()
        return done, noted

    done, noted = asyncio.run(scenario())
    assert ["nothing is taken over: the disk is full"] == done.faults
    assert ([], [False]) == (followed, noted)


def test_who_asks_while_one_waits_for_its_turn_shares_it(settings):
    read, gate = [], asyncio.Event()

    def count():
        read.append(1)
        return settings

    async def wait(_):
        await gate.wait()

    async def scenario():
        reload, _ = reloads(settings, count, wait)
        first = asyncio.create_task(reload.again())
        while not read:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(reload.again()) for _ in range(5)]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(first, *others)

    asyncio.run(scenario())
    assert 2 == len(read)


def test_who_stops_waiting_stops_nothing(settings):
    gate, followed = asyncio.Event(), []

    async def wait(new):
        await gate.wait()
        followed.append(new)

    async def scenario():
        reload, noted = reloads(settings, lambda: settings, wait)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reload.again()
        gate.set()
        while not noted:
            await asyncio.sleep(0.001)
        return noted

    assert [True] == asyncio.run(scenario())
    assert 1 == len(followed)


def test_nothing_is_taken_over_once_the_end_has_begun(settings):
    async def scenario():
        reload, _ = reloads(settings, lambda: settings)
        reload.end()
        return await reload.again()

    assert ["the daemon ends"] == asyncio.run(scenario()).faults


def test_a_table_that_came_or_went_is_one_change(tmp_path):
    house = House(tmp_path)
    without = house.settings
    house._document["portal"] = {
        "public_url": "https://8188.example.vn",
        "hotline": "1022",
        "authority": "Sở Thông tin và Truyền thông",
    }
    house._configure()
    assert [] == changes(without, without)
    assert ["portal"] == changes(without, house.settings)
    assert ["portal"] == changes(house.settings, without)
