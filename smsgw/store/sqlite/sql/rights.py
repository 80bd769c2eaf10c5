"""What a citizen may ask for: to be told all, to be put right, to be forgotten; who never came."""

ERASE_IGNORED = "DELETE FROM ignored WHERE mo_id IN (SELECT value FROM json_each(:ids))"

ERASE_WAITING_REPLIES = """
    DELETE FROM outbox WHERE id IN (SELECT value + 1 FROM json_each(:ids)) AND mo_id = id - 1
"""

ERASE_SENT_REPLIES = """
    DELETE FROM sent WHERE id IN (SELECT value + 1 FROM json_each(:ids)) AND mo_id = id - 1
"""

MASK_IN_HISTORY = """
    -- Other accounts of a CMND may tell for which phone it was kept.
    UPDATE history
       SET event = replace(event, :phone, :mask), reason = replace(reason, :phone, :mask)
     WHERE account_id IN (SELECT value FROM json_each(:accounts))
       AND (instr(event, :phone) OR instr(reason, :phone))
"""

TEXTS_NAMING = """
    -- A piece of all texts: what has these digits in a row, and what may be written otherwise.
    SELECT id, text FROM mo
     WHERE id > :after AND id <= :end
       AND (instr(replace(replace(text, ' ', ''), '.', ''), :cmnd) OR text GLOB '*[^ -~]*')
"""
