"""The house of tests/conftest.py over a PostgreSQL: for what is to be tried there once more."""

import pytest

from tests.conftest import house
from tests.raw_postgres import Postgres

__all__ = ["house", "house_database"]  # that house, and not the one of this folder


@pytest.fixture
def house_database(postgres, tmp_path):
    return Postgres(postgres).gateway(tmp_path)
