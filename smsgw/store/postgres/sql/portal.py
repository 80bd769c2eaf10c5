"""Citizens as the portal sees them: proofs, answers, log-ins, disclosures, shut names."""

ADD_DISCLOSURE = """
    INSERT INTO disclosures (account_id, day, client, scopes, at)
    SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::bigint[])
        ON CONFLICT (account_id, day, client, scopes) DO NOTHING
"""

UNTOLD = """
    -- Those of these accounts of which nothing is written of that client for today.
    SELECT k.id FROM unnest(:accounts::bigint[]) AS k (id)
     WHERE NOT EXISTS (SELECT 1 FROM disclosures
                        WHERE account_id = k.id AND day = :day AND client = :client
                          AND scopes = :scopes)
"""

FEED_BOUNDS = """
    -- Up to where it was purged, and its last id ever.
    SELECT purged, greatest(purged, (SELECT max(id) FROM feed)) FROM feed_start WHERE id = 1
"""

MOVE_FEED_START = """
    UPDATE feed_start
       SET purged = greatest(purged, coalesce((SELECT min(id) - 1 FROM feed), :last))
     WHERE id = 1
"""

ERASE_SHUT_NAMES = """
    DELETE FROM shut_names WHERE account_id = ANY (:ids::bigint[])
"""

ERASE_RENEWED = """
    DELETE FROM renewed_hashes WHERE account_id = ANY (:ids::bigint[])
"""

ERASE_PROFILES = "DELETE FROM profiles WHERE account_id = ANY (:ids::bigint[])"

ERASE_PROFILE_CHANGES = """
    DELETE FROM profile_changes WHERE account_id = ANY (:ids::bigint[])
"""

ERASE_LOG_INS = "DELETE FROM log_ins WHERE account_id = ANY (:ids::bigint[])"

ERASE_DISCLOSURES = """
    DELETE FROM disclosures WHERE account_id = ANY (:ids::bigint[])
"""

SUBJECTS_OF = """
    SELECT account_id FROM subjects WHERE account_id = ANY (:ids::bigint[])
"""

ERASE_SUBJECTS = """
    -- What stays is the sub, so that it is known for what it was and never given again.
    UPDATE subjects SET account_id = NULL, erased_at = :at
     WHERE account_id = ANY (:ids::bigint[])
"""
