"""A server that answers, and is of no use: a clear line at the start, *later* while it runs."""

import time
from contextlib import closing, contextmanager

import pytest

from smsgw.database import Server
from smsgw.errors import SmsgwError
from smsgw.model import Answer
from smsgw.store import Unavailable, open_store
from smsgw.store.postgres import server
from tests.house import AN, BINH, OTHER_TEXT, TEXT, House
from tests.raw_postgres import Postgres


@pytest.fixture
def house(postgres, tmp_path):
    house = House(tmp_path, gateway=Postgres(postgres).gateway(tmp_path))
    yield house
    house.store.close()


@pytest.fixture
def city(postgres):
    """A user that is nobody in particular, with a database of its own."""
    with postgres.connect() as db:
        db.execute("CREATE ROLE city LOGIN PASSWORD 'right'")
        db.execute("CREATE DATABASE city OWNER city TEMPLATE template0 ENCODING 'UTF8'")
        yield db
        db.execute("DROP DATABASE city WITH (FORCE)")
        db.execute("DROP ROLE city")


@pytest.fixture
def refusal(postgres, tmp_path):
    """Why a daemon does not start on a database: one line, and not for the server to mend."""

    def refusal(user="smsgw", database="smsgw", password=None):
        url = postgres.url(database).replace("smsgw@", f"{user}@")
        place = Server(url, password, files=tmp_path / "smsgw.db")
        with pytest.raises(SmsgwError) as raised, closing(open_store(place, node="a")):
            pass
        assert not isinstance(raised.value, Unavailable)
        said = str(raised.value)
        assert "\n" not in said
        assert password is None or password not in said
        return said

    return refusal


@contextmanager
def setting(postgres, name, value):
    """The server has another setting meanwhile."""

    def have(command):
        with postgres.connect() as db:
            db.execute(command)
            db.execute("SELECT pg_reload_conf()")
        asked = f"SHOW {name}"
        ends = time.monotonic() + 20
        while True:
            with postgres.connect() as db:
                [(now,)] = db.execute(asked).fetchall()
            if (now == value) == command.endswith(f"'{value}'"):
                return
            assert time.monotonic() < ends
            time.sleep(0.01)

    have(f"ALTER SYSTEM SET {name} = '{value}'")
    try:
        yield
    finally:
        have(f"ALTER SYSTEM RESET {name}")


def test_one_that_takes_no_writes(house, postgres, refusal):
    house.text(AN, TEXT)
    with setting(postgres, "default_transaction_read_only", "on"):
        assert "no server of these takes writes" in refusal()
        for _ in range(2):  # the session that there was, and none
            done = house.take(house.mo(BINH, OTHER_TEXT))
            assert [Answer.LATER] == done.answers
            assert done.trouble
    assert [Answer.OK] == house.take(house.mo(BINH, OTHER_TEXT)).answers


def test_one_without_a_connection_left(city, refusal):
    city.execute("ALTER ROLE city CONNECTION LIMIT 0")
    assert "too many connections" in refusal("city", "city")


def test_one_where_we_may_make_no_tables(city, postgres, refusal):
    city.execute("CREATE ROLE other LOGIN")
    try:
        said = refusal("other", "city")
        assert "permission denied" in said
        assert "may the user of gateway.database make tables there?" in said
    finally:
        city.execute("DROP ROLE other")


def test_wrong_password(city, postgres, refusal):
    file = postgres.data / "pg_hba.conf"
    before = file.read_text()
    try:
        file.write_text(f"local all city scram-sha-256\n{before}")
        city.execute("SELECT pg_reload_conf()")
        said = ""
        ends = time.monotonic() + 20
        while "password authentication failed" not in said:
            assert time.monotonic() < ends, said
            try:
                said = refusal("city", "city", "geheim")
            except pytest.fail.Exception:  # not read again yet
                time.sleep(0.01)
    finally:
        file.write_text(before)
        city.execute("SELECT pg_reload_conf()")


def test_older_one_than_we_know(refusal, monkeypatch):
    monkeypatch.setattr(server, "OLDEST", 99)
    assert "use 99 or newer" in refusal()


def test_one_that_loses_what_it_has_committed(postgres, refusal):
    with setting(postgres, "fsync", "off"):
        assert "fsync = off" in refusal()


def test_tables_of_a_newer_version_end_a_start_and_leave_alone_who_runs(house, postgres, refusal):
    with postgres.connect("smsgw") as db:
        db.execute("INSERT INTO smsgw_migrations VALUES ('m999_future', now())")
        try:
            assert "a newer one" in refusal()
            assert [Answer.OK] == house.take(house.mo(AN, TEXT)).answers
        finally:
            db.execute("DELETE FROM smsgw_migrations WHERE name = 'm999_future'")


def test_slow_writer_beside_us_is_waited_for_and_then_texts_come_later(house, postgres):
    with postgres.connect("smsgw") as db, house.store.patience(house.now - house.now):
        db.execute("BEGIN")
        db.execute("SELECT pg_advisory_xact_lock(1936549735)")
        done = house.take(house.mo(AN, TEXT))
        assert ([Answer.LATER], True) == (done.answers, "another writer" in str(done.trouble))
        db.execute("COMMIT")
    assert [Answer.OK] == house.take(house.mo(AN, TEXT)).answers
