"""Two portals behind one balancer, over one PostgreSQL database, as child processes."""

import shutil
import subprocess
import threading

import pytest

from smsgw.simulator import toml
from tests.conftest import PATIENCE, SMSGW
from tests.house import AN, BINH, OTHER_TEXT, TEXT
from tests.portal.clients import Portal
from tests.portal.conftest import CMND, OWN, City, Process, reserved_port
from tests.raw_postgres import Postgres

KEY = "portal.key"


class Balancer(Process):
    """Another portal of a city; what comes to it was sent to the first one's name."""

    def __init__(self, city, folder, port):
        folder.mkdir()
        document = city.house._document
        document = document | {"portal": document["portal"] | {"listen": f"127.0.0.1:{port}"}}
        config = folder / "house.toml"
        config.write_text(toml.dumps(document), encoding="utf-8")
        config.chmod(0o600)
        super().__init__(folder, port, config, {"STATE_DIRECTORY": str(folder)})
        self.key = folder / KEY
        self._host = f"127.0.0.1:{city.port}"

    def browser(self, **options):
        return super().browser(host=self._host, **options)

    def refused(self):
        """Its last words."""
        self.launch()
        assert 1 == self.process.wait(PATIENCE), self.log
        return self.log.splitlines()[-1]


@pytest.fixture
def first(tmp_path, free_port, postgres):
    environment = {"STATE_DIRECTORY": str(tmp_path)}
    gateway = Postgres(postgres).gateway(tmp_path)
    city = City(tmp_path, free_port, environment=environment, gateway=gateway)
    yield city
    city.end()
    city.house.store.close()


@pytest.fixture
def second(first, tmp_path):
    with reserved_port() as port:
        second = Balancer(first, tmp_path / "second", port)
        yield second
        second.end()


@pytest.fixture
def both(first, second):
    """Both serve, with one key."""
    first.start()
    shutil.copy(first.log_file.with_name(KEY), second.key)
    second.start()
    return first, second


def at(portal, browser):
    """The same browser, sent to the other portal."""
    other = portal.browser()
    other.jar = browser.jar
    return other


def test_session_and_forms_of_one_portal_are_those_of_the_other(both):
    first, second = both
    first.whole()
    here = first.browser()
    form = here.get("/dang-nhap")
    fields = {"token": form.token, "username": CMND, "password": OWN}
    there = at(second, here)
    assert (303, "/tai-khoan") == there.post("/dang-nhap", fields).leads
    assert 200 == here.get("/tai-khoan").status
    assert 303 == here.log_out().status
    assert "/dang-nhap" == there.get("/tai-khoan").location


def test_code_is_redeemed_once_by_two_portals(both):
    first, second = both
    first.whole()
    citizen, client = first.browser(), Portal(first)
    citizen.log_in(CMND, OWN)
    code, answers, barrier = client.code(citizen), [], threading.Barrier(2)
    other = Portal.__new__(Portal)
    other.__dict__ = vars(client) | {"browser": second.browser()}

    def redeem(one):
        barrier.wait()
        answers.append(one.exchange(code).status)

    together(redeem, client, other)
    assert [200, 400] == sorted(answers)


def test_two_hundred_guesses_at_two_portals_are_five(both):
    first, second = both
    first.own()
    form = first.browser()
    token = form.get("/dang-nhap").token
    fields = {"token": token, "username": CMND, "password": "sai"}
    statuses = []

    def guess(portal):
        statuses.append(at(portal, form).post("/dang-nhap", fields).status)

    together(guess, *[first, second] * 100)
    wrong = first.log.count("outcome=wrong") + second.log.count("outcome=wrong")
    assert 5 == wrong == statuses.count(422)
    assert set(statuses) <= {422, 429, 503}


def test_database_that_is_away_counts_nothing_and_is_found_again(both, postgres):
    first, second = both
    first.own()
    browser = first.browser()
    browser.log_in(CMND, OWN)
    guesser = first.browser()
    assert [422] * 4 == [guesser.log_in(CMND, "sai").status for _ in range(4)]
    form = guesser.get("/dang-nhap")
    fields = {"token": form.token, "username": CMND, "password": "sai"}
    postgres.stop()
    try:
        for portal in both:
            answer = at(portal, guesser).post("/dang-nhap", fields)
            assert 503 == answer.status
            assert answer.headers["retry-after"]
            assert "</html>" in answer.page
            assert 503 == at(portal, browser).get("/thong-tin/ho-ten").status
            assert 503 == portal.browser().get("/healthz").status
    finally:
        postgres.start()
    assert 200 == at(second, browser).get("/thong-tin/ho-ten").status
    assert [422, 429] == [at(second, guesser).post("/dang-nhap", fields).status for _ in range(2)]


def test_command_on_any_node_ends_sessions_and_forgets_who_is_erased(both, postgres):
    first, second = both
    first.own(AN, TEXT)
    first.own(BINH, OTHER_TEXT)
    other = OTHER_TEXT.split(",")[2]
    browser = first.browser()
    browser.log_in(CMND, OWN)
    account = first.account().id
    first.browser().log_in(other, "sai")
    assert "1 session ended" in command(second, "accounts", "end-sessions", CMND)
    assert "/dang-nhap" == browser.get("/tai-khoan").location
    for verb in ("close", "erase"):
        command(second, "accounts", verb, CMND, "--yes", "--reason", "asked")
    with postgres.connect("smsgw") as db:
        for table in ("sessions", "devices", "tries", "totals", "tokens", "kept_tries"):
            found = db.execute(f"SELECT account FROM {table}").fetchall()  # noqa: S608
            assert (account,) not in found, table
        assert [(first.account(other).id,)] == db.execute("SELECT account FROM totals").fetchall()


# --- the key ------------------------------------------------------------------------------------


def test_portal_without_the_key_of_the_others_is_refused_and_makes_none(first, second):
    first.start()
    assert "the other portals over this database have a key" in second.refused()
    assert not second.key.exists()


def test_of_two_that_start_at_once_without_a_key_one_makes_it(first, second):
    for each in (first, second):
        each.launch()
    ended = []

    def settled():
        ended[:] = [each for each in (first, second) if each.process.poll() is not None]
        serving = [each for each in (first, second) if "portal serving" in each.log]
        return len(ended) + len(serving) == 2

    deadline = threading.Event()
    for _ in range(100 * PATIENCE):
        if settled():
            break
        deadline.wait(0.01)
    [refused] = ended
    assert "the other portals over this database have a key" in refused.log
    keys = [each.log_file.with_name(KEY).exists() for each in (first, second)]
    assert [refused is not first, refused is not second] == keys


def command(portal, *words):
    done = subprocess.run(
        [*SMSGW, "-c", str(portal.config), *words],
        env=portal.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def together(step, *each):
    threads = [threading.Thread(target=step, args=(one,)) for one in each]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
