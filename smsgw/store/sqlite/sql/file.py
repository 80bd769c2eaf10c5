"""Whose database a file is, and the data keys in a copy: what only a file has."""

# --- whose database is it? -------------------------------------------------------------------

COUNT_TABLES = "SELECT count(*) FROM sqlite_schema"

COUNT_MIGRATIONS_TABLE = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlite_migrations'"

LIST_OUR_MIGRATIONS = (
    "SELECT name FROM _sqlite_migrations WHERE migration_set = 'smsgw' ORDER BY rowid"
)

COUNT_OUR_MIGRATIONS = "SELECT count(*) FROM _sqlite_migrations WHERE migration_set = 'smsgw'"

# --- data keys in a copy ---------------------------------------------------------------------

ADD_DATA_KEY = "INSERT OR REPLACE INTO data_keys (id, use, made, sealed) VALUES (?, ?, ?, ?)"

KEYS_IN_OUTBOX = """
    -- A seal begins with the id of its key.
    SELECT DISTINCT substr(sealed, 1, 4) FROM outbox WHERE id > 0 AND sealed IS NOT NULL
"""
