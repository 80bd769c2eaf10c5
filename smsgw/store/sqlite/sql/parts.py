"""Parts of long texts."""

WIPE_PARTS = """
    -- What was said in them must not be kept; that they came is known all the same.
    UPDATE parts SET octets = x'', fingerprint = 0 WHERE subscriber_id = :subscriber AND ref = :ref
"""
