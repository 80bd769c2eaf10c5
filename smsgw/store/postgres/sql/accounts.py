"""Accounts, passwords guessed at, CMND kept for somebody."""

from smsgw.store.verbs.sql.accounts import _ACCOUNT

COUNT_DUE_ACCOUNTS = """
    SELECT count(*)
      FROM (SELECT 1 FROM accounts
             WHERE state = 'issued' AND password_expires_at IS NOT NULL
               AND password_expires_at <= :now
             LIMIT CASE WHEN :limit >= 0 THEN :limit END) AS due
"""

_LISTED = """
       AND (:state::text IS NULL OR a.state = :state)
       AND (:name::text IS NULL OR strpos(lower(a.full_name), :name) > 0)
"""

_LIST_BY_ID = (
    # Some of the accounts by id, the order in which they registered: a filter that few pass must
    # not make one statement read the whole table.
    _ACCOUNT
    + """
      FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.id > :after AND a.id <= :end
       AND (:before::bigint IS NULL OR a.state = 'issued' AND a.password_expires_at <= :before)
"""
    + _LISTED
)

LIST_OLDEST = _LIST_BY_ID + " ORDER BY a.id LIMIT :limit"

LIST_NEWEST = _LIST_BY_ID + " ORDER BY a.id DESC LIMIT :limit"

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
     ORDER BY a.password_expires_at, a.id LIMIT :limit
"""
)

ISSUED_SINCE = """
    -- Some of the accounts by id; the whole table is what was asked for, in steps.
    SELECT a.id FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.id > :after AND a.id <= :end AND a.state = 'issued' AND a.registered_at >= :since
       AND (:link::text IS NULL OR a.link = :link) AND starts_with(s.phone, :prefix)
     ORDER BY a.id
"""

ACCOUNTS_BY_IDS = (
    _ACCOUNT
    + """
      FROM unnest(:ids::bigint[]) AS k (id)
      JOIN accounts AS a ON a.id = k.id
      JOIN subscribers AS s ON s.id = a.subscriber_id
     ORDER BY a.id
"""
)

LAST_CLOSED = """
    -- Which of these accounts was closed last.
    SELECT a.id FROM unnest(:accounts::bigint[]) AS k (id) JOIN accounts AS a ON a.id = k.id
     ORDER BY a.closed_at DESC, a.id DESC LIMIT 1
"""
