"""Accounts, passwords guessed at, CMND kept for somebody."""
# ruff: noqa: S608  (statements named after passwords; parts joined are constants of this file)

# --- accounts --------------------------------------------------------------------------------

_ACCOUNT = """
    SELECT a.id, a.cmnd, s.phone, a.full_name, a.birth_date, a.state, a.link, a.registered_at,
           a.password_issued_at, a.password_expires_at, a.reminders, a.password_hash,
           a.password_mt_id, a.subscriber_id, a.address, a.ton, a.npi
"""

DUE_ACCOUNTS = (
    _ACCOUNT
    + """
      FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.state = 'issued' AND a.password_expires_at IS NOT NULL
       AND a.password_expires_at <= :now
     ORDER BY a.password_expires_at LIMIT :limit + 0
"""
)

LAST_EXPIRY = """
    SELECT max(password_expires_at) FROM accounts
     WHERE state = 'issued' AND password_expires_at IS NOT NULL
"""

SET_BACK_EXPIRY = """
    UPDATE accounts SET password_expires_at = :expires
     WHERE id IN (SELECT id FROM accounts
                   WHERE state = 'issued' AND password_expires_at IS NOT NULL
                     AND password_expires_at > :latest
                   LIMIT :limit + 0)
"""

ACCOUNT_BY_ID = (
    _ACCOUNT
    + """
      FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id WHERE a.id = :id
"""
)

ACCOUNTS_BY_CMND = (
    # Two halves, as each has its own partial index; the open account stands first.
    "SELECT * FROM ("
    + _ACCOUNT
    + """
      FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.cmnd = :cmnd AND a.state <> 'closed') AS open
     UNION ALL SELECT * FROM ("""
    + _ACCOUNT
    + """
      FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.cmnd = :cmnd AND a.state = 'closed' ORDER BY a.id DESC) AS closed
"""
)

ACCOUNTS_BY_PHONE = (
    "SELECT * FROM ("
    + _ACCOUNT
    + """
      FROM subscribers AS s JOIN accounts AS a ON a.subscriber_id = s.id
     WHERE s.phone = :phone AND a.state <> 'closed') AS open
     UNION ALL SELECT * FROM ("""
    + _ACCOUNT
    + """
      FROM subscribers AS s JOIN accounts AS a ON a.subscriber_id = s.id
     WHERE s.phone = :phone AND a.state = 'closed' ORDER BY a.id DESC) AS closed
"""
)

SET_UNDELIVERED = "UPDATE accounts SET undelivered = ? WHERE id = ?"

ANY_RESERVATION = "SELECT 1 FROM reservations WHERE ends_at > :now LIMIT 1"

FIND_RESERVATION = """
    SELECT phone, ends_at FROM reservations WHERE cmnd = :cmnd AND ends_at > :now
"""

RESERVE = """
    INSERT INTO reservations (cmnd, phone, ends_at) VALUES (:cmnd, :phone, :ends)
        ON CONFLICT (cmnd) DO UPDATE SET phone = excluded.phone, ends_at = excluded.ends_at
"""

END_RESERVATION = "DELETE FROM reservations WHERE cmnd = :cmnd"

PURGE_RESERVATIONS = "DELETE FROM reservations WHERE ends_at <= :now"

GET_GUESSES = "SELECT password, wrong, at FROM guesses WHERE account_id = :account"

SET_GUESSES = """
    INSERT INTO guesses (account_id, password, wrong, at)
    VALUES (:account, :password, :wrong, :at)
        ON CONFLICT (account_id) DO UPDATE
       SET password = excluded.password, wrong = excluded.wrong, at = excluded.at
"""

FORGET_GUESSES = "DELETE FROM guesses WHERE account_id = :account"
