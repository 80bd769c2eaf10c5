"""What programs with a copy are told of accounts."""

ADD_SUBJECT = """
    INSERT INTO subjects (sub, account_id, updated_at) VALUES (?, ?, ?)
        ON CONFLICT (account_id) DO NOTHING
"""

ACTIVATE = """
    -- Before it is told, so that it is told of; who was active before keeps the number.
    UPDATE subjects SET active_number = (SELECT coalesce(max(active_number), 0) + 1 FROM subjects)
     WHERE account_id = :account AND active_number IS NULL
"""

TELL = """
    INSERT INTO feed (id, at, sub, type)
    SELECT max((SELECT coalesce(max(id), 0) FROM feed),
               (SELECT purged FROM feed_start WHERE id = 1)) + 1,
           :at, sub, :type
      FROM subjects WHERE account_id = :account AND active_number IS NOT NULL
"""

TOUCH_SUBJECT = "UPDATE subjects SET updated_at = :at WHERE account_id = :account"
