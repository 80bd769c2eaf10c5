"""Ids of rows, and the time that they tell."""

FIRST_ID_SINCE = """
    -- No message since that hour has a lower id. An hour to which the clock was set back may
    -- begin with a higher id than a later one.
    SELECT coalesce(min(first_id), 0) FROM hours
     WHERE hour >= (SELECT max(hour) FROM hours WHERE hour <= :hour)
"""
