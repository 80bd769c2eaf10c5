"""What PostgreSQL says in other words than the file, and what it alone is asked."""
# ruff: noqa: S608  (texts of our own)

from smsgw.portal.short import sql

# --- the session -----------------------------------------------------------------------------

#: Of `pg_advisory_lock (space, number)`: the sessions of portals, by their numbers.
_PORTALS = 1936549738

BE_THERE = f"""
    -- As long as this session or the next one of this portal is there, its tries are its own.
    -- Shared, so that the next one need not wait for the server to notice that this one is gone.
    SELECT pg_advisory_lock_shared({_PORTALS}, :portal::int)
"""

BEGIN_TRIES = """
    -- After a crash, and on a standby that took over, tables that are not logged are empty: names
    -- without free tries go on where they were. One of several portals does it, the others wait.
    WITH begun AS (
        INSERT INTO tries_begun VALUES (1) ON CONFLICT (id) DO NOTHING RETURNING id)
    INSERT INTO tries
    SELECT k.bucket, k.account, k.mark, k.wrong, 0, k.room, k.wait, k.at
      FROM kept_tries AS k CROSS JOIN begun
        ON CONFLICT (bucket) DO NOTHING
 RETURNING bucket
"""

CLOCK = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

# --- instead of the common words -----------------------------------------------------------------

_FIND_ADDRESS = """
    -- Nobody else may look at it before this one has written: the row is held, and is made so that
    -- it can be. One without failures counts as none.
    INSERT INTO addresses VALUES (:net, :now, 0, 0, 0, 0)
        ON CONFLICT (net) DO UPDATE SET net = excluded.net
 RETURNING began, failures, names, pending, blocked_until
"""

_UNJUDGED = f"""
    -- Of portals whose session holds its number no more.
    DELETE FROM reserved WHERE portal IN (
        SELECT portal FROM (SELECT DISTINCT portal FROM reserved WHERE portal <> :portal) AS others
         WHERE pg_try_advisory_xact_lock({_PORTALS}, portal::int))
 RETURNING bucket, mark, net, known
"""

_SET_WAIT = """
    -- Where free tries are used up, the count outlasts a crash.
    WITH waits AS (
        UPDATE tries SET room = :room, wait = :wait WHERE bucket = :bucket AND mark = :mark
     RETURNING bucket, account, mark, wrong, room, wait, at)
    INSERT INTO kept_tries
    SELECT bucket, account, mark, wrong, room, wait, at FROM waits WHERE wait > 0
        ON CONFLICT (bucket) DO UPDATE SET account = excluded.account, mark = excluded.mark,
            wrong = excluded.wrong, room = excluded.room, wait = excluded.wait, at = excluded.at
"""

_BEGIN_AGAIN = f"""
    WITH kept AS (DELETE FROM kept_tries WHERE bucket = :bucket AND mark = :mark)
    {sql.BEGIN_AGAIN}
"""

_FORGET_TRIES = f"""
    -- And of what outlasts a crash, what was forgotten before this, or is of a former secret.
    WITH forgotten AS ({sql.FORGET_TRIES})
    DELETE FROM kept_tries AS k
     WHERE NOT EXISTS (SELECT 1 FROM tries AS t WHERE t.bucket = k.bucket AND t.mark = k.mark)
"""

_FORGET_TRIES_OF_ACCOUNT = f"""
    WITH kept AS (DELETE FROM kept_tries WHERE account = :account)
    {sql.FORGET_TRIES_OF_ACCOUNT}
"""

_FORGET_ADDRESSES = f"""
    -- With their names, at once: row by row from here, too many would be held for too long.
    WITH gone AS ({sql.FORGET_ADDRESSES})
    DELETE FROM address_names AS n USING gone WHERE n.net = gone.net
"""

INSTEAD = {
    sql.FIND_ADDRESS: _FIND_ADDRESS,
    sql.UNJUDGED: _UNJUDGED,
    sql.SET_WAIT: _SET_WAIT,
    sql.BEGIN_AGAIN: _BEGIN_AGAIN,
    sql.FORGET_TRIES: _FORGET_TRIES,
    sql.FORGET_TRIES_OF_ACCOUNT: _FORGET_TRIES_OF_ACCOUNT,
    sql.FORGET_ADDRESSES: _FORGET_ADDRESSES,
}
