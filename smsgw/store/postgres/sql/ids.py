"""Ids of rows, and the time that they tell."""

LAST_IDS = """
    -- Each batch that adds rows writes the last of their ids here (SET_LAST_IDS): max(id) would
    -- walk the dead entries at the right end of each index, of which a long backup leaves many.
    SELECT subscribers, accounts, messages FROM last_ids WHERE id = 1
"""
