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

TOUCH_SUBJECT = "UPDATE subjects SET updated_at = :at WHERE account_id = :account"
