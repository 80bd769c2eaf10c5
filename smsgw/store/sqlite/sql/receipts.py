"""Delivery receipts, and the texts that wait for them."""
# ruff: noqa: S608  (parts joined are constants of this file)

from smsgw.store.verbs.sql.receipts import _SENT_TEXT

# An id of an SMSC is kept as it came, and found by its normal form: lower case, no leading zeros.
# An SMSC may give one id to all texts: of those, the latest are looked at, and no more.
_NORMAL = "ltrim(lower({}), '0')"

FIND_SENT = f"""
    -- Texts of one link that wait for a receipt, by the id in it.
    {_SENT_TEXT}
      FROM sent AS t
      JOIN subscribers AS s ON s.id = t.subscriber_id
      LEFT JOIN accounts AS a ON a.id = t.account_id
     WHERE t.state = 'sent' AND t.link = :link
       AND {_NORMAL.format("t.smsc_id")} = {_NORMAL.format(":smsc_id")}
     ORDER BY t.id DESC LIMIT :limit + 0
"""

FIND_SENT_ANYHOW = f"""
    -- Texts of any of these links that wait for a receipt, by any of these ids.
    {_SENT_TEXT}
      FROM json_each(:links) AS l JOIN json_each(:keys) AS k
      JOIN sent AS t ON t.id IN (SELECT id FROM sent
                                  WHERE state = 'sent' AND link = l.value
                                    AND {_NORMAL.format("smsc_id")} = {_NORMAL.format("k.value")}
                                  ORDER BY id DESC LIMIT :limit + 0)
      JOIN subscribers AS s ON s.id = t.subscriber_id
      LEFT JOIN accounts AS a ON a.id = t.account_id
"""

FIND_EARLY_RECEIPTS = f"""
    -- What came by any of these links about any of these ids.
    SELECT e.id, e.link, e.smsc_id, e.phone, e.state, e.reason
      FROM json_each(:links) AS l JOIN json_each(:keys) AS k
      JOIN early_receipts AS e
        ON e.id IN (SELECT id FROM early_receipts
                     WHERE link = l.value
                       AND {_NORMAL.format("smsc_id")} = {_NORMAL.format("k.value")}
                     ORDER BY id DESC LIMIT :limit + 0)
"""
