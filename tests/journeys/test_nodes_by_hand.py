"""Two daemons on one PostgreSQL, and commands on the one about links that the other has."""

import json

import pytest

from tests.wire import QUICK, password_in, texts_to


@pytest.fixture
def carrier(make_smsc):
    """An SMSC that allows one bind, and sends again what is not answered."""
    return make_smsc(one_bind=True, response_timeout=3, retry_delay=0.1)


@pytest.fixture
def node(postgres, config_file, daemon, smsgw, carrier, tmp_path):
    """Starts a node, and calls commands there: `node("a")`, `node("a", "status")`."""

    def call(name, *arguments):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        gateway = {"database": postgres.url(), "node": name, "lease": "2s"}
        gateway |= {"secret_key_file": str(tmp_path / "secret.key")}
        config = config_file(carrier.link(**QUICK), name=f"{name}.toml", gateway=gateway)
        place = {"STATE_DIRECTORY": str(folder)}
        if arguments:
            done = smsgw("-c", config, *arguments, environment=place)
            assert "Traceback" not in done.stderr
            return done.stdout
        child = daemon(config, environment=place)
        child.until((folder / "control.sock").exists, what="a daemon that listens")
        return child

    return call


def test_link_is_reached_and_seen_from_the_node_that_has_it_not(node, carrier, citizens, postgres):
    (an,) = citizens(1)
    node("a")
    carrier.wait_bound()
    b = node("b")

    def link():
        """Its state, and who has it."""
        with postgres.connect("smsgw") as db:
            asked = "SELECT state, owner FROM links JOIN leases USING (name)"
            return db.execute(asked).fetchone()

    def seen():
        [seen] = json.loads(node("b", "status", "--format", "json"))
        assert {"a", "b"} == {each["name"] for each in seen["nodes"] if not each["ended"]}
        [link] = seen["links"]
        kinds = [each for each in seen["problems"] if "standby" not in each]
        return link["state"], link["node"], len(kinds)

    b.until(lambda: link() == ("bound", "a"), what="a link of a")
    assert ("bound", "a", 0) == seen()
    assert 0 == carrier.send_mo(an.number, an.text).settled()
    carrier.wait_submits(1)
    node("b", "accounts", "reset-password", an.e164)
    carrier.wait_submits(2)
    first, second = (password_in(text) for text in texts_to(carrier, an))
    assert first != second

    assert "simulator: stopped\n" == node("b", "links", "stop", "simulator")
    assert ("stopped", "a", 1) == seen()
    assert "simulator: node b has it\n" == node("a", "links", "move", "simulator", "b")
    b.until(lambda: link() == ("stopped", "b"), what="a link that stays stopped")
    assert "simulator: started\n" == node("a", "links", "start", "simulator")
    b.until(lambda: link() == ("bound", "b"), what="a link of b")
