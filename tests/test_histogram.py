"""How long something took is counted by size."""

from smsgw.histogram import BOUNDS, Histogram


def test_each_time_is_counted_under_the_first_bound_that_is_not_shorter():
    times = Histogram()
    for seconds in (0.0, 0.001, 0.0011, 7200.0):
        times.add(seconds)
    counts = dict(times.up_to())
    assert (2, 3, 3, 4) == tuple(counts[bound] for bound in ("0.001", "0.0025", "3600.0", "+Inf"))
    assert 7200.0021 == round(times.total, 6)


def test_what_began_together_is_counted_together():
    one, many = Histogram(), Histogram()
    for moment in (5.0, 9.5, 9.99):
        one.add(10.0 - moment)
    many.add_since([5.0, 9.5, 9.99], 10.0)
    assert one.up_to() == many.up_to()
    assert one.total == many.total


def test_bounds_grow():
    assert sorted(set(BOUNDS)) == list(BOUNDS)
