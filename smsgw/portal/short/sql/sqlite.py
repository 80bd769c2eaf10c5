"""What only the file is asked, and its tables. Those of a server stand with the store's."""

VERSION = 5

SCHEMA = """
    CREATE TABLE sessions (
        key BLOB PRIMARY KEY,        -- digest of the cookie
        sid TEXT NOT NULL,           -- outlasts a change of cookie at the own password
        account INTEGER NOT NULL,
        mark TEXT NOT NULL,          -- of the password by which it was opened
        narrow INTEGER NOT NULL,     -- may do nothing but choose an own password
        auth_at INTEGER NOT NULL,
        seen_at INTEGER NOT NULL,
        browser BLOB NOT NULL,       -- digest of the browser's cookie
        opened_by TEXT NOT NULL,     -- the log-in form, to know it again
        kept_by TEXT NOT NULL,       -- the form that chose the password, likewise
        notice TEXT NOT NULL,        -- told once, on the next page
        last_at INTEGER,             -- the log-in before this one
        wrong_base INTEGER NOT NULL  -- wrong tries of the name, ever, at that log-in
    ) WITHOUT ROWID;
    CREATE INDEX sessions_of ON sessions (account);
    CREATE INDEX sessions_by_sid ON sessions (sid);
    CREATE INDEX sessions_by_browser ON sessions (browser);
    CREATE TABLE transactions (
        browser BLOB PRIMARY KEY,
        document TEXT NOT NULL,
        sid TEXT NOT NULL,           -- of the session with which it ends ('': of none yet)
        at INTEGER NOT NULL,
        answered_at INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX transactions_at ON transactions (at);
    CREATE TABLE codes (
        key BLOB PRIMARY KEY,        -- digest of the code
        client TEXT NOT NULL,
        account INTEGER NOT NULL,
        sid TEXT NOT NULL,           -- it is worth nothing when that session has ended
        document TEXT NOT NULL,      -- redirect URI, challenge, nonce and the like
        until INTEGER NOT NULL,
        spent INTEGER NOT NULL       -- kept after that, to know a second use
    ) WITHOUT ROWID;
    CREATE INDEX codes_of ON codes (account);
    CREATE TABLE tokens (
        key BLOB PRIMARY KEY,        -- digest of the token
        client TEXT NOT NULL,
        scopes TEXT NOT NULL,
        account INTEGER,             -- NULL: a client's own
        mark TEXT NOT NULL,
        sub TEXT NOT NULL,
        sid TEXT NOT NULL,
        code BLOB,                   -- for which it was given
        made_at INTEGER NOT NULL,
        until INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX tokens_of ON tokens (account, made_at);
    CREATE INDEX tokens_of_client ON tokens (client, made_at) WHERE account IS NULL;
    CREATE INDEX tokens_of_code ON tokens (code);
    CREATE TABLE devices (
        browser BLOB NOT NULL,
        account INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (browser, account)
    ) WITHOUT ROWID;
    CREATE INDEX devices_of ON devices (account, at);
    CREATE TABLE tries (
        bucket BLOB PRIMARY KEY,
        account INTEGER,             -- NULL: nobody has that name
        mark TEXT NOT NULL,          -- of the secret that is guessed at
        wrong INTEGER NOT NULL,      -- in a row
        pending INTEGER NOT NULL,    -- reserved, and not judged yet
        room INTEGER NOT NULL,       -- how many may be reserved at a time
        wait INTEGER NOT NULL,       -- how long nothing is judged after the last wrong one
        at INTEGER NOT NULL          -- of the last wrong one
    ) WITHOUT ROWID;
    CREATE INDEX tries_of ON tries (account, at) WHERE account IS NOT NULL;
    CREATE INDEX tries_of_nobody ON tries (wrong, at) WHERE account IS NULL;
    CREATE TABLE reserved (          -- a row a try that is not judged yet
        key BLOB PRIMARY KEY,
        portal INTEGER NOT NULL,     -- which process judges it
        bucket BLOB NOT NULL,
        account INTEGER,
        mark TEXT NOT NULL,
        net TEXT NOT NULL,           -- '': counts at no address
        known INTEGER NOT NULL       -- of a browser that has logged in to this name
    ) WITHOUT ROWID;
    CREATE TABLE totals (
        name BLOB PRIMARY KEY,
        account INTEGER,
        wrong INTEGER NOT NULL,      -- judged wrong, ever
        at_log_in INTEGER NOT NULL   -- what `wrong` was at the last log-in
    ) WITHOUT ROWID;
    CREATE TABLE addresses (
        net TEXT PRIMARY KEY,
        began INTEGER NOT NULL,      -- of the window in which is counted
        failures INTEGER NOT NULL,
        names INTEGER NOT NULL,      -- different ones among the failures
        pending INTEGER NOT NULL,
        blocked_until INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX addresses_began ON addresses (began);
    CREATE TABLE address_names (
        net TEXT NOT NULL,
        name BLOB NOT NULL,
        PRIMARY KEY (net, name)
    ) WITHOUT ROWID;
    CREATE TABLE promises (
        key BLOB PRIMARY KEY,        -- digest of a client's Idempotency-Key
        body BLOB NOT NULL,          -- digest of what was sent with it
        account INTEGER NOT NULL,
        mark TEXT NOT NULL,          -- of the password that was to be set
        kept INTEGER NOT NULL,       -- it was
        at INTEGER NOT NULL
    ) WITHOUT ROWID
"""

TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
DROP = "DROP TABLE {}"
