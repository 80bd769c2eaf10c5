"""Ids of rows, and the time that they tell."""

LAST_IDS = """
    -- Each batch that adds rows writes the last of their ids here (SET_LAST_IDS): max(id) would
    -- walk the dead entries at the right end of each index, of which a long backup leaves many.
    SELECT subscribers, accounts, messages FROM last_ids WHERE id = 1
"""

FIRST_ID_SINCE = """
    -- No message since that hour has a lower id. An hour to which the clock was set back may
    -- begin with a higher id than a later one.
    SELECT coalesce(min(first_id), 0) FROM hours
     WHERE hour >= (SELECT max(hour) FROM hours WHERE hour <= :hour)
"""
