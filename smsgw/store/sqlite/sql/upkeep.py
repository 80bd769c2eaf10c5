"""Audit, links, facts, retention."""
# ruff: noqa: S608  (parts joined are constants of this file)

from smsgw.store.verbs.sql.upkeep import _NOTHING_LEFT

PURGE_MO = """
    -- A text goes after its reply, which is found through it: not beyond the first one that is
    -- left, so that no step looks for texts to remove among those that wait for theirs.
    DELETE FROM mo
     WHERE id IN (SELECT id FROM mo AS m
                   WHERE id < min(:end, coalesce((SELECT min(id) FROM sent), :end))
                     AND created_at < :before
                     AND NOT EXISTS (SELECT 1 FROM outbox WHERE id = m.id + 1 AND mo_id = m.id)
                     AND NOT EXISTS (SELECT 1 FROM sent WHERE id = m.id + 1 AND mo_id = m.id)
                   LIMIT :limit + 0)
 RETURNING subscriber_id, id
"""

PURGE_IGNORED = "DELETE FROM ignored WHERE mo_id IN (SELECT value FROM json_each(:ids))"

PURGE_SUBSCRIBERS = (
    """
    -- Of those whose messages or account just went: who has nothing left is forgotten.
    DELETE FROM subscribers
     WHERE id IN (SELECT value FROM json_each(:subscribers))
"""
    + _NOTHING_LEFT
)

KEEP_LAST_IDS = """
    UPDATE last_ids
       SET subscribers = max(subscribers, coalesce((SELECT max(id) FROM subscribers), 0)),
           accounts = max(accounts, coalesce((SELECT max(id) FROM accounts), 0)),
           messages = max(messages, coalesce((SELECT max(id) FROM mo), 0),
                                    coalesce((SELECT max(id) FROM outbox), 0),
                                    coalesce((SELECT max(id) FROM sent), 0))
     WHERE id = 1
"""

SET_HEARTBEAT = """
    INSERT INTO heartbeats (node, pid, version, started_at, at, tick, ended)
    VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (node) DO UPDATE
       SET pid = excluded.pid, version = excluded.version, started_at = excluded.started_at,
           at = excluded.at, tick = excluded.tick, ended = excluded.ended
"""

LIST_HEARTBEATS = """
    SELECT node, pid, version, started_at, at, tick, ended, NULL, NULL, NULL
      FROM heartbeats ORDER BY node
"""
