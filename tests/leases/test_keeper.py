"""The keeper: its thread beside the loop, over leases in memory that a test stops or spoils."""

import asyncio
import threading
from contextlib import asynccontextmanager

from smsgw.leases import JOBS, Keeper
from smsgw.store import LeaseRow, Unavailable

LEASE = 0.4  # seconds
PATIENCE = 10  # a deadline, not a delay


class Leases:
    """One table for all nodes of a test."""

    def __init__(self):
        self.rows = {}
        self.beats = {}
        self.runs = threading.Event()  #: cleared: nobody gets an answer
        self.runs.set()
        self.fails = False
        self.closed = False

    def look(self, names):
        self._answer()
        for name in names:
            self.rows.setdefault(name, LeaseRow(name, None, 0, 0, None))
        return [self.rows[name] for name in names], list(self.beats.items())

    def take(self, row):
        self._answer()
        if self.rows[row.name] != row:
            return None
        self._set(row, owner="a", token=row.token + 1, wanted=None)
        return row.token + 1

    def renew(self, tokens):
        self._answer()
        ours = {name for name, token in tokens.items() if self._is_ours(name, token)}
        for name in ours:
            self._set(self.rows[name])
        return ours

    def release(self, name, token):
        self._answer()
        if self._is_ours(name, token):
            self._set(self.rows[name], owner=None)

    def forget_wish(self, row):
        self._set(row, wanted=None)

    def close(self):
        self.closed = True

    def another_takes(self, name):
        row = self.rows[name]
        self._set(row, owner="b", token=row.token + 1)

    def wish(self, name, node):
        self._set(self.rows[name], wanted=node)

    def _set(self, row, **changes):
        self.rows[row.name] = row._replace(renewals=row.renewals + 1, **changes)

    def _is_ours(self, name, token):
        return (self.rows[name].owner, self.rows[name].token) == ("a", token)

    def _answer(self):
        self.runs.wait()
        if self.fails:
            raise Unavailable("gone")


class Tenant:
    """Notes what it is told."""

    def __init__(self):
        self.told = []
        self._changed = asyncio.Event()

    def taken(self, tenure):
        self._note("taken", tenure)

    def lost(self, tenure):
        self._note("lost", tenure)

    def is_to_go(self, tenure):
        self._note("goes", tenure)

    def _note(self, what, tenure):
        self.told.append((what, tenure))
        self._changed.set()

    async def hears(self, what, name="viettel"):
        async with asyncio.timeout(PATIENCE):
            while True:
                for number, (said, tenure) in enumerate(self.told):
                    if (said, tenure.name) == (what, name):
                        del self.told[number]
                        return tenure
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def keeping(*links, **options):
    leases, tenant = Leases(), Tenant()
    keeper = Keeper(leases, "a", LEASE, **options)
    keeper.want(links)
    keeper.start(tenant)
    try:
        yield keeper, leases, tenant
    finally:
        leases.runs.set()
        await keeper.end()
        assert leases.closed


def run(scenario):
    def test():
        async def bounded():
            async with asyncio.timeout(30):
                await scenario()

        asyncio.run(bounded())

    test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
    return test


@run
async def test_what_is_taken_is_renewed_and_given_back_at_the_end():
    async with keeping("viettel") as (keeper, leases, tenant):
        tenure = await tenant.hears("taken")
        until = tenure.until
        async with asyncio.timeout(PATIENCE):
            while tenure.until == until:
                await asyncio.sleep(0.01)
        assert tenure.may_act()
        assert ("a", 1) == (leases.rows["viettel"].owner, tenure.token)
        assert keeper.has_jobs
    assert {None} == {row.owner for row in leases.rows.values()}
    assert tenure.over
    assert not keeper.has_jobs
    assert [] == tenant.told


@run
async def test_server_that_says_nothing_ends_a_tenure_in_time():
    async with keeping("viettel") as (keeper, leases, tenant):
        tenure = await tenant.hears("taken")
        leases.runs.clear()
        assert tenure is await tenant.hears("lost")
        assert not tenure.may_act()
        assert not keeper.has_jobs
        # Nobody took it meanwhile: it is another tenure.
        leases.runs.set()
        again = await tenant.hears("taken")
        assert (2, True) == (again.token, again.may_act())


@run
async def test_server_that_fails_for_a_moment_ends_nothing():
    async with keeping("viettel") as (_, leases, tenant):
        tenure = await tenant.hears("taken")
        leases.fails = True
        await asyncio.sleep(0.1 * LEASE)
        leases.fails = False
        until = tenure.until
        async with asyncio.timeout(PATIENCE):
            while tenure.until == until:
                await asyncio.sleep(0.01)
        assert [] == tenant.told


@run
async def test_what_another_node_has_taken_is_lost_at_once():
    async with keeping("viettel") as (_, leases, tenant):
        tenure = await tenant.hears("taken")
        leases.another_takes("viettel")
        assert tenure is await tenant.hears("lost")
        assert not tenure.may_act()


@run
async def test_who_finds_that_it_is_over_says_so_to_all():
    async with keeping("viettel") as (_, _, tenant):
        tenure = await tenant.hears("taken")
        tenure.lose()
        assert tenure is await tenant.hears("lost")
        again = await tenant.hears("taken")
        assert again.token == tenure.token + 1


@run
async def test_what_another_node_is_to_have_goes_once_its_tenant_gives_it_back():
    async with keeping("viettel") as (keeper, leases, tenant):
        tenure = await tenant.hears("taken")
        leases.beats["b"] = 1
        leases.wish("viettel", "b")
        assert tenure is await tenant.hears("goes")
        assert tenure.may_act()
        assert "a" == leases.rows["viettel"].owner
        keeper.give_back(tenure)
        async with asyncio.timeout(PATIENCE):
            while leases.rows["viettel"].owner is not None:
                await asyncio.sleep(0.01)
        # The other one does not come: after a lease it is ours again.
        assert 2 == (await tenant.hears("taken")).token


@run
async def test_link_that_is_wanted_no_more_goes():
    async with keeping("viettel", "mobi") as (keeper, _, tenant):
        await tenant.hears("taken", "mobi")
        tenure = await tenant.hears("taken")
        keeper.want(["mobi"])
        assert tenure is await tenant.hears("goes")


@run
async def test_jobs_are_nobody_s_link():
    async with keeping() as (keeper, leases, tenant):
        async with asyncio.timeout(PATIENCE):
            while not keeper.has_jobs:
                await asyncio.sleep(0.01)
        leases.another_takes(JOBS)
        async with asyncio.timeout(PATIENCE):
            while keeper.has_jobs:
                await asyncio.sleep(0.01)
        assert [] == tenant.told
