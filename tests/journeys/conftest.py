"""What journeys share: citizens, and the auditor's look into the database."""

import itertools

import pytest

from tests.ledger import Ledger
from tests.wire import Citizen


@pytest.fixture
def citizens():
    """As many as are asked for: `an, binh = citizens(2)`."""
    numbers = itertools.count(1)
    return lambda count: [Citizen(next(numbers)) for _ in range(count)]


@pytest.fixture
def ledger(tmp_path):
    """The database of `config_file`'s configuration."""
    return Ledger(tmp_path / "smsgw.db")
