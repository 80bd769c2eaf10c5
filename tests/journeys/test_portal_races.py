"""Two processes change one account at once: page, hotline, expiry pass, a citizen's text.

Whatever the order, exactly one secret opens the account afterwards, it is the one that its owner
was told last, and the account's history explains it.
"""

import itertools
import json
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from smsgw.model import AccountState
from tests.citizens import CMND, Town
from tests.conftest import ENVIRONMENT, PATIENCE
from tests.house import House, password_in

ROOT = Path(__file__).parents[2]
EVENTS = ("own_password", "set_password", "expire", "text", "reset_password", "close", "profile")
#: What the history calls those that leave another secret.
WORDS = {
    "own_password": "own password",
    "set_password": "own password",
    "expire": "lapsed",
    "text": "reset",
    "reset_password": "new password",
    "close": "closed",
}
OWN = {0: "ba con cho nho", 1: "hai con meo den"}
STARTS = ("issued", "active")
EDGES = ("proved", "commit")


class Runner:
    """A process that does one thing after another."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.racer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)},
        )

    def begin(self, **order):
        self._send(json.dumps(order))

    def go_on(self):
        self._send("go on")

    def _send(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self):
        """Its next line; one that says nothing is ended, so that no test waits for ever."""
        watchdog = threading.Timer(PATIENCE, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        assert line, "the process has ended"
        return json.loads(line)

    def end(self):
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def runners():
    found = Runner(), Runner()
    yield found
    for runner in found:
        runner.end()


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path, registration={"repeat": "reset"})
    yield house
    house.store.close()


class Race:
    def __init__(self, house, runners, start):
        self.house, self.runners = house, runners
        self.town = Town(house)
        self.secrets = [self.town.register()]
        house.take_all()
        if start == "active":
            self.town.settle()
            self.secrets.append("ba con cho nho")
        house.later(days=3)  # an issued password has lapsed, and it is day
        self.before = len(self.town.story())
        self.results = {}

    def order(self, number, event, stop=None):
        self.runners[number].begin(
            config=str(self.house._file),
            event=event,
            now=self.house.now.isoformat(),
            own=OWN[number] if event != "profile" else f"an{number}",
            stop=stop,
        )

    def finish(self, number):
        self.results[number] = self.runners[number].hear()["done"]

    def run(self, first, second, edge):
        self.order(0, first, edge)
        heard = self.runners[0].hear()
        if "done" in heard:  # it never came to that edge: there was nothing to do
            self.results[0] = heard["done"]
            self.order(1, second)
            self.finish(1)
            return
        assert {"at": edge} == heard
        if edge == "proved":  # nothing is locked: the second comes first
            self.order(1, second)
            self.finish(1)
            self.runners[0].go_on()
            self.finish(0)
            return
        # The second has read the account, and waits for the lock with what it knows.
        self.order(1, second, "proved")
        assert {"at": "proved"} == self.runners[1].hear()
        self.runners[1].go_on()
        self.runners[0].go_on()
        self.finish(0)
        self.finish(1)

    @property
    def candidates(self):
        found = [*self.secrets]
        for number, result in self.results.items():
            found += [*result["drawn"], OWN[number]]
        return dict.fromkeys(found)

    def told(self):
        """What the citizen was told, by what happened since, in the order of the history."""
        return [
            (what, detail, by)
            for what, detail, by in self.town.story()[self.before :]
            if what in {*WORDS.values(), "registered"}
        ]


def check(race, first, second):
    events = {0: first, 1: second}
    opening = [secret for secret in race.candidates if race.town.opens(secret)]
    happened = [what for what, _, _ in race.told()]
    if "registered" in happened:  # a text after the end is a new account
        assert {"closed", "registered"} == set(happened)
        (text,) = [result for number, result in race.results.items() if events[number] == "text"]
        assert text["drawn"] == opening
        return
    if "closed" in happened:
        assert [] == opening
        assert "closed" == happened[-1]
        return
    assert 1 == len(opening), happened
    if not happened:
        assert race.secrets[-1:] == opening
    else:
        # Of who did the last thing that happened.
        last = [
            secret
            for number, result in race.results.items()
            if WORDS.get(events[number]) == happened[-1] and result["refused"] is None
            for secret in (result["drawn"] or [result["told"]])
        ]
        assert opening[0] in last
    # No text that is still to leave tells another one.
    waiting = {password_in(text) for text in race.house.take_all()}
    assert waiting <= set(opening)
    if happened and happened[-1] in ("lapsed", "new password"):
        assert waiting == set(opening)
    # Who was told that an own password was kept, and nothing came after it, can use it.
    for number, result in race.results.items():
        if WORDS.get(events[number]) == "own password":
            kept = result["refused"] is None
            assert kept == (result["told"] is not None)
            assert kept or OWN[number] not in opening or OWN[number] in race.secrets


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(("first", "second"), list(itertools.product(EVENTS, repeat=2)))
def test_one_secret_opens_and_it_is_the_last_one_told(house, runners, start, first, second, edge):
    race = Race(house, runners, start)
    race.run(first, second, edge)
    check(race, first, second)


def test_page_that_proved_a_replaced_password_keeps_nothing(house, runners):
    race = Race(house, runners, "issued")
    race.run("own_password", "expire", "proved")
    assert "SecretReplaced" == race.results[0]["refused"]
    assert ["lapsed"] == [what for what, _, _ in race.told()]
    assert not race.town.opens(OWN[0])


def test_own_password_that_was_first_is_not_replaced_by_the_expiry_pass(house, runners):
    race = Race(house, runners, "issued")
    race.run("own_password", "expire", "commit")
    assert ["own password"] == [what for what, _, _ in race.told()]
    assert race.town.opens(OWN[0])
    assert AccountState.ACTIVE is race.town.proof().state


@pytest.mark.parametrize("edge", EDGES)
def test_of_two_windows_one_password_is_kept(house, runners, edge):
    race = Race(house, runners, "active")
    race.run("own_password", "own_password", edge)
    refused = [result["refused"] for result in race.results.values()]
    assert {None, "SecretReplaced"} == set(refused)


def test_data_of_a_closed_account_are_not_changed(house, runners):
    race = Race(house, runners, "active")
    account = race.town.id()
    race.run("profile", "close", "proved")
    assert "SecretReplaced" == race.results[0]["refused"]
    assert "an@vidu.vn" == house.store.citizen(account).profile.answers["email"]


def test_data_outlive_a_race_with_a_new_password(house, runners):
    race = Race(house, runners, "active")
    race.run("profile", "reset_password", "commit")
    assert "an0@vidu.vn" == race.town.citizen().answers.email
    assert timedelta(0) < race.house.now - race.town.citizen().consent.at
    assert CMND == race.town.citizen().account.cmnd
