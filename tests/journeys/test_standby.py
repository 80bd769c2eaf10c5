"""A synchronous standby: seen, missed, and waited for where that is asked."""

import json
import time
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp

import pytest

from smsgw.database import Server
from smsgw.store import open_store
from tests.postgres import Cluster
from tests.wire import QUICK

MISSING = "no text is taken: no synchronous standby is seen"


@pytest.fixture
def servers():
    """A primary and its standby, which confirms nothing yet."""
    made = []
    try:
        for number in range(2):
            folder = Path(mkdtemp(prefix="pgs", dir="/tmp"))
            cluster = Cluster(folder, hot_standby="on")
            made.append(cluster)
            cluster.copy_of(made[0], "standby") if number else cluster.make()
        made[0].make_database("smsgw")
        yield made
    finally:
        for cluster in made:
            cluster.remove()


def wait_for(primary, standby):
    """Have each commit wait for that one; "": for none."""
    with primary.connect() as db:
        db.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'")
        db.execute("SELECT pg_reload_conf()")


def test_texts_wait_while_there_is_no_standby(
    servers, smsc, config_file, daemon, smsgw, citizens, tmp_path
):
    primary, _ = servers
    an, binh, chi = citizens(3)
    gateway = {"database": primary.url(), "without_standby": "wait"}
    config = config_file(smsc.link(**QUICK), gateway=gateway)
    place = {"STATE_DIRECTORY": str(tmp_path)}

    def problems():
        done = smsgw("-c", config, "status", "--format", "json", environment=place)
        [seen] = json.loads(done.stdout)
        assert done.returncode == (1 if seen["problems"] else 0)
        return seen["problems"]

    child = daemon(config, smsc, environment=place)
    early = smsc.send_mo(an.number, an.text)
    child.until(lambda: early.statuses, what="an answer")
    assert 0 not in early.statuses
    [problem] = problems()
    assert problem.startswith(f"{MISSING} (synchronous_standby_names is empty)")
    wait_for(primary, "standby")
    child.wait_log("a synchronous standby is seen again")
    assert 0 == smsc.send_mo(binh.number, binh.text).settled()
    assert 0 == early.settled()
    assert [] == problems()
    wait_for(primary, "")
    child.wait_log(r"is seen again[^\0]*no synchronous standby is seen")
    [_] = problems()
    late = smsc.send_mo(chi.number, chi.text)
    child.until(lambda: late.statuses, what="an answer")
    assert 0 not in late.statuses


def test_why_no_standby_is_seen(servers, tmp_path):
    primary, standby = servers
    server = Server(primary.url(), files=tmp_path / "smsgw.db")
    with closing(open_store(server, node="a")) as store:
        assert (False, "synchronous_standby_names is empty") == store.standby()
        wait_for(primary, "standby")
        ends = time.monotonic() + 20
        while not store.standby().seen:
            assert time.monotonic() < ends
            time.sleep(0.02)
        with primary.connect("smsgw") as db:
            db.execute("CREATE ROLE plain LOGIN")
            db.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain")
        url = primary.url().replace("smsgw@", "plain@")
        with closing(open_store(Server(url, files=tmp_path / "smsgw.db"), create=False)) as plain:
            assert "pg_monitor" in plain.standby().why
            with primary.connect("smsgw") as db:
                db.execute("GRANT pg_monitor TO plain")
            assert plain.standby().seen
        standby.kill()
        while store.standby().seen:
            assert time.monotonic() < ends
            time.sleep(0.02)
        assert (False, "none is connected") == store.standby()
