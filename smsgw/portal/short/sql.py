"""Every statement of the portal's short-lived file, by name, with its intent. Times are in
microseconds since 1970; digests are octets."""

VERSION = 4

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

# --- sessions -----------------------------------------------------------------------------------

ADD_SESSION = """
    INSERT INTO sessions VALUES (:key, :sid, :account, :mark, :narrow, :auth_at, :seen_at,
        :browser, :opened_by, :kept_by, :notice, :last_at, :wrong_base)
"""
USE_SESSION = """
    -- One that has ended is not brought back.
    UPDATE sessions SET seen_at = max(seen_at, :now)
     WHERE key = :key AND auth_at > :now - :absolute
       AND seen_at > :now - CASE WHEN narrow THEN :narrow_idle ELSE :idle END
 RETURNING *
"""
FIND_SESSION = "SELECT * FROM sessions WHERE key = :key"
SESSIONS_OF = "SELECT * FROM sessions WHERE account = :account ORDER BY seen_at DESC, key"
SESSIONS_BY_SID = """
    -- Which have not ended, of one log-in: an own password gives it a new cookie.
    SELECT * FROM sessions WHERE account = :account AND sid = :sid
       AND auth_at > :now - :absolute
       AND seen_at > :now - CASE WHEN narrow THEN :narrow_idle ELSE :idle END
"""
END_SESSION = "DELETE FROM sessions WHERE key = :key"
END_SESSIONS_OF = "DELETE FROM sessions WHERE account = :account AND key <> :but RETURNING browser"
END_OF_BROWSER = "DELETE FROM sessions WHERE account = :account AND browser = :browser"
END_UNUSED = """
    -- The eleventh ends the one that was not used for longest.
    DELETE FROM sessions WHERE key IN (
        SELECT key FROM sessions WHERE account = :account
         ORDER BY seen_at DESC, auth_at DESC LIMIT -1 OFFSET :most)
"""
FORGET_ACCOUNT = (
    """
    DELETE FROM transactions WHERE browser IN (
        SELECT browser FROM sessions WHERE account = :account)
    """,
    "DELETE FROM sessions WHERE account = :account",
    "DELETE FROM codes WHERE account = :account",
    "DELETE FROM tokens WHERE account = :account",
    "DELETE FROM devices WHERE account = :account",
    "DELETE FROM tries WHERE account = :account",
    "DELETE FROM totals WHERE account = :account",
    "DELETE FROM promises WHERE account = :account",
)
END_BY_SID = "DELETE FROM sessions WHERE sid = :sid"
SET_NOTICE = "UPDATE sessions SET notice = :notice WHERE key = :key"
FORGET_SESSIONS = "DELETE FROM sessions WHERE seen_at < :before"

# --- transactions, devices ----------------------------------------------------------------------

SET_TRANSACTION = """
    INSERT OR REPLACE INTO transactions VALUES (:browser, :document, :sid, :at, :answered_at)
"""
FIND_TRANSACTION = "SELECT * FROM transactions WHERE browser = :browser"
BIND_TRANSACTION = """
    UPDATE transactions SET sid = :sid WHERE browser = :browser AND sid = ''
"""
END_TRANSACTION_OF_ANOTHER = """
    DELETE FROM transactions WHERE browser = :browser AND sid <> :sid
"""
ANSWER_TRANSACTION = """
    UPDATE transactions SET answered_at = :now WHERE browser = :browser AND answered_at IS NULL
"""
END_TRANSACTION = "DELETE FROM transactions WHERE browser = :browser"
FORGET_TRANSACTIONS = """
    -- What waits for somebody who is logged in stays. The index alone tells which are old: to read
    -- all documents takes long, and a stranger makes them.
    DELETE FROM transactions
     WHERE browser IN (
            SELECT browser FROM transactions WHERE at < :before
             UNION ALL
            SELECT browser FROM (
                SELECT browser FROM transactions ORDER BY at DESC LIMIT -1 OFFSET :most))
       AND browser NOT IN (SELECT browser FROM sessions)
"""

KNOW_DEVICE = "INSERT OR REPLACE INTO devices VALUES (:browser, :account, :at)"
FIND_DEVICE = "SELECT at FROM devices WHERE browser = :browser AND account = :account"
FORGET_DEVICES_OF = """
    DELETE FROM devices WHERE account = :account AND browser NOT IN (
        SELECT browser FROM devices WHERE account = :account ORDER BY at DESC LIMIT :most)
"""
FORGET_DEVICES = "DELETE FROM devices WHERE at < :before"

# --- codes, tokens ------------------------------------------------------------------------------

ADD_CODE = """
    INSERT INTO codes VALUES (:key, :client, :account, :sid, :document, :until, :spent)
"""
FIND_CODE = "SELECT * FROM codes WHERE key = :key"
SPEND_CODE = """
    UPDATE codes SET spent = 1 WHERE key = :key AND NOT spent AND until > :now RETURNING key
"""
CROWD_CODES = """
    DELETE FROM codes WHERE key IN (
        SELECT key FROM codes WHERE account = :account ORDER BY until DESC LIMIT -1 OFFSET :most)
"""
FORGET_CODES = """
    -- A used one is known as long as what was given for it.
    DELETE FROM codes WHERE until <= :now
       AND NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.code = codes.key)
"""
ADD_ACCESS = """
    INSERT INTO tokens VALUES (:key, :client, :scopes, :account, :mark, :sub, :sid, :code,
        :made_at, :until)
"""
FIND_ACCESS = "SELECT * FROM tokens WHERE key = :key AND until > :now"
END_ACCESS = "DELETE FROM tokens WHERE key = :key"
END_ACCESS_OF_CODE = "DELETE FROM tokens WHERE code = :code RETURNING key"
END_ACCESS_WITHOUT_SESSION = """
    DELETE FROM tokens WHERE account = :account
       AND sid NOT IN (SELECT sid FROM sessions WHERE account = :account)
"""
CROWD_ACCESS = """
    DELETE FROM tokens WHERE key IN (
        SELECT key FROM tokens WHERE account = :account
         ORDER BY made_at DESC LIMIT -1 OFFSET :most)
"""
CROWD_ACCESS_OF_CLIENT = """
    DELETE FROM tokens WHERE key IN (
        SELECT key FROM tokens WHERE client = :client AND account IS NULL
         ORDER BY made_at DESC LIMIT -1 OFFSET :most)
"""
FORGET_ACCESS = "DELETE FROM tokens WHERE until <= :now"

# --- tries of a name ----------------------------------------------------------------------------

RESERVE = """
    -- One statement looks and takes, so that no two tries are given the same place. A secret that
    -- is new begins at 0. Of a clock that was ahead, nobody waits longer than the rule says.
    INSERT INTO tries VALUES (:bucket, :account, :mark, 0, 1, :free, 0, :now)
        ON CONFLICT (bucket) DO UPDATE SET
            account = excluded.account,
            wrong = iif(mark = excluded.mark AND (wrong < :end OR :now < at + :shut), wrong, 0),
            room = iif(mark = excluded.mark AND (wrong < :end OR :now < at + :shut), room, :free),
            wait = iif(mark = excluded.mark AND (wrong < :end OR :now < at + :shut), wait, 0),
            pending = iif(mark = excluded.mark, pending + 1, 1),
            mark = excluded.mark
      WHERE mark <> excluded.mark
         OR (iif(wrong < :end, (:now >= at + wait OR :now < at), :now >= at + :shut)
             AND pending < room)
  RETURNING wrong
"""
LOOK = "SELECT mark, wrong, pending, room, wait, at FROM tries WHERE bucket = :bucket"
COUNT_WRONG = """
    UPDATE tries SET wrong = wrong + 1, pending = max(pending - 1, 0), at = :now
     WHERE bucket = :bucket AND mark = :mark
 RETURNING wrong
"""
SET_WAIT = "UPDATE tries SET room = :room, wait = :wait WHERE bucket = :bucket AND mark = :mark"
GIVE_BACK = """
    UPDATE tries SET pending = max(pending - 1, 0) WHERE bucket = :bucket AND mark = :mark
"""
BEGIN_AGAIN = """
    UPDATE tries SET wrong = 0, pending = max(pending - 1, 0), room = :free, wait = 0
     WHERE bucket = :bucket AND mark = :mark
"""
UNJUDGED = "SELECT bucket, mark, pending FROM tries WHERE pending > 0"
FORGET_TRIES = """
    DELETE FROM tries WHERE pending = 0
       AND (wrong = 0 OR (account IS NULL AND at < :before))
"""
FORGET_TRIES_OF_BROWSERS = """
    -- Of the name's own bucket there is a total, of a browser's there is none.
    DELETE FROM tries WHERE bucket IN (
        SELECT bucket FROM tries WHERE account = :account AND pending = 0
           AND NOT EXISTS (SELECT 1 FROM totals WHERE name = bucket)
         ORDER BY at DESC LIMIT -1 OFFSET :most)
"""
FORGET_TRIES_OF_NOBODY = """
    DELETE FROM tries WHERE bucket IN (
        SELECT bucket FROM tries WHERE account IS NULL ORDER BY wrong DESC, at DESC
         LIMIT -1 OFFSET :most)
"""
COUNT_TOTAL = """
    INSERT INTO totals VALUES (:name, :account, 1, 0)
        ON CONFLICT (name) DO UPDATE SET wrong = wrong + 1, account = excluded.account
"""
FIND_TOTAL = "SELECT wrong, at_log_in FROM totals WHERE name = :name"
SET_LOG_IN = """
    INSERT INTO totals VALUES (:name, :account, 0, 0)
        ON CONFLICT (name) DO UPDATE SET at_log_in = wrong, account = excluded.account
"""
FORGET_TOTALS = """
    DELETE FROM totals WHERE name IN (
        SELECT name FROM totals WHERE account IS NULL LIMIT -1 OFFSET :most)
"""

# --- failures of an address ---------------------------------------------------------------------

FIND_ADDRESS = """
    SELECT began, failures, names, pending, blocked_until FROM addresses WHERE net = :net
"""
SET_ADDRESS = """
    INSERT OR REPLACE INTO addresses
    VALUES (:net, :began, :failures, :names, :pending, :blocked_until)
"""
HAS_NAME = "SELECT 1 FROM address_names WHERE net = :net AND name = :name"
ADD_NAME = "INSERT OR IGNORE INTO address_names VALUES (:net, :name)"
FORGET_NAMES = "DELETE FROM address_names WHERE net = :net"
FREE_ADDRESSES = "UPDATE addresses SET failures = failures + pending, pending = 0"
FORGET_ADDRESSES = """
    DELETE FROM addresses WHERE pending = 0 AND blocked_until <= :now
       AND (began < :before OR net IN (
            SELECT net FROM addresses ORDER BY began DESC LIMIT -1 OFFSET :most))
 RETURNING net
"""

# --- changes by programs ------------------------------------------------------------------------

MAKE_PROMISE = """
    INSERT OR REPLACE INTO promises VALUES (:key, :body, :account, :mark, 0, :at)
"""
KEEP_PROMISE = "UPDATE promises SET kept = 1 WHERE key = :key"
FIND_PROMISE = """
    SELECT key, body, account, mark, at, kept FROM promises WHERE key = :key AND at > :after
"""
FORGET_PROMISES = "DELETE FROM promises WHERE at <= :before"
