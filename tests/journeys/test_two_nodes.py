"""Two daemons on one PostgreSQL, each link on one of them at a time; the SMSC allows one bind."""

import os
import signal
from collections import Counter

import pytest

from smsgw.simulator.words import What
from tests.ledger import ServerLedger
from tests.pg_proxy import Saboteur
from tests.wire import QUICK, texts_to

LEASE = 2  # seconds


@pytest.fixture
def ledger(postgres):
    return ServerLedger(postgres)


@pytest.fixture
def node(postgres, make_smsc, config_file, daemon, tmp_path):
    """Starts a node: `node("a", smsc)`."""

    def start(name, *smscs, url=None):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        config = config_file(
            *(smsc.link(f"link{n}", **QUICK) for n, smsc in enumerate(smscs, 1)),
            name=f"{name}.toml",
            gateway={
                "database": url or postgres.url(),
                "node": name,
                "lease": f"{LEASE}s",
                "secret_key_file": str(tmp_path / "secret.key"),
            },
            registration={"password_stock": 30},
        )
        return daemon(config, environment={"STATE_DIRECTORY": str(folder)})

    return start


@pytest.fixture
def carrier(make_smsc):
    """An SMSC that allows one bind, and sends again what is not answered."""
    return make_smsc(one_bind=True, response_timeout=3, retry_delay=0.1)


def owner_of(postgres, link="link1"):
    with postgres.connect("smsgw") as db:
        row = db.execute("SELECT owner FROM leases WHERE name = %s", [link]).fetchone()
    return row and row[0]


def told_once(smsc, people, ledger):
    """Each of *people* registered and got one answer."""
    assert {1} == {len(texts_to(smsc, citizen)) for citizen in people}
    outcomes = ledger.outcomes()
    assert len(people) == outcomes["registered"]
    assert {"registered", "retransmission"} >= set(outcomes)


def test_link_runs_on_one_node_and_goes_to_the_other_at_a_clean_end(
    postgres, node, carrier, citizens, ledger
):
    first = node("a", carrier)
    first.until(lambda: carrier.bound, what="a bind")
    second = node("b", carrier)
    second.wait_log("passwords|ready|leases|control")
    an, binh = citizens(2)
    assert 0 == carrier.send_mo(an.number, an.text).settled()
    carrier.wait_submits(1)
    assert "a" == owner_of(postgres)
    assert 1 == carrier.binds
    assert 0 == first.terminate()
    carrier.wait_binds(2)
    assert 0 == carrier.send_mo(binh.number, binh.text).settled()
    carrier.wait_submits(2)
    second.until(lambda: not ledger.waiting(), what="an empty outbox")
    told_once(carrier, (an, binh), ledger)
    assert "b" == owner_of(postgres)
    assert not [r for r in carrier.records if r.what is What.REFUSED]
    assert 0 == second.terminate()
    assert owner_of(postgres) is None
