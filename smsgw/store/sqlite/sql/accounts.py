"""Accounts, passwords guessed at, CMND kept for somebody."""

from smsgw.store.verbs.sql.accounts import _ACCOUNT

COUNT_DUE_ACCOUNTS = """
    SELECT count(*)
      FROM (SELECT 1 FROM accounts
             WHERE state = 'issued' AND password_expires_at IS NOT NULL
               AND password_expires_at <= :now
             LIMIT :limit + 0)
"""

_LISTED = """
       AND (:state IS NULL OR a.state = :state)
       AND (:name IS NULL OR instr(lower(a.full_name), :name))
"""

_LIST_BY_ID = (
    # Some of the accounts by id, the order in which they registered: a filter that few pass must
    # not make one statement read the whole table. What CROSS JOIN keeps for the end is looked up
    # for those alone that pass.
    _ACCOUNT
    + """
      FROM accounts AS a CROSS JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.id > :after AND a.id <= :end
       AND (:before IS NULL OR a.state = 'issued' AND a.password_expires_at <= :before)
"""
    + _LISTED
)

LIST_OLDEST = _LIST_BY_ID + " ORDER BY a.id LIMIT :limit + 0"

LIST_NEWEST = _LIST_BY_ID + " ORDER BY a.id DESC LIMIT :limit + 0"

LIST_EXPIRING = (
    _ACCOUNT
    + """
      FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.state = 'issued' AND a.password_expires_at IS NOT NULL
       AND a.password_expires_at <= :before
"""
    + _LISTED
    + """
       AND (a.password_expires_at, a.id) > (:expired, :after)
     ORDER BY a.password_expires_at, a.id LIMIT :limit + 0
"""
)

ISSUED_SINCE = """
    -- Some of the accounts by id; the whole table is what was asked for, in steps.
    SELECT a.id FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.id > :after AND a.id <= :end AND a.state = 'issued' AND a.registered_at >= :since
       AND (:link IS NULL OR a.link = :link) AND substr(s.phone, 1, length(:prefix)) = :prefix
     ORDER BY a.id
"""

ACCOUNTS_BY_IDS = (
    _ACCOUNT
    + """
      FROM json_each(:ids) AS k
      JOIN accounts AS a ON a.id = k.value
      JOIN subscribers AS s ON s.id = a.subscriber_id
     ORDER BY a.id
"""
)

LAST_CLOSED = """
    -- Which of these accounts was closed last.
    SELECT a.id FROM json_each(:accounts) AS k JOIN accounts AS a ON a.id = k.value
     ORDER BY a.closed_at DESC, a.id DESC LIMIT 1
"""
