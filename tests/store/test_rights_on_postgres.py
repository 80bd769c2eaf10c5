"""What a citizen may ask for, over a PostgreSQL."""

from tests.store.over_postgres import *  # noqa: F403 - the house of these tests
from tests.test_rights import *  # noqa: F403 - to be collected here, too

#: It is about a file alone.
for name in ("test_file_in_which_rows_were_moved_is_written_anew",):
    del globals()[name]
