"""Delivery receipts, and the texts that wait for them."""

# --- delivery receipts -----------------------------------------------------------------------
_SENT_TEXT = """
    SELECT t.id, t.link, t.smsc_id, s.phone, t.account_id, a.undelivered
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

FORGET_EARLY_RECEIPT = "DELETE FROM early_receipts WHERE id = :id"

PURGE_EARLY_RECEIPTS = "DELETE FROM early_receipts WHERE created_at < :before"
