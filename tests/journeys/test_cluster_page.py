"""The way from the first day's file to two machines, as docs/cluster.md has it."""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

from smsgw.simulator import toml
from tests.conftest import ENVIRONMENT, SMSGW
from tests.ledger import ServerLedger
from tests.wire import QUICK

PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"
THERE = "postgresql://smsgw@db1,db2/smsgw"


def block(name):
    """What stands below the mark *name* in the page."""
    text = PAGE.read_text()
    [found] = re.findall(
        rf"^ *<!-- tried: {name} -->\n *```\w+\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE
    )
    return re.sub(r"^ +", "", found, flags=re.MULTILINE)


@pytest.fixture
def typed(postgres, tmp_path):
    """Types a block of the page at a shell, where its addresses mean the test's."""

    def type_(name, config, state):
        lines = block(name).replace(THERE, shlex.quote(postgres.url()))
        lines = lines.replace("/var/lib/smsgw/smsgw.db", str(tmp_path / "smsgw.db"))
        smsgw = " ".join(map(shlex.quote, [*SMSGW, "-c", str(config)]))
        head = f'set -e\nsystemctl() {{ :; }}\nsmsgw() {{ {smsgw} "$@"; }}\n'
        place = {"STATE_DIRECTORY": str(state)}
        return subprocess.run(
            ["bash", "-c", head + lines],
            env=ENVIRONMENT | place,
            text=True,
            capture_output=True,
            check=False,
        )

    return type_


def test_file_of_the_first_day_becomes_two_nodes(
    postgres, smsc, config_file, daemon, citizens, typed, tmp_path
):
    an, binh = citizens(2)
    link = smsc.link("viettel", **QUICK)
    config = config_file(link)
    child = daemon(config, smsc)
    assert 0 == smsc.send_mo(an.number, an.text).settled()
    smsc.wait_submits(1)
    child.terminate()
    done = typed("carry", config, tmp_path)
    assert 0 == done.returncode, done.stderr

    def node(name):
        folder = tmp_path / name
        folder.mkdir()
        gateway = tomllib.loads(block("configuration"))["gateway"]
        gateway |= {
            "database": postgres.url(),
            "node": name,
            "secret_key_file": str(tmp_path / "secret.key"),
        }
        config = tmp_path / f"{name}.toml"
        document = {"gateway": gateway, "registration": {"password_stock": 4}, "smsc": [link]}
        config.write_text(toml.dumps(document))
        config.chmod(0o600)
        child = daemon(config, environment={"STATE_DIRECTORY": str(folder)})
        child.until((folder / "control.sock").exists, what="a daemon that listens")
        return config, folder

    config, folder = node("smsgw1")
    smsc.wait_bound()
    node("smsgw2")
    done = typed("look", config, folder)
    assert "smsgw2" in done.stdout
    assert "smsgw1" in done.stdout
    smsc.wait_bound()
    assert 0 == smsc.send_mo(binh.number, binh.text).settled()
    assert {an.e164, binh.e164} == {row[0] for row in ServerLedger(postgres).accounts()}
