"""What a batch asks of the store, and what it adds."""
# ruff: noqa: S105  (a statement named after passwords)

FIND_RECENT = """
    -- The newest texts of one sender, by quarter of an hour; whether each was answered.
    SELECT created_at, outcome NOT IN ('retransmission', 'ignored')
      FROM mo WHERE subscriber_id = :subscriber AND fingerprint >= :first
     ORDER BY fingerprint DESC LIMIT :most + 0
"""

COUNT_ANSWERS = """
    -- Of everybody, by second: read once a start, and only where there is a limit.
    SELECT created_at / 1000000, count(*)
      FROM mo
     WHERE id >= :first AND created_at > :since AND outcome NOT IN ('retransmission', 'ignored')
     GROUP BY 1 ORDER BY 1
"""

FIND_NOTE = """
    -- Whether the account's history says just this already.
    SELECT 1 FROM history
     WHERE account_id = :account AND event = :event AND reason = :reason AND at > :since
"""

COUNT_RESETS = """
    SELECT count(*) FROM history WHERE account_id = :account AND event = 'reset' AND at > :since
"""

# --- a batch goes in -------------------------------------------------------------------------

ADD_SURPLUS = """
    INSERT INTO surplus (hour, subscriber_id, number, last_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (hour, subscriber_id) DO UPDATE
       SET number = surplus.number + excluded.number, last_at = excluded.last_at
"""

ADD_HISTORY = """
    INSERT INTO history (account_id, number, at, event, old_state, new_state, actor, reason)
    VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM history WHERE account_id = ?),
            ?, ?, ?, ?, ?, ?)
"""

ADD_HOUR = """
    INSERT INTO hours (hour, first_id) VALUES (:hour, :first_id) ON CONFLICT (hour) DO NOTHING
"""

FIND_WORDING = "SELECT id FROM wordings WHERE reply = :reply AND text = :text"

LIST_WORDINGS = """
    -- The latest ones: what citizens may still forward.
    SELECT text FROM wordings WHERE id > 0 ORDER BY id DESC LIMIT 50
"""

ADD_WORDING = "INSERT INTO wordings (reply, text) VALUES (:reply, :text)"

ISSUE_PASSWORD = """
    -- One that somebody asked for begins anew with the reminders, and with the texts that reached
    -- nobody.
    UPDATE accounts
       SET state = ?1, password_hash = ?2, password_mt_id = ?3, password_issued_at = ?4,
           password_expires_at = ?5, reminders = ?6,
           undelivered = CASE CAST(?6 AS BIGINT) WHEN 0 THEN 0 ELSE undelivered END
     WHERE id = ?7
"""

SUPERSEDE = """
    -- The password that it tells is no more: nobody may read it any longer, nor send it again.
    UPDATE outbox SET sealed = NULL,
                      reason = CASE WHEN state = 'cancelled' THEN reason ELSE ?2 END,
                      state = 'cancelled', ended_at = coalesce(ended_at, ?3)
     WHERE id = ?1
"""

SET_OWN_PASSWORD = """
    UPDATE accounts
       SET state = ?1, password_hash = ?2, password_mt_id = NULL, password_expires_at = NULL
     WHERE id = ?3
"""

END_PASSWORD = """
    -- After the last reminder, or where no text arrives. Nothing replaces it, and nothing lapses
    -- any more.
    UPDATE accounts
       SET state = ?1, password_hash = NULL, password_mt_id = NULL, password_expires_at = NULL
     WHERE id = ?2
"""

KEEP_PASSWORD = "UPDATE accounts SET state = ?1 WHERE id = ?2"

CLOSE_ACCOUNT = """
    UPDATE accounts
       SET state = ?1, password_hash = NULL, password_mt_id = NULL,
           password_expires_at = NULL, closed_at = ?2
     WHERE id = ?3
"""
