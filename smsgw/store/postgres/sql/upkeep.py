"""Audit, links, facts, retention."""
# ruff: noqa: S608  (parts joined are constants of this file)

from smsgw.store.verbs.sql.upkeep import _NOTHING_LEFT

PURGE_MO = """
    -- A text goes after its reply, which is found through it: not beyond the first one that is
    -- left, so that no step looks for texts to remove among those that wait for theirs.
    DELETE FROM mo
     WHERE id IN (SELECT id FROM mo AS m
                   WHERE id < least(:end, (SELECT min(id) FROM sent))
                     AND created_at < :before
                     AND NOT EXISTS (SELECT 1 FROM outbox WHERE id = m.id + 1 AND mo_id = m.id)
                     AND NOT EXISTS (SELECT 1 FROM sent WHERE id = m.id + 1 AND mo_id = m.id)
                   LIMIT :limit)
 RETURNING subscriber_id, id
"""

PURGE_IGNORED = "DELETE FROM ignored WHERE mo_id = ANY (:ids::bigint[])"

PURGE_SUBSCRIBERS = (
    """
    -- Of those whose messages or account just went: who has nothing left is forgotten.
    DELETE FROM subscribers
     WHERE id = ANY (:subscribers::bigint[])
"""
    + _NOTHING_LEFT
)

KEEP_LAST_IDS = """
    -- They stand there already, but for rows that came by a copy from another engine.
    UPDATE last_ids
       SET subscribers = greatest(subscribers, (SELECT max(id) FROM subscribers)),
           accounts = greatest(accounts, (SELECT max(id) FROM accounts)),
           messages = greatest(messages, (SELECT max(id) FROM mo), (SELECT max(id) FROM outbox),
                                         (SELECT max(id) FROM sent))
     WHERE id = 1
"""

SET_HEARTBEAT = """
    -- Of a process that has the node; the server's clock tells everybody how old it is.
    UPDATE nodes
       SET pid = ?2, version = ?3, started_at = ?4, at = ?5, tick = ?6, ended = ?7,
           beats = beats + 1,
           beat_at = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
     WHERE name = ?1
"""

LIST_HEARTBEATS = """
    SELECT name, pid, version, started_at, at, tick, ended,
           extract(epoch FROM clock_timestamp())::float8 - beat_at::float8 / 1000000,
           CASE WHEN at > 0 THEN (at - beat_at)::float8 / 1000000 END, configuration
      FROM nodes ORDER BY name
"""
