"""Ids of rows, and the time that they tell."""

LAST_IDS = """
    -- Inside BEGIN IMMEDIATE nobody else draws ids, so a batch numbers its own rows and needs
    -- no RETURNING. What was purged keeps its id all the same.
    SELECT max(subscribers, coalesce((SELECT max(id) FROM subscribers), 0)),
           max(accounts, coalesce((SELECT max(id) FROM accounts), 0)),
           max(messages, coalesce((SELECT max(id) FROM mo), 0),
                         coalesce((SELECT max(id) FROM outbox), 0),
                         coalesce((SELECT max(id) FROM sent), 0))
      FROM last_ids WHERE id = 1
"""
