"""Whoever lets a text leave at once rings for it: the verb, and after its commit."""

from contextlib import closing
from datetime import timedelta

import pytest

from smsgw.errors import SmsgwError
from smsgw.gateway import By, Gateway, Hotline, Rules
from smsgw.store import open_store
from smsgw.vault import Vault
from tests.house import AN, TEXT, House, OneHash


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.text(AN, TEXT)
    yield house
    house.store.close()


@pytest.fixture
def rung(house):
    """What stood in the outbox, as everybody else sees it, whenever it was rung."""
    return []


@pytest.fixture
def hotline(house, rung):
    def ring():
        with closing(open_store(house.path, create=False)) as other:
            rung.append([(reply.state, reply.tries) for reply in other.outbox()])

    with closing(open_store(house.path, create=False)) as store:
        vault = Vault.open(house.settings.gateway.secret_key_file, create=False)
        yield Hotline(Gateway(store, Rules.of(house.settings), vault, OneHash()), ring)


def test_reset_password_rings_when_its_text_is_there(house, hotline, rung):
    hotline.reset_password("201234567", "linh", house.now)
    (seen,) = rung
    assert ("queued", 0) in seen


def test_retry_rings(house, hotline, rung):
    (reply,) = house.store.outbox()
    hotline.cancel(reply.id, "linh", house.now)
    assert [] == rung  # nothing is to leave
    hotline.retry(reply.id, "linh", house.now)
    assert [[("queued", 0)]] == rung


def test_expiry_rings_where_something_lapsed(house, hotline, rung):
    hotline.expire(house.now, 10, By("linh", None))
    assert [] == rung
    hotline.expire(house.now + timedelta(days=4), 10, By("linh", None))
    assert 1 == len(rung)


def test_what_is_refused_rings_nobody(house, hotline, rung):
    hotline.close_account("201234567", "asked", "linh", house.now)
    with pytest.raises(SmsgwError):
        hotline.reset_password("201234567", "linh", house.now)
    with pytest.raises(SmsgwError):
        hotline.retry(999, "linh", house.now)
    assert [] == rung
