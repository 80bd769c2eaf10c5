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
     ORDER BY o.due_at, o.id LIMIT :room
"""

LEASE = """
    -- A link has it in memory, until the SMSC answers or the lease ends.
    UPDATE outbox SET leased = 1, due_at = k.due_at, tries = tries + 1
      FROM unnest(?::bigint[], ?::bigint[]) AS k (due_at, id) WHERE outbox.id = k.id
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
                   LIMIT :limit)
"""

BEGIN_DAY = """
    UPDATE outbox SET retried = k.at
      FROM unnest(?::bigint[], ?::bigint[]) AS k (at, id) WHERE outbox.id = k.id
"""

END_ALL_LEASES = """
    -- The daemon that held them is dead: its successor has the lock. What waits after a refusal
    -- falls due as well, which does no harm, and so does what is held: the link binds anew.
    UPDATE outbox SET leased = 0, due_at = :now WHERE id > 0 AND state = 'queued'
"""

END_LEASES = """
    -- No answer, and no word from the link: whatever went wrong, nobody has to clean up. A lease
    -- that ends later than any can was noted by a clock that was wrong: it ends as a new one does.
    UPDATE outbox SET leased = (due_at > :now)::int, due_at = least(due_at, :ends)
     WHERE id > 0 AND state = 'queued' AND leased = 1 AND (due_at <= :now OR due_at > :latest)
 RETURNING link, leased
"""

RELEASE_HELD = """
    -- One more unanswered try, and they are held again.
    UPDATE outbox SET due_at = :now
     WHERE id IN (SELECT id FROM outbox
                   WHERE state = 'queued' AND leased = 0 AND link = :link AND reminder IN (0, 1)
                     AND due_at >= :held
                   LIMIT :limit)
"""

GIVE_UP_OLD = """
    -- Also what nobody claims: it is held, or its link is down.
    UPDATE outbox SET state = 'failed', ended_at = :now,
                      reason = 'given up after 24 hours' || coalesce('; last: ' || reason, '')
     WHERE id IN (SELECT id FROM outbox
                   WHERE id > 0 AND state = 'queued' AND leased = 0
                     AND coalesce(retried, created_at) <= :before
                   LIMIT :limit)
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

MOVE_TO_LINK = """
    -- Another link of the carrier takes over, and at once: what it waits for may be the fault of
    -- the link that cannot send. What is held stays, as the SMSC may have it.
    UPDATE outbox SET link = :link, due_at = least(due_at, :now)
     WHERE id IN (SELECT id FROM outbox
                   WHERE state = 'queued' AND leased = 0 AND link = :gone AND reminder IN (0, 1)
                     AND due_at < :held
                   LIMIT :limit)
"""

ADD_SENT = """
    -- From the outbox, but for the sealed password. An answer may come twice when it came late:
    -- the second finds nothing there.
    INSERT INTO sent (id, created_at, subscriber_id, link, wording_id, mo_id, account_id, smsc_id,
                      taken_at)
    SELECT o.id, o.created_at, o.subscriber_id, o.link, o.wording_id, o.mo_id, o.account_id,
           k.smsc_id, k.taken_at
      FROM unnest(?::bigint[], ?::text[], ?::bigint[]) AS k (id, smsc_id, taken_at)
      JOIN outbox AS o ON o.id = k.id
        ON CONFLICT (id) DO NOTHING
"""

TAKE_OUT = """
    DELETE FROM outbox USING unnest(?::bigint[]) AS k (id) WHERE outbox.id = k.id
"""

FIND_TRIES = """
    SELECT o.id, o.tries, o.unanswered
      FROM unnest(:ids::bigint[]) AS k (id) JOIN outbox AS o ON o.id = k.id
     WHERE o.state = 'queued'
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
    SELECT id, sealed, state, ended_at FROM outbox WHERE id > :after ORDER BY id LIMIT :limit
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

LIST_DATA_KEYS = "SELECT id, use, made, sealed FROM data_keys ORDER BY id"

ADD_DATA_KEY = "INSERT INTO data_keys (id, use, made, sealed) VALUES (?, ?, ?, ?)"

FORGET_DATA_KEYS = "DELETE FROM data_keys"

FIND_REFUSED = """
    -- Whose password a text carries that was refused; one that the hotline tried again was counted
    -- the first time.
    SELECT a.id, a.undelivered FROM outbox AS o JOIN accounts AS a ON a.id = o.account_id
     WHERE o.id = :id AND o.retried IS NULL
"""
