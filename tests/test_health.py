"""One judgement of what is not well, whoever asks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smsgw.health import (
    OVERDUE,
    Condition,
    Disk,
    Kind,
    LinkHealth,
    judge,
    report,
    serves,
)
from smsgw.model import LinkState

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BOUND = LinkHealth("viettel", LinkState.BOUND, None)
DOWN = LinkHealth("mobi", LinkState.WAITING, "connection refused")
WELL = Condition(
    at=NOW.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")),
    database="/var/lib/smsgw/smsgw.db",
    store_faults=[],
    daemon_runs=True,
    heartbeat_age=timedelta(seconds=2),
    links=[BOUND],
    held=0,
    oldest_queued=None,
    replies_per_hour=0,
    silent_until=None,
    disk=Disk(10**10, 10**11),
)

UNWELL: dict[str, tuple[dict[str, Any], Any]] = {
    "store fails": ({"store_faults": ["the disk is full"]}, [(Kind.STORE, "the disk is full")]),
    "no daemon": ({"daemon_runs": False}, [(Kind.DAEMON, "the daemon is not running")]),
    "no daemon, so no link": (
        {"daemon_runs": False, "links": [DOWN]},
        [(Kind.DAEMON, "the daemon is not running")],
    ),
    "a daemon that is silent": (
        {"heartbeat_age": timedelta(seconds=10.1)},
        [(Kind.DAEMON, "the daemon is silent: its heartbeat is 10 s old")],
    ),
    "a link down": (
        {"links": [BOUND, DOWN]},
        [(Kind.LINK, "link mobi is waiting: connection refused")],
    ),
    "a link down without a reason": (
        {"links": [LinkHealth("mobi", LinkState.CONNECTING, None)]},
        [(Kind.LINK, "link mobi is connecting: not bound")],
    ),
    "a carrier that refuses our short code": (
        {"links": [BOUND._replace(reason="the SMSC refuses 8188")]},
        [(Kind.LINK, "link viettel: the SMSC refuses 8188")],
    ),
    "a text held": ({"held": 1}, [(Kind.HELD, "1 text held")]),
    "a reply overdue": (
        {"oldest_queued": NOW - OVERDUE - timedelta(minutes=1)},
        [(Kind.OVERDUE, "a reply has been waiting for 6 min")],
    ),
    "the limit of all replies": (
        {"replies_per_hour": 600, "silent_until": NOW + timedelta(minutes=5)},
        [
            (
                Kind.REPLIES,
                "limits.replies_per_hour (600) is reached:"
                " no text is answered until 2026-11-24 16:05:00",
            )
        ],
    ),
    "a full disk": (
        {"disk": Disk(0, 10**11)},
        [(Kind.DISK, "only 0 kB left on the disk of /var/lib/smsgw/smsgw.db")],
    ),
}


@pytest.mark.parametrize(("changes", "problems"), UNWELL.values(), ids=UNWELL)
def test_what_is_not_well_is_said(changes, problems):
    assert problems == judge(replace(WELL, **changes))


STILL_WELL: dict[str, dict[str, Any]] = {
    "all as it should be": {},
    "a reply that waits for five minutes": {"oldest_queued": NOW - OVERDUE},
    "a heartbeat of ten seconds ago": {"heartbeat_age": timedelta(seconds=10)},
    "a daemon that has no heartbeat yet": {"heartbeat_age": None},
    "a limit that was reached an hour ago": {"silent_until": NOW - timedelta(hours=1)},
    "a disk that nobody can ask": {"disk": None},
}


@pytest.mark.parametrize("changes", STILL_WELL.values(), ids=STILL_WELL)
def test_what_is_well_is_not_talked_about(changes):
    assert (True, []) == report(replace(WELL, **changes))


def test_causes_are_said_before_their_effects():
    everything = {name: value for changes, _ in UNWELL.values() for name, value in changes.items()}
    kinds = [kind for kind, _ in judge(replace(WELL, **everything | {"daemon_runs": True}))]
    assert sorted(kinds, key=list(Kind).index) == kinds


SERVES: dict[str, tuple[dict[str, Any], bool]] = {
    "one link of two": ({"links": [DOWN, BOUND]}, True),
    "no link": ({"links": [DOWN]}, False),
    "a store that takes nothing": ({"store_faults": ["full"]}, False),
    "no daemon": ({"daemon_runs": False}, False),
    "a reply overdue": ({"oldest_queued": NOW - timedelta(hours=1)}, True),
    "a full disk that still takes texts": ({"disk": Disk(0, 10**11)}, True),
}


@pytest.mark.parametrize(("changes", "expected"), SERVES.values(), ids=SERVES)
def test_serving_is_another_question_than_being_well(changes, expected):
    assert expected == serves(replace(WELL, **changes))
    assert judge(replace(WELL, **changes))


def test_no_problem_names_a_command():
    """Who shows it knows what can be done about it there."""
    for changes, _ in UNWELL.values():
        assert not any("smsgw " in text for _, text in judge(replace(WELL, **changes)))
