"""Links over real sockets: the simulated SMSC on one side, a desk that writes down on the other."""

import asyncio
import itertools
import logging
import random
import socket
import ssl
import threading
import time
import warnings
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from freezegun import freeze_time

from smsgw.config import SmscSettings
from smsgw.leases import Tenure, boottime
from smsgw.links import Backoff, Ending, Link, connect, connection, oddities, sending
from smsgw.links.connection import SessionIds
from smsgw.model import (
    Address,
    Answer,
    LinkState,
    Mt,
    Postponed,
    Refused,
    Taken,
    Unanswered,
)
from smsgw.simulator import Manners, Point, Smsc, Status, What, received, sent, texts
from smsgw.smpp import codec, pace
from smsgw.smpp.pdu import (
    DeliverSmResp,
    EnquireLink,
    GenericNack,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from smsgw.smpp.stream import SLICE_PDUS

CITIZEN = Address("84905123456", 1, 1)
TEXT = "TK,Nguyen Van An,201234567,01.02.1990"
PATIENCE = 10  # seconds; a deadline, not a delay


class Desk:
    """Writes down what a link tells it, and answers as it is told to."""

    def __init__(self):
        self.answering = Answer.OK  # None: not at all
        self.most = 1000  # what it keeps of texts
        self.ended = []  # sessions
        self.mos, self.receipts, self.results, self.states = [], [], [], []
        self.rings = 0
        self.told_of = 0  # of so many texts and results, all that there was at that moment
        self._port = None
        self._changed = asyncio.Event()

    def attach(self, port):
        self._port = port

    def detach(self, port):
        self._port = None

    def received(self, port, mo, ticket):
        if len(self.mos) >= self.most:
            return Answer.BUSY
        self.mos.append((mo, ticket))
        self._answer(mo.session, ticket)
        return None

    def receipt(self, port, receipt, ticket, session):
        self.receipts.append(receipt)
        self._answer(session, ticket)

    def session_ended(self, session):
        self.ended.append(session)

    def _answer(self, session, ticket):
        if self.answering:
            self._port.answer(session, ticket, self.answering)
        self._changed.set()

    def settled(self, result, link):
        self.results.append(result)
        self._changed.set()

    def ring(self, link, *, replies=True):
        self.rings += 1
        self._changed.set()

    def turn(self):
        self.told_of = len(self.mos) + len(self.receipts) + len(self.results)

    def link_changed(self, link):
        self.states.append(link.status)
        self._changed.set()

    async def until(self, happened, timeout=PATIENCE):
        async with asyncio.timeout(timeout):
            while not (result := happened()):
                self._changed.clear()
                await self._changed.wait()
        return result

    async def state(self, state):
        """Wait for it; the reason given."""
        await self.until(lambda: self.states and self.states[-1][0] is state)
        return self.states[-1][1]


def settings(port, **changes):
    table = {
        "name": "viettel",
        "host": "127.0.0.1",
        "port": port,
        "system_id": "smsgw",
        "password": "secret",
        "reconnect_min": "10ms",
        "reconnect_max": "30s",
        "response_timeout": "5s",
    }
    return SmscSettings.model_validate(table | changes, context={"folder": Path("/")})


@asynccontextmanager
async def running(link):
    link.start()
    try:
        yield
    finally:
        link.quiesce()
        await link.close()


@asynccontextmanager
async def bound(manners=None, **changes):
    """A link that is bound to a simulated SMSC: (smsc, link, desk)."""
    smsc, desk = Smsc(manners), Desk()
    await smsc.start()
    link = Link(settings(smsc.port, **changes), "8188", desk, desk.link_changed)
    try:
        async with running(link):
            await desk.state(LinkState.BOUND)
            yield smsc, link, desk
    finally:
        await smsc.stop()


@contextmanager
def freeze_loop(connection, now):
    """Let *connection* believe that its loop's time is *now*."""

    class Clock:
        def time(self):
            return now

    loop, connection._loop = connection._loop, Clock()
    yield
    connection._loop = loop


def on_a_bound_link(manners=None, **changes):
    """Runs a scenario(smsc, link, desk) as a test."""

    def decorate(scenario):
        def test():
            async def run():
                async with bound(manners, **changes) as parts:
                    await scenario(*parts)

            asyncio.run(run())

        test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
        return test

    return decorate


def mt(number, *, reminder=False, text="Cam on!", to=CITIZEN):
    return Mt(number, "viettel", to, text, reminder)


async def why_it_waits(port, **changes):
    """The reason that a link gives which cannot come up."""
    desk = Desk()
    async with running(
        Link(settings(port, reconnect_min="30s", **changes), "8188", desk, desk.link_changed)
    ):
        return await desk.state(LinkState.WAITING)


# --- texts ------------------------------------------------------------------------------------


@on_a_bound_link()
async def test_text_reaches_the_desk_and_its_answer_the_smsc(smsc, link, desk):
    delivery = smsc.deliver(texts.mo("84905123456", TEXT))
    await smsc.until(lambda: delivery.done)
    assert [Status.ROK] == delivery.statuses
    assert [TEXT] == [mo.text for mo, _ in desk.mos]


@on_a_bound_link()
async def test_desk_may_begin_once_it_was_told_all_that_was_read(smsc, link, desk):
    burst = [smsc.deliver(texts.mo(f"8490512345{n}", TEXT)) for n in range(3)]
    await smsc.until(lambda: all(delivery.done for delivery in burst))
    assert 3 == len(desk.mos) == desk.told_of


@on_a_bound_link()
async def test_answer_waits_for_the_desk(smsc, link, desk):
    desk.answering = None
    delivery = smsc.deliver(texts.mo("84905123456", TEXT))
    (mo, ticket) = (await desk.until(lambda: desk.mos))[0]
    await smsc.enquire_link()
    assert [] == delivery.statuses
    link.answer(mo.session, ticket, Answer.LATER)
    link.flush()
    await smsc.until(lambda: delivery.statuses)
    assert Status.RX_T_APPN == delivery.statuses[0]


@on_a_bound_link()
async def test_reply_goes_out_and_its_receipt_comes_back(smsc, link, desk):
    link.send([mt(1)])
    link.flush()
    submit = await smsc.next_submit()
    assert (CITIZEN, "Cam on!") == (submit.destination, submit.text)
    await desk.until(lambda: desk.receipts)
    assert [Taken] == [type(result) for result in desk.results]
    # This SMSC answers in hexadecimal and reports in decimal, as some do.
    assert int(desk.receipts[0].smsc_id) == int(desk.results[0].smsc_id, 16)


@on_a_bound_link(Manners(silent=frozenset({"submits"})), window=2)
async def test_no_more_than_the_window_is_in_flight(smsc, link, desk):
    assert 4 == link.room()
    link.send([mt(number) for number in range(4)])
    link.flush()
    await smsc.until(lambda: len(smsc.submits) == 2)
    await smsc.enquire_link()
    assert (2, 2, 2, 0) == (len(smsc.submits), link.in_flight, link.held, link.room())
    smsc.drop()


@on_a_bound_link(window=1)
async def test_each_answer_makes_room_for_the_next(smsc, link, desk):
    link.send([mt(number) for number in range(5)])
    link.flush()
    await desk.until(lambda: len(desk.results) == 5)
    assert [0, 1, 2, 3, 4] == [result.mt_id for result in desk.results]


@on_a_bound_link(window=1)
async def test_replies_to_citizens_go_before_reminders(smsc, link, desk):
    link.send([mt(1, reminder=True), mt(2, reminder=True), mt(3), mt(4)])
    link.flush()
    await desk.until(lambda: len(desk.results) == 4)
    assert [3, 4, 1, 2] == [result.mt_id for result in desk.results]


@on_a_bound_link(window=1)
async def test_reminders_that_are_held_leave_room_for_replies(smsc, link, desk):
    link.send([mt(1, reminder=True), mt(2, reminder=True)])
    assert (0, 2) == (link.room(), link.room(replies=True))
    link.send([mt(3)])
    assert 1 == link.room(replies=True)


@on_a_bound_link(max_per_second=2)
async def test_pace_is_kept_and_goes_on_by_itself(smsc, link, desk):
    begin = asyncio.get_running_loop().time()
    link.send([mt(number) for number in range(3)])
    link.flush()
    await desk.until(lambda: len(desk.results) == 3)
    assert asyncio.get_running_loop().time() - begin > 0.9


@on_a_bound_link(window=4)
async def test_throttled_link_pauses_as_a_whole_and_probes_with_one(smsc, link, desk):
    smsc.answer_next(Status.RTHROTTLED)
    link.send([mt(1)])
    link.flush()
    await desk.until(lambda: desk.results)
    assert [Postponed(1, "ESME_RTHROTTLED (0x00000058)", throttled=True)] == desk.results
    assert 1 == link.room()
    begin = asyncio.get_running_loop().time()
    link.send([mt(2), mt(3)])
    link.flush()
    await desk.until(lambda: len(desk.results) == 3)
    assert asyncio.get_running_loop().time() - begin > 0.9


OTHER = Address("84905999999", 1, 1)


@on_a_bound_link()
async def test_full_queue_of_one_recipient_holds_up_nobody_else(smsc, link, desk):
    smsc.fill_queue(CITIZEN.number)
    link.send([mt(1), mt(2), mt(3), *(mt(number, to=OTHER) for number in range(4, 8))])
    link.flush()
    await desk.until(lambda: len(desk.results) == 7)
    link.send([mt(8), mt(9, to=OTHER)])
    link.flush()
    await desk.until(lambda: len(desk.results) == 9)
    full = [result for result in desk.results if isinstance(result, Postponed)]
    assert {1, 2, 3, 8} == {result.mt_id for result in full}
    assert {CITIZEN.number} == {result.full_for for result in full}
    assert not link._sending._pace.probing


@on_a_bound_link(window=3)
async def test_after_several_full_queues_the_link_asks_with_another_text(smsc, link, desk):
    full = [Address(f"8490500000{n}", 1, 1) for n in range(3)]
    smsc.fill_queue(*(address.number for address in full))
    texts_ = [mt(number, to=address) for number, address in enumerate(full, start=1)]
    link.send(texts_)
    link.flush()
    await desk.until(lambda: len(desk.results) == 3)
    assert link._sending._pace.probing
    link.send(texts_)  # their time has come again, before that of another
    assert 1 == link.room()
    link.send([mt(4, to=OTHER)])
    link.flush()
    await desk.until(lambda: len(desk.results) > 3)
    assert Taken is type(desk.results[3])
    assert 4 == desk.results[3].mt_id


@on_a_bound_link()
async def test_throttled_text_is_not_the_probe_where_there_is_another(smsc, link, desk):
    smsc.answer_next(Status.RTHROTTLED)
    link.send([mt(1)])
    link.flush()
    await desk.until(lambda: desk.results)
    link.send([mt(1), mt(2, reminder=True)])
    link.flush()
    await desk.until(lambda: len(desk.results) == 3)
    assert [1, 2, 1] == [result.mt_id for result in desk.results]


@pytest.mark.parametrize("status", [Status.RINVSRCADR, Status.RINVSRCTON, Status.RINVSRCNPI])
def test_carrier_that_refuses_our_short_code_is_named_and_asked_again(monkeypatch, status):
    monkeypatch.setattr(pace, "BARRED_PAUSE", 0.3)

    @on_a_bound_link()
    async def scenario(smsc, link, desk):
        smsc.refuse_source(status)
        link.send([mt(number) for number in range(5)])
        link.flush()
        await desk.until(lambda: len(desk.results) == 5)
        assert all(result.barred for result in desk.results)
        state, reason = link.status
        assert LinkState.BOUND is state
        assert "refuses our short code 8188" in reason
        assert f"0x{status:08X}" in reason
        assert "[[smsc]] viettel" in reason
        link.send([mt(5), mt(6)])
        link.flush()
        await desk.until(lambda: len(desk.results) == 6)
        smsc.refuse_source(None)
        await desk.until(lambda: len(desk.results) == 7)
        assert (LinkState.BOUND, None) == link.status
        assert 0 == link.held

    scenario()


@on_a_bound_link()
async def test_smsc_is_told_until_when_a_text_is_worth_sending(smsc, link, desk):
    until = datetime(2026, 11, 24, 9, 30, 5, tzinfo=UTC)
    link.send([mt(1)._replace(valid_until=until)])
    link.flush()
    assert "261124093005000+" == (await smsc.next_submit()).validity_period


@on_a_bound_link(validity_period=False)
async def test_smsc_that_wants_no_validity_period_is_spared(smsc, link, desk):
    link.send([mt(1)._replace(valid_until=datetime(2026, 11, 24, tzinfo=UTC))])
    link.flush()
    assert "" == (await smsc.next_submit()).validity_period


@on_a_bound_link()
async def test_text_that_smpp_cannot_carry_is_refused_alone(smsc, link, desk):
    link.send([mt(1, text="x" * 300), mt(2)])
    link.flush()
    await desk.until(lambda: len(desk.results) == 2)
    assert {1: Refused, 2: Taken} == {result.mt_id: type(result) for result in desk.results}
    assert 0 == link.in_flight


def test_what_is_held_too_long_goes_back(monkeypatch):
    monkeypatch.setattr(sending, "MAX_HOLD_SECONDS", 0.05)

    @on_a_bound_link(Manners(silent=frozenset({"submits"})), window=1)
    async def scenario(smsc, link, desk):
        link.send([mt(1), mt(2)])
        link.flush()
        await desk.until(lambda: desk.results)
        assert [Postponed(2, "the link is too slow", throttled=True)] == desk.results
        assert 1 == link.in_flight
        smsc.drop()

    scenario()


# --- trouble on the line ----------------------------------------------------------------------


@pytest.mark.parametrize("how", ["close", "reset"])
def test_lost_line_comes_back_fast_with_a_new_session(how):
    @on_a_bound_link()
    async def scenario(smsc, link, desk):
        delivery = smsc.deliver(texts.mo("84905123456", TEXT))
        await smsc.until(lambda: delivery.done)
        smsc.drop(how)
        reason = await desk.state(LinkState.WAITING)
        assert ("closed the connection" if how == "close" else "reset") in reason
        await smsc.until(lambda: smsc.binds == 2)
        smsc.deliver(texts.mo("84905123456", TEXT))
        await desk.until(lambda: len(desk.mos) == 2)
        assert desk.mos[0][0].session < desk.mos[1][0].session

    scenario()


@on_a_bound_link(Manners(silent=frozenset({"submits"})), reconnect_min="30s")
async def test_timer_that_fires_as_the_line_is_dropped_loses_no_result(smsc, link, desk):
    link.send([mt(1)])
    link.flush()
    await smsc.until(lambda: smsc.submits)
    (connection,) = link.sessions.values()
    loop = asyncio.get_running_loop()
    connection.drop("cut")
    with freeze_loop(connection, loop.time() + 60):
        connection._tick()
    await desk.until(lambda: desk.results)
    assert [Unanswered(1, "cut", link_lost=True)] == desk.results
    assert 0 == link.in_flight


@on_a_bound_link(reconnect_min="30s")
async def test_text_that_smpp_cannot_carry_is_refused_also_when_the_line_is_lost(smsc, link, desk):
    link.send([mt(1, text="x" * 300)])
    link.flush()
    (connection,) = link.sessions.values()
    connection.drop("cut")
    await desk.until(lambda: desk.results)
    assert [Refused] == [type(result) for result in desk.results]


@on_a_bound_link(Manners(silent=frozenset({"submits"})), window=1, reconnect_min="30s")
async def test_when_the_line_is_lost_nothing_waits_for_its_lease(smsc, link, desk):
    link.send([mt(1), mt(2)])
    link.flush()
    await smsc.until(lambda: smsc.submits)
    smsc.drop()
    await desk.until(lambda: len(desk.results) == 2)
    assert [Unanswered, Postponed] == [type(result) for result in desk.results]
    assert desk.results[1].throttled
    assert (0, 0, 0) == (link.in_flight, link.held, link.room())


@on_a_bound_link(reconnect_min="30s")
async def test_what_is_sent_to_a_lost_link_comes_straight_back(smsc, link, desk):
    smsc.drop()
    await desk.state(LinkState.WAITING)
    link.send([mt(1)])
    link.flush()
    assert [Postponed(1, "link lost", throttled=True)] == desk.results


@on_a_bound_link()
async def test_answer_for_a_session_that_is_gone_is_dropped(smsc, link, desk):
    desk.answering = None
    smsc.deliver(texts.mo("84905123456", TEXT))
    (mo, ticket) = (await desk.until(lambda: desk.mos))[0]
    smsc.drop()
    await smsc.until(lambda: smsc.binds == 2)
    await desk.state(LinkState.BOUND)
    link.answer(mo.session, ticket, Answer.OK)
    link.flush()
    await smsc.enquire_link()
    assert [] == received([r for r in smsc.records if r.session == 2], DeliverSmResp)


@on_a_bound_link(enquire_link_interval="50ms", response_timeout="50ms")
async def test_silent_line_is_dead_and_bound_afresh(smsc, link, desk):
    smsc.silence("enquire_links")
    await desk.until(lambda: any("the line is dead" in (why or "") for _, why in desk.states))
    smsc.silence()
    await smsc.until(lambda: smsc.binds >= 2)


@on_a_bound_link()
async def test_unbind_of_the_smsc_is_answered_and_followed_by_a_fresh_bind(smsc, link, desk):
    await smsc.unbind()
    assert received(smsc.records, UnbindResp)
    assert "the SMSC unbound" in await desk.state(LinkState.WAITING)
    await smsc.until(lambda: smsc.binds == 2)


@on_a_bound_link()
async def test_stream_out_of_step_is_nacked_before_it_is_dropped(smsc, link, desk):
    smsc.send_raw(b"\xff" * 16)
    assert "out of step" in await desk.state(LinkState.WAITING)
    (nack,) = received(smsc.records, GenericNack)
    assert Status.RINVCMDLEN == nack.status


@on_a_bound_link(Manners(enquire_before_bind_resp=True))
async def test_enquire_link_before_the_bind_is_answered(smsc, link, desk):
    assert LinkState.BOUND is link.status[0]


@on_a_bound_link()
async def test_fault_of_ours_ends_the_session_and_not_the_link(smsc, link, desk):
    good, desk.received = desk.received, None  # "NoneType is not callable"
    smsc.deliver(texts.mo("84905123456", TEXT))
    await smsc.until(lambda: smsc.binds >= 2)
    desk.received = good
    await smsc.until(lambda: all(delivery.done for delivery in smsc.deliveries))


def test_peer_that_stops_reading_is_dropped_before_memory_grows(monkeypatch):
    monkeypatch.setattr(connection, "WRITE_BUFFER_OCTETS", 4096)

    @on_a_bound_link(response_timeout="100ms", reconnect_min="30s")
    async def scenario(smsc, link, desk):
        smsc.stall()
        (connection,) = link.sessions.values()
        for number in range(10_000_000):
            if not connection.writable:
                break
            smsc.deliver(texts.mo(f"8490{number:07}", TEXT))
            if number % 100 == 0:
                await asyncio.sleep(0)  # the wire moves
        assert connection._transport.get_write_buffer_size() < 64 * 1024
        link.send([mt(1)])
        link.flush()
        assert (1, 0) == (link.held, link.in_flight)
        assert link._sending._timer.when() - asyncio.get_running_loop().time() > 1  # no polling
        assert "reads nothing" in await desk.state(LinkState.WAITING)

    with small_socket_buffers(monkeypatch):
        scenario()


@on_a_bound_link()
async def test_what_the_desk_does_not_keep_is_turned_away(smsc, link, desk):
    desk.answering, desk.most = None, 5
    deliveries = [smsc.deliver(texts.mo("84905123456", f"{n}")) for n in range(8)]
    await smsc.until(lambda: sum(len(d.statuses) for d in deliveries) == 3)
    assert {Status.RTHROTTLED} == {d.statuses[0] for d in deliveries if d.statuses}
    assert (5, 3) == (link.counts.mo, link.counts.busy)


@on_a_bound_link()
async def test_desk_hears_of_a_session_that_ends(smsc, link, desk):
    (session,) = link.sessions
    assert link.holds(session)
    smsc.drop()
    await desk.until(lambda: desk.ended or None)
    assert ([session], False) == (desk.ended, link.holds(session))


# --- reads of many PDUs -----------------------------------------------------------------------


@on_a_bound_link()
async def test_read_of_many_pdus_lets_others_in_between_its_slices(smsc, link, desk):
    desk.most = 2000
    (connection,) = link.sessions.values()
    wire = b"".join(codec.encode(texts.mo(f"8490{n:07}", TEXT)) for n in range(2000))
    turns = []

    def turn():
        turns.append(len(desk.mos))
        if len(desk.mos) < 2000:
            asyncio.get_running_loop().call_soon(turn)

    connection.data_received(wire)
    turn()
    await desk.until(lambda: len(desk.mos) == 2000)
    assert [f"8490{n:07}" for n in range(2000)] == [mo.sender.number for mo, _ in desk.mos]
    assert max(after - before for before, after in itertools.pairwise(turns)) <= SLICE_PDUS
    await smsc.enquire_link()  # reading goes on


@on_a_bound_link(reconnect_min="30s")
async def test_answers_that_were_read_before_the_end_of_the_line_still_count(smsc, link, desk):
    smsc.silence("submits")
    link.send([mt(1)])
    link.flush()
    await smsc.next_submit()
    (connection,) = link.sessions.values()
    wire = b"".join(codec.encode(texts.mo(f"8490{n:07}", TEXT)) for n in range(600))
    (sequence,) = connection.session._submits
    connection.data_received(wire + codec.encode(SubmitSmResp(sequence, 0, "7F")))
    connection._transport.abort()
    await desk.state(LinkState.WAITING)
    assert 600 == len(desk.mos)
    assert [Taken(1, "7F")] == desk.results


# --- oddities ---------------------------------------------------------------------------------


def test_oddity_is_said_once_when_it_begins_and_once_when_it_ends(monkeypatch, caplog):
    monkeypatch.setattr(oddities, "ODDITY_ENDS_SECONDS", 0.2)
    monkeypatch.setattr(oddities, "ODDITIES_TOLD_SECONDS", 0.05)
    caplog.set_level(logging.INFO)

    @on_a_bound_link()
    async def scenario(smsc, link, desk):
        told = len(desk.states)
        for _ in range(5):
            link.odd("stray_octets", detail="deliver_sm: 1 behind it")
        link.odd("malformed")
        await desk.until(lambda: len(desk.states) > told)
        assert {"stray_octets": 5, "malformed": 1} == link.oddities
        assert told + 1 == len(desk.states)
        async with asyncio.timeout(PATIENCE):
            while link._oddities._timer:
                await asyncio.sleep(0.01)
        link.odd("stray_octets", 2)
        assert 7 == link.oddities["stray_octets"]

    scenario()
    said = [line for line in caplog.messages if line.startswith("odd link=viettel kind=stray")]
    assert [
        "odd link=viettel kind=stray_octets begins: deliver_sm: 1 behind it",
        "odd link=viettel kind=stray_octets ends: 5 in 0 s",
        "odd link=viettel kind=stray_octets begins",
    ] == said


@on_a_bound_link()
async def test_kinds_of_oddities_are_bounded(smsc, link, desk):
    for number in range(1000):
        link.odd(f"suspect {number:08x}")
    assert 1000 == link.oddities.total()
    assert oddities.MAX_ODDITIES + 1 == len(link.oddities)


@on_a_bound_link()
async def test_what_the_peer_does_against_the_standard_is_counted_on_its_link(smsc, link, desk):
    smsc.send_raw(bytes.fromhex("00000010 00000428 00000000 00000005"))
    smsc.send_raw(bytes.fromhex("00000011 80000004 00000000 00000999 00"))
    smsc.send_raw(bytes.fromhex("00000010 00000005 00000000 00000006"))
    await smsc.enquire_link()
    assert {"unknown_command": 1, "stray_answer": 1, "malformed": 1} == link.oddities


@contextmanager
def small_socket_buffers(monkeypatch):
    """So that a peer that does not read is felt at once, and not after megabytes."""
    tune, start = connect._tune, Smsc.start

    def small(sock):
        tune(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    async def start_small(smsc):
        await start(smsc)
        smsc._server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    with monkeypatch.context() as patch:
        patch.setattr(connect, "_tune", small)
        patch.setattr(Smsc, "start", start_small)
        yield


# --- binds ------------------------------------------------------------------------------------


REFUSALS = {
    "wrong password": (Manners(accounts={"smsgw": "other"}), "ESME_RINVPASWD (0x0000000E)"),
    "unknown system_id": (Manners(accounts={"other": "secret"}), "ESME_RINVSYSID (0x0000000F)"),
}


@pytest.mark.parametrize(("manners", "words"), REFUSALS.values(), ids=REFUSALS)
def test_refused_credentials_wait_long_and_say_what_to_check(manners, words, caplog):
    async def scenario():
        smsc, desk = Smsc(manners), Desk()
        await smsc.start()
        async with running(Link(settings(smsc.port), "8188", desk, desk.link_changed)):
            reason = await desk.state(LinkState.WAITING)
        await smsc.stop()
        return reason

    with caplog.at_level(logging.INFO):
        reason = asyncio.run(scenario())
    assert words in reason
    assert "system_id and password" in reason
    assert "next try in 30.0 s" in caplog.text
    assert "secret" not in caplog.text


def test_bind_that_somebody_else_holds_waits_long(caplog):
    async def scenario():
        smsc, desk = Smsc(Manners(one_bind=True)), Desk()
        await smsc.start()
        first = Link(settings(smsc.port), "8188", desk, desk.link_changed)
        async with running(first):
            await desk.state(LinkState.BOUND)
            other = Desk()
            async with running(Link(settings(smsc.port), "8188", other, other.link_changed)):
                assert "ESME_RALYBND" in await other.state(LinkState.WAITING)
        await smsc.stop()

    with caplog.at_level(logging.INFO):
        asyncio.run(scenario())
    assert "next try in 30.0 s" in caplog.text


@asynccontextmanager
async def with_lease(manners=None, **changes):
    """A link that another node had before: (smsc, link, desk, tenure, those that were lost)."""
    smsc, desk, lost = Smsc(manners), Desk(), []
    await smsc.start()
    tenure = Tenure("viettel", 7, boottime() + 1000, lost.append)
    link = Link(settings(smsc.port, **changes), "8188", desk, desk.link_changed, tenure=tenure)
    try:
        async with running(link):
            yield smsc, link, desk, tenure, lost
    finally:
        await smsc.stop()


def test_bind_that_the_node_before_still_holds_is_tried_again_soon():
    async def scenario():
        async with with_lease(Manners(bind_status=Status.RALYBND)) as (smsc, _, desk, *_):
            assert "ESME_RALYBND" in await desk.state(LinkState.WAITING)
            await smsc.until(lambda: 3 <= sum(r.what is What.REFUSED for r in smsc.records))
            smsc.manners.bind_status = 0
            await desk.state(LinkState.BOUND)  # and not after reconnect_max

    asyncio.run(scenario())


def test_nothing_leaves_once_the_lease_is_over():
    async def scenario():
        async with with_lease(Manners(answer_delay=60)) as (smsc, link, desk, tenure, lost):
            desk.answering = None
            await desk.state(LinkState.BOUND)
            assert 7 == link.token
            link.send([mt(1)])
            link.flush()
            smsc.deliver(texts.mo("84905123456", "xin chao", to="8188"))
            mo, ticket = (await desk.until(lambda: desk.mos))[0]
            await smsc.until(lambda: smsc.submits)
            place = len(smsc.records)
            tenure.until = 0.0  # as when the process was stopped for longer
            link.answer(mo.session, ticket, Answer.OK)
            link.send([mt(2), mt(3)])
            link.flush()
            assert [tenure] == lost
            assert not tenure.may_act()
            await link.vanish()
            assert desk.ended
            await smsc.until(lambda: not smsc.sessions)
            assert [What.CLOSED] == [r.what for r in smsc.records[place:]]
            assert [] == desk.results  # the first is another node's to ask for
            assert not link.holds(mo.session)

    asyncio.run(scenario())


def test_link_is_lost_by_its_own_token_alone():
    async def scenario():
        async with with_lease() as (_, link, desk, tenure, lost):
            await desk.state(LinkState.BOUND)
            link.lose(6)
            assert [] == lost
            link.lose(7)
            assert [tenure] == lost

    asyncio.run(scenario())


@asynccontextmanager
async def peer(says=b"", *, closes=False):
    """Something that listens and is no SMSC; its port."""

    async def serve(reader, writer):
        try:
            await reader.read(1)
            writer.write(says)
            if not closes:
                await reader.read()
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


NO_SMSC = {
    "web server": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "peer is not SMPP"),
    "mail server": (b"220 mail.example ESMTP\r\n", "peer is not SMPP"),
    "TLS server": (b"\x15\x03\x03\x00\x02\x02\x28", "set tls = true"),
    "silent": (b"", "no answer to the bind"),
}


@pytest.mark.parametrize(("says", "words"), NO_SMSC.values(), ids=NO_SMSC)
def test_peer_that_is_no_smsc_is_named_so(says, words):
    async def scenario():
        async with peer(says) as port:
            return await why_it_waits(port, response_timeout="200ms")

    assert words in asyncio.run(scenario())


def test_peer_that_hangs_up_on_the_bind_is_told_apart():
    async def scenario():
        async with peer(closes=True) as port:
            return await why_it_waits(port)

    assert "before it answered the bind" in asyncio.run(scenario())


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_refused_connection_is_one_clear_reason():
    port = free_port()
    assert f"connection refused by 127.0.0.1:{port}" == asyncio.run(why_it_waits(port))


def test_unknown_host_is_one_clear_reason():
    reason = asyncio.run(why_it_waits(2775, host="smsc.invalid", response_timeout="30s"))
    assert "host name smsc.invalid cannot be resolved" in reason


def test_ipv6_works_as_ipv4():
    async def scenario():
        smsc, desk = Smsc(host="::1"), Desk()
        await smsc.start()
        async with running(Link(settings(smsc.port, host="::1"), "8188", desk, desk.link_changed)):
            await desk.state(LinkState.BOUND)
        await smsc.stop()

    asyncio.run(scenario())


def two_addresses(monkeypatch):
    """Let the name smsc.test have an address of each family."""
    stream = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    name_servers(
        monkeypatch,
        lambda port: [
            (socket.AF_INET6, *stream, ("::1", port, 0, 0)),
            (socket.AF_INET, *stream, ("127.0.0.1", port)),
        ],
    )


def name_servers(monkeypatch, answer):
    """Let the name smsc.test be looked up by answer(port), and addresses as ever."""
    really = socket.getaddrinfo

    def look_up(host, port, *arguments, flags=0, **options):
        if host != "smsc.test":
            return really(host, port, *arguments, **options | {"flags": flags})
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "it is a name")
        return answer(port)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@contextmanager
def silent_name_servers(monkeypatch):
    """Let the name smsc.test have no address while this lasts; how often it was asked for."""
    asked, over = [], threading.Event()

    def answer(port):
        asked.append(port)
        over.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "silent for so long")

    name_servers(monkeypatch, answer)
    try:
        yield asked
    finally:
        over.set()


def test_silent_name_servers_hold_up_no_end(monkeypatch):
    async def scenario():
        desk = Desk()
        link = Link(settings(1, host="smsc.test"), "8188", desk, desk.link_changed)
        async with running(link):
            await asyncio.sleep(0)  # it is asked, and looked up
            begin.append(time.monotonic())

    begin = []
    with silent_name_servers(monkeypatch):
        asyncio.run(scenario())
        assert time.monotonic() - begin[0] < 2


def test_silent_name_servers_hold_up_no_other_link(monkeypatch):
    async def scenario():
        smsc, quiet, desk = Smsc(), Desk(), Desk()
        await smsc.start()
        dead = [
            Link(settings(1, host="smsc.test"), "8188", quiet, quiet.link_changed)
            for _ in range(40)  # more than the loop has threads for look-ups
        ]
        async with AsyncExitStack() as stack:
            for link in dead:
                await stack.enter_async_context(running(link))
            good = Link(settings(smsc.port, host="localhost"), "8188", desk, desk.link_changed)
            await stack.enter_async_context(running(good))
            await desk.until(lambda: good.status[0] is LinkState.BOUND, 2)
        await smsc.stop()

    with silent_name_servers(monkeypatch):
        asyncio.run(scenario())


def test_link_asks_silent_name_servers_once_at_a_time(monkeypatch):
    async def scenario():
        desk = Desk()
        patience = {"response_timeout": "50ms", "reconnect_min": "10ms", "reconnect_max": "20ms"}
        link = Link(settings(1, host="smsc.test", **patience), "8188", desk, desk.link_changed)
        async with running(link):
            await desk.until(lambda: len(desk.states) > 8)
        return [reason for _, reason in desk.states if reason]

    with silent_name_servers(monkeypatch) as asked:
        reasons = asyncio.run(scenario())
    assert 1 == len(asked)
    assert "no answer from the name servers, asked for smsc.test, within 0.05 s" in reasons


def test_name_with_several_addresses_finds_the_one_that_listens(monkeypatch):
    async def scenario():
        smsc, desk = Smsc(), Desk()  # at 127.0.0.1 alone
        await smsc.start()
        two_addresses(monkeypatch)
        async with running(
            Link(settings(smsc.port, host="smsc.test"), "8188", desk, desk.link_changed)
        ):
            await desk.state(LinkState.BOUND)
        await smsc.stop()

    asyncio.run(scenario())


def test_name_whose_addresses_all_refuse_is_one_clear_reason(monkeypatch):
    async def scenario(port):
        two_addresses(monkeypatch)
        return await why_it_waits(port, host="smsc.test")

    port = free_port()
    assert f"connection refused by smsc.test:{port}" == asyncio.run(scenario(port))


# --- receiver and transmitter -----------------------------------------------------------------


@on_a_bound_link(bind="receiver+transmitter")
async def test_two_sessions_share_the_work(smsc, link, desk):
    receiver, transmitter = sorted(smsc.bound, key=lambda session: session.bind.command)
    delivery = smsc.deliver(texts.mo("84905123456", TEXT))
    await smsc.until(lambda: delivery.done)
    link.send([mt(1)])
    link.flush()
    submit = await smsc.next_submit()
    assert (receiver.id, transmitter.id) == (delivery.session, submit.session)


@on_a_bound_link(bind="receiver+transmitter", reconnect_min="200ms")
async def test_link_of_two_is_bound_only_when_both_are(smsc, link, desk):
    receiver, transmitter = sorted(smsc.bound, key=lambda session: session.bind.command)
    receiver.drop()
    assert "receiver: the SMSC closed" in await desk.state(LinkState.WAITING)
    assert [transmitter] == smsc.bound
    await desk.state(LinkState.BOUND)
    assert 3 == smsc.binds  # the transmitter stayed
    assert 2 == len(smsc.bound)


# --- the end ----------------------------------------------------------------------------------


def test_clean_stop_awaits_answers_and_unbinds():
    async def scenario():
        manners = Manners(answer_delay=0.1)
        async with bound(manners) as (smsc, link, desk):
            link.send([mt(1)])
            link.flush()
            await smsc.until(lambda: smsc.submits)
        return smsc, desk

    smsc, desk = asyncio.run(scenario())
    assert [Taken] == [type(result) for result in desk.results]
    assert received(smsc.records, Unbind)
    assert (LinkState.STOPPED, None) == desk.states[-1]


@on_a_bound_link()
async def test_text_that_comes_during_the_stop_is_for_later(smsc, link, desk):
    link.quiesce()
    delivery = smsc.deliver(texts.mo("84905123456", TEXT))
    await smsc.until(lambda: delivery.statuses)
    assert Status.RX_T_APPN == delivery.statuses[0]
    assert [] == desk.mos


def test_what_was_received_is_answered_before_the_unbind():
    async def scenario():
        async with bound() as (smsc, link, desk):
            desk.answering = None
            delivery = smsc.deliver(texts.mo("84905123456", TEXT))
            (mo, ticket) = (await desk.until(lambda: desk.mos))[0]
            link.quiesce()
            link.answer(mo.session, ticket, Answer.OK)
            await link.close()
            return smsc, delivery

    smsc, delivery = asyncio.run(scenario())
    assert [Status.ROK] == delivery.statuses
    kinds = [type(r.pdu) for r in smsc.records if r.what is What.RECEIVED]
    assert kinds.index(DeliverSmResp) < kinds.index(Unbind)


SILENCES = [{"unbinds"}, {"submits"}, {"all"}]


@pytest.mark.parametrize("silent", SILENCES, ids=lambda kinds: "+".join(kinds))
def test_smsc_that_does_not_answer_does_not_hold_up_the_end(silent):
    async def scenario():
        async with bound(response_timeout="200ms") as (smsc, link, desk):
            smsc.silence(*silent)
            link.send([mt(1)])
            link.flush()
            await smsc.until(lambda: smsc.submits or "all" in silent)
            begin = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - begin < 2
        return desk

    desk = asyncio.run(scenario())
    assert 1 == len(desk.results)
    assert (LinkState.STOPPED, None) == desk.states[-1]


def test_link_that_never_came_up_ends_at_once():
    async def scenario():
        desk = Desk()
        async with running(Link(settings(free_port()), "8188", desk, desk.link_changed)):
            await desk.state(LinkState.WAITING)
        assert (LinkState.STOPPED, None) == desk.states[-1]

    asyncio.run(scenario())


# --- TLS --------------------------------------------------------------------------------------


async def over_tls(context, certificates, **changes):
    """The reason why a link to an SMSC with *context* waits; None: it is bound."""
    smsc, desk = Smsc(tls=context), Desk()
    await smsc.start()
    tls = {"tls": True, "tls_ca_file": certificates.ca, "host": "127.0.0.1"} | changes
    link = Link(settings(smsc.port, reconnect_min="30s", **tls), "8188", desk, desk.link_changed)
    try:
        async with running(link):
            await desk.until(lambda: desk.states and desk.states[-1][0] is not LinkState.CONNECTING)
            return desk.states[-1][1]
    finally:
        await smsc.stop()


def test_tls_with_a_certificate_that_we_trust(certificates):
    assert asyncio.run(over_tls(certificates.server_context(), certificates)) is None


def test_tls_with_a_certificate_of_our_own(certificates):
    context = certificates.server_context(ask_client=True)
    ours = {"tls_cert_file": certificates.client, "tls_key_file": certificates.client_key}
    assert asyncio.run(over_tls(context, certificates, **ours)) is None


def test_tls_certificate_without_the_key_of_its_issuer_is_refused(certificates):
    lax = certificates.issue("lax", "127.0.0.1", strict=False)
    reason = asyncio.run(over_tls(certificates.server_context(*lax), certificates))
    assert reason.startswith("TLS: Missing Authority Key Identifier")
    assert "tls_strict" in reason


def test_tls_certificate_without_the_key_of_its_issuer_is_taken_where_asked_for(certificates):
    lax = certificates.issue("lax", "127.0.0.1", strict=False)
    context = certificates.server_context(*lax)
    assert asyncio.run(over_tls(context, certificates, tls_strict=False)) is None


@pytest.mark.parametrize("wrong", ["name", "authority", "time"])
def test_tls_that_is_not_strict_still_verifies_name_and_chain(certificates, tmp_path, wrong):
    host = "smsc.example" if wrong == "name" else "127.0.0.1"
    days = (-9, -1) if wrong == "time" else (-1, 365)
    signs = type(certificates)(tmp_path) if wrong == "authority" else certificates
    lax = signs.issue(f"lax-{wrong}", host, days=days, strict=False)
    context = certificates.server_context(*lax)
    assert asyncio.run(over_tls(context, certificates, tls_strict=False)).startswith("TLS: ")


def test_tls_name_may_differ_from_the_host(certificates):
    context = certificates.server_context(*certificates.issue("named", "smsc.example"))
    named = over_tls(context, certificates, tls_server_name="smsc.example")
    assert asyncio.run(named) is None


async def over_real_tls(context, certificates, **changes):
    """As `over_tls`, against plain OpenSSL: asyncio's server sends no alert when it refuses."""

    def refuse(listener):
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection, context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusing = asyncio.create_task(asyncio.to_thread(refuse, listener))
        tls = {"tls": True, "tls_ca_file": certificates.ca} | changes
        reason = await why_it_waits(listener.getsockname()[1], **tls)
        await refusing
    return reason


def test_tls_without_the_certificate_that_the_smsc_wants(certificates):
    context = certificates.server_context(ask_client=True)
    reason = asyncio.run(over_real_tls(context, certificates))
    assert reason.startswith("TLS: the peer wants a client certificate; set tls_cert_file")


def test_tls_with_a_certificate_that_the_smsc_does_not_trust(certificates, tmp_path):
    stranger = type(certificates)(tmp_path)
    context = certificates.server_context(ask_client=True)
    ours = {"tls_cert_file": stranger.client, "tls_key_file": stranger.client_key}
    reason = asyncio.run(over_real_tls(context, certificates, **ours))
    assert reason.startswith("TLS: the peer does not know who issued our certificate")


def test_tls_refused_without_a_word(certificates):
    context = certificates.server_context(ask_client=True)
    reason = asyncio.run(over_tls(context, certificates))
    assert "does it refuse our certificate (tls_cert_file)?" in reason


def test_tls_expired(certificates):
    expired = certificates.issue("expired", "127.0.0.1", days=(-9, -1))
    reason = asyncio.run(over_tls(certificates.server_context(*expired), certificates))
    assert "TLS: certificate has expired" == reason


def test_tls_other_name(certificates):
    other = certificates.issue("other", "smsc.example")
    reason = asyncio.run(over_tls(certificates.server_context(*other), certificates))
    assert "TLS: IP address mismatch, certificate is not valid for '127.0.0.1'" == reason


def test_tls_unknown_authority(certificates, tmp_path):
    stranger = type(certificates)(tmp_path)
    reason = asyncio.run(over_tls(stranger.server_context(), certificates))
    assert reason.startswith("TLS: ")
    assert "certificate" in reason


WITHOUT_TLS = {"answers": b"\0\0\0\x10\x80\0\0\0\0\0\0\2\0\0\0\0", "closes": b""}


@pytest.mark.parametrize("says", WITHOUT_TLS.values(), ids=WITHOUT_TLS)
def test_tls_to_a_port_without_tls(says, certificates):
    async def scenario():
        async with peer(says, closes=True) as port:
            return await why_it_waits(port, tls=True, tls_ca_file=certificates.ca)

    reason = asyncio.run(scenario())
    assert reason.startswith("TLS: the peer")
    assert "is this its port for TLS?" in reason


def test_tls_that_is_too_old(certificates):
    context = certificates.server_context()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    reason = asyncio.run(over_real_tls(context, certificates))
    assert reason.startswith("TLS: the peer shares no TLS version")


def test_tls_handshake_that_never_ends(certificates):
    async def scenario():
        async with peer() as port:
            tls = {"tls": True, "tls_ca_file": certificates.ca}
            return await why_it_waits(port, response_timeout="200ms", **tls)

    assert "within 0.2 s" in asyncio.run(scenario())


def test_tls_files_that_cannot_be_used_are_named(certificates, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"")
    reason = asyncio.run(over_tls(None, certificates, tls_ca_file=str(empty)))
    assert f"TLS: tls_ca_file {empty} holds no certificate" == reason
    mismatch = {"tls_cert_file": certificates.client, "tls_key_file": certificates.server_key}
    reason = asyncio.run(over_tls(None, certificates, **mismatch))
    assert reason.startswith(f"TLS: tls_cert_file {certificates.client} ")


def test_tls_file_that_vanished_is_named(certificates, tmp_path):
    gone = tmp_path / "ca.pem"
    gone.write_bytes(Path(certificates.ca).read_bytes())
    smsc = settings(1, tls=True, tls_ca_file=str(gone))
    gone.unlink()

    async def scenario():
        desk = Desk()
        async with running(Link(smsc, "8188", desk, desk.link_changed)):
            return await desk.state(LinkState.WAITING)

    assert f"TLS: tls_ca_file {gone} cannot be read (No such file or directory)" == asyncio.run(
        scenario()
    )


# --- numbers ----------------------------------------------------------------------------------


def test_waits_grow_between_their_bounds_and_never_beyond():
    random.seed(1)
    backoff = Backoff(1.0, 60.0)
    waits = [backoff.after(Ending("connection refused")) for _ in range(50)]
    assert 1.0 == waits[0]
    assert all(1.0 <= wait <= 60.0 for wait in waits)
    assert all(wait >= 30.0 for wait in waits[7:])
    assert len(set(waits[7:])) > 40  # not all gateways at once


def test_line_that_held_comes_back_at_once():
    backoff = Backoff(1.0, 60.0)
    for _ in range(10):
        backoff.after(Ending("connection refused"))
    assert 1.0 == backoff.after(Ending("reset", held=3600.0))


def test_line_that_only_pretends_to_work_is_tried_less_and_less():
    backoff = Backoff(1.0, 60.0)
    waits = [backoff.after(Ending("reset", held=0.1)) for _ in range(10)]
    assert waits[-1] >= 30.0


def test_session_numbers_grow_though_the_clock_goes_back():
    with freeze_time("2026-05-01") as frozen:
        first = SessionIds.next()
        frozen.move_to(datetime(2025, 5, 1, tzinfo=UTC) - timedelta(days=1))
        assert first < SessionIds.next()


@on_a_bound_link(enquire_link_interval="20s", response_timeout="30s")
async def test_link_at_rest_wakes_only_for_its_enquire_link(smsc, link, desk):
    """One timer, and far away: nothing polls."""
    await smsc.enquire_link()
    connection = next(iter(link.sessions.values()))
    left = connection._timer.when() - asyncio.get_running_loop().time()
    assert 15 < left <= 20
    assert link._sending._timer is None
    assert [] == sent(smsc.records, EnquireLink)[1:]


@on_a_bound_link()
async def test_smsc_may_drop_the_line_at_any_point(smsc, link, desk):
    for count, point in enumerate((Point.ANSWER_LOST, Point.SUBMIT_TAKEN), start=2):
        smsc.drop_at(point)
        smsc.deliver(texts.mo("84905123456", f"{point}"))
        link.send([mt(count)])
        link.flush()
        await smsc.until(lambda count=count: smsc.binds >= count)
        await desk.state(LinkState.BOUND)


# --- what nobody foresaw ----------------------------------------------------------------------


@on_a_bound_link()
async def test_result_of_a_new_kind_is_a_fault_and_not_dropped(smsc, link, desk):
    with pytest.raises(AssertionError):
        link.settle(object(), 0.0)
    assert [] == desk.results


@on_a_bound_link(reconnect_min="30s")
async def test_event_of_a_new_kind_ends_the_session_and_is_not_dropped(smsc, link, desk):
    (connection,) = link.sessions.values()
    connection._handle([object()], asyncio.get_running_loop().time())
    assert "fault of the gateway; see the log" == await desk.state(LinkState.WAITING)
