"""Whole tables, for a copy: statements on a table that is named when it is copied."""
# ruff: noqa: S608  (names of our own tables and columns)

BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

# The other side of the copy may take its time.
BE_PATIENT = "SET LOCAL idle_in_transaction_session_timeout = 0"

TABLES = """
    -- What is not logged lives shortly, and stays where it is; which machines there are, too.
    SELECT relname FROM pg_class
     WHERE relnamespace = to_regnamespace(current_schema()) AND relkind = 'r'
       AND relpersistence = 'p'
       AND relname NOT IN ('smsgw_migrations', 'nodes', 'leases', 'kept_tries')
     ORDER BY relname COLLATE "C"
"""

COLUMNS = """
    -- Each with its place in the primary key, from 1; 0: it has none.
    SELECT a.attname, coalesce(array_position(i.indkey::int[], a.attnum::int) + 1, 0)
      FROM pg_attribute AS a
      JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary
     WHERE a.attrelid = to_regclass(:name) AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY a.attname::text COLLATE "C"
"""

COLUMNS_THAT_COUNT = """
    SELECT table_name, column_name FROM information_schema.columns
     WHERE table_schema = current_schema() AND is_identity = 'YES'
"""


def count(table: str) -> str:
    return f"SELECT count(*) FROM {table}"


def rows(table: str, columns: tuple[str, ...], key: tuple[str, ...], *, after: bool) -> str:
    """The next rows; the key of the one before is bound, then how many."""
    order = ", ".join(key)
    behind = f" WHERE ({order}) > ({', '.join('?' * len(key))})" if after else ""
    return f"SELECT {', '.join(columns)} FROM {table}{behind} ORDER BY {order} LIMIT ?"


def last_key(table: str, key: tuple[str, ...]) -> str:
    order = ", ".join(f"{name} DESC" for name in key)
    return f"SELECT {', '.join(key)} FROM {table} ORDER BY {order} LIMIT 1"


def load(table: str, columns: tuple[str, ...]) -> str:
    return f"COPY {table} ({', '.join(columns)}) FROM STDIN"


def count_on(table: str, column: str) -> str:
    """What is drawn next is beyond what there is."""
    return (
        f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'),"
        f" (SELECT coalesce(max({column}), 0) + 1 FROM {table}), false)"
    )


def empty(table: str) -> str:
    return f"DELETE FROM {table}"
