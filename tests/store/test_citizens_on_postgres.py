"""What the portal asks of the gateway, over a PostgreSQL."""

from tests.store.over_postgres import *  # noqa: F403 - the house of these tests
from tests.test_citizens import *  # noqa: F403 - to be collected here, too

#: These look into an SQLite file.
for name in (
    "test_a_registration_writes_nothing_for_the_portal",
    "test_what_the_portal_keeps_goes_with_the_account",
):
    del globals()[name]
