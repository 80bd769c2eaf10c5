"""What a batch asks of the store, and what it adds."""

FIND_SENDERS = """
    -- Who of these phones has texted before, each with the open account that it has.
    SELECT s.phone, s.id, a.cmnd, a.id, a.state, a.birth_date, a.link, a.password_hash IS NULL
      FROM json_each(:phones) AS k
      JOIN subscribers AS s ON s.phone = k.value
      LEFT JOIN accounts AS a ON a.subscriber_id = s.id AND a.state <> 'closed'
"""

FIND_TWINS = """
    -- For each sender and fingerprint the session of the newest such text: in this quarter of an
    -- hour or in the one before. Retransmissions keep none, so this is two points of an index.
    SELECT who, what,
           coalesce((SELECT session FROM mo
                      WHERE subscriber_id = who AND fingerprint = :this | bits
                      ORDER BY id DESC LIMIT 1),
                    (SELECT session
                       FROM (SELECT session, created_at FROM mo
                              WHERE subscriber_id = who AND fingerprint = :last | bits
                              ORDER BY id DESC LIMIT 1)
                      WHERE created_at > :since))
      FROM (SELECT value ->> 0 AS who, value ->> 1 AS what, (value ->> 1) & :mask AS bits
              FROM json_each(:keys))
"""

COUNT_RECENT = """
    -- How many texts of each were kept since the quarter of an hour *first*; counted to *most*.
    SELECT value, (SELECT count(*)
                     FROM (SELECT 1 FROM mo WHERE subscriber_id = value AND fingerprint >= :first
                            LIMIT :most + 0))
      FROM json_each(:subscribers)
"""

HOLDERS_BY_CMND = """
    SELECT a.cmnd, a.id, a.state, a.birth_date, a.link, a.password_hash IS NULL
      FROM json_each(:cmnds) AS k JOIN accounts AS a ON a.cmnd = k.value
     WHERE a.state <> 'closed'
"""

# --- a batch goes in -------------------------------------------------------------------------
# OR FAIL: the transaction is rolled back as a whole, so that a statement of many rows need not be
# able to undo its first ones, for which SQLite would copy each page that it touches.

ADD_SUBSCRIBER = "INSERT OR FAIL INTO subscribers (id, phone) VALUES (?, ?)"

ADD_MO = """
    INSERT OR FAIL INTO mo (id, created_at, subscriber_id, link, session, fingerprint, outcome,
                            text)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

ADD_IGNORED = "INSERT OR FAIL INTO ignored (mo_id, reason) VALUES (?, ?)"

ADD_MT = """
    INSERT OR FAIL INTO outbox (id, created_at, subscriber_id, link, wording_id, mo_id, account_id,
                                reminder, due_at, leased, tries, address, ton, npi, sealed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

ADD_ACCOUNT = """
    INSERT OR FAIL INTO accounts (id, subscriber_id, cmnd, full_name, birth_date, state, link,
                                  address, ton, npi, password_hash, password_mt_id, registered_at,
                                  password_issued_at, password_expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
