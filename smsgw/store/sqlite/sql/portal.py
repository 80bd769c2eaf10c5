"""Citizens as the portal sees them: proofs, answers, log-ins, disclosures, shut names."""

ADD_DISCLOSURE = """
    INSERT OR IGNORE INTO disclosures (account_id, day, client, scopes, at) VALUES (?, ?, ?, ?, ?)
"""

UNTOLD = """
    -- Those of these accounts of which nothing is written of that client for today.
    SELECT k.value FROM json_each(:accounts) AS k
     WHERE NOT EXISTS (SELECT 1 FROM disclosures
                        WHERE account_id = k.value AND day = :day AND client = :client
                          AND scopes = :scopes)
"""

FEED_BOUNDS = """
    -- Up to where it was purged, and its last id ever.
    SELECT purged, max(purged, (SELECT coalesce(max(id), 0) FROM feed)) FROM feed_start WHERE id = 1
"""

MOVE_FEED_START = """
    UPDATE feed_start
       SET purged = max(purged, coalesce((SELECT min(id) - 1 FROM feed), :last))
     WHERE id = 1
"""

ERASE_SHUT_NAMES = """
    DELETE FROM shut_names WHERE account_id IN (SELECT value FROM json_each(:ids))
"""

ERASE_RENEWED = """
    DELETE FROM renewed_hashes WHERE account_id IN (SELECT value FROM json_each(:ids))
"""

ERASE_PROFILES = "DELETE FROM profiles WHERE account_id IN (SELECT value FROM json_each(:ids))"

ERASE_PROFILE_CHANGES = """
    DELETE FROM profile_changes WHERE account_id IN (SELECT value FROM json_each(:ids))
"""

ERASE_LOG_INS = "DELETE FROM log_ins WHERE account_id IN (SELECT value FROM json_each(:ids))"

ERASE_DISCLOSURES = """
    DELETE FROM disclosures WHERE account_id IN (SELECT value FROM json_each(:ids))
"""

SUBJECTS_OF = """
    SELECT account_id FROM subjects WHERE account_id IN (SELECT value FROM json_each(:ids))
"""

ERASE_SUBJECTS = """
    -- What stays is the sub, so that it is known for what it was and never given again.
    UPDATE subjects SET account_id = NULL, erased_at = :at
     WHERE account_id IN (SELECT value FROM json_each(:ids))
"""
