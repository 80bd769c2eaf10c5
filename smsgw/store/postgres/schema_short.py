"""The tables of migration `m015_short`: what the portals keep for a while. For a file it has none:
there they are a file of their own (`portal.db`).

They are not logged: a flood of log-ins writes nothing that a standby waits for. After a crash, and
on a standby that took over, they are empty. `portal/short/sql/sqlite.py` says what each column is.
Two are more than there:

    tries_begun  has a row as long as nothing was lost
    kept_tries   is logged: names that have no free tries left, so that none is won by a crash
"""

SHORT = (
    """
    CREATE UNLOGGED TABLE sessions (
        key BYTEA PRIMARY KEY,
        sid TEXT NOT NULL,
        account BIGINT NOT NULL,
        mark TEXT NOT NULL,
        narrow BIGINT NOT NULL,
        auth_at BIGINT NOT NULL,
        seen_at BIGINT NOT NULL,
        browser BYTEA NOT NULL,
        opened_by TEXT NOT NULL,
        kept_by TEXT NOT NULL,
        notice TEXT NOT NULL,
        last_at BIGINT,
        wrong_base BIGINT NOT NULL
    )
    """,
    "CREATE INDEX sessions_of ON sessions (account)",
    "CREATE INDEX sessions_by_sid ON sessions (sid)",
    "CREATE INDEX sessions_by_browser ON sessions (browser)",
    """
    CREATE UNLOGGED TABLE transactions (
        browser BYTEA PRIMARY KEY,
        document TEXT NOT NULL,
        sid TEXT NOT NULL,
        at BIGINT NOT NULL,
        answered_at BIGINT
    )
    """,
    "CREATE INDEX transactions_at ON transactions (at)",
    """
    CREATE UNLOGGED TABLE codes (
        key BYTEA PRIMARY KEY,
        client TEXT NOT NULL,
        account BIGINT NOT NULL,
        sid TEXT NOT NULL,
        document TEXT NOT NULL,
        until BIGINT NOT NULL,
        spent BIGINT NOT NULL
    )
    """,
    "CREATE INDEX codes_of ON codes (account)",
    """
    CREATE UNLOGGED TABLE tokens (
        key BYTEA PRIMARY KEY,
        client TEXT NOT NULL,
        scopes TEXT NOT NULL,
        account BIGINT,
        mark TEXT NOT NULL,
        sub TEXT NOT NULL,
        sid TEXT NOT NULL,
        code BYTEA,
        made_at BIGINT NOT NULL,
        until BIGINT NOT NULL
    )
    """,
    "CREATE INDEX tokens_of ON tokens (account, made_at)",
    "CREATE INDEX tokens_of_client ON tokens (client, made_at) WHERE account IS NULL",
    "CREATE INDEX tokens_of_code ON tokens (code)",
    """
    CREATE UNLOGGED TABLE devices (
        browser BYTEA NOT NULL,
        account BIGINT NOT NULL,
        at BIGINT NOT NULL,
        PRIMARY KEY (browser, account)
    )
    """,
    "CREATE INDEX devices_of ON devices (account, at)",
    """
    CREATE UNLOGGED TABLE tries (
        bucket BYTEA PRIMARY KEY,
        account BIGINT,
        mark TEXT NOT NULL,
        wrong BIGINT NOT NULL,
        pending BIGINT NOT NULL,
        room BIGINT NOT NULL,
        wait BIGINT NOT NULL,
        at BIGINT NOT NULL
    )
    """,
    "CREATE INDEX tries_of ON tries (account, at) WHERE account IS NOT NULL",
    "CREATE INDEX tries_of_nobody ON tries (wrong, at) WHERE account IS NULL",
    """
    CREATE UNLOGGED TABLE reserved (
        key BYTEA PRIMARY KEY,
        portal BIGINT NOT NULL,
        bucket BYTEA NOT NULL,
        account BIGINT,
        mark TEXT NOT NULL,
        net TEXT NOT NULL,
        known BIGINT NOT NULL
    )
    """,
    """
    CREATE UNLOGGED TABLE totals (
        name BYTEA PRIMARY KEY,
        account BIGINT,
        wrong BIGINT NOT NULL,
        at_log_in BIGINT NOT NULL
    )
    """,
    """
    CREATE UNLOGGED TABLE addresses (
        net TEXT PRIMARY KEY,
        began BIGINT NOT NULL,
        failures BIGINT NOT NULL,
        names BIGINT NOT NULL,
        pending BIGINT NOT NULL,
        blocked_until BIGINT NOT NULL
    )
    """,
    "CREATE INDEX addresses_began ON addresses (began)",
    """
    CREATE UNLOGGED TABLE address_names (
        net TEXT NOT NULL,
        name BYTEA NOT NULL,
        PRIMARY KEY (net, name)
    )
    """,
    """
    CREATE UNLOGGED TABLE promises (
        key BYTEA PRIMARY KEY,
        body BYTEA NOT NULL,
        account BIGINT NOT NULL,
        mark TEXT NOT NULL,
        kept BIGINT NOT NULL,
        at BIGINT NOT NULL
    )
    """,
    "CREATE UNLOGGED TABLE tries_begun (id BIGINT PRIMARY KEY)",
    """
    CREATE TABLE kept_tries (
        bucket BYTEA PRIMARY KEY,
        account BIGINT,
        mark TEXT NOT NULL,
        wrong BIGINT NOT NULL,
        room BIGINT NOT NULL,
        wait BIGINT NOT NULL,
        at BIGINT NOT NULL
    )
    """,
    "CREATE INDEX kept_tries_of ON kept_tries (account) WHERE account IS NOT NULL",
    # Rows that nearly each request changes: with room in their page no index needs to know.
    *(
        f"ALTER TABLE {table} SET (fillfactor = 50)"
        for table in ("sessions", "tries", "totals", "addresses")
    ),
)
