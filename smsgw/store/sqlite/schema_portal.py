"""The tables of migration `m012_portal`: what the portal keeps of citizens, programs and changes.

A released migration is never changed. A registration writes into none of these tables.
"""

PORTAL = (
    # What the portal needs of citizens beyond a session. A registration writes into none of these.
    """
    CREATE TABLE subjects (
        sub           TEXT    PRIMARY KEY,   -- what programs call an account; never given twice
        account_id    INTEGER UNIQUE REFERENCES accounts (id),  -- NULL: it was erased
        active_number INTEGER UNIQUE,        -- 1, 2, 3 … as they first became active
        updated_at    INTEGER NOT NULL,
        erased_at     INTEGER
    ) STRICT, WITHOUT ROWID
    """,
    # Who is active without one chose a password before there was a portal.
    """
    INSERT INTO subjects (sub, account_id, active_number, updated_at)
    SELECT lower(hex(randomblob(16))), account_id,
           row_number() OVER (ORDER BY at, account_id), at
      FROM (SELECT a.id AS account_id, coalesce(min(h.at), a.registered_at) AS at
              FROM accounts AS a
              LEFT JOIN history AS h ON h.account_id = a.id AND h.event = 'own password'
             WHERE a.state <> 'closed'
             GROUP BY a.id
            HAVING a.state = 'active' OR count(h.at) > 0)
    """,
    """
    CREATE TABLE profiles (
        account_id      INTEGER PRIMARY KEY REFERENCES accounts (id),
        answers         TEXT    NOT NULL,    -- JSON, as `registration.profile` writes it
        version         INTEGER NOT NULL,    -- of the answers: 1, 2, 3 …
        consent_at      INTEGER,             -- NULL: they were not confirmed
        consent_text    TEXT,                -- which policy was agreed to
        consent_version INTEGER
    ) STRICT
    """,
    # What became of them, for the account's story.
    """
    CREATE TABLE profile_changes (
        account_id INTEGER NOT NULL REFERENCES accounts (id),
        number     INTEGER NOT NULL,         -- 1, 2, 3 … of this account
        at         INTEGER NOT NULL,
        what       TEXT    NOT NULL,
        detail     TEXT    NOT NULL,         -- which answers, never what they say
        who        TEXT    NOT NULL,
        PRIMARY KEY (account_id, number)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE log_ins (
        id         INTEGER PRIMARY KEY,
        account_id INTEGER NOT NULL REFERENCES accounts (id),
        at         INTEGER NOT NULL,
        how        TEXT    NOT NULL,         -- page, or the name of a client
        address    TEXT    NOT NULL
    ) STRICT
    """,
    "CREATE INDEX log_ins_account ON log_ins (account_id)",
    "CREATE INDEX log_ins_at ON log_ins (at)",
    # To whom data went: once a day for each client and what it asked for.
    """
    CREATE TABLE disclosures (
        account_id INTEGER NOT NULL REFERENCES accounts (id),
        day        INTEGER NOT NULL,         -- since 1970
        client     TEXT    NOT NULL,         -- its name
        scopes     TEXT    NOT NULL,
        at         INTEGER NOT NULL,
        PRIMARY KEY (account_id, day, client, scopes)
    ) STRICT, WITHOUT ROWID
    """,
    # Names at which too many wrong passwords came in a row.
    """
    CREATE TABLE shut_names (
        username   TEXT    PRIMARY KEY,
        account_id INTEGER,                  -- whose it was; NULL: nobody's
        mark       TEXT    NOT NULL,         -- of the password; empty: nobody has one
        at         INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX shut_names_account ON shut_names (account_id) WHERE account_id IS NOT NULL",
    "CREATE INDEX shut_names_at ON shut_names (at) WHERE mark = ''",
    # A hash that was made anew with other parameters: the mark of the first one stays.
    """
    CREATE TABLE renewed_hashes (
        account_id INTEGER PRIMARY KEY REFERENCES accounts (id),
        digest     TEXT    NOT NULL,         -- of the hash
        mark       TEXT    NOT NULL
    ) STRICT
    """,
    # Programs that citizens come from, or that ask for themselves.
    """
    CREATE TABLE clients (
        id               INTEGER PRIMARY KEY,
        name             TEXT    NOT NULL UNIQUE,
        client_id        TEXT    NOT NULL UNIQUE,
        title            TEXT    NOT NULL,
        redirect_uris    TEXT    NOT NULL,   -- JSON
        post_logout_uris TEXT    NOT NULL,   -- JSON
        scopes           TEXT    NOT NULL,   -- with blanks between
        pkce             TEXT    NOT NULL,   -- required, optional
        national_claims  INTEGER NOT NULL,
        synthetic_email  TEXT,               -- a domain
        created_at       INTEGER NOT NULL,
        revoked_at       INTEGER
    ) STRICT
    """,
    """
    CREATE TABLE client_secrets (
        client     INTEGER NOT NULL REFERENCES clients (id),
        number     INTEGER NOT NULL,         -- the higher, the later, whatever the clock said
        digest     BLOB    NOT NULL,         -- SHA-256; a secret has 256 bits of its own
        created_at INTEGER NOT NULL,
        PRIMARY KEY (client, number)
    ) STRICT, WITHOUT ROWID
    """,
    # What became of accounts that were active once, for programs that keep a copy.
    """
    CREATE TABLE feed (
        id   INTEGER PRIMARY KEY,
        at   INTEGER NOT NULL,
        sub  TEXT    NOT NULL,
        type TEXT    NOT NULL
    ) STRICT
    """,
    # Up to where it was purged; ids are never used twice.
    "CREATE TABLE feed_start (id INTEGER PRIMARY KEY, purged INTEGER NOT NULL) STRICT",
    "INSERT INTO feed_start VALUES (1, 0)",
    # So that a place in the feed of another database is known for what it is.
    "INSERT INTO facts VALUES ('cursor_key', lower(hex(randomblob(16))))",
)
