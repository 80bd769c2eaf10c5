"""Parts of long texts."""

COUNT_PARTS = """
    -- How many parts wait: of one sender (to *most*), and of one long text.
    SELECT (SELECT count(*) FROM (SELECT 1 FROM parts
                                   WHERE joined = 0 AND subscriber_id = :subscriber
                                   LIMIT :most + 0) AS few),
           (SELECT count(*) FROM parts
             WHERE joined = 0 AND subscriber_id = :subscriber AND ref = :ref)
"""

COUNT_PARTS_OF_LINK = """
    SELECT count(*) FROM (SELECT 1 FROM parts WHERE joined = 0 AND link = :link LIMIT :most + 0)
        AS few
"""

LOOK_AT_PARTS = """
    -- Of a long text the first part there is, and the one of this number; without their octets.
    SELECT number, total, created_at, link, session, fingerprint, joined
      FROM (SELECT * FROM parts WHERE subscriber_id = :subscriber AND ref = :ref
             ORDER BY number LIMIT 1) AS first
     UNION ALL
    SELECT number, total, created_at, link, session, fingerprint, joined
      FROM parts WHERE subscriber_id = :subscriber AND ref = :ref AND number = :number
"""

FIND_PARTS = """
    SELECT number, total, created_at, link, session, fingerprint, address, ton, npi, data_coding,
           shift_single, shift_locking, octets, joined
      FROM parts WHERE subscriber_id = :subscriber AND ref = :ref ORDER BY number
"""

ADD_PART = """
    -- One that is there already is replaced whole: it waits again.
    INSERT INTO parts (subscriber_id, ref, number, total, created_at, link, session, fingerprint,
                       address, ton, npi, data_coding, shift_single, shift_locking, octets)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (subscriber_id, ref, number) DO UPDATE
       SET total = excluded.total, created_at = excluded.created_at, link = excluded.link,
           session = excluded.session, fingerprint = excluded.fingerprint,
           address = excluded.address, ton = excluded.ton, npi = excluded.npi,
           data_coding = excluded.data_coding, shift_single = excluded.shift_single,
           shift_locking = excluded.shift_locking, octets = excluded.octets, joined = 0
"""

MARK_JOINED = "UPDATE parts SET joined = 1 WHERE subscriber_id = :subscriber AND ref = :ref"

REMOVE_PART = """
    DELETE FROM parts WHERE subscriber_id = :subscriber AND ref = :ref AND number = :number
"""

UNMARK_JOINED = "UPDATE parts SET joined = 0 WHERE subscriber_id = :subscriber AND ref = :ref"

FORGET_PARTS = "DELETE FROM parts WHERE subscriber_id = :subscriber AND ref = :ref"

FIND_INCOMPLETE = """
    -- Long texts whose first part came before *since* and whose last never did.
    SELECT DISTINCT p.subscriber_id, s.phone, p.ref
      FROM parts AS p JOIN subscribers AS s ON s.id = p.subscriber_id
     WHERE p.joined = 0 AND p.created_at <= :since
     LIMIT :limit + 0
"""

SET_BACK_PARTS = """
    -- Those of the future were noted by a clock that was wrong.
    UPDATE parts SET created_at = :now WHERE joined = 0 AND created_at > :latest
"""

PURGE_PARTS = """
    -- Those of texts that were decided on: what still waits was acknowledged, and not answered.
    DELETE FROM parts
     WHERE (subscriber_id, ref, number) IN
           (SELECT subscriber_id, ref, number FROM parts
             WHERE joined = 1 AND created_at < :before LIMIT :limit + 0)
"""
