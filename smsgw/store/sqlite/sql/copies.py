"""Whole tables, for a copy: statements on a table that is named when it is copied."""
# ruff: noqa: S608  (names of our own tables and columns)

TABLES = """
    SELECT name FROM sqlite_schema
     WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'
       AND name NOT IN ('_sqlite_migrations', 'heartbeats')
     ORDER BY name
"""

COLUMNS = "SELECT name, pk FROM pragma_table_info(:name) ORDER BY name"


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


def add(table: str, columns: tuple[str, ...]) -> str:
    places = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"


def empty(table: str) -> str:
    return f"DELETE FROM {table}"
