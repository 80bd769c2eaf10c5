"""What a citizen may ask for, over a PostgreSQL."""

import pytest

from tests.house import House
from tests.raw_postgres import Postgres
from tests.test_rights import *  # noqa: F403 - to be collected here, too

#: It is about a file alone.
for name in ("test_file_in_which_rows_were_moved_is_written_anew",):
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
