"""The desk: what came in is one batch, answered after its commit, and nothing is forgotten."""

import asyncio
import time
import tracemalloc
from collections import Counter
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from smsgw import clock
from smsgw import desk as desk_module
from smsgw.desk import Desk
from smsgw.desk.pending import Arrival
from smsgw.desk.share import MAX_BATCH, MAX_BATCH_OCTETS, share
from smsgw.gateway import GIVE_UP_AFTER, Batch
from smsgw.limits import RECORDED_PER_HOUR
from smsgw.model import Address, Answer, MtState, Outcome, Part, Postponed, Receipt, Taken
from smsgw.passwords import Issued, OnDemand, Stock, hash_password
from smsgw.store import StoreLost
from smsgw.worker import Worker
from tests import raw_sqlite
from tests.house import AN, BINH, OTHER_TEXT, TEXT, House, timeless

PATIENCE = 10  # seconds; a deadline, not a delay


class Port:
    """A link that notes what it is told, and has as much room as a test gives it."""

    token = None

    def __init__(self, desk, name="viettel", room=100, carrier=None):
        self.name = name
        self.carrier = carrier or name
        self.gone = set()  # sessions
        self.desk = desk
        self.space = room
        self.reply_space = None  # where it is another
        self.answers = {}
        self.answered = set()
        self.sent = []
        self.flushes = 0
        self.oddities = {}
        self.told = asyncio.Event()

    def answer(self, session, ticket, answer):
        assert (session, ticket) not in self.answered
        self.answered.add((session, ticket))
        self.answers[ticket] = answer

    def holds(self, session):
        return session not in self.gone

    def ends(self, session):
        self.gone.add(session)
        self.desk.session_ended(session)

    def room(self, *, replies=False):
        return self.reply_space if replies and self.reply_space is not None else self.space

    def send(self, mts):
        self.space -= len(mts)
        self.sent += mts

    def odd(self, kind, count=1):
        self.oddities[kind] = self.oddities.get(kind, 0) + count

    def flush(self):
        self.flushes += 1
        self.told.set()

    async def until(self, happened):
        async with asyncio.timeout(PATIENCE):
            while not happened():
                self.told.clear()
                await self.told.wait()


@asynccontextmanager
async def office(folder, stock=3, **sections):
    """(desk, port, house) with a store on its worker thread, at work."""
    worker = Worker("store")
    loop = asyncio.get_running_loop()
    house = await worker.do(lambda: House(folder, **sections))
    desk: Any = None
    passwords = Stock(stock, 8, lambda: loop.call_soon_threadsafe(desk.passwords_ready))
    house.gateway.tools.issuer = passwords
    desk = Desk(house.gateway, worker, passwords)
    port = Port(desk)
    desk.attach(port)
    task = asyncio.create_task(desk.run())
    try:
        yield desk, port, house
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, StoreLost):
            await task
        passwords.close()
        await worker.do(house.store.close)
        worker.close()


def at_the_desk(test):
    """Run an async test(desk, port, house)."""

    def run(tmp_path):
        async def inside():
            async with office(tmp_path) as (desk, port, house):
                await test(desk, port, house)

        asyncio.run(inside())

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


def committed(house, statement="SELECT count(*) FROM mo"):
    """What another process sees."""
    with raw_sqlite.connect(house.path) as other:
        return other.execute(statement).fetchone()[0]


async def accounts(desk, house):
    return await desk._worker.do(lambda: list(house.store.accounts()))


@at_the_desk
async def test_mo_is_answered_after_its_commit_and_the_reply_leaves(desk, port, house):
    desk._parked._stock.start()
    desk.received(port, house.mo(AN, TEXT), 7)
    await port.until(lambda: port.sent)
    assert {7: Answer.OK} == port.answers
    assert 1 == committed(house)
    assert port.sent[0].text.startswith("TK: 201234567, MK: ")


@at_the_desk
async def test_turn_brings_a_text_to_the_disk_before_the_loop_comes_round(desk, port, house):
    desk.received(port, house.mo(AN, "hallo"), 1)
    desk.turn()
    give_up_at = time.monotonic() + 10
    while not committed(house) and time.monotonic() < give_up_at:
        time.sleep(0.001)  # the loop is not to run
    assert 1 == committed(house)
    assert {} == port.answers
    await port.until(lambda: port.answers)
    assert {1: Answer.OK} == port.answers
    assert 1 == committed(house)


@at_the_desk
async def test_nothing_is_answered_while_the_disk_is_busy_and_all_of_it_is_one_batch(
    desk, port, house
):
    other = raw_sqlite.connect(house.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for ticket in range(20):
        desk.received(port, house.mo(f"849050000{ticket:02}", "hallo"), ticket)
        await asyncio.sleep(0)
    assert {} == port.answers
    other.execute("COMMIT")
    other.close()
    await port.until(lambda: len(port.answers) == 20)
    assert port.flushes <= 2  # one for what came first, one for what came meanwhile


@at_the_desk
async def test_registration_waits_for_the_hashers_and_others_pass_by(desk, port, house):
    desk.received(port, house.mo(AN, TEXT), 1)
    desk.received(port, house.mo(BINH, "hallo"), 2)
    await port.until(lambda: port.answers)
    assert {2: Answer.OK} == port.answers
    desk._parked._stock.start()
    await port.until(lambda: len(port.answers) == 2)
    assert Answer.OK == port.answers[1]
    assert {Outcome.SYNTAX_ERROR: 1, Outcome.REGISTERED: 1} == desk.outcomes


@at_the_desk
async def test_registration_that_waits_takes_a_password_that_was_given_back(desk, port, house):
    desk.received(port, house.mo(AN, TEXT), 1)
    desk.received(port, house.mo(BINH, "hallo"), 2)
    await port.until(lambda: 2 in port.answers)
    desk._parked._stock.give_back(OnDemand(8).take(1))
    desk.received(port, house.mo(BINH, "hallo nua"), 3)
    await port.until(lambda: 1 in port.answers)


@at_the_desk
async def test_many_registrations_pass_an_empty_stock_in_the_end(desk, port, house):
    desk._parked._stock.start()
    for n in range(20):
        text = f"TK,Nguyen Van An,2012345{n:02},01.02.1990"
        desk.received(port, house.mo(f"849051000{n:02}", text), n)
    await port.until(lambda: len(port.answers) == 20)
    assert {Answer.OK} == set(port.answers.values())
    assert 20 == committed(house, "SELECT count(*) FROM accounts")


@at_the_desk
async def test_text_sent_again_while_it_waits_for_a_password_is_one_text(desk, port, house):
    people = [(f"849051000{n:02}", f"TK,Nguyen Van An,2012345{n:02},01.02.1990") for n in range(8)]
    for ticket in range(24):  # each three times
        phone, text = people[ticket % 8]
        desk.received(port, house.mo(phone, text), ticket)
        await asyncio.sleep(0)
    await desk.drain()
    assert {} == port.answers
    desk._parked._stock.start()
    await port.until(lambda: len(port.answers) == 24)
    assert {Answer.OK} == set(port.answers.values())
    assert {Outcome.REGISTERED: 8} == desk.outcomes
    assert 8 == committed(house) == len(port.sent)


# --- copies of a text that is not answered yet --------------------------------------------------


async def parked(desk, count):
    """Wait until so many registrations wait for a password."""
    async with asyncio.timeout(PATIENCE):
        while len(desk._parked) != count:
            await asyncio.sleep(0)


@at_the_desk
async def test_copies_get_the_answer_of_the_first_while_stock_and_store_are_in_trouble(
    desk, port, house
):
    """Once they were answered *later*, *done*, *done*: two texts to the citizen."""
    desk.received(port, house.mo(AN, TEXT), 1)
    await parked(desk, 1)
    away = house.path.with_suffix(".away")
    house.path.rename(away)
    desk.received(port, house.mo(AN, TEXT), 2)
    desk._parked._stock.give_back(OnDemand(8).take(1))
    desk.passwords_ready()
    desk.received(port, house.mo(AN, TEXT), 3)
    await port.until(lambda: port.answers)
    away.rename(house.path)
    assert dict.fromkeys((1, 2, 3), Answer.LATER) == port.answers
    desk.received(port, house.mo(AN, TEXT), 4)  # the SMSC sends it once more
    await port.until(lambda: 4 in port.answers)
    assert Answer.OK == port.answers[4]
    assert {Outcome.REGISTERED: 1} == desk.outcomes
    assert 1 == len(port.sent)


@at_the_desk
async def test_copy_by_another_link_of_the_carrier_waits_with_the_first(desk, port, house):
    other = Port(desk, "viettel2", carrier="viettel")
    desk.attach(other)
    desk.received(port, house.mo(AN, TEXT), 1)
    await parked(desk, 1)
    desk.received(other, house.mo(AN, TEXT, session=2, link="viettel2"), 1)
    await desk.drain()
    assert {} == other.answers
    desk._parked._stock.give_back(OnDemand(8).take(1))
    desk.passwords_ready()
    await other.until(lambda: other.answers)
    assert {1: Answer.OK} == port.answers == other.answers
    assert 1 == committed(house)


@at_the_desk
async def test_same_text_by_another_carrier_is_no_copy(desk, port, house):
    other = Port(desk, "mobi")
    desk.attach(other)
    desk.received(port, house.mo(AN, TEXT), 1)
    desk.received(other, house.mo(AN, TEXT, link="mobi"), 1)
    await parked(desk, 2)


@at_the_desk
async def test_citizen_who_texts_the_same_again_after_our_answer_is_answered_twice(
    desk, port, house
):
    for ticket in (1, 2):
        desk.received(port, house.mo(AN, "hallo"), ticket)
        await port.until(lambda ticket=ticket: ticket in port.answers)
    assert {Outcome.SYNTAX_ERROR: 2} == desk.outcomes


@at_the_desk
async def test_copy_of_a_part_waits_with_the_part(desk, port, house):
    pieces = "TK,Nguyen Van An,", "201234567,01.02.1990"
    first, last = (
        house.mo(AN, None, part=Part("8:7", 2, n, 0, piece.encode(), (0, 0)))
        for n, piece in enumerate(pieces, start=1)
    )
    for ticket, mo in enumerate((first, first, last, last), start=1):
        desk.received(port, mo, ticket)
    await port.until(lambda: port.answers)
    assert {1: Answer.OK, 2: Answer.OK} == port.answers
    desk._parked._stock.start()
    await port.until(lambda: len(port.answers) == 4)
    assert {Answer.OK} == set(port.answers.values())
    assert {Outcome.REGISTERED: 1} == desk.outcomes


@at_the_desk
async def test_copies_are_neither_refused_nor_counted(desk, port, house):
    most = desk_module.MAX_OF_SENDER
    for n in range(most):
        assert desk.received(port, house.mo(AN, f"hallo {n}"), n) is None
    for n in range(3 * desk_module.MAX_WAITING):
        assert desk.received(port, house.mo(AN, "hallo 7"), most + n) is None
    assert desk.received(port, house.mo(BINH, "hallo"), -1) is None
    await port.until(lambda: len(port.answers) == most + 3 * desk_module.MAX_WAITING + 1)
    assert {Answer.OK} == set(port.answers.values())
    assert RECORDED_PER_HOUR + 1 == committed(house)  # the rest is past the hourly limit


@at_the_desk
async def test_copies_of_a_large_text_share_its_octets(desk, port, house):
    large = "x" * 60_000
    tracemalloc.start()
    try:
        for n in range(500):
            mo = house.mo(AN, large)
            desk.received(port, mo._replace(text=mo.text[:-1] + "y"), n)  # as read from the wire
        assert tracemalloc.get_traced_memory()[0] < 5_000_000
    finally:
        tracemalloc.stop()


# --- sessions that end --------------------------------------------------------------------------


@at_the_desk
async def test_text_that_waits_for_a_password_is_dropped_when_its_session_ends(desk, port, house):
    desk.received(port, house.mo(AN, TEXT), 1)
    desk.received(port, house.mo(BINH, OTHER_TEXT, session=2), 2)
    await parked(desk, 2)
    port.ends(1)
    desk._parked._stock.start()
    await port.until(lambda: port.answers)
    await desk.drain()
    assert {2: Answer.OK} == port.answers
    assert ["201999999"] == [a.cmnd for a in await accounts(desk, house)]


@at_the_desk
async def test_text_whose_session_ended_in_the_batch_is_not_parked(desk, port, house):
    desk.received(port, house.mo(AN, TEXT), 1)
    desk.turn()
    port.ends(1)
    await desk.drain()
    assert 0 == len(desk._parked)
    assert desk.received(port, house.mo(AN, TEXT, session=2), 2) is None
    desk._parked._stock.start()
    await port.until(lambda: port.answers)
    assert {2: Answer.OK} == port.answers


@at_the_desk
async def test_what_is_in_a_batch_already_is_stored_though_its_session_ends(desk, port, house):
    desk.received(port, house.mo(AN, "hallo"), 1)
    desk.turn()
    port.ends(1)
    await port.until(lambda: port.sent)
    assert 1 == committed(house)


@at_the_desk
async def test_first_copy_takes_the_place_of_a_text_whose_session_ends(desk, port, house):
    desk.received(port, house.mo(AN, TEXT), 1)
    desk.received(port, house.mo(BINH, OTHER_TEXT), 2)
    await parked(desk, 2)
    for ticket, session in ((3, 2), (4, 3), (5, 3)):
        desk.received(port, house.mo(AN, TEXT, session=session), ticket)
    port.ends(2)
    port.ends(1)
    desk._parked._stock.start()
    await port.until(lambda: len(port.answers) == 2)
    assert {4: Answer.OK, 5: Answer.OK} == port.answers
    (account,) = await accounts(desk, house)
    assert ("+84905123456", "Nguyen Van An") == (account.phone, account.full_name)


@at_the_desk
async def test_link_may_have_so_many_texts_waiting_over_all_its_sessions(desk, port, house):
    def texts(session, count):
        return [
            desk.received(port, house.mo(f"8490{session}{n:06}", "hallo", session=session), n)
            for n in range(count)
        ]

    most = desk_module.MAX_WAITING
    assert [None] * (most - 10) == texts(1, most - 10)
    port.ends(1)
    assert [None] * 10 + [Answer.BUSY] * 5 == texts(2, 15)
    other = Port(desk, "mobi")
    desk.attach(other)
    assert desk.received(other, house.mo(AN, "hallo", link="mobi"), 1) is None
    receipt = Receipt("viettel", "127", MtState.DELIVERED, "DELIVRD", Address(AN, 1, 1))
    assert Answer.BUSY == desk.receipt(port, receipt, most, 2)
    await desk.drain()
    assert [None] * 15 == texts(3, 15)


@at_the_desk
async def test_link_may_have_so_many_octets_waiting(desk, port, house):
    large = "x" * 65_000
    room = desk_module.MAX_WAITING_OCTETS // len(large)
    told = [desk.received(port, house.mo(f"8490500{n:04}", large), n) for n in range(room + 5)]
    assert [None] * room + [Answer.BUSY] * 5 == told
    await desk.drain()
    assert desk.received(port, house.mo(AN, large), -1) is None


@at_the_desk
async def test_sender_may_have_so_many_texts_waiting(desk, port, house):
    most = desk_module.MAX_OF_SENDER
    told = [desk.received(port, house.mo(AN, f"hallo {n}"), n) for n in range(most + 1)]
    assert [None] * most + [Answer.LATER] == told
    assert desk.received(port, house.mo(BINH, "hallo"), most + 1) is None


@at_the_desk
async def test_link_that_flaps_leaves_nothing_for_others_to_wait_for(desk, port, house):
    """It bound, sent 1,990, dropped, and bound again; a citizen elsewhere waited for minutes."""
    for session in range(1, 9):
        for n in range(1990):
            text = f"TK,Le Van C,2{session}{n:07},01.01.1980"
            desk.received(port, house.mo(f"849{session}5{n:06}", text, session=session), n)
        await desk.drain()
        port.ends(session)
    other = Port(desk, "mobi")
    desk.attach(other)
    desk.received(other, house.mo(AN, TEXT, link="mobi"), 1)
    desk._parked._stock.start()
    await other.until(lambda: other.answers)
    assert {Outcome.REGISTERED: 1} == desk.outcomes


# --- fair shares of the passwords ---------------------------------------------------------------


def registration(house, n, **options):
    text = f"TK,Nguyen Van An,20{n:07},01.02.1990"
    return house.mo(f"8490{n:07}", text, **options)


class Hashers:
    """A stock into which a test puts passwords one by one, at *rate* a second as it says."""

    def __init__(self, desk, rate=100.0):
        self.desk, self.rate = desk, rate
        desk._parked._stock = desk._gateway.tools.issuer = self
        self._hash = hash_password("secret23")
        self.ready = []

    def __len__(self):
        return len(self.ready)

    def take(self, n):
        taken, self.ready = self.ready[:n], self.ready[n:]
        return taken

    def give_back(self, unused):
        self.ready = [*unused, *self.ready]

    def wanted(self, n):
        pass

    async def make_one(self):
        self.ready.append(Issued(f"secret{len(self.ready):02}", self._hash))
        self.desk.passwords_ready()
        await self.desk.drain()


@at_the_desk
async def test_honest_link_gets_half_of_the_passwords_beside_one_that_floods(desk, port, house):
    """300 registrations a second from made-up numbers: a citizen elsewhere waited a minute."""
    stock = Hashers(desk)
    honest = Port(desk, "mobi")
    desk.attach(honest)
    citizens = floods = 0
    for made in range(101):
        for _ in range(3):  # so many come in while one is hashed
            floods += 1
            desk.received(port, registration(house, floods), floods)
        while citizens - len(honest.answers) < 5:
            citizens += 1
            mo = registration(house, 1_000_000 + citizens, link="mobi", session=2)
            desk.received(honest, mo, citizens)
        await (stock.make_one() if made else desk.drain())  # both wait before the first is made
    assert {Answer.OK} == set(honest.answers.values())
    registered = Counter(account.link for account in await accounts(desk, house))
    assert registered["mobi"] >= 50


@at_the_desk
async def test_sender_who_floods_does_not_hold_up_others_of_the_link(desk, port, house):
    stock = Hashers(desk)
    for n in range(50):
        text = f"TK,Nguyen Van An,20{n:07},01.02.1990"
        desk.received(port, house.mo(AN, text), n)
    await parked(desk, 50)
    desk.received(port, house.mo(BINH, OTHER_TEXT), 99)
    await parked(desk, 51)
    await stock.make_one()
    await stock.make_one()
    assert Answer.OK == port.answers[99]


@at_the_desk
async def test_who_would_wait_longer_than_five_seconds_is_told_at_once(desk, port, house):
    Hashers(desk, rate=10.0)
    for n in range(60):
        desk.received(port, registration(house, n), n)
    await port.until(lambda: port.answers)
    assert dict.fromkeys(range(50, 60), Answer.LATER) == port.answers
    honest = Port(desk, "mobi")
    desk.attach(honest)
    desk.received(honest, house.mo(AN, TEXT, link="mobi", session=2), 1)
    await port.until(lambda: 49 in port.answers)  # its place is an honest one's now
    assert {} == honest.answers
    assert 50 == len(desk._parked)


@at_the_desk
async def test_copy_of_a_text_that_would_wait_too_long_is_told_so_too(desk, port, house):
    Hashers(desk, rate=0.2)
    desk.received(port, registration(house, 1), 1)
    desk.received(port, registration(house, 2), 2)
    desk.received(port, registration(house, 2), 3)
    await port.until(lambda: len(port.answers) == 2)
    assert dict.fromkeys((2, 3), Answer.LATER) == port.answers


@at_the_desk
async def test_text_whose_password_was_given_to_another_keeps_its_turn(desk, port, house):
    stock = Hashers(desk)
    for n in range(3):
        desk.received(port, registration(house, n), n)
    await parked(desk, 3)
    stock.ready.append(Issued("secret23", hash_password("secret23")))
    desk.passwords_ready()
    stock.ready.clear()  # the expiry pass was quicker
    await desk.drain()
    await stock.make_one()
    assert {0: Answer.OK} == port.answers


# --- trouble and the end ------------------------------------------------------------------------


@at_the_desk
async def test_newcomer_does_not_get_the_password_that_an_older_text_waits_for(desk, port, house):
    old = [f"849051000{n:02}" for n in range(3)]
    for n, phone in enumerate(old):
        desk.received(port, house.mo(phone, f"TK,Nguyen Van An,2012345{n:02},01.02.1990"), n)
    async with asyncio.timeout(PATIENCE):
        while len(desk._parked) < 3:
            await asyncio.sleep(0)
    desk._parked._stock.give_back(
        [Issued("secret23", hash_password("secret23"))]
    )  # nobody was told
    desk.received(port, house.mo(BINH, OTHER_TEXT), 9)
    await port.until(lambda: port.answers or desk._arrivals)
    await desk.drain()
    assert 9 not in port.answers
    desk._parked._stock.start()
    await port.until(lambda: len(port.answers) == 4)
    phones = [account.phone for account in await accounts(desk, house)]
    assert [f"+{phone}" for phone in (*old, BINH)] == phones


@at_the_desk
async def test_store_in_trouble_is_told_and_takes_messages_again(desk, port, house):
    away = house.path.with_suffix(".away")
    house.path.rename(away)
    desk.received(port, house.mo(AN, "hallo"), 1)
    await port.until(lambda: port.answers)
    assert {1: Answer.LATER} == port.answers
    assert "is gone" in desk.trouble
    away.rename(house.path)
    desk.received(port, house.mo(AN, "hallo"), 2)
    await port.until(lambda: len(port.answers) == 2)
    assert Answer.OK == port.answers[2]
    assert desk.trouble is None


@at_the_desk
async def test_end_of_the_trouble_is_noticed_without_a_text(desk, port, house):
    away = house.path.with_suffix(".away")
    house.path.rename(away)
    desk.received(port, house.mo(AN, "hallo"), 1)
    await port.until(lambda: port.answers)
    assert desk.trouble
    away.rename(house.path)
    async with asyncio.timeout(PATIENCE):
        while desk.trouble:
            await asyncio.sleep(0.01)


@at_the_desk
async def test_settlement_that_the_store_could_not_take_is_offered_again(desk, port, house):
    desk.received(port, house.mo(AN, "hallo"), 1)
    await port.until(lambda: port.sent)
    away = house.path.with_suffix(".away")
    house.path.rename(away)
    desk.settled(Taken(port.sent[0].id, "7F"), "viettel")
    async with asyncio.timeout(PATIENCE):
        while not desk.trouble:
            await asyncio.sleep(0.01)
    away.rename(house.path)
    async with asyncio.timeout(PATIENCE):
        while not committed(house, "SELECT count(*) FROM sent"):
            await asyncio.sleep(0.01)
    assert 0 == committed(house, "SELECT count(*) FROM outbox")


@at_the_desk
async def test_reply_without_room_waits_in_the_outbox_until_there_is_some(desk, port, house):
    port.space = 0
    desk.received(port, house.mo(AN, "hallo"), 1)
    await port.until(lambda: port.answers)
    await desk.drain()
    assert [] == port.sent
    port.space = 1
    desk.ring("viettel")
    await port.until(lambda: port.sent)


@at_the_desk
async def test_older_replies_leave_before_newer_ones(desk, port, house):
    port.space = 1
    for n in range(3):
        desk.received(port, house.mo(f"8490500000{n}", "hallo"), n)
    await port.until(lambda: len(port.answers) == 3)
    port.space = 0
    desk.received(port, house.mo(BINH, "hallo"), 9)
    await port.until(lambda: len(port.answers) == 4)
    port.space = 100
    desk.ring()
    await port.until(lambda: len(port.sent) == 4)
    assert sorted(mt.id for mt in port.sent) == [mt.id for mt in port.sent]


@at_the_desk
async def test_reply_passes_reminders_that_wait(desk, port, house):
    desk.received(port, house.mo(AN, TEXT), 1)
    desk._parked._stock.start()
    await port.until(lambda: port.sent)
    desk.settled(Taken(port.sent[0].id, "7F"), "viettel")
    await desk.drain()
    noon = clock.now().replace(hour=5) + timedelta(days=4)
    await desk._worker.do(house.gateway.expire, noon)
    port.space = 0  # all that the link may hold are reminders
    port.reply_space = 1
    desk.ring("viettel", replies=False)
    desk.received(port, house.mo(BINH, "hallo"), 2)
    await port.until(lambda: len(port.sent) == 2)
    assert BINH == port.sent[1].to.number
    desk.ring("viettel")  # replies may wait in the outbox: new ones go there, and leave from there
    desk.received(port, house.mo(BINH, "hallo?"), 3)
    await port.until(lambda: len(port.sent) == 3)
    assert BINH == port.sent[2].to.number


@at_the_desk
async def test_reply_behind_many_that_are_given_up_leaves_by_itself(desk, port, house):
    def queue(count, now):
        batch = Batch(mos=[house.mo(f"8490500{n:04}", "hallo") for n in range(count)])
        house.gateway.commit(batch, now)

    await desk._worker.do(queue, 250, clock.now() - GIVE_UP_AFTER)
    await desk._worker.do(queue, 1, clock.now())
    desk.ring("viettel")
    await port.until(lambda: port.sent)
    assert 250 == committed(house, "SELECT count(*) FROM outbox WHERE state = 'failed'")


@at_the_desk
async def test_postponed_reply_leaves_again_when_it_is_due(desk, port, house):
    desk.received(port, house.mo(AN, "hallo"), 1)
    await port.until(lambda: port.sent)
    (mt,) = port.sent
    desk.settled(Postponed(mt.id, "ESME_RTHROTTLED (0x00000058)", throttled=True), "viettel")
    await port.until(lambda: len(port.sent) == 2)  # a second later, by the timer
    assert timeless([mt, mt]) == timeless(port.sent)


@at_the_desk
async def test_receipt_is_answered_once_it_is_stored(desk, port, house):
    desk.received(port, house.mo(AN, "hallo"), 1)
    await port.until(lambda: port.sent)
    desk.settled(Taken(port.sent[0].id, "7F"), "viettel")
    receipt = Receipt("viettel", "127", MtState.DELIVERED, "DELIVRD", Address(AN, 1, 1))
    desk.receipt(port, receipt, 2, 1)
    await port.until(lambda: 2 in port.answers)
    assert Answer.OK == port.answers[2]
    assert "delivered" == committed(house, "SELECT state FROM sent")


@at_the_desk
async def test_drain_returns_when_all_is_committed(desk, port, house):
    for n in range(50):
        desk.received(port, house.mo(f"849050000{n:02}", OTHER_TEXT[:-1]), n)
    async with asyncio.timeout(PATIENCE):
        await desk.drain()
    assert 50 == len(port.answers) == committed(house)


@at_the_desk
async def test_outbox_that_cannot_be_read_is_tried_again(desk, port, house):
    port.space = 0
    desk.received(port, house.mo(AN, "hallo"), 1)
    await port.until(lambda: port.answers)
    away = house.path.with_suffix(".away")
    house.path.rename(away)
    port.space = 1
    desk.ring("viettel")
    async with asyncio.timeout(PATIENCE):
        while not desk.trouble:
            await asyncio.sleep(0.01)
    away.rename(house.path)
    await port.until(lambda: port.sent)
    assert desk.trouble is None


@pytest.mark.parametrize("step", ["claim", "probe"])
def test_lost_disk_ends_the_desk_whatever_it_asked(tmp_path, step):
    async def inside():
        async with office(tmp_path) as (desk, port, house):

            def broken(*_):
                raise StoreLost("disk I/O error")

            setattr(house.gateway, step, broken)
            if step == "probe":
                house.path.rename(house.path.with_suffix(".away"))
                desk.received(port, house.mo(AN, "hallo"), 1)
            else:
                desk.ring("viettel")
            with pytest.raises(StoreLost):
                await asyncio.wait_for(asyncio.shield(_task_of(desk)), PATIENCE)

    asyncio.run(inside())


def test_fault_of_ours_ends_the_desk_instead_of_leaving_it_deaf(tmp_path):
    async def inside():
        with pytest.raises(ZeroDivisionError):
            async with office(tmp_path) as (desk, port, house):
                port.flush = lambda: 1 / 0
                desk.received(port, house.mo(AN, "hallo"), 1)
                await asyncio.wait_for(asyncio.shield(_task_of(desk)), PATIENCE)

    asyncio.run(inside())


def _task_of(desk):
    return next(t for t in asyncio.all_tasks() if t.get_coro().__qualname__ == "Desk.run")


def test_lost_disk_ends_the_desk_without_an_answer(tmp_path):
    async def inside():
        async with office(tmp_path) as (desk, port, house):

            def broken(batch, now):
                raise StoreLost("disk I/O error")

            house.gateway.commit = broken
            desk.received(port, house.mo(AN, TEXT), 1)
            with pytest.raises(StoreLost):
                await asyncio.wait_for(asyncio.shield(_task_of(desk)), PATIENCE)
            assert {} == port.answers

    asyncio.run(inside())


# --- what is one batch ----------------------------------------------------------------------------


def arrivals(link, count, octets=40):
    port = SimpleNamespace(name=link)
    sender = link, "0905123456"
    return [Arrival(port, None, number, sender, octets) for number in range(count)]


def test_small_lot_is_one_batch_as_it_came():
    lot = arrivals("a", 300) + arrivals("b", 300)
    assert (lot, []) == share(lot, 0)


def test_links_have_turns_where_a_batch_cannot_hold_all():
    flood, honest = arrivals("a", 1900), arrivals("b", 2)
    batch, left = share(flood + honest, 0)
    assert MAX_BATCH == len(batch)
    assert honest == [arrival for arrival in batch if arrival.link == "b"]
    assert flood == [arrival for arrival in batch if arrival.link == "a"] + left


def test_long_texts_of_one_link_fill_no_batch_of_another():
    flood, honest = arrivals("a", 1900, octets=2000), arrivals("b", 1)
    batch, left = share(flood + honest, 0)
    assert honest[0] in batch
    assert MAX_BATCH_OCTETS + 2000 > sum(arrival.octets for arrival in batch)
    assert 1901 == len(batch) + len(left)


def test_those_with_a_password_come_first_though_others_have_their_turn():
    waited, flood = arrivals("a", 100), arrivals("b", 1900)
    batch, _ = share(waited + flood, len(waited))
    assert waited == batch[:100]
