"""One value of all that is looked at, from the daemon and from the database alike."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from smsgw import overview
from smsgw.census import Outbox
from smsgw.clock import stamp
from smsgw.health import Disk, Kind
from smsgw.model import LinkLive, LinkState
from smsgw.overview import Node, Sight
from smsgw.records import plain
from smsgw.store import Beat, LinkCount
from tests.house import NOON

DAEMON = Node("here", 7, "1.0", NOON - timedelta(hours=1), 2.0)


def live(state=LinkState.BOUND, reason=None, **changes):
    return LinkLive(state, reason, NOON, None, (1.0, 0.5, 0.25), {})._replace(**changes)


@pytest.fixture
def sight(house):
    return Sight(
        at=NOON,
        settings=house.settings,
        version="2.0",
        faults=[],
        daemon=DAEMON,
        stored=overview.read(house.store),
        outbox=Outbox({"viettel": LinkCount("viettel", 3, 0, 1, NOON - timedelta(minutes=1))}),
        live={"viettel": live(), "mobi": live()},
        disk=Disk(10**10, 10**11),
    )


def test_all_links_of_a_file_are_on_the_one_node(sight):
    [here] = overview.overview(sight).nodes
    assert ("mobi", "viettel") == here.links


def test_what_the_daemon_tells_is_read_as_it_was_told(sight):
    seen = overview.overview(
        replace(
            sight,
            live={
                "viettel": live(),
                "mobi": live(
                    LinkState.WAITING,
                    "refused",
                    next_try=NOON + timedelta(seconds=9),
                    oddities={"other": 2},
                ),
            },
        )
    )
    told: Any = json.loads(json.dumps(plain(seen)))
    assert seen == overview.told(told)
    assert (Kind.LINK,) == seen.kinds


def test_overview_of_a_daemon_of_another_version_is_none(sight):
    told: Any = plain(overview.overview(sight))
    del told["kinds"]
    with pytest.raises(KeyError):
        overview.told(told)


def test_link_has_its_queue_and_rates(sight):
    viettel, mobi = overview.overview(sight).links
    assert (3, NOON - timedelta(minutes=1), "here") == (
        *(viettel.queued, viettel.oldest_due, viettel.node),
    )
    assert (1.0, 0.5, 0.25) == (viettel.mt_per_s_1m, viettel.mt_per_s_5m, viettel.mt_per_s_15m)
    assert (0, None) == (mobi.queued, mobi.oldest_due)


def test_without_an_answer_of_the_daemon_nobody_knows_the_rates(sight):
    viettel, _ = overview.overview(replace(sight, live=None)).links
    assert (None, None, None) == (viettel.mt_per_s_1m, viettel.mt_per_s_5m, viettel.mt_per_s_15m)


def test_a_silent_daemon_is_no_daemon(sight):
    silent = replace(DAEMON, heartbeat_age_s=10.1)
    seen = overview.overview(replace(sight, daemon=silent))
    assert ((Kind.DAEMON,), 10.1) == (seen.kinds, seen.heartbeat_age_s)


def test_backup_and_reload_are_shown_and_judge_nothing(sight, house):
    house.store.set_fact(overview.BACKUP_FACT, str(stamp(NOON - timedelta(days=400))))
    house.store.set_fact(overview.RELOAD_FACT, str(stamp(NOON)))
    house.store.set_fact(overview.RELOAD_OK_FACT, "0")
    seen = overview.overview(replace(sight, stored=overview.read(house.store)))
    assert seen.ok
    assert (NOON - timedelta(days=400), NOON, False) == (
        *(seen.last_backup_at, seen.last_reload_at, seen.last_reload_ok),
    )


def test_what_was_never_done_is_not_known(sight):
    seen = overview.overview(sight)
    assert (None, None, None) == (*(seen.last_backup_at, seen.last_reload_at, seen.last_reload_ok),)


BEAT = Beat("here", 7, "1.0", NOON, NOON, 5_000_000, ended=False)


def test_age_of_a_heartbeat_is_not_fooled_by_a_clock_that_was_set():
    wrong = NOON + timedelta(days=300)
    assert 3.0 == overview.age_of(BEAT, wrong, 8_000_000)
    assert 3.0 == overview.age_of(BEAT, NOON - timedelta(days=300), 8_000_000)


def test_age_of_a_heartbeat_of_another_start_of_the_machine_is_that_of_the_date():
    assert 60.0 == overview.age_of(BEAT, NOON + timedelta(minutes=1), None)
    assert 0.0 == overview.age_of(BEAT, NOON - timedelta(minutes=1), None)


def test_node_that_ended_is_shown_with_its_age(sight, house):
    house.store.beat(BEAT._replace(node="there", ended=True))
    stored = overview.read(house.store)
    later = NOON + timedelta(minutes=1)
    here, there = overview.overview(replace(sight, stored=stored, at=later)).nodes
    assert ("here", False, "there", True, 60.0) == (
        *(here.name, here.ended, there.name, there.ended, there.heartbeat_age_s),
    )


def test_store_that_cannot_be_read_leaves_what_is_known(sight):
    seen = overview.overview(
        replace(sight, stored=None, outbox=None, disk=None, faults=["it does not answer"])
    )
    assert (("it does not answer",), (Kind.STORE,)) == (seen.problems, seen.kinds)
    assert (None, None, None) == (seen.queued, seen.last_mo, seen.disk_free)
    assert ["bound", "bound"] == [link.state for link in seen.links]


def test_the_last_heartbeat_of_each_node_is_known(house):
    first = Beat("a", 7, "1.0", BEAT.at, BEAT.at, 1_000_000, ended=False)
    for beat in (first, first._replace(node="b"), first._replace(tick=5_000_000, ended=True)):
        with house.store.transaction():
            house.store.beat(beat)
    assert [
        first._replace(tick=5_000_000, ended=True),
        first._replace(node="b"),
    ] == house.store.beats()
