"""The tests of expiry, over a PostgreSQL."""

import pytest

from tests.house import House
from tests.raw_postgres import Postgres
from tests.test_expiry import *  # noqa: F403 - to be collected here, too


@pytest.fixture
def make_house(tmp_path, postgres):
    """As there, over a PostgreSQL."""
    houses = []

    def make(**registration):
        gateway = Postgres(postgres).gateway(tmp_path)
        houses.append(House(tmp_path, gateway=gateway, registration=registration))
        return houses[-1]

    yield make
    for house in houses:
        house.store.close()


@pytest.fixture
def house(make_house):
    return make_house()
