"""Hostile octets at every door: the short form of `make fuzz`."""

import gc
import itertools
import time
import tracemalloc

import pytest
from fuzzing import CITIZEN, SHORTCODE, TARGETS, mutations

from smsgw.smpp import codec
from smsgw.smpp.pdu import DeliverSm

# The slowest input that is allowed takes some milliseconds; the rest is for a busy machine.
LONGEST_SECONDS = 0.5
WARM_UP, RUNS = 200, 1500
#: Caches of the product are bounded, and a few of their entries may be new.
GROWTH_OCTETS = 256 * 1024


@pytest.mark.parametrize("target", TARGETS)
def test_hostile_input_is_read_or_refused_in_bounded_time(target):
    for data in itertools.islice(mutations(target, seed=1), RUNS):
        began = time.thread_time()
        TARGETS[target](data)
        assert time.thread_time() - began < LONGEST_SECONDS, data


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
