"""What must hold of every store is asked of each engine that there is."""

import pytest

from tests.house import House
from tests.raw_postgres import Postgres
from tests.raw_sqlite import Sqlite

ENGINES = {"sqlite": Sqlite, "postgres": Postgres}


@pytest.fixture(params=ENGINES)
def engine(request):
    """One engine after the other: how it is opened and looked into behind its back."""
    if request.param == "postgres":
        engine = Postgres(request.getfixturevalue("postgres"))
        yield engine
        engine.mend()
    else:
        yield Sqlite()


@pytest.fixture
def store(engine, tmp_path):
    store = engine.open(tmp_path)
    yield store
    store.close()


@pytest.fixture
def house(engine, tmp_path):
    """A gateway over a store of that engine."""
    house = House(tmp_path, gateway=engine.gateway(tmp_path))
    yield house
    house.store.close()
