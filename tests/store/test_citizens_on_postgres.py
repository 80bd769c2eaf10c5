"""What the portal asks of the gateway, over a PostgreSQL."""

import pytest

from tests.house import House
from tests.raw_postgres import Postgres
from tests.test_citizens import *  # noqa: F403 - to be collected here, too

#: These look into an SQLite file.
for name in (
    "test_a_registration_writes_nothing_for_the_portal",
    "test_what_the_portal_keeps_goes_with_the_account",
):
    del globals()[name]


@pytest.fixture
def make_house(tmp_path, postgres):
    """As there, over a PostgreSQL."""
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
