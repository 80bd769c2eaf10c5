"""A bad network between gateway and SMSC: links come back, queues move, nothing is lost.

Where a line is cut nobody knows whether the last reply on it was read, so it may come again, with
the same words; everywhere else each comes once.
"""

import json
import random
from collections import Counter

import pytest

from smsgw.simulator import SmscThread, What, texts
from tests.proxy import Proxy, Way
from tests.wire import QUICK, password_in, texts_to

#: Deadlines short enough to meet them in a test.
NERVOUS = QUICK | {"enquire_link_interval": "100ms", "response_timeout": "300ms"}


@pytest.fixture
def proxy(smsc):
    with Proxy(smsc.host, smsc.port) as proxy:
        yield proxy


@pytest.fixture
def link(smsc, proxy):
    """A `[[smsc]]` table that leads through the proxy."""
    return lambda **settings: smsc.link(port=proxy.port, **settings)


def everything_arrives(smsc, child, ledger, people, handles):
    """Each text is in the database once, and each phone shows one reply, perhaps again."""
    for handle in handles:
        assert 0 == handle.settled()
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert Counter((c.e164, c.text) for c in people) == ledger.texts()
    assert {c.e164 for c in people} == {account[0] for account in ledger.accounts()}
    for citizen in people:
        replies = set(texts_to(smsc, citizen))
        assert 1 == len(replies)
        assert ledger.password_lives(citizen.e164, password_in(replies.pop()))


@pytest.mark.parametrize("octets", [1, 3, 17])
def test_slices_are_read_as_whole_messages(
    octets, smsc, proxy, link, config_file, daemon, citizens, ledger
):
    proxy.slices = octets
    child = daemon(config_file(link()), smsc)
    people = citizens(8)
    handles = [smsc.send_mo(citizen.number, citizen.text) for citizen in people]
    everything_arrives(smsc, child, ledger, people, handles)
    assert len(people) == len(smsc.submits)
    child.until(lambda: ledger.delivered() == len(people), what="all receipts")
    assert [] == [record for record in smsc.records if record.what is What.BAD]
    assert 1 == smsc.binds


def test_slow_line_delays_and_changes_nothing(
    smsc, proxy, link, config_file, daemon, citizens, ledger
):
    proxy.delay = 0.05
    child = daemon(config_file(link()), smsc)
    people = citizens(8)
    handles = [smsc.send_mo(citizen.number, citizen.text) for citizen in people]
    everything_arrives(smsc, child, ledger, people, handles)
    assert len(people) == len(smsc.submits)
    assert 1 == smsc.binds


@pytest.mark.parametrize(
    ("way", "how"), [(Way.TO_SMSC, "close"), (Way.TO_GATEWAY, "reset")], ids=["up", "down"]
)
def test_line_cut_at_any_octet_comes_back_and_loses_nothing(
    way, how, smsc, proxy, link, config_file, daemon, citizens, ledger
):
    chance = random.Random(f"{way} {how}")
    child = daemon(config_file(link(**NERVOUS)), smsc)
    people = citizens(10)
    handles = []
    for citizen in people:
        binds = smsc.binds
        proxy.cut_after(chance.randrange(200), way, how)
        handles.append(smsc.send_mo(citizen.number, citizen.text))
        smsc.wait_binds(binds + 1)
    everything_arrives(smsc, child, ledger, people, handles)
    assert 0 == child.terminate()
    assert ledger.is_sound()


@pytest.mark.parametrize(
    "ways", [[Way.TO_SMSC], [Way.TO_GATEWAY], [*Way]], ids=["up", "down", "both"]
)
def test_line_that_falls_silent_is_found_dead_and_comes_back(
    ways, smsc, proxy, link, config_file, daemon, smsgw, citizens, ledger
):
    smsc.manners.response_timeout = 1
    config = config_file(link(**NERVOUS))
    child = daemon(config, smsc)
    people = citizens(3)
    child.wait_log("bound to")
    proxy.stall(*ways)
    handles = [smsc.send_mo(citizen.number, citizen.text) for citizen in people]
    child.wait_log("the line is dead")
    child.wait_log("no answer to the bind in 0.3 s")
    [told] = json.loads(smsgw("-c", config, "links", "--format", "json").stdout)
    assert told["state"] in ("waiting", "connecting")
    assert "no answer to the bind in 0.3 s" == told["reason"]
    proxy.flow()
    everything_arrives(smsc, child, ledger, people, handles)


def test_reply_that_waits_for_its_answer_on_a_dead_line_is_sent_by_the_next(
    smsc, proxy, link, config_file, daemon, citizens, ledger
):
    [an] = citizens(1)
    smsc.silence("submits")
    child = daemon(config_file(link(**NERVOUS | {"response_timeout": "1s"})), smsc)
    assert 0 == smsc.send_mo(an.number, an.text).answer()
    first = smsc.wait_submit(to=an.number)
    smsc.silence()
    proxy.cut("reset")
    second = smsc.wait_submit(to=an.number)
    assert first.text == second.text
    assert ledger.password_lives(an.e164, password_in(second.text))
    child.until(lambda: not ledger.waiting(), what="an empty outbox")


def test_line_that_was_down_for_a_while_comes_back_by_itself(
    smsc, proxy, link, config_file, daemon, citizens, ledger
):
    child = daemon(config_file(link(**NERVOUS)), smsc)
    proxy.refuse()
    people = citizens(3)
    handles = [smsc.send_mo(citizen.number, citizen.text) for citizen in people]
    child.wait_log("connection refused")
    proxy.accept()
    everything_arrives(smsc, child, ledger, people, handles)


def test_one_dead_line_holds_up_no_other(smsc, proxy, link, config_file, daemon, citizens, ledger):
    with SmscThread() as healthy:
        table = link(name="dead", **NERVOUS)
        child = daemon(config_file(table, healthy.link("healthy")), smsc, healthy)
        stuck, *others = citizens(5)
        smsc.silence("submits")
        waiting = smsc.send_mo(stuck.number, stuck.text)
        smsc.wait_submit(to=stuck.number)
        proxy.stall()
        handles = [healthy.send_mo(citizen.number, citizen.text) for citizen in others]
        for handle in handles:
            assert 0 == handle.settled(5)
        healthy.wait_submits(len(others), 5)
        child.wait_log("link dead: .*the line is dead")
        smsc.silence()
        proxy.flow()
        assert 0 == waiting.settled()
        smsc.wait_submit(to=stuck.number)
        child.until(lambda: not ledger.waiting(), what="an empty outbox")


def test_smsc_that_reads_nothing_does_not_fill_our_memory(
    smsc, proxy, link, config_file, daemon, citizens, ledger
):
    """It floods us with texts and takes no answer: we stop reading, then drop the line."""
    child = daemon(config_file(link(**NERVOUS), limits={"replies_per_phone_per_hour": 0}), smsc)
    child.wait_log("bound to")
    proxy.stall(Way.TO_SMSC)
    an, binh = citizens(2)
    smsc.deliver_all([texts.mo(an.number, f"xin chao {n}") for n in range(20_000)], redeliver=False)
    child.wait_log("link simulator: .*; next try")
    assert child.memory() < 120
    proxy.flow()
    text = smsc.send_mo(binh.number, binh.text)
    assert 0 == text.settled()
    assert ledger.password_lives(binh.e164, password_in(smsc.wait_submit(to=binh.number).text))
