"""What programs ask of the gateway, over a PostgreSQL."""

import pytest

from tests.house import House
from tests.raw_postgres import Postgres
from tests.test_interface import *  # noqa: F403 - to be collected here, too

#: These look into an SQLite file.
for name in (
    "test_a_cursor_of_a_database_that_has_more",
    "test_who_was_active_before_there_was_a_portal_is_in_the_first_copy",
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
