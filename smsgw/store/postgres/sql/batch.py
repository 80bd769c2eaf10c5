"""What a batch asks of the store, and what it adds. Parts of long texts, too."""
# ruff: noqa: S105  (a statement named after passwords)


# --- ids -----------------------------------------------------------------------------------

# --- what the store knows of the senders and requests of a batch -----------------------------

FIND_SENDERS = """
    -- Who of these phones has texted before, each with the open account that it has.
    SELECT s.phone, s.id, a.cmnd, a.id, a.state, a.birth_date, a.link, a.password_hash IS NULL
      FROM unnest(:phones::text[]) AS k (phone)
      JOIN subscribers AS s ON s.phone = k.phone
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
                              ORDER BY id DESC LIMIT 1) AS last
                      WHERE created_at > :since))
      FROM (SELECT list[i] AS who, list[i + 1] AS what, list[i + 1] & :mask AS bits
              FROM (SELECT :keys::bigint[] AS list) AS k,
                   generate_series(1, cardinality(list), 2) AS i) AS texts
"""

COUNT_RECENT = """
    -- How many texts of each were kept since the quarter of an hour *first*; counted to *most*.
    SELECT k.id, (SELECT count(*)
                    FROM (SELECT 1 FROM mo WHERE subscriber_id = k.id AND fingerprint >= :first
                           LIMIT :most) AS few)
      FROM unnest(:subscribers::bigint[]) AS k (id)
"""

FIND_RECENT = """
    -- The newest texts of one sender, by quarter of an hour; whether each was answered.
    SELECT created_at, outcome NOT IN ('retransmission', 'ignored')
      FROM mo WHERE subscriber_id = :subscriber AND fingerprint >= :first
     ORDER BY fingerprint DESC LIMIT :most
"""

COUNT_ANSWERS = """
    -- Of everybody, by second: read once a start, and only where there is a limit.
    SELECT created_at / 1000000, count(*)
      FROM mo
     WHERE id >= :first AND created_at > :since AND outcome NOT IN ('retransmission', 'ignored')
     GROUP BY 1 ORDER BY 1
"""

HOLDERS_BY_CMND = """
    SELECT a.cmnd, a.id, a.state, a.birth_date, a.link, a.password_hash IS NULL
      FROM unnest(:cmnds::text[]) AS k (cmnd) JOIN accounts AS a ON a.cmnd = k.cmnd
     WHERE a.state <> 'closed'
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
# Many rows are bound as one array a column, so that a statement is prepared once whatever the size
# of the batch, and read in a third of the time.

ADD_SUBSCRIBER = """
    INSERT INTO subscribers (id, phone) SELECT * FROM unnest(?::bigint[], ?::text[])
"""

ADD_MO = """
    INSERT INTO mo (id, created_at, subscriber_id, link, session, fingerprint, outcome, text)
    SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[],
                         ?::bigint[], ?::text[], ?::text[])
"""

ADD_IGNORED = """
    INSERT INTO ignored (mo_id, reason) SELECT * FROM unnest(?::bigint[], ?::text[])
"""

ADD_SURPLUS = """
    INSERT INTO surplus (hour, subscriber_id, number, last_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (hour, subscriber_id) DO UPDATE
       SET number = surplus.number + excluded.number, last_at = excluded.last_at
"""

ADD_MT = """
    INSERT INTO outbox (id, created_at, subscriber_id, link, wording_id, mo_id, account_id,
                        reminder, due_at, leased, tries, address, ton, npi, sealed)
    SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[],
                         ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[],
                         ?::bigint[], ?::text[], ?::bigint[], ?::bigint[], ?::bytea[])
"""

ADD_ACCOUNT = """
    INSERT INTO accounts (id, subscriber_id, cmnd, full_name, birth_date, state, link, address,
                          ton, npi, password_hash, password_mt_id, registered_at,
                          password_issued_at, password_expires_at)
    SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::text[], ?::text[],
                         ?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[],
                         ?::bigint[], ?::bigint[], ?::bigint[])
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
           undelivered = CASE ?6::bigint WHEN 0 THEN 0 ELSE undelivered END
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
