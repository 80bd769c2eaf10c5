"""Who guesses a citizen's password at the command line has to wait."""

from datetime import timedelta

import pytest
from freezegun import freeze_time

from smsgw import passwords
from smsgw.errors import SmsgwError
from smsgw.gateway import Verdict
from smsgw.registration import own_password
from tests.cli.conftest import ISSUED_PASSWORD

KEY = "201234568"


WRONG = "not this one"


def check(town, password=WRONG, at=timedelta(0)):
    return town.hotline.check_password(KEY, password, "linh", town.now + at)


def guess(town, times, at=timedelta(0)):
    return [check(town, at=at).verdict for _ in range(times)]


def test_five_wrong_ones_and_then_a_wait(town, command):
    with freeze_time(town.now) as clock:
        for _ in range(5):
            result = command(town, "accounts", "verify-password", KEY, input="not this one")
            assert (1, "smsgw: 201234568: wrong password\n") == (result.status, result.stderr)
        result = command(town, "accounts", "verify-password", KEY, input=ISSUED_PASSWORD)
        assert (1, "", 1) == (result.status, result.stdout, len(result.stderr.splitlines()))
        assert "nothing was checked" in result.stderr
        assert "30 s" in result.stderr
        clock.tick(30)
        right = command(town, "accounts", "verify-password", KEY, input=ISSUED_PASSWORD)
        assert (0, "201234568: the password is right\n") == (right.status, right.stdout)


def test_each_further_one_doubles_the_wait_up_to_an_hour(town):
    guess(town, 5)
    at, waits = timedelta(0), []
    for _ in range(9):
        waits.append(check(town, at=at).wait)
        at += waits[-1]
        assert Verdict.NOT_CHECKED is check(town, at=at - timedelta(microseconds=1)).verdict
        assert Verdict.WRONG is check(town, at=at).verdict
    assert [30, 60, 120, 240, 480, 960, 1920, 3600, 3600] == [w.total_seconds() for w in waits]


def test_a_right_one_begins_at_nought(town):
    assert [Verdict.WRONG] * 4 == guess(town, 4)
    assert Verdict.RIGHT is check(town, ISSUED_PASSWORD).verdict
    assert [Verdict.WRONG] * 5 == guess(town, 5)
    assert Verdict.NOT_CHECKED is check(town, ISSUED_PASSWORD).verdict


NEW_PASSWORDS = {
    "own": lambda town: town.hotline.set_password(KEY, "correct horse", "linh", town.now),
    "issued": lambda town: town.hotline.reset_password(KEY, "linh", town.now),
    "lapsed": lambda town: town.gateway.expire(town.now + timedelta(days=4)),
}


@pytest.mark.parametrize("renew", NEW_PASSWORDS.values(), ids=NEW_PASSWORDS)
def test_a_new_password_begins_at_nought(town, renew):
    town.gateway.tools.issuer = passwords.OnDemand(8)
    guess(town, 5)
    assert Verdict.NOT_CHECKED is check(town).verdict
    renew(town)
    assert [Verdict.WRONG] * 5 == guess(town, 5, timedelta(days=4))


def test_one_account_waits_and_another_does_not(town):
    guess(town, 6)
    other = town.hotline.check_password("001234567", "not this one", "linh", town.now)
    assert Verdict.WRONG is other.verdict


def test_many_at_a_time_are_no_more_than_five(town, command, monkeypatch, smsgw):
    """Commands of their own, which all ask before the first has its answer."""
    children = [
        smsgw.start("-c", town.config, "accounts", "verify-password", KEY) for _ in range(8)
    ]
    for child in children:
        child.stdin.write(b"not this one\n")
        child.stdin.flush()
    told = [child.communicate(timeout=60)[1].decode() for child in children]
    assert 5 == sum(": wrong password" in line for line in told), told
    assert 3 == sum("nothing was checked" in line for line in told), told


def test_nothing_is_locked_while_a_guess_is_hashed(town, monkeypatch):
    others = []

    def verify(hash_, password):
        def write():
            with store.transaction():
                store.set_fact("test", "written")
            others.append(store.fact("test"))

        store = type(town.store).open(town.database, busy_timeout=timedelta(0))
        write()
        store.close()
        return False

    monkeypatch.setattr(passwords, "verify", verify)
    check(town)
    assert ["written"] == others


def test_a_guess_that_is_broken_off_is_counted(town, monkeypatch):
    def interrupted(hash_, password):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(passwords, "verify", interrupted)
        for _ in range(5):
            with pytest.raises(KeyboardInterrupt):
                check(town)
    assert Verdict.NOT_CHECKED is check(town, ISSUED_PASSWORD).verdict
    assert ["not finished"] * 5 == [entry.detail for entry in town.store.audit()][1:6]


def test_a_clock_that_was_ahead_makes_nobody_wait_longer(town):
    guess(town, 5, at=timedelta(days=30))
    assert timedelta(seconds=30) == check(town).wait


def test_guesses_go_with_the_account(town):
    guess(town, 2)
    town.hotline.close_account(KEY, "test", "linh", town.now)
    id_ = town.hotline.exact(KEY).account.id
    assert town.store.guesses(id_)
    town.hotline.purge_all(town.now + timedelta(days=366))
    assert town.store.guesses(id_) is None


# --- own passwords ------------------------------------------------------------------------------


def test_what_was_looked_up_is_what_is_changed(town):
    """The account is closed and registered by another while the password is being typed."""
    seen = town.hotline.seen("0905000002")
    town.hotline.close_account("0905000002", "lost phone", "huong", town.now)
    town.text("84905000002", "TK,Le Hoa,301234567,1.2.1990", timedelta(0))
    with pytest.raises(SmsgwError, match="has changed since it was looked up"):
        town.hotline.set_password("0905000002", "correct horse", "linh", town.now, seen=seen)
    assert "issued" == town.hotline.exact("0905000002").account.state


def test_a_password_that_was_replaced_meanwhile_is_not_changed(town):
    seen = town.hotline.seen("0905000002")
    town.gateway.tools.issuer = passwords.OnDemand(8)
    town.hotline.reset_password("0905000002", "huong", town.now)
    with pytest.raises(SmsgwError, match="has changed since it was looked up"):
        town.hotline.set_password("0905000002", "correct horse", "linh", town.now, seen=seen)


def test_the_shortest_own_password_is_the_configurations(links_config, command, town):
    config = links_config(registration={"own_password_min": 12})
    short = command(config, "accounts", "set-password", KEY, input="correct hor")
    assert "at least 12 characters" in short.stderr
    assert 0 == command(config, "accounts", "set-password", KEY, input="correct hors").status


def test_waits_are_bounded_however_often_somebody_guesses():
    assert own_password.LONGEST_WAIT == own_password.wait_after(10**9)
