"""A carrier that floods the stock of passwords, or flaps, and a citizen of another carrier."""

import pytest

from smsgw.simulator import SmscThread, Status, texts


@pytest.fixture
def two_carriers(smsc, config_file, daemon):
    """A gateway with a small stock between *smsc*, which is well, and another that is not."""
    with SmscThread() as hostile:
        hostile.manners.retry_delay = 3600
        links = smsc.link("honest"), hostile.link("hostile", reconnect_min="50ms")
        child = daemon(config_file(*links), smsc, hostile)
        yield child, hostile


def made_up(count, first=0):
    """Registrations of numbers that somebody made up."""
    for n in range(first, first + count):
        yield texts.mo(f"8491{n:07}", f"TK,Le Van C,30{n:07},01.01.1980")


def taken(handles):
    return sum(handle.statuses == [0] for handle in handles)


def test_citizen_does_not_wait_behind_a_flood_of_another_carrier(smsc, two_carriers, citizens):
    child, hostile = two_carriers
    flood = hostile.deliver_all(made_up(1500))
    child.until(lambda: any(handle.statuses for handle in flood), what="the flood has begun")
    before = taken(flood)
    for citizen in citizens(5):
        assert 0 == smsc.send_mo(citizen.number, citizen.text).answer()
    assert taken(flood) - before < 60  # in turn, and what had its password already
    later = [Status.RX_T_APPN]
    child.until(lambda: any(h.statuses == later for h in flood), what="texts that are told later")


def test_carrier_that_flaps_leaves_nothing_for_others_to_wait_for(
    smsc, two_carriers, citizens, ledger
):
    child, hostile = two_carriers
    for turn in range(4):
        binds = hostile.binds
        first, *_ = hostile.deliver_all(made_up(1990, first=2000 * turn))
        child.until(lambda first=first: first.tries, what="texts that wait")
        hostile.drop()
        hostile.wait_binds(binds + 1)
    hostile.stop()
    (an,) = citizens(1)
    before = len(ledger.accounts())
    assert 0 == smsc.send_mo(an.number, an.text).answer()
    assert len(ledger.accounts()) - before < 200
