"""Every statement on the portal's short-lived rows, by name, with its intent, as both engines take
it; what PostgreSQL wants in other words, `postgres` has. Times are in microseconds since 1970;
digests are octets; 1 and 0 are yes and no.

SQLite wants a LIMIT before an OFFSET, and PostgreSQL one that is not negative.
"""

CHECK = "SELECT 1 FROM reserved LIMIT 1 + 0"

# --- sessions -----------------------------------------------------------------------------------

ADD_SESSION = """
    INSERT INTO sessions VALUES (:key, :sid, :account, :mark, :narrow, :auth_at, :seen_at,
        :browser, :opened_by, :kept_by, :notice, :last_at, :wrong_base)
"""
USE_SESSION = """
    -- One that has ended is not brought back.
    UPDATE sessions SET seen_at = CASE WHEN seen_at > :now THEN seen_at ELSE :now END
     WHERE key = :key AND auth_at > :now - :absolute
       AND seen_at > :now - CASE WHEN narrow <> 0 THEN :narrow_idle ELSE :idle END
 RETURNING *
"""
FIND_SESSION = "SELECT * FROM sessions WHERE key = :key"
SESSIONS_OF = "SELECT * FROM sessions WHERE account = :account ORDER BY seen_at DESC, key"
SESSIONS_BY_SID = """
    -- Which have not ended, of one log-in: an own password gives it a new cookie.
    SELECT * FROM sessions WHERE account = :account AND sid = :sid
       AND auth_at > :now - :absolute
       AND seen_at > :now - CASE WHEN narrow <> 0 THEN :narrow_idle ELSE :idle END
"""
END_SESSION = "DELETE FROM sessions WHERE key = :key"
END_SESSIONS_OF = "DELETE FROM sessions WHERE account = :account AND key <> :but RETURNING browser"
END_OF_BROWSER = "DELETE FROM sessions WHERE account = :account AND browser = :browser"
END_UNUSED = """
    -- The eleventh ends the one that was not used for longest.
    DELETE FROM sessions WHERE key IN (
        SELECT key FROM sessions WHERE account = :account
         ORDER BY seen_at DESC, auth_at DESC LIMIT 1000000000 OFFSET :most + 0)
"""
FORGET_TRIES_OF_ACCOUNT = "DELETE FROM tries WHERE account = :account"
FORGET_ACCOUNT = (
    """
    DELETE FROM transactions WHERE browser IN (
        SELECT browser FROM sessions WHERE account = :account)
    """,
    "DELETE FROM sessions WHERE account = :account",
    "DELETE FROM codes WHERE account = :account",
    "DELETE FROM tokens WHERE account = :account",
    "DELETE FROM devices WHERE account = :account",
    "DELETE FROM totals WHERE account = :account",
    FORGET_TRIES_OF_ACCOUNT,
    "DELETE FROM reserved WHERE account = :account",
    "DELETE FROM promises WHERE account = :account",
)
END_BY_SID = "DELETE FROM sessions WHERE sid = :sid"
SET_NOTICE = "UPDATE sessions SET notice = :notice WHERE key = :key"
FORGET_SESSIONS = "DELETE FROM sessions WHERE seen_at < :before"

# --- transactions, devices ----------------------------------------------------------------------

SET_TRANSACTION = """
    INSERT INTO transactions VALUES (:browser, :document, :sid, :at, :answered_at)
        ON CONFLICT (browser) DO UPDATE SET document = excluded.document, sid = excluded.sid,
            at = excluded.at, answered_at = excluded.answered_at
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
                SELECT browser FROM transactions ORDER BY at DESC
                 LIMIT 1000000000 OFFSET :most + 0) AS surplus)
       AND browser NOT IN (SELECT browser FROM sessions)
"""

KNOW_DEVICE = """
    INSERT INTO devices VALUES (:browser, :account, :at)
        ON CONFLICT (browser, account) DO UPDATE SET at = excluded.at
"""
FIND_DEVICE = "SELECT at FROM devices WHERE browser = :browser AND account = :account"
FORGET_DEVICES_OF = """
    DELETE FROM devices WHERE account = :account AND browser NOT IN (
        SELECT browser FROM devices WHERE account = :account ORDER BY at DESC LIMIT :most + 0)
"""
FORGET_DEVICES = "DELETE FROM devices WHERE at < :before"

# --- codes, tokens ------------------------------------------------------------------------------

ADD_CODE = """
    INSERT INTO codes VALUES (:key, :client, :account, :sid, :document, :until, :spent)
"""
FIND_CODE = "SELECT * FROM codes WHERE key = :key"
SPEND_CODE = """
    UPDATE codes SET spent = 1 WHERE key = :key AND spent = 0 AND until > :now RETURNING key
"""
CROWD_CODES = """
    DELETE FROM codes WHERE key IN (
        SELECT key FROM codes WHERE account = :account
         ORDER BY until DESC LIMIT 1000000000 OFFSET :most + 0)
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
         ORDER BY made_at DESC LIMIT 1000000000 OFFSET :most + 0)
"""
CROWD_ACCESS_OF_CLIENT = """
    DELETE FROM tokens WHERE key IN (
        SELECT key FROM tokens WHERE client = :client AND account IS NULL
         ORDER BY made_at DESC LIMIT 1000000000 OFFSET :most + 0)
"""
FORGET_ACCESS = "DELETE FROM tokens WHERE until <= :now"

# --- tries of a name ----------------------------------------------------------------------------

RESERVE = """
    -- One statement looks and takes, so that no two tries are given the same place: it holds the
    -- row of the name from before it looks until its transaction ends. A secret that is new begins
    -- at 0. Of a clock that was ahead, nobody waits longer than the rule says.
    INSERT INTO tries VALUES (:bucket, :account, :mark, 0, 1, :free, 0, :now)
        ON CONFLICT (bucket) DO UPDATE SET
            account = excluded.account,
            wrong = CASE WHEN tries.mark = excluded.mark
                AND (tries.wrong < :end OR :now < tries.at + :shut) THEN tries.wrong ELSE 0 END,
            room = CASE WHEN tries.mark = excluded.mark
                AND (tries.wrong < :end OR :now < tries.at + :shut) THEN tries.room ELSE :free END,
            wait = CASE WHEN tries.mark = excluded.mark
                AND (tries.wrong < :end OR :now < tries.at + :shut) THEN tries.wait ELSE 0 END,
            pending = CASE WHEN tries.mark = excluded.mark THEN tries.pending + 1 ELSE 1 END,
            mark = excluded.mark
      WHERE tries.mark <> excluded.mark
         OR (CASE WHEN tries.wrong >= :end THEN :now >= tries.at + :shut
                  ELSE tries.wait = 0 OR :now >= tries.at + tries.wait
                       OR :now < tries.at - :ahead END
             AND tries.pending < tries.room)
  RETURNING wrong
"""
ADD_TICKET = """
    INSERT INTO reserved VALUES (:key, :portal, :bucket, :account, :mark, :net, :known)
"""
TAKE_TICKET = """
    -- A try gets one verdict, however often it is told.
    DELETE FROM reserved WHERE key = :key RETURNING key
"""
LOOK = "SELECT wrong, wait, at FROM tries WHERE bucket = :bucket"
COUNT_WRONG = """
    UPDATE tries SET wrong = wrong + 1, at = :now,
           pending = CASE WHEN pending > 0 THEN pending - 1 ELSE 0 END
     WHERE bucket = :bucket AND mark = :mark
 RETURNING wrong
"""
SET_WAIT = "UPDATE tries SET room = :room, wait = :wait WHERE bucket = :bucket AND mark = :mark"
GIVE_BACK = """
    UPDATE tries SET pending = CASE WHEN pending > 0 THEN pending - 1 ELSE 0 END
     WHERE bucket = :bucket AND mark = :mark
"""
BEGIN_AGAIN = """
    UPDATE tries SET wrong = 0, room = :free, wait = 0,
           pending = CASE WHEN pending > :taken THEN pending - :taken ELSE 0 END
     WHERE bucket = :bucket AND mark = :mark
"""
UNJUDGED = """
    -- Of portals that are there no more; a file has one portal at a time.
    DELETE FROM reserved WHERE portal <> :portal RETURNING bucket, mark, net, known
"""
FORGET_TRIES = """
    DELETE FROM tries WHERE pending = 0
       AND (wrong = 0 OR (account IS NULL AND at < :before))
"""
FORGET_TRIES_OF_BROWSERS = """
    -- Of the name's own bucket there is a total, of a browser's there is none.
    DELETE FROM tries WHERE bucket IN (
        SELECT bucket FROM tries WHERE account = :account AND pending = 0
           AND NOT EXISTS (SELECT 1 FROM totals WHERE name = bucket)
         ORDER BY at DESC LIMIT 1000000000 OFFSET :most + 0)
"""
FORGET_TRIES_OF_NOBODY = """
    DELETE FROM tries WHERE bucket IN (
        SELECT bucket FROM tries WHERE account IS NULL ORDER BY wrong DESC, at DESC
         LIMIT 1000000000 OFFSET :most + 0)
"""
COUNT_TOTAL = """
    INSERT INTO totals VALUES (:name, :account, 1, 0)
        ON CONFLICT (name) DO UPDATE SET wrong = totals.wrong + 1, account = excluded.account
"""
FIND_TOTAL = "SELECT wrong, at_log_in FROM totals WHERE name = :name"
SET_LOG_IN = """
    INSERT INTO totals VALUES (:name, :account, 0, 0)
        ON CONFLICT (name) DO UPDATE SET at_log_in = totals.wrong, account = excluded.account
"""
FORGET_TOTALS = """
    DELETE FROM totals WHERE name IN (
        SELECT name FROM totals WHERE account IS NULL LIMIT 1000000000 OFFSET :most + 0)
"""

# --- failures of an address ---------------------------------------------------------------------

FIND_ADDRESS = """
    SELECT began, failures, names, pending, blocked_until FROM addresses WHERE net = :net
"""
SET_ADDRESS = """
    INSERT INTO addresses VALUES (:net, :began, :failures, :names, :pending, :blocked_until)
        ON CONFLICT (net) DO UPDATE SET began = excluded.began, failures = excluded.failures,
            names = excluded.names, pending = excluded.pending,
            blocked_until = excluded.blocked_until
"""
HAS_NAME = "SELECT 1 FROM address_names WHERE net = :net AND name = :name"
ADD_NAME = "INSERT INTO address_names VALUES (:net, :name) ON CONFLICT DO NOTHING"
FORGET_NAMES = "DELETE FROM address_names WHERE net = :net"
COUNT_UNJUDGED = """
    UPDATE addresses SET failures = failures + 1,
           pending = CASE WHEN pending > 0 THEN pending - 1 ELSE 0 END
     WHERE net = :net
"""
FORGET_ADDRESSES = """
    DELETE FROM addresses WHERE pending = 0 AND blocked_until <= :now
       AND (began < :before OR net IN (
            SELECT net FROM addresses ORDER BY began DESC LIMIT 1000000000 OFFSET :most + 0))
 RETURNING net
"""

# --- changes by programs ------------------------------------------------------------------------

MAKE_PROMISE = """
    -- One that was kept meanwhile, by another portal, stays.
    INSERT INTO promises VALUES (:key, :body, :account, :mark, 0, :at)
        ON CONFLICT (key) DO UPDATE SET body = excluded.body, account = excluded.account,
            mark = excluded.mark, kept = 0, at = excluded.at
      WHERE promises.kept = 0 OR promises.at <= :after
"""
KEEP_PROMISE = "UPDATE promises SET kept = 1 WHERE key = :key"
FIND_PROMISE = """
    SELECT key, body, account, mark, at, kept FROM promises WHERE key = :key AND at > :after
"""
FORGET_PROMISES = "DELETE FROM promises WHERE at <= :before"
