"""What programs ask of the gateway, over a PostgreSQL."""

from tests.store.over_postgres import *  # noqa: F403 - the house of these tests
from tests.test_interface import *  # noqa: F403 - to be collected here, too

#: These look into an SQLite file.
for name in (
    "test_a_cursor_of_a_database_that_has_more",
    "test_who_was_active_before_there_was_a_portal_is_in_the_first_copy",
):
    del globals()[name]
