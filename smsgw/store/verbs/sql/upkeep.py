"""Audit, links, facts, retention."""

# --- audit and guesses -----------------------------------------------------------------------

ADD_AUDIT = """
    INSERT INTO audit (at, who, command, account, detail, account_id)
    VALUES (:at, :who, :command, :account, :detail, :account_id)
 RETURNING id
"""

AMEND_AUDIT = "UPDATE audit SET detail = :detail WHERE id = :id"

LIST_AUDIT = """
    -- A page of it, from behind the last line of the one before.
    SELECT id, at, who, command, account, detail FROM audit
     WHERE (at, id) > (:at, :id) ORDER BY at, id LIMIT :limit + 0
"""

LIST_AUDIT_OF = """
    SELECT id, at, who, command, account, detail FROM audit
     WHERE who = :who AND (at, id) > (:at, :id) ORDER BY at, id LIMIT :limit + 0
"""

PURGE_AUDIT = """
    DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < :before LIMIT :limit + 0)
"""

# --- links and facts -------------------------------------------------------------------------

LIST_LINKS = """
    SELECT name, state, since, reason, mo, mt, oddities, next_try FROM links ORDER BY name
"""

SET_LINK = """
    -- One that is down tries again and again: since when it is down, not since the last try.
    INSERT INTO links (name, state, since, reason, next_try)
    VALUES (:name, :state, :now, :reason, :next_try)
        ON CONFLICT (name) DO UPDATE
       SET since = CASE WHEN links.state = excluded.state
                          OR (links.state IN ('connecting', 'waiting')
                              AND excluded.state IN ('connecting', 'waiting'))
                        THEN links.since ELSE excluded.since END,
           state = excluded.state, reason = excluded.reason, next_try = excluded.next_try
"""

FORGET_LINK = "DELETE FROM links WHERE name = :name"

SET_ODDITIES = "UPDATE links SET oddities = :oddities WHERE name = :name"

COUNT_ON_LINK = "UPDATE links SET mo = mo + ?, mt = mt + ? WHERE name = ?"

LIST_STOPPED = "SELECT link, at, who, reason FROM stopped ORDER BY link"

STOP_LINK = """
    -- Who stopped it first is the one to ask.
    INSERT INTO stopped (link, at, who, reason) VALUES (:link, :at, :who, :reason)
        ON CONFLICT (link) DO NOTHING
"""

START_LINK = "DELETE FROM stopped WHERE link = :link"

LIST_CARRIERS = "SELECT link, carrier FROM carriers ORDER BY link"

SET_CARRIER = """
    INSERT INTO carriers (link, carrier) VALUES (?, ?)
        ON CONFLICT (link) DO UPDATE SET carrier = excluded.carrier
"""

GET_FACT = "SELECT value FROM facts WHERE name = :name"

SET_FACT = """
    INSERT INTO facts (name, value) VALUES (:name, :value)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""

FORGET_FACT = "DELETE FROM facts WHERE name = :name"

# --- retention -------------------------------------------------------------------------------

PURGE_OUTBOX = """
    -- What waits to be sent is not the past, however old.
    DELETE FROM outbox
     WHERE id IN (SELECT id FROM outbox
                   WHERE id < :end AND created_at < :before AND state <> 'queued' LIMIT :limit + 0)
 RETURNING subscriber_id
"""

PURGE_SENT = """
    DELETE FROM sent
     WHERE id IN (SELECT id FROM sent WHERE id < :end AND created_at < :before LIMIT :limit + 0)
 RETURNING subscriber_id
"""

PURGE_SURPLUS = """
    DELETE FROM surplus
     WHERE (hour, subscriber_id) IN (SELECT hour, subscriber_id FROM surplus
                                      WHERE hour < :hour LIMIT :limit + 0)
 RETURNING subscriber_id
"""

PURGE_HOURS = "DELETE FROM hours WHERE hour < :hour"

PURGE_HISTORY = """
    DELETE FROM history
     WHERE account_id IN (SELECT id FROM accounts
                           WHERE state = 'closed' AND closed_at < :before
                           LIMIT :limit + 0)
"""

PURGE_GUESSES = """
    DELETE FROM guesses
     WHERE account_id IN (SELECT id FROM accounts
                           WHERE state = 'closed' AND closed_at < :before
                           LIMIT :limit + 0)
"""

PURGE_ACCOUNTS = """
    DELETE FROM accounts
     WHERE id IN (SELECT id FROM accounts
                   WHERE state = 'closed' AND closed_at < :before
                   LIMIT :limit + 0)
 RETURNING subscriber_id
"""

FIRST_ID_AFTER = """
    -- All messages of that hour have a lower id.
    SELECT first_id FROM hours WHERE hour > :hour ORDER BY hour LIMIT 1
"""

_NOTHING_LEFT = """
       AND NOT EXISTS (SELECT 1 FROM mo WHERE subscriber_id = subscribers.id)
       AND NOT EXISTS (SELECT 1 FROM outbox
                        WHERE subscriber_id = subscribers.id AND mo_id IS NULL)
       AND NOT EXISTS (SELECT 1 FROM sent
                        WHERE subscriber_id = subscribers.id AND mo_id IS NULL)
       AND NOT EXISTS (SELECT 1 FROM parts WHERE subscriber_id = subscribers.id)
       AND NOT EXISTS (SELECT 1 FROM surplus WHERE subscriber_id = subscribers.id)
       AND NOT EXISTS (SELECT 1 FROM accounts
                        WHERE subscriber_id = subscribers.id AND state <> 'closed')
       AND NOT EXISTS (SELECT 1 FROM accounts
                        WHERE subscriber_id = subscribers.id AND state = 'closed')
"""
