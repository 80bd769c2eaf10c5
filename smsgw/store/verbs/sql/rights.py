"""What a citizen may ask for: to be told all, to be put right, to be forgotten; who never came."""
# ruff: noqa: S608  (parts joined are constants of this file)

CORRECT_ACCOUNT = """
    UPDATE accounts
       SET full_name = :name, birth_date = :birth_date, link = :link, address = :address,
           ton = :ton, npi = :npi
     WHERE id = :id
"""

NEVER_ACTIVE = """
    -- Of some accounts those whose citizen has never chosen a password.
    SELECT a.id, a.registered_at FROM accounts AS a
     WHERE a.id > :after AND a.id <= :end AND a.state = 'issued'
       AND NOT EXISTS (SELECT 1 FROM history WHERE account_id = a.id AND new_state = 'active')
     ORDER BY a.id
"""

# --- all that is kept of one person ----------------------------------------------------------

ACCOUNT_FACTS = """
    SELECT a.closed_at, a.undelivered, g.wrong, g.at
      FROM accounts AS a LEFT JOIN guesses AS g ON g.account_id = a.id
     WHERE a.id = :id
"""

# Ids of a sender's texts grow with their fingerprints, but for the parts of a quarter of an hour.
_OWN = """
     WHERE m.subscriber_id = :subscriber AND m.created_at >= :begins AND m.created_at < :ends
"""

_OWN_MO = (
    _OWN
    + """
       AND m.fingerprint >= :first AND m.fingerprint <= :last
"""
)

OWN_MO = (
    """
    SELECT m.id, 'mo', s.phone, m.link, m.text, NULL, NULL, m.outcome, m.created_at, i.reason,
           NULL, NULL, NULL, NULL, NULL
      FROM mo AS m JOIN subscribers AS s ON s.id = m.subscriber_id
      LEFT JOIN ignored AS i ON i.mo_id = m.id
"""
    + _OWN_MO
    + " ORDER BY m.id"
)

# A reply has the number after that of its text; what nobody asked for has an index.
_OWN_MT = (
    _OWN
    + """
       AND m.id IN (SELECT id + 1 FROM mo WHERE subscriber_id = :subscriber
                     UNION ALL
                    SELECT id FROM {table} WHERE subscriber_id = :subscriber AND mo_id IS NULL)
     ORDER BY m.id
"""
)

OWN_WAITING = """
    SELECT m.id, 'mt', s.phone, m.link, w.text, a.cmnd, m.state, NULL, m.created_at, m.reason,
           m.mo_id, NULL, NULL, NULL, m.tries
      FROM outbox AS m
      JOIN subscribers AS s ON s.id = m.subscriber_id
      JOIN wordings AS w ON w.id = m.wording_id
      LEFT JOIN accounts AS a ON a.id = m.account_id
""" + _OWN_MT.format(table="outbox")

OWN_SENT = """
    SELECT m.id, 'mt', s.phone, m.link, w.text, a.cmnd, m.state, NULL, m.created_at, m.reason,
           m.mo_id, m.smsc_id, m.taken_at, m.final_at, NULL
      FROM sent AS m
      JOIN subscribers AS s ON s.id = m.subscriber_id
      JOIN wordings AS w ON w.id = m.wording_id
      LEFT JOIN accounts AS a ON a.id = m.account_id
""" + _OWN_MT.format(table="sent")

OWN_PARTS = (
    """
    SELECT m.created_at, m.link, m.number, m.total, m.data_coding, m.octets FROM parts AS m
"""
    + _OWN
    + " ORDER BY m.ref, m.number"
)

OWN_SURPLUS = """
    SELECT last_at, number FROM surplus
     WHERE subscriber_id = :subscriber AND last_at >= :begins AND last_at < :ends ORDER BY hour
"""

OWN_EARLY_RECEIPTS = """
    SELECT created_at, link, smsc_id, state, reason FROM early_receipts
     WHERE created_at >= :begins AND created_at < :ends AND phone = :phone ORDER BY id
"""

OWN_RESERVATIONS = """
    -- By CMND, and by the phone for which another one is kept: these are few.
    SELECT cmnd, phone, ends_at FROM reservations WHERE cmnd = :cmnd
     UNION ALL
    SELECT cmnd, phone, ends_at FROM reservations
     WHERE ends_at > 0 AND phone = :phone AND cmnd <> :cmnd
"""

OWN_AUDIT = """
    SELECT at, who, command, account, detail FROM audit WHERE account_id = :id ORDER BY at, id
"""

# --- one person is forgotten -----------------------------------------------------------------

ERASE_SOME_MO = (
    """
    DELETE FROM mo
     WHERE id IN (SELECT m.id FROM mo AS m
"""
    + _OWN_MO
    + """
                   LIMIT :limit + 0)
 RETURNING id
"""
)

_UNASKED = """
     WHERE subscriber_id = :subscriber AND mo_id IS NULL
       AND created_at >= :begins AND created_at < :ends
"""

ERASE_WAITING_UNASKED = "DELETE FROM outbox" + _UNASKED

ERASE_SENT_UNASKED = "DELETE FROM sent" + _UNASKED

ERASE_PARTS = """
    DELETE FROM parts
     WHERE subscriber_id = :subscriber AND created_at >= :begins AND created_at < :ends
"""

ERASE_SURPLUS = """
    DELETE FROM surplus
     WHERE subscriber_id = :subscriber AND last_at >= :begins AND last_at < :ends
"""

ERASE_EARLY_RECEIPTS = """
    DELETE FROM early_receipts
     WHERE created_at >= :begins AND created_at < :ends AND phone = :phone
"""

ERASE_HISTORY = "DELETE FROM history WHERE account_id = :id"

ERASE_GUESSES = "DELETE FROM guesses WHERE account_id = :id"

ERASE_ACCOUNT = "DELETE FROM accounts WHERE id = :id AND state = 'closed' RETURNING subscriber_id"

ERASE_RESERVATIONS_FOR = "DELETE FROM reservations WHERE ends_at > 0 AND phone = :phone"

FORGET_IN_AUDIT = """
    -- The lines stay, masked as they are, and are no longer about anybody.
    UPDATE audit SET account_id = NULL WHERE account_id = :id
"""

SET_TEXT = "UPDATE mo SET text = :text WHERE id = :id"
