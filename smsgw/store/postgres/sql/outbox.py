"""What waits to be sent, and what is sealed in it."""

LEASE = """
    -- A link has it in memory, until the SMSC answers or the lease ends.
    UPDATE outbox SET leased = 1, due_at = k.due_at, tries = tries + 1
      FROM unnest(?::bigint[], ?::bigint[]) AS k (due_at, id) WHERE outbox.id = k.id
"""

BEGIN_DAY = """
    UPDATE outbox SET retried = k.at
      FROM unnest(?::bigint[], ?::bigint[]) AS k (at, id) WHERE outbox.id = k.id
"""

END_LEASES = """
    -- No answer, and no word from the link: whatever went wrong, nobody has to clean up. A lease
    -- that ends later than any can was noted by a clock that was wrong: it ends as a new one does.
    UPDATE outbox SET leased = (due_at > :now)::int, due_at = least(due_at, :ends)
     WHERE id > 0 AND state = 'queued' AND leased = 1 AND (due_at <= :now OR due_at > :latest)
 RETURNING link, leased
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

LIST_DATA_KEYS = "SELECT id, use, made, sealed FROM data_keys ORDER BY id"

FORGET_DATA_KEYS = "DELETE FROM data_keys"
