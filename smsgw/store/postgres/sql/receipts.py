"""Delivery receipts, and the texts that wait for them."""
# ruff: noqa: S608  (parts joined are constants of this file)

from smsgw.store.verbs.sql.receipts import _SENT_TEXT

# An id of an SMSC is kept as it came, and found by its normal form: lower case, no leading zeros.
# An SMSC may give one id to all texts: of those, the latest are looked at, and no more.
_NORMAL = """ltrim(lower({} COLLATE "C"), '0')"""

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

FIND_EARLY_RECEIPTS = f"""
    -- What came by any of these links about any of these ids.
    SELECT e.id, e.link, e.smsc_id, e.phone, e.state, e.reason
      FROM unnest(:links::text[]) AS l (name) CROSS JOIN unnest(:keys::text[]) AS k (id)
     CROSS JOIN LATERAL (SELECT * FROM early_receipts
                          WHERE link = l.name
                            AND {_NORMAL.format("smsc_id")} = {_NORMAL.format("k.id")}
                          ORDER BY id DESC LIMIT :limit) AS e
"""
