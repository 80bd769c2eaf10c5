"""A COMMIT whose outcome nobody knows: it is asked for, on whatever server answers."""

import time
from contextlib import closing
from datetime import timedelta
from threading import Thread

import pytest

from smsgw.database import Server
from smsgw.model import Answer, Outcome, Taken
from smsgw.store import InDoubt, Unavailable, open_store
from smsgw.store.postgres import statements
from tests.house import AN, BINH, OTHER_TEXT, TEXT, House
from tests.pg_proxy import WAYS, Saboteur

HAPPENED = {"before": False, "after": True, "swallowed": False, "unanswered": True}


@pytest.fixture(autouse=True)
def little_patience(monkeypatch):
    monkeypatch.setattr(statements, "SILENCE", timedelta(seconds=-1.5))  # beside 2 s for a turn


@pytest.fixture
def way(postgres):
    with Saboteur(postgres) as way:
        yield way


@pytest.fixture
def house(way, tmp_path):
    gateway = {
        "database": way.url(),
        "secret_key_file": str(tmp_path / "secret.key"),
        "control_socket": str(tmp_path / "control.sock"),
    }
    house = House(tmp_path, gateway=gateway)
    yield house
    house.store.close()


@pytest.mark.parametrize("how", WAYS)
def test_text_in_doubt_is_answered_as_what_became_of_it(house, way, how):
    house.text(BINH, OTHER_TEXT)
    way.next = how
    done = house.take(house.mo(AN, TEXT))
    assert done.otherwise is not None
    found = house.gateway.resolve(done)
    assert found.otherwise is None
    assert found.trouble is None
    if HAPPENED[how]:
        assert [Answer.OK] == found.answers
        assert 1 == len(found.replies)
    else:
        assert [None] == found.answers  # its turn comes with the next batch
        assert [] == found.replies
        done = house.take(house.mo(AN, TEXT))
        assert [Answer.OK] == done.answers
    assert [Outcome.REGISTERED] * 2 == house.outcomes()
    assert 2 == house.store.last_ids()[1]


@pytest.mark.parametrize("how", WAYS)
def test_settlement_in_doubt_is_offered_again_where_it_did_not_happen(house, way, how):
    house.text(AN, TEXT)
    way.next = how
    done = house.settle(Taken(2, "7F"))
    assert done.otherwise is not None
    assert HAPPENED[how] == house.gateway.resolve(done).settled
    assert (["sent"] if HAPPENED[how] else ["queued"]) == house.states()


def test_nothing_else_is_stored_before_it_is_known(house, way):
    way.next = "before"
    done = house.take(house.mo(AN, TEXT))
    for verb in (house.gateway.probe, house.gateway.tidy, house.gateway.purge):
        with pytest.raises(Unavailable):
            verb(house.now)
    house.gateway.resolve(done)
    house.gateway.probe(house.now)


def test_who_cannot_be_asked_yet_is_asked_again(house, way):
    way.next = "after"
    done = house.take(house.mo(AN, TEXT))
    way.refuses = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            house.gateway.resolve(done)
    way.refuses = False
    assert [Answer.OK] == house.gateway.resolve(done).answers


def test_answer_to_the_question_may_be_lost_as_well(house, way):
    way.next = "after"
    done = house.take(house.mo(AN, TEXT))
    way.next = "before"
    with pytest.raises(Unavailable):
        house.gateway.resolve(done)
    assert [Answer.OK] == house.gateway.resolve(done).answers


@pytest.mark.parametrize("how", WAYS)
def test_claim_in_doubt_is_plain_trouble(house, way, how):
    house.text(AN, TEXT)
    house.restart()  # its lease has ended
    way.next = how
    with pytest.raises(InDoubt):
        house.claim()
    house.later(minutes=30)
    house.gateway.tidy(house.now)
    assert 1 == len(house.claim().mts)


def test_command_whose_commit_is_in_doubt_says_so(way, tmp_path, postgres):
    with closing(open_store(Server(way.url(), files=tmp_path / "smsgw.db"))) as store:
        way.next = "after"
        with pytest.raises(InDoubt, match="lost while it was written"), store.transaction():
            store.set_fact("a", "b")
        assert "b" == store.fact("a")


def test_commit_whose_wait_for_the_standby_was_cancelled_is_in_doubt(house, postgres, monkeypatch):
    """It succeeds, for the server, and a failover may lose it all the same."""
    monkeypatch.setattr(statements, "SILENCE", timedelta(seconds=20))

    def wait_for(standby):
        with postgres.connect() as db:
            db.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'")
            db.execute("SELECT pg_reload_conf()")

    def cancel():
        asked = (
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
            " WHERE wait_event = 'SyncRep' AND application_name LIKE 'smsgw house %'"
        )
        with postgres.connect() as db:
            while not db.execute(asked).fetchall():
                time.sleep(0.01)

    wait_for("nobody")
    thread = Thread(target=cancel)
    thread.start()
    try:
        done = house.take(house.mo(AN, TEXT))
    finally:
        wait_for("")
        thread.join()
    assert done.otherwise is not None
    assert [Answer.OK] == house.gateway.resolve(done).answers


def test_another_cluster_is_not_taken_for_ours(house, way):
    ours = house.store._connection._cluster
    for cluster in (1, ours):  # it does not matter that it is back
        house.store._connection._cluster = cluster
        way.cut()
        done = house.take(house.mo(AN, TEXT))
        assert "another cluster than before: is it the right one?" in done.trouble
        assert [Answer.LATER] == done.answers


@pytest.fixture
def namesake(house, way, postgres, tmp_path):
    """A daemon on a machine of the same name, which got the database while ours had lost its
    way."""
    way.cut()
    way.refuses = True
    with pytest.raises(Unavailable):
        house.gateway.probe(house.now)
    server = Server(postgres.url(), files=tmp_path / "elsewhere" / "smsgw.db")
    with closing(open_store(server, node=house.store._connection.node)) as store:
        way.refuses = False
        yield store


def test_daemon_that_took_over_is_left_alone(house, namesake):
    session = namesake._connection.open()
    with pytest.raises(Unavailable, match="another daemon has served"):
        house.gateway.probe(house.now)
    with namesake.transaction():
        namesake.set_fact("a", "b")
    assert session is namesake._connection.open()


def test_what_another_daemon_stored_is_not_taken_for_the_batch_in_doubt(house, way, request):
    way.next = "before"
    done = house.take(house.mo(AN, TEXT))
    namesake = request.getfixturevalue("namesake")
    with namesake.transaction():
        namesake.set_fact("a", "b")
    namesake.close()
    with pytest.raises(Unavailable, match="another daemon has served"):
        house.gateway.resolve(done)


def test_way_that_is_lost_between_two_batches_is_found_again(house, way):
    house.text(AN, TEXT)
    way.cut()
    assert 1 == len(house.store.messages(phone="+84905123456", limit=1))
    way.cut()
    outcome, replies = house.text(BINH, OTHER_TEXT)
    assert (Outcome.REGISTERED, 1) == (outcome, len(replies))


def test_way_that_is_lost_before_commit_is_no_doubt(house, way):
    class Cut(Exception):
        pass

    with pytest.raises(Unavailable) as raised, house.store.transaction():
        house.store.set_fact("a", "b")
        way.cut()
        house.store.fact("a")
    assert not isinstance(raised.value, InDoubt)
    assert house.store.fact("a") is None
