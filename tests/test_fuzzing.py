"""Hostile octets at every door: the short form of `make fuzz`."""

import gc
import itertools
import tracemalloc

import pytest

from smsgw.smpp import codec
from smsgw.smpp.pdu import DeliverSm
from tests.campaigns.fuzz import NAMES
from tests.fuzzing import CITIZEN, MAX_OCTETS, SHORTCODE, TARGETS, TooSlow, mutations, within_budget

WARM_UP, RUNS = 200, 1500
#: Caches of the product are bounded, and a few of their entries may be new.
GROWTH_OCTETS = 512 * 1024


def test_campaign_knows_every_target():
    assert sorted(TARGETS) == sorted(NAMES)


@pytest.mark.parametrize("target", TARGETS)
def test_some_inputs_are_as_long_as_an_input_can_be(target):
    longest = max(map(len, itertools.islice(mutations(target, seed=1), RUNS)))
    assert MAX_OCTETS * 0.9 < longest <= MAX_OCTETS


def test_input_that_takes_long_fails_the_run():
    with pytest.raises(TooSlow):
        within_budget(lambda: sum(range(5_000_000)))


@pytest.mark.parametrize("target", TARGETS)
def test_hostile_input_is_read_or_refused_in_bounded_time(target):
    for data in itertools.islice(mutations(target, seed=1), RUNS):
        try:
            TARGETS[target](data)
        except TooSlow as slow:
            pytest.fail(f"{slow}: {data[:200]!r}, {len(data)} octets")


@pytest.mark.parametrize("target", TARGETS)
def test_hostile_input_leaves_nothing_in_memory(target):
    inputs = list(itertools.islice(mutations(target, seed=2), WARM_UP + 300))
    for data in inputs[:WARM_UP]:
        TARGETS[target](data)
    gc.collect()
    tracemalloc.start()
    try:
        for data in inputs[WARM_UP:]:
            TARGETS[target](data)
        gc.collect()
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left < GROWTH_OCTETS


FOUND = {
    "element beyond its user data header": (
        "session",
        b"\x03"
        + codec.encode(DeliverSm(7, CITIZEN, SHORTCODE, esm_class=0x40, short_message=b"\2\0\3A")),
    ),
}


@pytest.mark.parametrize(("target", "data"), FOUND.values(), ids=FOUND)
def test_input_that_once_did_harm_does_none(target, data):
    TARGETS[target](data)
