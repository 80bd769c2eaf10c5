"""What a citizen may ask for: to be told all, to be put right, to be forgotten; who never came."""

ERASE_IGNORED = "DELETE FROM ignored WHERE mo_id = ANY (:ids::bigint[])"

ERASE_WAITING_REPLIES = """
    DELETE FROM outbox USING unnest(:ids::bigint[]) AS k (id)
     WHERE outbox.id = k.id + 1 AND mo_id = k.id
"""

ERASE_SENT_REPLIES = """
    DELETE FROM sent USING unnest(:ids::bigint[]) AS k (id)
     WHERE sent.id = k.id + 1 AND mo_id = k.id
"""

MASK_IN_HISTORY = """
    -- Other accounts of a CMND may tell for which phone it was kept.
    UPDATE history
       SET event = replace(event, :phone, :mask), reason = replace(reason, :phone, :mask)
     WHERE account_id = ANY (:accounts::bigint[])
       AND (strpos(event, :phone) > 0 OR strpos(reason, :phone) > 0)
"""

TEXTS_NAMING = """
    -- A piece of all texts: what has these digits in a row, and what may be written otherwise.
    SELECT id, text FROM mo
     WHERE id > :after AND id <= :end
       AND (strpos(replace(replace(text, ' ', ''), '.', ''), :cmnd) > 0 OR text ~ '[^ -~]')
"""
