"""What people and monitoring read."""

# --- reports ---------------------------------------------------------------------------------

HISTORY = """
    -- The account's own row is the first line.
    SELECT registered_at, 'registered', NULL, 'issued', NULL, NULL
      FROM accounts WHERE id = :account
     UNION ALL SELECT * FROM (SELECT at, event, old_state, new_state, actor, reason
                                FROM history WHERE account_id = :account ORDER BY number) AS rest
"""

_MO = """
    SELECT m.id, s.phone, m.link, m.text, m.outcome, m.created_at, i.reason
"""

# A text of ours, from where it stands; what follows from its being sent is NULL in the outbox.
_WAITING = """
    SELECT m.id, s.phone, m.link, w.text, a.cmnd, m.state, m.created_at, m.reason, w.reply,
           NULL, NULL, NULL
      FROM outbox AS m
"""
_SENT = """
    SELECT m.id, s.phone, m.link, w.text, a.cmnd, m.state, m.created_at, m.reason, w.reply,
           m.taken_at, m.final_at, m.smsc_id
      FROM sent AS m
"""

_MT_TABLES = """
      JOIN subscribers AS s ON s.id = m.subscriber_id
      JOIN wordings AS w ON w.id = m.wording_id
      LEFT JOIN accounts AS a ON a.id = m.account_id
"""

LIST_MO = (
    _MO
    + """
      FROM mo AS m JOIN subscribers AS s ON s.id = m.subscriber_id
      LEFT JOIN ignored AS i ON i.mo_id = m.id
     WHERE m.id >= :first AND m.created_at >= :since ORDER BY m.id DESC LIMIT :limit + 0
"""
)

LIST_MO_OF = (
    _MO
    + """
      FROM subscribers AS s JOIN mo AS m ON m.subscriber_id = s.id
      LEFT JOIN ignored AS i ON i.mo_id = m.id
     WHERE s.phone = :phone AND m.created_at >= :since
     ORDER BY m.id DESC LIMIT :limit + 0
"""
)

_MT_SINCE = """
     WHERE m.id >= :first AND m.created_at >= :since
       AND (CAST(:state AS TEXT) IS NULL OR m.state = :state)
     ORDER BY m.id DESC LIMIT :limit + 0
"""

LIST_WAITING = _WAITING + _MT_TABLES + _MT_SINCE
LIST_SENT = _SENT + _MT_TABLES + _MT_SINCE

# A reply has the number after that of its text, and what nobody asked for has an index. Behind a
# text that was not answered stands somebody else's: hence the phone.
_MT_OF = """
     WHERE m.id IN (SELECT mo.id + 1 FROM subscribers AS s JOIN mo ON mo.subscriber_id = s.id
                     WHERE s.phone = :phone
                     UNION ALL
                    SELECT u.id FROM subscribers AS s JOIN {table} AS u ON u.subscriber_id = s.id
                     WHERE s.phone = :phone AND u.mo_id IS NULL)
       AND s.phone = :phone AND m.created_at >= :since
       AND (CAST(:state AS TEXT) IS NULL OR m.state = :state)
     ORDER BY m.id DESC LIMIT :limit + 0
"""

LIST_WAITING_OF = _WAITING + _MT_TABLES + _MT_OF.format(table="outbox")
LIST_SENT_OF = _SENT + _MT_TABLES + _MT_OF.format(table="sent")

LIST_OUTBOX = """
    -- The whole outbox but for what nobody will send: it is what was asked for, and short on a
    -- day when all is well. What is due on a link that is down waits for the link's next try.
    SELECT o.id, s.phone, o.link, w.text, a.cmnd, o.state, o.created_at, o.tries,
           CASE WHEN l.next_try > o.due_at THEN l.next_try ELSE o.due_at END, o.reason
      FROM outbox AS o
      LEFT JOIN links AS l ON l.name = o.link
      JOIN subscribers AS s ON s.id = o.subscriber_id
      JOIN wordings AS w ON w.id = o.wording_id
      LEFT JOIN accounts AS a ON a.id = o.account_id
     WHERE o.id > 0 AND o.state <> 'cancelled'
     ORDER BY o.id
"""

SURPLUS_OF = """
    SELECT u.number, u.last_at
      FROM subscribers AS s JOIN surplus AS u ON u.subscriber_id = s.id
     WHERE s.phone = :phone ORDER BY u.hour DESC LIMIT :limit + 0
"""

COUNT_MO = """
    -- By quarter of an hour, which every time zone's midnight falls on; what was only counted is
    -- known by the hour.
    SELECT created_at / 900000000, outcome, count(*)
      FROM mo WHERE id >= :first AND created_at >= :since GROUP BY 1, 2
     UNION ALL
    SELECT hour * 4, 'ignored', CAST(sum(number) AS BIGINT)
      FROM surplus WHERE hour >= :since / 3600000000 GROUP BY 1
"""

COUNT_MT = """
    SELECT created_at / 900000000, state, count(*)
      FROM outbox WHERE id >= :first AND created_at >= :since GROUP BY 1, 2
     UNION ALL
    SELECT created_at / 900000000, state, count(*)
      FROM sent WHERE id >= :first AND created_at >= :since GROUP BY 1, 2
"""

COUNT_SOME_OF_OUTBOX = """
    -- A piece of it in order of age, since nobody may wait for the whole.
    SELECT link,
           count(*) FILTER (WHERE state = 'queued'),
           count(*) FILTER (WHERE state = 'queued' AND leased = 0 AND due_at >= :held),
           count(*) FILTER (WHERE state = 'failed'),
           min(CASE WHEN state = 'queued' AND reminder = 0 THEN created_at END),
           count(*), max(id)
      FROM (SELECT id, link, state, leased, due_at, reminder, created_at FROM outbox
             WHERE id > :after ORDER BY id LIMIT :limit + 0) AS few
     GROUP BY link
"""

LAST_TIMES = """
    -- When the last text came, and when an SMSC last took one of ours. Taken last is nearly always
    -- one of the newest; an older one was tried for long.
    SELECT (SELECT created_at FROM mo WHERE id = (SELECT max(id) FROM mo)),
           (SELECT max(taken_at) FROM sent WHERE id > (SELECT max(id) FROM sent) - 1000)
"""

COUNT_SINCE = """
    SELECT (SELECT count(*) FROM mo WHERE id >= :first AND created_at >= :since),
           (SELECT count(*) FROM outbox WHERE id >= :first AND created_at >= :since)
           + (SELECT count(*) FROM sent WHERE id >= :first AND created_at >= :since)
"""
