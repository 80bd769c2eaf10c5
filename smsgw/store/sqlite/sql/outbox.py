"""What waits to be sent, and what is sealed in it."""

LEASE = """
    -- A link has it in memory, until the SMSC answers or the lease ends.
    UPDATE outbox SET leased = 1, due_at = ?, tries = tries + 1 WHERE id = ?
"""

BEGIN_DAY = "UPDATE outbox SET retried = ? WHERE id = ?"

END_LEASES = """
    -- No answer, and no word from the link: whatever went wrong, nobody has to clean up. A lease
    -- that ends later than any can was noted by a clock that was wrong: it ends as a new one does.
    UPDATE outbox SET leased = due_at > :now, due_at = min(due_at, :ends)
     WHERE id > 0 AND state = 'queued' AND leased = 1 AND (due_at <= :now OR due_at > :latest)
 RETURNING link, leased
"""

MOVE_TO_LINK = """
    -- Another link of the carrier takes over, and at once: what it waits for may be the fault of
    -- the link that cannot send. What is held stays, as the SMSC may have it.
    UPDATE outbox SET link = :link, due_at = min(due_at, :now)
     WHERE id IN (SELECT id FROM outbox
                   WHERE state = 'queued' AND leased = 0 AND link = :gone AND reminder IN (0, 1)
                     AND due_at < :held
                   LIMIT :limit + 0)
"""

ADD_SENT = """
    -- From the outbox, but for the sealed password. An answer may come twice when it came late:
    -- the second finds nothing there. (OR IGNORE for the same reason as OR FAIL above.)
    INSERT OR IGNORE INTO sent (id, created_at, subscriber_id, link, wording_id, mo_id, account_id,
                                smsc_id, taken_at)
    SELECT o.id, o.created_at, o.subscriber_id, o.link, o.wording_id, o.mo_id, o.account_id,
           k.column2, k.column3
      FROM (VALUES (?, ?, ?)) AS k CROSS JOIN outbox AS o ON o.id = k.column1
"""

TAKE_OUT = "DELETE FROM outbox WHERE id = ?"

FIND_TRIES = """
    SELECT o.id, o.tries, o.unanswered FROM json_each(:ids) AS k JOIN outbox AS o ON o.id = k.value
     WHERE o.state = 'queued'
"""

LIST_DATA_KEYS = "SELECT id, use, made, sealed FROM data_keys WHERE id >= x'' ORDER BY id"

FORGET_DATA_KEYS = "DELETE FROM data_keys WHERE id >= x''"
