"""What is carried from one engine to the other, and back."""

from contextlib import closing

import pytest

from smsgw.errors import SmsgwError
from smsgw.model import Direction, Taken
from smsgw.store import ClientRow, Stop, open_store
from smsgw.store import copy as copying
from smsgw.store.copy import copy
from tests.house import AN, BINH, OTHER_TEXT, TEXT, House
from tests.raw_postgres import Postgres


@pytest.fixture
def town(tmp_path):
    """A file in which something of everything stands."""
    house = House(tmp_path)
    house.text(AN, TEXT)
    house.settle(Taken(2, "7F"))
    house.text(BINH, OTHER_TEXT)
    house.text("84905000001", "hallo")
    house.hotline.close_account(BINH, "tester", "asked", now=house.now)
    house.hotline.set_password(AN, "ba con cho nho", "tester", house.now)
    options = ((), (), (), "required", False, None, house.now, None, (b"digest",))
    with house.store.transaction():
        house.store.add_log_in(1, "page", "203.0.113.7", house.now)
        house.store.add_client(ClientRow(0, "dvc", "id", "DVC", *options))
        house.store.stop_link("mobi", Stop(house.now, "tester", None))
    yield house
    house.store.close()


@pytest.fixture
def server(postgres, tmp_path):
    with closing(Postgres(postgres).open(tmp_path)) as store:
        yield store


def everything(store):
    return {
        table.name: store.rows_after(table, None, 10_000)
        for table in store.tables()
        if table.name not in copying._OTHERWISE
    }


def test_everything_is_carried_to_a_server_and_back(town, server, tmp_path):
    steps = []
    rows = copy(town.store, server, "town", lambda done, whole: steps.append((done, whole)))
    assert everything(town.store) == everything(server)
    assert rows == sum(map(len, everything(server).values()))
    assert steps[-1][0] == steps[-1][1]
    assert town.store.last_ids() == server.last_ids()
    with closing(open_store(tmp_path / "back.db")) as back:
        copy(server, back, "server")
        assert everything(server) == everything(back)
        assert server.last_ids() == back.last_ids()


def test_copy_goes_on_with_new_numbers(town, server):
    copy(town.store, server, "town")
    with server.transaction():
        assert server.note(town.now, "who", "show", None, "") > 0
        assert server.wording("registered", "another one") > max(
            id_ for id_, *_ in everything(town.store)["wordings"]
        )


def test_copy_that_was_cut_off_goes_on(town, server, monkeypatch):
    monkeypatch.setattr(copying, "_AT_ONCE", 1)

    def cut(done, whole):
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy(town.store, server, "town", cut)
    copy(town.store, server, "town")
    assert everything(town.store) == everything(server)


def test_target_that_has_rows_is_refused(town, server):
    copy(town.store, server, "town")
    with pytest.raises(SmsgwError, match="not empty"):
        copy(town.store, server, "town")


def test_target_of_another_copy_is_refused(town, server, monkeypatch):
    with server.transaction():
        server.set_fact("copying_from", "elsewhere")
    with pytest.raises(SmsgwError, match="copy of elsewhere"):
        copy(town.store, server, "town")


def test_source_that_changed_meanwhile_is_noticed(town, server, monkeypatch):
    monkeypatch.setattr(copying, "_AT_ONCE", 1)

    def cut(done, whole):
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy(town.store, server, "town", cut)
    with town.store.transaction():
        town.store.set_undelivered(1, 5)
    with pytest.raises(SmsgwError, match="accounts is not the same"):
        copy(town.store, server, "town")


def test_what_a_server_cannot_keep_is_replaced(town, server):
    town.store._db.execute("UPDATE mo SET text = 'a' || char(0) || 'b' WHERE id = 1")
    copy(town.store, server, "town")
    texts = [m.text for m in server.messages(direction=Direction.MO)]
    assert "a\ufffdb" in texts
