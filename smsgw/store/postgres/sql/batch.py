"""What a batch asks of the store, and what it adds."""

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

HOLDERS_BY_CMND = """
    SELECT a.cmnd, a.id, a.state, a.birth_date, a.link, a.password_hash IS NULL
      FROM unnest(:cmnds::text[]) AS k (cmnd) JOIN accounts AS a ON a.cmnd = k.cmnd
     WHERE a.state <> 'closed'
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
