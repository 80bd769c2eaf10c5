"""Data keys and the secret key where several nodes share a PostgreSQL database."""

import pytest

from smsgw.errors import SmsgwError
from smsgw.model import Postponed
from smsgw.vault import Vault
from tests.house import AN, BINH, OTHER_TEXT, TEXT, House
from tests.raw_postgres import Postgres
from tests.wire import password_in


@pytest.fixture
def make_node(postgres, tmp_path):
    """A gateway of a node, with its own folder and the key of all."""
    houses = []

    def make(name):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        gateway = Postgres(postgres).gateway(folder)
        gateway |= {"node": name, "secret_key_file": str(tmp_path / "secret.key")}
        houses.append(House(folder, gateway=gateway))
        return houses[-1]

    yield make
    for house in houses:
        house.store.close()


def test_what_one_node_sealed_another_sends(make_node):
    a, b = make_node("a"), make_node("b")
    a.text(AN, TEXT)
    a.settle(Postponed(2, "busy", throttled=True))
    b.now = a.now
    b.later(minutes=30)
    b.gateway.tidy(b.now)
    [mt] = b.claim().mts
    assert password_in(mt.text)


def test_walk_of_one_node_leaves_what_another_has_sealed(make_node):
    a, b = make_node("a"), make_node("b")
    for node, phone, text in ((a, AN, TEXT), (b, BINH, OTHER_TEXT)):
        node.text(phone, text)
    for node in (a, b, a):
        node.later(minutes=20)
        while node.gateway.renew_seals(node.now):
            pass
    b.gateway.tidy(b.now)  # it has the link
    assert 2 == len(b.claim().mts)


def test_node_with_another_secret_key_is_refused(make_node):
    make_node("a")
    b = make_node("b")
    b.settings.gateway.secret_key_file.write_text("ab" * 32)
    with pytest.raises(SmsgwError, match="seal with another secret key"):
        b.restart()


def test_secret_key_is_rotated_node_by_node(make_node, tmp_path):
    a = make_node("a")
    a.text(AN, TEXT)
    file = tmp_path / "secret.key"
    file.write_text(f"{'ab' * 32}\n{file.read_text()}")
    b = make_node("b")
    b.later(minutes=30)
    b.gateway.tidy(b.now)
    assert 1 == len(b.claim().mts)
    assert Vault.open(file, create=False).key_id == int(b.store.fact("key_id"))
