"""What programs with a copy are told of accounts."""

TELL = """
    INSERT INTO feed (id, at, sub, type)
    SELECT max((SELECT coalesce(max(id), 0) FROM feed),
               (SELECT purged FROM feed_start WHERE id = 1)) + 1,
           :at, sub, :type
      FROM subjects WHERE account_id = :account AND active_number IS NOT NULL
"""
