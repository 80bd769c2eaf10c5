"""The gateway's own tests, over a PostgreSQL: what it decides does not depend on the engine."""

from tests.store.over_postgres import *  # noqa: F403 - the house of these tests
from tests.test_gateway import *  # noqa: F403 - to be collected here, too

#: These look into an SQLite file, or break one.
for name in (
    "test_try_holds_no_lock_and_makes_no_hash",
    "test_store_in_trouble_uses_up_no_passwords",
    "test_batch_that_cannot_be_committed_is_asked_for_again_and_leaves_nothing",
    "test_taken_reply_is_sent_and_its_password_is_gone_from_the_disk",
    "test_password_stands_nowhere_on_the_disk_in_clear",
    "test_passwords_are_stored_as_argon2id_with_owasp_parameters",
):
    del globals()[name]
