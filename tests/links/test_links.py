"""Links configured anew while they run: real sessions, the simulated SMSC, a desk over SQLite."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from smsgw import clock
from smsgw.desk import Desk
from smsgw.links import Links
from smsgw.model import LinkState
from smsgw.passwords import Stock
from smsgw.simulator import Smsc, received, texts
from smsgw.smpp.pdu import Bind, Unbind
from smsgw.worker import Worker
from tests.house import AN, BINH, OTHER_TEXT, TEXT, House

PATIENCE = 10  # seconds; a deadline, not a delay


class Town:
    """Two SMSCs, and links to them over one desk."""

    def __init__(self, house, desk, links, worker, smscs):
        self.house, self.desk, self.links, self.worker = house, desk, links, worker
        self.viettel, self.mobi = smscs

    def settings(self, *tables):
        """A configuration with these links: ("viettel", smsc, {key: value})."""
        house = self.house
        house._document["smsc"] = [
            {
                "name": name,
                "host": "127.0.0.1",
                "port": smsc.port,
                "system_id": "smsgw",
                "password": "secret",
                "response_timeout": "2s",
                "reconnect_min": "10ms",
                "receipts": False,
            }
            | changes
            for name, smsc, changes in tables
        ]
        house._configure()
        return house.settings

    async def configure(self, *tables):
        await self.links.configure(self.settings(*tables))

    def states(self):
        return {name: state for name, (state, _) in self.links.states().items()}

    async def until(self, happened):
        async with asyncio.timeout(PATIENCE):
            while not happened():
                await self.links.change()

    async def bound(self, *names):
        await self.until(lambda: self.states() == dict.fromkeys(names, LinkState.BOUND))

    async def outbox(self):
        """State of each text of ours."""
        return await self.worker.do(self.house.states)


@asynccontextmanager
async def town(folder):
    smscs = [Smsc(), Smsc()]
    for smsc in smscs:
        await smsc.start()
    worker = Worker("store")
    house = await worker.do(House, folder)
    loop = asyncio.get_running_loop()
    desk: Any = None
    stock = Stock(3, 8, lambda: loop.call_soon_threadsafe(desk.passwords_ready))
    house.gateway.tools.issuer = stock
    desk = Desk(house.gateway, worker, stock)
    links = Links(desk, house.gateway, worker)
    task = asyncio.create_task(desk.run())
    stock.start()
    try:
        yield Town(house, desk, links, worker, smscs)
    finally:
        links.quiesce()
        await links.close()
        await desk.drain()
        task.cancel()
        stock.close()
        await worker.do(house.store.close)
        worker.close()
        for smsc in smscs:
            await smsc.stop()


def in_town(scenario):
    """Run an async scenario(town) as a test."""

    def test(tmp_path):
        async def run():
            async with asyncio.timeout(60), town(tmp_path) as place:
                await scenario(place)

        asyncio.run(run())

    test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
    return test


@in_town
async def test_new_link_starts_beside_the_one_that_goes_on(town):
    await town.configure(("viettel", town.viettel, {}))
    await town.bound("viettel")
    await town.configure(("viettel", town.viettel, {}), ("mobi", town.mobi, {}))
    await town.bound("viettel", "mobi")
    assert (1, 1) == (town.viettel.binds, town.mobi.binds)
    assert "2 of 2 links bound" == town.links.summary()


@in_town
async def test_equal_link_is_left_alone(town):
    await town.configure(("viettel", town.viettel, {}))
    await town.bound("viettel")
    (link,) = town.links
    session = set(link.sessions)
    await town.configure(("viettel", town.viettel, {}))
    assert [link] == list(town.links)
    assert session == set(link.sessions)
    assert 1 == town.viettel.binds


@in_town
async def test_link_that_is_gone_unbinds_and_its_state_is_forgotten(town):
    await town.configure(("viettel", town.viettel, {}), ("mobi", town.mobi, {}))
    await town.bound("viettel", "mobi")
    await town.links.publish()
    await town.configure(("viettel", town.viettel, {}))
    assert {"viettel": LinkState.BOUND} == town.states()
    assert 1 == len(received(town.mobi.records, Unbind))
    assert [] == town.mobi.bound
    await town.links.publish()
    stored = await town.worker.do(town.house.store.links)
    assert ["viettel"] == [link.name for link in stored]


@in_town
async def test_changed_link_is_bound_anew_and_never_twice_at_once(town):
    town.viettel.manners.one_bind = True  # a second bind beside the first would be refused
    await town.configure(("viettel", town.viettel, {}))
    await town.bound("viettel")
    await town.configure(("viettel", town.viettel, {"window": 3}))
    await town.bound("viettel")
    (link,) = town.links
    assert 3 == link.smsc.window
    assert 2 == town.viettel.binds == len(received(town.viettel.records, Bind))
    assert 2 == link.counts.binds, "totals only grow"


@in_town
async def test_link_moves_to_another_address(town):
    await town.configure(("viettel", town.viettel, {}))
    await town.bound("viettel")
    await town.configure(("viettel", town.mobi, {}))
    await town.bound("viettel")
    assert [] == town.viettel.bound
    assert 1 == len(town.mobi.bound)


@in_town
async def test_new_pace_is_taken_over_without_a_bind(town):
    await town.configure(("viettel", town.viettel, {"max_per_second": 1}))
    await town.bound("viettel")
    (link,) = town.links
    assert 1 == link._sending._pace.allowance(asyncio.get_running_loop().time())
    await town.configure(("viettel", town.viettel, {"max_per_second": 7}))
    assert [link] == list(town.links)
    assert 7 == link._sending._pace.allowance(asyncio.get_running_loop().time())
    assert 7 == link.smsc.max_per_second
    assert 1 == town.viettel.binds


@in_town
async def test_answer_in_flight_is_awaited_before_the_unbind(town):
    await town.configure(("viettel", town.viettel, {}), ("mobi", town.mobi, {}))
    await town.bound("viettel", "mobi")
    town.viettel.manners.answer_delay = 0.5
    town.viettel.deliver(texts.mo(AN, TEXT))
    await town.viettel.next_submit()
    await town.configure(("mobi", town.mobi, {}))
    await town.desk.drain()
    assert ["sent"] == await town.outbox()


@in_town
async def test_text_leased_to_a_link_that_ends_comes_back_and_leaves_by_the_next(town):
    await town.configure(("viettel", town.viettel, {"window": 1}))
    await town.bound("viettel")
    town.viettel.swallow()
    town.viettel.deliver(texts.mo(AN, TEXT))
    await town.viettel.next_submit()
    town.viettel.deliver(texts.mo(BINH, OTHER_TEXT))
    (link,) = town.links
    await town.viettel.until(lambda: all(delivery.done for delivery in town.viettel.deliveries))
    assert 1 == link.held  # in memory, leased
    town.viettel.swallow(swallows=False)
    await town.configure(("viettel", town.mobi, {}))
    assert BINH == (await town.mobi.next_submit()).destination.number
    await town.mobi.enquire_link()  # its answer comes behind that of the text
    await town.desk.drain()
    # Of the first nobody knows whether it arrived: it is tried again, in its time.
    assert ["queued", "sent"] == await town.outbox()
    first = (await town.worker.do(town.house.store.outbox))[0]
    assert first.next_try is not None
    assert first.reason


@in_town
async def test_text_received_before_the_end_is_answered_and_one_behind_it_wanted_later(town):
    await town.configure(("viettel", town.viettel, {}))
    await town.bound("viettel")
    first = town.viettel.deliver(texts.mo(AN, TEXT))
    (link,) = town.links
    await town.viettel.until(lambda: link.counts.mo == 1)
    await town.configure(("mobi", town.mobi, {}))
    assert [0] == first.statuses
    await town.bound("mobi")


@in_town
async def test_reply_to_a_text_of_a_link_that_has_ended_waits_for_no_lease(town):
    await town.configure(("viettel", town.viettel, {}))
    await town.bound("viettel")
    town.desk.turn()
    await town.desk.drain()  # a reply does not overtake the link's first look for older ones
    (link,) = town.links
    commit = town.house.gateway.commit

    def commit_as_it_ends(batch, now):
        done = commit(batch, now)
        if done.replies:
            town.desk._loop.call_soon_threadsafe(town.desk.detach, link)
        return done

    town.house.gateway.commit = commit_as_it_ends
    delivery = town.viettel.deliver(texts.mo(AN, TEXT))
    await town.viettel.until(lambda: delivery.done)
    await town.desk.drain()
    (reply,) = await town.worker.do(town.house.store.outbox)
    assert "link ended" == reply.reason
    assert reply.next_try - clock.now() < timedelta(seconds=10) < town.house.gateway.rules.lease


@in_town
async def test_last_of_several_configurations_wins(town):
    await town.configure(("viettel", town.viettel, {}))
    await town.bound("viettel")
    town.viettel.silence("unbinds")  # so that the end takes its time
    first = asyncio.create_task(town.configure(("viettel", town.viettel, {"window": 3})))
    await asyncio.sleep(0)
    await town.configure(("viettel", town.viettel, {"window": 5}), ("mobi", town.mobi, {}))
    await first
    await town.bound("viettel", "mobi")
    assert {"viettel": 5, "mobi": 10} == {link.name: link.smsc.window for link in town.links}
    assert 2 == town.viettel.binds


@in_town
async def test_end_while_a_link_is_configured_away_leaves_none(town):
    await town.configure(("viettel", town.viettel, {}))
    await town.bound("viettel")
    town.viettel.silence("unbinds")
    configured = asyncio.create_task(town.configure(("viettel", town.viettel, {"window": 3})))
    await asyncio.sleep(0)
    town.links.quiesce()
    await town.links.close()
    await configured
    assert [] == town.viettel.bound
    assert 1 == town.viettel.binds


@in_town
async def test_measured_totals_outlive_their_link(town):
    await town.configure(("viettel", town.viettel, {}))
    await town.bound("viettel")
    await town.configure(("mobi", town.mobi, {}))
    assert 1 <= town.links.total(lambda counts: counts.binds)
    await town.configure(("viettel", town.viettel, {}))
    await town.bound("viettel")
    values = {measured.name: measured.value for measured in town.links.measure()}
    assert 2 == values["binds_total"]


@in_town
async def test_stopped_link_ends_and_is_shown_and_measured_with_its_counts(town):
    await town.configure(("viettel", town.viettel, {}), ("mobi", town.mobi, {}))
    await town.bound("viettel", "mobi")
    town.links.stop({"mobi": "by linh"})
    assert await town.links.ended("mobi", PATIENCE)
    assert [] == town.mobi.bound
    assert (LinkState.STOPPED, "by linh") == town.links.states()["mobi"]
    assert ["viettel"] == town.links.named({"viettel", "mobi"})
    measured = {m.name: m.value for m in town.links.measure() if m.labels["link"] == "mobi"}
    assert (0, 1) == (measured["bound"], measured["binds_total"])
    await town.links.publish()
    stored = {link.name: link for link in await town.worker.do(town.house.store.links)}
    assert (LinkState.STOPPED, "by linh") == (stored["mobi"].state, stored["mobi"].reason)


@in_town
async def test_link_that_is_started_while_it_still_ends_comes_back_with_one_bind(town):
    town.mobi.manners.one_bind = True
    await town.configure(("mobi", town.mobi, {}))
    await town.bound("mobi")
    town.links.stop({"mobi": "by linh"})
    town.links.stop({})
    async with asyncio.timeout(PATIENCE):
        while town.mobi.binds < 2:
            await asyncio.sleep(0.01)
    await town.bound("mobi")


@in_town
async def test_stopped_link_takes_over_a_new_configuration_and_starts_with_it(town):
    await town.configure(("mobi", town.viettel, {}))
    await town.bound("mobi")
    town.links.stop({"mobi": "by linh"})
    await town.configure(("mobi", town.mobi, {}))
    assert {"mobi": LinkState.STOPPED} == town.states()
    assert 0 == town.mobi.binds
    town.links.stop({})
    await town.bound("mobi")
    assert 1 == town.mobi.binds


@in_town
async def test_nothing_starts_once_the_end_has_begun(town):
    await town.configure(("viettel", town.viettel, {}))
    await town.bound("viettel")
    town.links.quiesce()
    await town.configure(("viettel", town.viettel, {}), ("mobi", town.mobi, {}))
    assert ["viettel"] == [link.name for link in town.links]
