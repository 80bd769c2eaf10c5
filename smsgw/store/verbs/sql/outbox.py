"""What waits to be sent, and what is sealed in it."""

# --- the outbox ------------------------------------------------------------------------------

CLAIM = """
    -- The oldest due replies (or reminders) of one link, with all that their text is made of.
    SELECT o.id, coalesce(o.retried, o.created_at), o.address, o.ton, o.npi, o.sealed, w.text,
           a.cmnd, CASE WHEN a.password_mt_id = o.id THEN a.password_expires_at END
      FROM outbox AS o
      JOIN wordings AS w ON w.id = o.wording_id
      LEFT JOIN accounts AS a ON a.id = o.account_id
     WHERE o.state = 'queued' AND o.leased = 0 AND o.link = :link AND o.reminder = :reminder
       AND o.due_at <= :now
     ORDER BY o.due_at, o.id LIMIT :room + 0
"""

DUE_TIMES = """
    -- The first and the last: one too far ahead was noted by a clock that was wrong.
    SELECT min(due_at), max(due_at) FROM outbox
     WHERE state = 'queued' AND leased = 0 AND link = :link AND reminder = :reminder
       AND due_at < :held
"""

SET_BACK_DUE = """
    UPDATE outbox SET due_at = :now
     WHERE id IN (SELECT id FROM outbox
                   WHERE state = 'queued' AND leased = 0 AND link = :link AND reminder = :reminder
                     AND due_at > :latest AND due_at < :held
                   LIMIT :limit + 0)
"""

END_ALL_LEASES = """
    -- The daemon that held them is dead: its successor has the lock. What waits after a refusal
    -- falls due as well, which does no harm, and so does what is held: the link binds anew.
    UPDATE outbox SET leased = 0, due_at = :now WHERE id > 0 AND state = 'queued'
"""

RELEASE_HELD = """
    -- One more unanswered try, and they are held again.
    UPDATE outbox SET due_at = :now
     WHERE id IN (SELECT id FROM outbox
                   WHERE state = 'queued' AND leased = 0 AND link = :link AND reminder IN (0, 1)
                     AND due_at >= :held
                   LIMIT :limit + 0)
"""

GIVE_UP_OLD = """
    -- Also what nobody claims: it is held, or its link is down.
    UPDATE outbox SET state = 'failed', ended_at = :now,
                      reason = 'given up after 24 hours' || coalesce('; last: ' || reason, '')
     WHERE id IN (SELECT id FROM outbox
                   WHERE id > 0 AND state = 'queued' AND leased = 0
                     AND coalesce(retried, created_at) <= :before
                   LIMIT :limit + 0)
 RETURNING id, link
"""

LINKS_IN_OUTBOX = """
    -- Those for which something waits; a step through the index for each, however much it is.
    WITH RECURSIVE k (link) AS (
        SELECT min(link) FROM outbox WHERE state = 'queued' AND leased = 0
         UNION ALL
        SELECT (SELECT min(link) FROM outbox
                 WHERE state = 'queued' AND leased = 0 AND link > k.link)
          FROM k WHERE k.link IS NOT NULL)
    SELECT link FROM k WHERE link IS NOT NULL
"""

COUNT_BY_LINK = """
    -- What waits for each link; reads all of it, which a command may do.
    SELECT link, count(*) FROM outbox WHERE state = 'queued' AND leased = 0 GROUP BY link
"""

POSTPONE = """
    UPDATE outbox SET leased = 0, due_at = ?, tries = ?, unanswered = ?, reason = ?
     WHERE id = ? AND state = 'queued'
"""

FAIL = """
    UPDATE outbox SET state = 'failed', reason = :reason, ended_at = :now
     WHERE id = :id AND state = 'queued'
"""

GIVE_UP = """
    UPDATE outbox SET state = 'failed',
                      reason = 'given up after 24 hours' || coalesce('; last: ' || reason, ''),
                      ended_at = ?
     WHERE id = ? AND state = 'queued'
"""

CANCEL = """
    UPDATE outbox SET state = 'cancelled', reason = :reason, ended_at = coalesce(ended_at, :now)
     WHERE id = :id AND state IN ('queued', 'failed')
"""

SEALED_AFTER = """
    -- A piece of the outbox, in the order of ids; not only what is sealed, as a step has its bound
    -- whatever stands there.
    SELECT id, sealed, state, ended_at FROM outbox WHERE id > :after ORDER BY id LIMIT :limit + 0
"""

RESEAL = "UPDATE outbox SET sealed = ? WHERE id = ?"

HAS_ENDED = "UPDATE outbox SET ended_at = ? WHERE id = ?"

WIPE = "UPDATE outbox SET sealed = NULL WHERE id = ?"

RETRY = """
    -- One that a link has in memory is on its way already, and keeps its lease: it would leave
    -- twice.
    UPDATE outbox
       SET state = 'queued', tries = 0, unanswered = 0, reason = NULL, retried = :now,
           ended_at = NULL,
           leased = CASE WHEN state = 'queued' THEN leased ELSE 0 END,
           due_at = CASE WHEN state = 'queued' AND leased = 1 THEN due_at ELSE :now END
     WHERE id = :id
"""

FIND_REPLY = """
    SELECT o.state, o.account_id, a.password_mt_id, a.state, o.sealed IS NULL, o.ended_at,
           o.leased
      FROM outbox AS o LEFT JOIN accounts AS a ON a.id = o.account_id
     WHERE o.id = :id
"""

ADD_DATA_KEY = "INSERT INTO data_keys (id, use, made, sealed) VALUES (?, ?, ?, ?)"

FIND_REFUSED = """
    -- Whose password a text carries that was refused; one that the hotline tried again was counted
    -- the first time.
    SELECT a.id, a.undelivered FROM outbox AS o JOIN accounts AS a ON a.id = o.account_id
     WHERE o.id = :id AND o.counted = 0
"""

COUNT_REFUSED = "UPDATE outbox SET counted = 1 WHERE id = ?"
