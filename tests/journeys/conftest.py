"""What journeys share: citizens, and the auditor's look into the database."""

import itertools
import socket

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


@pytest.fixture
def free_port():
    """A port of 127.0.0.1 that nobody else is given meanwhile."""
    with socket.socket() as reserved:  # bound, not listening: who allows reuse may listen there
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]
