"""The tests of the outbox, over a PostgreSQL."""

from tests.store.over_postgres import *  # noqa: F403 - the house of these tests
from tests.test_sending import *  # noqa: F403 - to be collected here, too
