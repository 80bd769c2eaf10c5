"""Delivery receipts, and the texts that wait for them."""
# ruff: noqa: S608  (parts joined are constants of this file)


# --- delivery receipts -----------------------------------------------------------------------

# An id of an SMSC is kept as it came, and found by its normal form: lower case, no leading zeros.
# An SMSC may give one id to all texts: of those, the latest are looked at, and no more.
_NORMAL = """ltrim(lower({} COLLATE "C"), '0')"""
_SENT_TEXT = """
    SELECT t.id, t.link, t.smsc_id, s.phone, t.account_id, a.undelivered
"""

FIND_SENT = f"""
    -- Texts of one link that wait for a receipt, by the id in it.
    {_SENT_TEXT}
      FROM sent AS t
      JOIN subscribers AS s ON s.id = t.subscriber_id
      LEFT JOIN accounts AS a ON a.id = t.account_id
     WHERE t.state = 'sent' AND t.link = :link
       AND {_NORMAL.format("t.smsc_id")} = {_NORMAL.format("(:smsc_id::text)")}
     ORDER BY t.id DESC LIMIT :limit
"""

FIND_SENT_ANYHOW = f"""
    -- Texts of any of these links that wait for a receipt, by any of these ids.
    {_SENT_TEXT}
      FROM unnest(:links::text[]) AS l (name) CROSS JOIN unnest(:keys::text[]) AS k (id)
     CROSS JOIN LATERAL (SELECT * FROM sent
                          WHERE state = 'sent' AND link = l.name
                            AND {_NORMAL.format("smsc_id")} = {_NORMAL.format("k.id")}
                          ORDER BY id DESC LIMIT :limit) AS t
      JOIN subscribers AS s ON s.id = t.subscriber_id
      LEFT JOIN accounts AS a ON a.id = t.account_id
"""

FIND_SENT_BY_ID = f"""
    {_SENT_TEXT}
      FROM sent AS t
      JOIN subscribers AS s ON s.id = t.subscriber_id
      LEFT JOIN accounts AS a ON a.id = t.account_id
     WHERE t.id = :id AND t.state = 'sent'
"""

SETTLE_SENT = """
    UPDATE sent SET state = :state, final_at = :now, reason = :reason
     WHERE id = :id AND state = 'sent'
"""

ANY_EARLY_RECEIPT = "SELECT 1 FROM early_receipts LIMIT 1"

ADD_EARLY_RECEIPT = """
    INSERT INTO early_receipts (created_at, link, smsc_id, phone, state, reason)
    VALUES (:now, :link, :smsc_id, :phone, :state, :reason)
"""

COUNT_EARLY_RECEIPTS = "SELECT count(*) FROM early_receipts WHERE link = :link"

FORGET_OLDEST_EARLY_RECEIPT = """
    DELETE FROM early_receipts
     WHERE id = (SELECT id FROM early_receipts WHERE link = :link ORDER BY id LIMIT 1)
"""

FIND_EARLY_RECEIPTS = f"""
    -- What came by any of these links about any of these ids.
    SELECT e.id, e.link, e.smsc_id, e.phone, e.state, e.reason
      FROM unnest(:links::text[]) AS l (name) CROSS JOIN unnest(:keys::text[]) AS k (id)
     CROSS JOIN LATERAL (SELECT * FROM early_receipts
                          WHERE link = l.name
                            AND {_NORMAL.format("smsc_id")} = {_NORMAL.format("k.id")}
                          ORDER BY id DESC LIMIT :limit) AS e
"""

FORGET_EARLY_RECEIPT = "DELETE FROM early_receipts WHERE id = :id"

PURGE_EARLY_RECEIPTS = "DELETE FROM early_receipts WHERE created_at < :before"
