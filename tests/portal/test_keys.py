"""The key of several portals over one database: one for all, by whichever of them it came."""

import pytest

from smsgw.errors import SmsgwError
from smsgw.gateway import Citizens
from smsgw.portal import keys


@pytest.fixture
def shared(house):
    return Citizens(house.gateway).portal_key


@pytest.fixture
def node(house, tmp_path, shared):
    """Opens the key of a node, in whose file *text* stands; what stands there then."""

    def open_one(text=None):
        file = tmp_path / "portal.key"
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text)
        keys.open_keys(house.settings, shared)
        return file.read_text()

    return open_one


def newer(text):
    """A new signing key before those of *text*."""
    sealing, _, signing = text.partition("\n")
    return f"{sealing}\n{keys._new().partition(chr(10))[2]}{signing}"


def test_first_portal_makes_the_key_and_the_others_have_a_copy(node):
    text = node()
    assert text == node(text)


def test_portal_without_the_key_of_the_others_makes_none(node, tmp_path):
    node()
    with pytest.raises(SmsgwError, match="have a key, and here is no"):
        node()
    assert not (tmp_path / "portal.key").exists()


@pytest.mark.parametrize("part", ["sealing", "signing"])
def test_portal_with_another_key_is_refused(node, part):
    sealing, _, signing = node().partition("\n")
    other = keys._new().partition("\n")
    text = f"{other[0]}\n{signing}" if part == "sealing" else f"{sealing}\n{other[2]}"
    with pytest.raises(SmsgwError, match="is not the key of the other portals"):
        node(text)


def test_signing_key_is_changed_node_by_node_and_not_back(node):
    text = node()
    both = newer(text)
    for _ in range(2):  # nodes
        node(both)
    with pytest.raises(SmsgwError, match="is not the key of the other portals"):
        node(text)


def test_lost_key_of_all_is_forgotten_and_made_anew(house, node, shared):
    before = node()
    shared.forget("linh", "the disk died", house.now)
    after = node()
    assert before != after == node(after)
    [line] = house.store.audit()
    assert ("linh", "portal --forget-key", "the disk died") == (line.who, line.command, line.detail)
