"""The house of tests/conftest.py over a PostgreSQL: for what is to be tried there once more."""

import pytest

from tests.house import House
from tests.raw_postgres import Postgres

__all__ = ["house", "make_house"]


@pytest.fixture
def make_house(tmp_path, postgres):
    houses = []

    def make(**sections):
        gateway = Postgres(postgres).gateway(tmp_path)
        houses.append(House(tmp_path, gateway=gateway, **sections))
        return houses[-1]

    yield make
    for house in houses:
        house.store.close()


@pytest.fixture
def house(make_house):
    return make_house()
