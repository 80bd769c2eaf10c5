"""Every statement, by name, with its intent. Values are bound, the time is always a parameter.

A list of keys is bound as one JSON array, so that a statement is prepared once whatever the size
of the batch. `tests/store/test_plans.py` reads the plan of each statement: all use an index.
"""
# ruff: noqa: S105, S608  (statements named after passwords; parts joined are constants of this file)

import re
from functools import cache

_VALUES = re.compile(r"VALUES (\([?, ]+\))")


@cache
def repeated(statement: str, times: int) -> str:
    """*statement*, which adds one row, for so many rows: their values are bound one behind the
    other.

    Raises:
        ValueError: it has no row of plain values.
    """
    before, row, after = _VALUES.split(statement)
    return f"{before}VALUES {', '.join([row] * times)}{after}"


# --- ids -----------------------------------------------------------------------------------

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

KEEP_LAST_IDS = """
    UPDATE last_ids
       SET subscribers = max(subscribers, coalesce((SELECT max(id) FROM subscribers), 0)),
           accounts = max(accounts, coalesce((SELECT max(id) FROM accounts), 0)),
           messages = max(messages, coalesce((SELECT max(id) FROM mo), 0),
                                    coalesce((SELECT max(id) FROM outbox), 0),
                                    coalesce((SELECT max(id) FROM sent), 0))
     WHERE id = 1
"""

# --- what the store knows of the senders and requests of a batch -----------------------------

FIND_SENDERS = """
    -- Who of these phones has texted before, each with the open account that it has.
    SELECT s.phone, s.id, a.cmnd, a.id, a.state, a.birth_date, a.link, a.password_hash IS NULL
      FROM json_each(:phones) AS k
      JOIN subscribers AS s ON s.phone = k.value
      LEFT JOIN accounts AS a ON a.subscriber_id = s.id AND a.state <> 'closed'
"""

FIND_TWINS = """
    -- For each sender and fingerprint the session of the newest such text: in this quarter of an
    -- hour or in the one before. Retransmissions keep none, so this is two points of an index.
    SELECT who, what,
           coalesce((SELECT session FROM mo
                      WHERE subscriber_id = who AND fingerprint = :this | bits
                      ORDER BY id DESC LIMIT 1),
                    (SELECT session
                       FROM (SELECT session, created_at FROM mo
                              WHERE subscriber_id = who AND fingerprint = :last | bits
                              ORDER BY id DESC LIMIT 1)
                      WHERE created_at > :since))
      FROM (SELECT value ->> 0 AS who, value ->> 1 AS what, (value ->> 1) & :mask AS bits
              FROM json_each(:keys))
"""

COUNT_RECENT = """
    -- How many texts of each were kept since the quarter of an hour *first*; counted to *most*.
    SELECT value, (SELECT count(*)
                     FROM (SELECT 1 FROM mo WHERE subscriber_id = value AND fingerprint >= :first
                            LIMIT :most))
      FROM json_each(:subscribers)
"""

FIND_RECENT = """
    -- The newest texts of one sender, by quarter of an hour; whether each was answered.
    SELECT created_at, outcome NOT IN ('retransmission', 'ignored')
      FROM mo WHERE subscriber_id = :subscriber AND fingerprint >= :first
     ORDER BY fingerprint DESC LIMIT :most
"""

COUNT_ANSWERS = """
    -- Of everybody, by second: read once a start, and only where there is a limit.
    SELECT created_at / 1000000, count(*)
      FROM mo
     WHERE id >= :first AND created_at > :since AND outcome NOT IN ('retransmission', 'ignored')
     GROUP BY 1 ORDER BY 1
"""

HOLDERS_BY_CMND = """
    SELECT a.cmnd, a.id, a.state, a.birth_date, a.link, a.password_hash IS NULL
      FROM json_each(:cmnds) AS k JOIN accounts AS a ON a.cmnd = k.value
     WHERE a.state <> 'closed'
"""

FIND_NOTE = """
    -- Whether the account's history says just this already.
    SELECT 1 FROM history
     WHERE account_id = :account AND event = :event AND reason = :reason AND at > :since
"""

COUNT_RESETS = """
    SELECT count(*) FROM history WHERE account_id = :account AND event = 'reset' AND at > :since
"""

# --- a batch goes in -------------------------------------------------------------------------
# OR FAIL: the transaction is rolled back as a whole, so that a statement of many rows need not be
# able to undo its first ones, for which SQLite would copy each page that it touches.

ADD_SUBSCRIBER = "INSERT OR FAIL INTO subscribers (id, phone) VALUES (?, ?)"

ADD_MO = """
    INSERT OR FAIL INTO mo (id, created_at, subscriber_id, link, session, fingerprint, outcome,
                            text)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

ADD_IGNORED = "INSERT OR FAIL INTO ignored (mo_id, reason) VALUES (?, ?)"

ADD_SURPLUS = """
    INSERT INTO surplus (hour, subscriber_id, number, last_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (hour, subscriber_id) DO UPDATE
       SET number = number + excluded.number, last_at = excluded.last_at
"""

ADD_MT = """
    INSERT OR FAIL INTO outbox (id, created_at, subscriber_id, link, wording_id, mo_id, account_id,
                                reminder, due_at, leased, tries, address, ton, npi, sealed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

ADD_ACCOUNT = """
    INSERT OR FAIL INTO accounts (id, subscriber_id, cmnd, full_name, birth_date, state, link,
                                  address, ton, npi, password_hash, password_mt_id, registered_at,
                                  password_issued_at, password_expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

ADD_HISTORY = """
    INSERT INTO history (account_id, number, at, event, old_state, new_state, actor, reason)
    VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM history WHERE account_id = ?),
            ?, ?, ?, ?, ?, ?)
"""

ADD_HOUR = "INSERT OR IGNORE INTO hours (hour, first_id) VALUES (:hour, :first_id)"

FIRST_ID_SINCE = """
    -- No message since that hour has a lower id. An hour to which the clock was set back may
    -- begin with a higher id than a later one.
    SELECT coalesce(min(first_id), 0) FROM hours
     WHERE hour >= (SELECT max(hour) FROM hours WHERE hour <= :hour)
"""

FIRST_ID_AFTER = """
    -- All messages of that hour have a lower id.
    SELECT first_id FROM hours WHERE hour > :hour ORDER BY hour LIMIT 1
"""

FIND_WORDING = "SELECT id FROM wordings WHERE reply = :reply AND text = :text"

LIST_WORDINGS = """
    -- The latest ones: what citizens may still forward.
    SELECT text FROM wordings WHERE id > 0 ORDER BY id DESC LIMIT 50
"""

ADD_WORDING = "INSERT INTO wordings (reply, text) VALUES (:reply, :text)"

# --- parts of long texts ---------------------------------------------------------------------

COUNT_PARTS = """
    -- How many parts wait: of one sender (to *most*), and of one long text.
    SELECT (SELECT count(*) FROM (SELECT 1 FROM parts
                                   WHERE joined = 0 AND subscriber_id = :subscriber LIMIT :most)),
           (SELECT count(*) FROM parts
             WHERE joined = 0 AND subscriber_id = :subscriber AND ref = :ref)
"""

COUNT_PARTS_OF_LINK = """
    SELECT count(*) FROM (SELECT 1 FROM parts WHERE joined = 0 AND link = :link LIMIT :most)
"""

LOOK_AT_PARTS = """
    -- Of a long text the first part there is, and the one of this number; without their octets.
    SELECT number, total, created_at, link, session, fingerprint, joined
      FROM (SELECT * FROM parts WHERE subscriber_id = :subscriber AND ref = :ref
             ORDER BY number LIMIT 1)
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
    INSERT OR REPLACE INTO parts (subscriber_id, ref, number, total, created_at, link, session,
                       fingerprint, address, ton, npi, data_coding, shift_single, shift_locking,
                       octets)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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
     LIMIT :limit
"""

SET_BACK_PARTS = """
    -- Those of the future were noted by a clock that was wrong.
    UPDATE parts SET created_at = :now WHERE joined = 0 AND created_at > :latest
"""

WIPE_PARTS = """
    -- What was said in them must not be kept; that they came is known all the same.
    UPDATE parts SET octets = x'', fingerprint = 0 WHERE subscriber_id = :subscriber AND ref = :ref
"""

PURGE_PARTS = """
    -- Those of texts that were decided on: what still waits was acknowledged, and not answered.
    DELETE FROM parts
     WHERE (subscriber_id, ref, number) IN
           (SELECT subscriber_id, ref, number FROM parts
             WHERE joined = 1 AND created_at < :before LIMIT :limit)
"""

# --- the outbox ------------------------------------------------------------------------------

CLAIM = """
    -- The oldest due replies (or reminders) of one link, with all that their text is made of.
    SELECT o.id, coalesce(o.retried, o.created_at), o.address, o.ton, o.npi, o.sealed, w.text,
           a.cmnd, CASE WHEN a.password_mt_id = o.id THEN a.password_expires_at END
      FROM outbox AS o
      JOIN wordings AS w ON w.id = o.wording_id
      LEFT JOIN accounts AS a ON a.id = o.account_id
     WHERE o.state = 'queued' AND o.leased = 0 AND o.link = :link AND o.reminder = :reminder
       AND o.due_at <= :now
     ORDER BY o.due_at, o.id LIMIT :room
"""

LEASE = """
    -- A link has it in memory, until the SMSC answers or the lease ends.
    UPDATE outbox SET leased = 1, due_at = ?, tries = tries + 1 WHERE id = ?
"""

DUE_TIMES = """
    -- The first and the last: one too far ahead was noted by a clock that was wrong.
    SELECT min(due_at), max(due_at) FROM outbox
     WHERE state = 'queued' AND leased = 0 AND link = :link AND reminder = :reminder
       AND due_at < :held
"""

SET_BACK_DUE = """
    UPDATE outbox SET due_at = :now
     WHERE id IN (SELECT id FROM outbox
                   WHERE state = 'queued' AND leased = 0 AND link = :link AND reminder = :reminder
                     AND due_at > :latest AND due_at < :held
                   LIMIT :limit)
"""

BEGIN_DAY = "UPDATE outbox SET retried = ? WHERE id = ?"

END_ALL_LEASES = """
    -- The daemon that held them is dead: its successor has the lock. What waits after a refusal
    -- falls due as well, which does no harm, and so does what is held: the link binds anew.
    UPDATE outbox SET leased = 0, due_at = :now WHERE id > 0 AND state = 'queued'
"""

END_LEASES = """
    -- No answer, and no word from the link: whatever went wrong, nobody has to clean up. A lease
    -- that ends later than any can was noted by a clock that was wrong: it ends as a new one does.
    UPDATE outbox SET leased = due_at > :now, due_at = min(due_at, :ends)
     WHERE id > 0 AND state = 'queued' AND leased = 1 AND (due_at <= :now OR due_at > :latest)
 RETURNING link, leased
"""

RELEASE_HELD = """
    -- One more unanswered try, and they are held again.
    UPDATE outbox SET due_at = :now
     WHERE id IN (SELECT id FROM outbox
                   WHERE state = 'queued' AND leased = 0 AND link = :link AND reminder IN (0, 1)
                     AND due_at >= :held
                   LIMIT :limit)
"""

COUNT_HELD = """
    -- Each link there ever was stands among the carriers.
    SELECT count(*) FROM carriers CROSS JOIN outbox
     WHERE state = 'queued' AND leased = 0 AND outbox.link = carriers.link AND reminder IN (0, 1)
       AND due_at >= :held
"""

GIVE_UP_OLD = """
    -- Also what nobody claims: it is held, or its link is down.
    UPDATE outbox SET state = 'failed', ended_at = :now,
                      reason = 'given up after 24 hours' || coalesce('; last: ' || reason, '')
     WHERE id IN (SELECT id FROM outbox
                   WHERE id > 0 AND state = 'queued' AND leased = 0
                     AND coalesce(retried, created_at) <= :before
                   LIMIT :limit)
 RETURNING id, link
"""

LINKS_IN_OUTBOX = """
    -- Those for which something waits; a step through the index for each, however much it is.
    WITH RECURSIVE k (link) AS (
        SELECT min(link) FROM outbox WHERE state = 'queued' AND leased = 0
         UNION ALL
        SELECT (SELECT min(link) FROM outbox
                 WHERE state = 'queued' AND leased = 0 AND link > k.link)
          FROM k WHERE k.link IS NOT NULL)
    SELECT link FROM k WHERE link IS NOT NULL
"""

COUNT_BY_LINK = """
    -- What waits for each link; reads all of it, which a command may do.
    SELECT link, count(*) FROM outbox WHERE state = 'queued' AND leased = 0 GROUP BY link
"""

MOVE_TO_LINK = """
    -- Another link of the carrier takes over, and at once: what it waits for may be the fault of
    -- the link that cannot send. What is held stays, as the SMSC may have it.
    UPDATE outbox SET link = :link, due_at = min(due_at, :now)
     WHERE id IN (SELECT id FROM outbox
                   WHERE state = 'queued' AND leased = 0 AND link = :gone AND reminder IN (0, 1)
                     AND due_at < :held
                   LIMIT :limit)
"""

ADD_SENT = """
    -- From the outbox, but for the sealed password. An answer may come twice when it came late:
    -- the second finds nothing there. (OR IGNORE for the same reason as OR FAIL above.)
    INSERT OR IGNORE INTO sent (id, created_at, subscriber_id, link, wording_id, mo_id, account_id,
                                smsc_id, taken_at)
    SELECT o.id, o.created_at, o.subscriber_id, o.link, o.wording_id, o.mo_id, o.account_id,
           k.column2, k.column3
      FROM (VALUES (?, ?, ?)) AS k CROSS JOIN outbox AS o ON o.id = k.column1
"""

TAKE_OUT = "DELETE FROM outbox WHERE id = ?"

FIND_TRIES = """
    SELECT o.id, o.tries, o.unanswered FROM json_each(:ids) AS k JOIN outbox AS o ON o.id = k.value
     WHERE o.state = 'queued'
"""

POSTPONE = """
    UPDATE outbox SET leased = 0, due_at = ?, tries = ?, unanswered = ?, reason = ?
     WHERE id = ? AND state = 'queued'
"""

FAIL = """
    UPDATE outbox SET state = 'failed', reason = ?, ended_at = ? WHERE id = ? AND state = 'queued'
"""

GIVE_UP = """
    UPDATE outbox SET state = 'failed',
                      reason = 'given up after 24 hours' || coalesce('; last: ' || reason, ''),
                      ended_at = ?
     WHERE id = ? AND state = 'queued'
"""

CANCEL = """
    UPDATE outbox SET state = 'cancelled', reason = :reason, ended_at = coalesce(ended_at, :now)
     WHERE id = :id AND state IN ('queued', 'failed')
"""

SUPERSEDE = """
    -- The password that it tells is no more: nobody may read it any longer, nor send it again.
    UPDATE outbox SET sealed = NULL,
                      reason = CASE WHEN state = 'cancelled' THEN reason ELSE ?2 END,
                      state = 'cancelled', ended_at = coalesce(ended_at, ?3)
     WHERE id = ?1
"""

SEALED_AFTER = """
    -- A piece of the outbox, in the order of ids; not only what is sealed, as a step has its bound
    -- whatever stands there.
    SELECT id, sealed, state, ended_at FROM outbox WHERE id > :after ORDER BY id LIMIT :limit
"""

RESEAL = "UPDATE outbox SET sealed = ? WHERE id = ?"

HAS_ENDED = "UPDATE outbox SET ended_at = ? WHERE id = ?"

WIPE = "UPDATE outbox SET sealed = NULL WHERE id = ?"

RETRY = """
    -- One that a link has in memory is on its way already, and keeps its lease: it would leave
    -- twice.
    UPDATE outbox
       SET state = 'queued', tries = 0, unanswered = 0, reason = NULL, retried = :now,
           ended_at = NULL,
           leased = CASE WHEN state = 'queued' THEN leased ELSE 0 END,
           due_at = CASE WHEN state = 'queued' AND leased = 1 THEN due_at ELSE :now END
     WHERE id = :id
"""

FIND_REPLY = """
    SELECT o.state, o.account_id, a.password_mt_id, a.state, o.sealed IS NULL, o.ended_at,
           o.leased
      FROM outbox AS o LEFT JOIN accounts AS a ON a.id = o.account_id
     WHERE o.id = :id
"""

# --- delivery receipts -----------------------------------------------------------------------

# An id of an SMSC is kept as it came, and found by its normal form: lower case, no leading zeros.
# An SMSC may give one id to all texts: of those, the latest are looked at, and no more.
_NORMAL = "ltrim(lower({}), '0')"
_SENT_TEXT = """
    SELECT t.id, t.link, t.smsc_id, s.phone, t.account_id, a.undelivered
"""

FIND_SENT = f"""
    -- Texts of one link that wait for a receipt, by the id in it.
    {_SENT_TEXT}
      FROM sent AS t
      JOIN subscribers AS s ON s.id = t.subscriber_id
      LEFT JOIN accounts AS a ON a.id = t.account_id
     WHERE t.state = 'sent' AND t.link = :link
       AND {_NORMAL.format("t.smsc_id")} = {_NORMAL.format(":smsc_id")}
     ORDER BY t.id DESC LIMIT :limit
"""

FIND_SENT_ANYHOW = f"""
    -- Texts of any of these links that wait for a receipt, by any of these ids.
    {_SENT_TEXT}
      FROM json_each(:links) AS l JOIN json_each(:keys) AS k
      JOIN sent AS t ON t.id IN (SELECT id FROM sent
                                  WHERE state = 'sent' AND link = l.value
                                    AND {_NORMAL.format("smsc_id")} = {_NORMAL.format("k.value")}
                                  ORDER BY id DESC LIMIT :limit)
      JOIN subscribers AS s ON s.id = t.subscriber_id
      LEFT JOIN accounts AS a ON a.id = t.account_id
"""

FIND_SENT_BY_ID = f"""
    {_SENT_TEXT}
      FROM sent AS t
      JOIN subscribers AS s ON s.id = t.subscriber_id
      LEFT JOIN accounts AS a ON a.id = t.account_id
     WHERE t.id = :id AND t.state = 'sent'
"""

FIND_REFUSED = """
    -- Whose password a text carries that was refused; one that the hotline tried again was counted
    -- the first time.
    SELECT a.id, a.undelivered FROM outbox AS o JOIN accounts AS a ON a.id = o.account_id
     WHERE o.id = :id AND o.retried IS NULL
"""

SETTLE_SENT = """
    UPDATE sent SET state = :state, final_at = :now, reason = :reason
     WHERE id = :id AND state = 'sent'
"""

ANY_EARLY_RECEIPT = "SELECT 1 FROM early_receipts LIMIT 1"

ADD_EARLY_RECEIPT = """
    INSERT INTO early_receipts (created_at, link, smsc_id, phone, state, reason)
    VALUES (:now, :link, :smsc_id, :phone, :state, :reason)
"""

COUNT_EARLY_RECEIPTS = "SELECT count(*) FROM early_receipts WHERE link = :link"

FORGET_OLDEST_EARLY_RECEIPT = """
    DELETE FROM early_receipts
     WHERE id = (SELECT id FROM early_receipts WHERE link = :link ORDER BY id LIMIT 1)
"""

FIND_EARLY_RECEIPTS = f"""
    -- What came by any of these links about any of these ids.
    SELECT e.id, e.link, e.smsc_id, e.phone, e.state, e.reason
      FROM json_each(:links) AS l JOIN json_each(:keys) AS k
      JOIN early_receipts AS e
        ON e.id IN (SELECT id FROM early_receipts
                     WHERE link = l.value
                       AND {_NORMAL.format("smsc_id")} = {_NORMAL.format("k.value")}
                     ORDER BY id DESC LIMIT :limit)
"""

FORGET_EARLY_RECEIPT = "DELETE FROM early_receipts WHERE id = :id"

PURGE_EARLY_RECEIPTS = "DELETE FROM early_receipts WHERE created_at < :before"

# --- accounts --------------------------------------------------------------------------------

_ACCOUNT = """
    SELECT a.id, a.cmnd, s.phone, a.full_name, a.birth_date, a.state, a.link, a.registered_at,
           a.password_issued_at, a.password_expires_at, a.reminders, a.password_hash,
           a.password_mt_id, a.subscriber_id, a.address, a.ton, a.npi
"""

DUE_ACCOUNTS = (
    _ACCOUNT
    + """
      FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.state = 'issued' AND a.password_expires_at IS NOT NULL
       AND a.password_expires_at <= :now
     ORDER BY a.password_expires_at LIMIT :limit
"""
)

LAST_EXPIRY = """
    SELECT max(password_expires_at) FROM accounts
     WHERE state = 'issued' AND password_expires_at IS NOT NULL
"""

SET_BACK_EXPIRY = """
    UPDATE accounts SET password_expires_at = :expires
     WHERE id IN (SELECT id FROM accounts
                   WHERE state = 'issued' AND password_expires_at IS NOT NULL
                     AND password_expires_at > :latest
                   LIMIT :limit)
"""

COUNT_DUE_ACCOUNTS = """
    SELECT count(*)
      FROM (SELECT 1 FROM accounts
             WHERE state = 'issued' AND password_expires_at IS NOT NULL
               AND password_expires_at <= :now
             LIMIT :limit)
"""

ACCOUNT_BY_ID = (
    _ACCOUNT
    + """
      FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id WHERE a.id = :id
"""
)

ACCOUNTS_BY_CMND = (
    # Two halves, as each has its own partial index; the open account stands first.
    "SELECT * FROM ("
    + _ACCOUNT
    + """
      FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.cmnd = :cmnd AND a.state <> 'closed')
     UNION ALL SELECT * FROM ("""
    + _ACCOUNT
    + """
      FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.cmnd = :cmnd AND a.state = 'closed' ORDER BY a.id DESC)
"""
)

ACCOUNTS_BY_PHONE = (
    "SELECT * FROM ("
    + _ACCOUNT
    + """
      FROM subscribers AS s JOIN accounts AS a ON a.subscriber_id = s.id
     WHERE s.phone = :phone AND a.state <> 'closed')
     UNION ALL SELECT * FROM ("""
    + _ACCOUNT
    + """
      FROM subscribers AS s JOIN accounts AS a ON a.subscriber_id = s.id
     WHERE s.phone = :phone AND a.state = 'closed' ORDER BY a.id DESC)
"""
)

LIST_ACCOUNTS = (
    # By id, the order in which they registered: the next ones of the whole table.
    _ACCOUNT
    + """
      FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.id > :after AND (:state IS NULL OR a.state = :state)
     ORDER BY a.id LIMIT :limit
"""
)

LIST_EXPIRING = (
    _ACCOUNT
    + """
      FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.state = 'issued' AND a.password_expires_at IS NOT NULL
       AND a.password_expires_at <= :before AND (:state IS NULL OR a.state = :state)
       AND (a.password_expires_at, a.id) > (:expired, :after)
     ORDER BY a.password_expires_at, a.id LIMIT :limit
"""
)

ISSUED_SINCE = """
    -- Some of the accounts by id; the whole table is what was asked for, in steps.
    SELECT a.id FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.id > :after AND a.id <= :end AND a.state = 'issued' AND a.registered_at >= :since
       AND (:link IS NULL OR a.link = :link) AND substr(s.phone, 1, length(:prefix)) = :prefix
     ORDER BY a.id
"""

ACCOUNTS_BY_IDS = (
    _ACCOUNT
    + """
      FROM json_each(:ids) AS k
      JOIN accounts AS a ON a.id = k.value
      JOIN subscribers AS s ON s.id = a.subscriber_id
     ORDER BY a.id
"""
)

ISSUED_SINCE = """
    -- Some of the accounts by id; the whole table is what was asked for, in steps.
    SELECT a.id FROM accounts AS a JOIN subscribers AS s ON s.id = a.subscriber_id
     WHERE a.id > :after AND a.id <= :end AND a.state = 'issued' AND a.registered_at >= :since
       AND (:link IS NULL OR a.link = :link) AND substr(s.phone, 1, length(:prefix)) = :prefix
     ORDER BY a.id
"""

ACCOUNTS_BY_IDS = (
    _ACCOUNT
    + """
      FROM json_each(:ids) AS k
      JOIN accounts AS a ON a.id = k.value
      JOIN subscribers AS s ON s.id = a.subscriber_id
     ORDER BY a.id
"""
)

ISSUE_PASSWORD = """
    -- One that somebody asked for begins anew with the reminders, and with the texts that reached
    -- nobody.
    UPDATE accounts
       SET state = ?1, password_hash = ?2, password_mt_id = ?3, password_issued_at = ?4,
           password_expires_at = ?5, reminders = ?6,
           undelivered = CASE ?6 WHEN 0 THEN 0 ELSE undelivered END
     WHERE id = ?7
"""

SET_UNDELIVERED = "UPDATE accounts SET undelivered = ? WHERE id = ?"

SET_OWN_PASSWORD = """
    UPDATE accounts
       SET state = ?1, password_hash = ?2, password_mt_id = NULL, password_expires_at = NULL
     WHERE id = ?3
"""

END_PASSWORD = """
    -- After the last reminder, or where no text arrives. Nothing replaces it, and nothing lapses
    -- any more.
    UPDATE accounts
       SET state = ?1, password_hash = NULL, password_mt_id = NULL, password_expires_at = NULL
     WHERE id = ?2
"""

KEEP_PASSWORD = "UPDATE accounts SET state = ?1 WHERE id = ?2"

CLOSE_ACCOUNT = """
    UPDATE accounts
       SET state = ?1, password_hash = NULL, password_mt_id = NULL,
           password_expires_at = NULL, closed_at = ?2
     WHERE id = ?3
"""

ANY_RESERVATION = "SELECT 1 FROM reservations WHERE ends_at > :now LIMIT 1"

FIND_RESERVATION = """
    SELECT phone, ends_at FROM reservations WHERE cmnd = :cmnd AND ends_at > :now
"""

RESERVE = "INSERT OR REPLACE INTO reservations (cmnd, phone, ends_at) VALUES (:cmnd, :phone, :ends)"

END_RESERVATION = "DELETE FROM reservations WHERE cmnd = :cmnd"

PURGE_RESERVATIONS = "DELETE FROM reservations WHERE ends_at <= :now"

# --- reports ---------------------------------------------------------------------------------

HISTORY = """
    -- The account's own row is the first line.
    SELECT registered_at, 'registered', NULL, 'issued', NULL, NULL
      FROM accounts WHERE id = :account
     UNION ALL SELECT * FROM (SELECT at, event, old_state, new_state, actor, reason
                                FROM history WHERE account_id = :account ORDER BY number)
"""

_MO = """
    SELECT m.id, s.phone, m.link, m.text, m.outcome, m.created_at, i.reason
"""

# A text of ours, from where it stands; what follows from its being sent is NULL in the outbox.
_WAITING = """
    SELECT m.id, s.phone, m.link, w.text, a.cmnd, m.state, m.created_at, m.reason, w.reply,
           NULL, NULL
      FROM outbox AS m
"""
_SENT = """
    SELECT m.id, s.phone, m.link, w.text, a.cmnd, m.state, m.created_at, m.reason, w.reply,
           m.taken_at, m.final_at
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
     WHERE m.id >= :first AND m.created_at >= :since ORDER BY m.id DESC LIMIT :limit
"""
)

LIST_MO_OF = (
    _MO
    + """
      FROM subscribers AS s JOIN mo AS m ON m.subscriber_id = s.id
      LEFT JOIN ignored AS i ON i.mo_id = m.id
     WHERE s.phone = :phone AND m.created_at >= :since
     ORDER BY m.id DESC LIMIT :limit
"""
)

_MT_SINCE = """
     WHERE m.id >= :first AND m.created_at >= :since AND (:state IS NULL OR m.state = :state)
     ORDER BY m.id DESC LIMIT :limit
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
       AND s.phone = :phone AND m.created_at >= :since AND (:state IS NULL OR m.state = :state)
     ORDER BY m.id DESC LIMIT :limit
"""

LIST_WAITING_OF = _WAITING + _MT_TABLES + _MT_OF.format(table="outbox")
LIST_SENT_OF = _SENT + _MT_TABLES + _MT_OF.format(table="sent")

LIST_OUTBOX = """
    -- The whole outbox but for what nobody will send: it is what was asked for, and short on a
    -- day when all is well.
    SELECT o.id, s.phone, o.link, w.text, a.cmnd, o.state, o.created_at, o.tries, o.due_at,
           o.reason
      FROM outbox AS o
      JOIN subscribers AS s ON s.id = o.subscriber_id
      JOIN wordings AS w ON w.id = o.wording_id
      LEFT JOIN accounts AS a ON a.id = o.account_id
     WHERE o.id > 0 AND o.state <> 'cancelled'
     ORDER BY o.id
"""

SURPLUS_OF = """
    SELECT u.number, u.last_at
      FROM subscribers AS s JOIN surplus AS u ON u.subscriber_id = s.id
     WHERE s.phone = :phone ORDER BY u.hour DESC LIMIT :limit
"""

COUNT_MO = """
    -- By quarter of an hour, which every time zone's midnight falls on; what was only counted is
    -- known by the hour.
    SELECT created_at / 900000000, outcome, count(*)
      FROM mo WHERE id >= :first AND created_at >= :since GROUP BY 1, 2
     UNION ALL
    SELECT hour * 4, 'ignored', sum(number)
      FROM surplus WHERE hour >= :since / 3600000000 GROUP BY 1
"""

COUNT_MT = """
    SELECT created_at / 900000000, state, count(*)
      FROM outbox WHERE id >= :first AND created_at >= :since GROUP BY 1, 2
     UNION ALL
    SELECT created_at / 900000000, state, count(*)
      FROM sent WHERE id >= :first AND created_at >= :since GROUP BY 1, 2
"""

OLDEST_QUEUED = """
    -- The first queued reply in order of age; the few failed ones before it are passed over.
    SELECT created_at FROM outbox
     WHERE id > 0 AND state = 'queued' AND reminder = 0
     ORDER BY id LIMIT 1
"""

COUNT_SOME_OF_OUTBOX = """
    -- A piece of it in order of age, since nobody may wait for the whole.
    SELECT coalesce(sum(state = 'queued'), 0),
           coalesce(sum(state = 'queued' AND leased = 0 AND due_at >= :held), 0),
           coalesce(sum(state = 'failed'), 0),
           min(CASE WHEN state = 'queued' AND reminder = 0 THEN created_at END),
           CASE WHEN count(*) = :limit THEN max(id) END
      FROM (SELECT id, state, leased, due_at, reminder, created_at FROM outbox
             WHERE id > :after ORDER BY id LIMIT :limit)
"""

COUNT_OUTBOX = "SELECT state, count(*) FROM outbox WHERE id > 0 GROUP BY state"

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

# --- audit and guesses -----------------------------------------------------------------------

ADD_AUDIT = """
    INSERT INTO audit (at, who, command, account, detail)
    VALUES (:at, :who, :command, :account, :detail)
"""

AMEND_AUDIT = "UPDATE audit SET detail = :detail WHERE id = :id"

LIST_AUDIT = """
    -- A page of it, from behind the last line of the one before.
    SELECT id, at, who, command, account, detail FROM audit
     WHERE (at, id) > (:at, :id) ORDER BY at, id LIMIT :limit
"""

LIST_AUDIT_OF = """
    SELECT id, at, who, command, account, detail FROM audit
     WHERE who = :who AND (at, id) > (:at, :id) ORDER BY at, id LIMIT :limit
"""

PURGE_AUDIT = """
    DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < :before LIMIT :limit)
"""

GET_GUESSES = "SELECT password, wrong, at FROM guesses WHERE account_id = :account"

SET_GUESSES = """
    INSERT OR REPLACE INTO guesses (account_id, password, wrong, at)
    VALUES (:account, :password, :wrong, :at)
"""

FORGET_GUESSES = "DELETE FROM guesses WHERE account_id = :account"

LAST_CLOSED = """
    -- Which of these accounts was closed last.
    SELECT a.id FROM json_each(:accounts) AS k JOIN accounts AS a ON a.id = k.value
     ORDER BY a.closed_at DESC, a.id DESC LIMIT 1
"""

# --- links and facts -------------------------------------------------------------------------

LIST_LINKS = "SELECT name, state, since, reason, mo, mt, oddities FROM links ORDER BY name"

SET_LINK = """
    INSERT INTO links (name, state, since, reason) VALUES (:name, :state, :now, :reason)
        ON CONFLICT (name) DO UPDATE
       SET since = CASE WHEN state = excluded.state THEN since ELSE excluded.since END,
           state = excluded.state, reason = excluded.reason
"""

FORGET_LINK = "DELETE FROM links WHERE name = :name"

SET_ODDITIES = "UPDATE links SET oddities = :oddities WHERE name = :name"

COUNT_ON_LINK = "UPDATE links SET mo = mo + ?, mt = mt + ? WHERE name = ?"

LIST_CARRIERS = "SELECT link, carrier FROM carriers ORDER BY link"

SET_CARRIER = "INSERT OR REPLACE INTO carriers (link, carrier) VALUES (?, ?)"

GET_FACT = "SELECT value FROM facts WHERE name = :name"

SET_FACT = "INSERT OR REPLACE INTO facts (name, value) VALUES (:name, :value)"

# --- whose database is it? -------------------------------------------------------------------

COUNT_TABLES = "SELECT count(*) FROM sqlite_schema"

COUNT_MIGRATIONS_TABLE = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlite_migrations'"

COUNT_OUR_MIGRATIONS = "SELECT count(*) FROM _sqlite_migrations WHERE migration_set = 'smsgw'"

# --- data keys in a copy ---------------------------------------------------------------------

LIST_DATA_KEYS = "SELECT id, use, made, sealed FROM data_keys WHERE id >= x'' ORDER BY id"

ADD_DATA_KEY = "INSERT OR REPLACE INTO data_keys (id, use, made, sealed) VALUES (?, ?, ?, ?)"

FORGET_DATA_KEYS = "DELETE FROM data_keys WHERE id >= x''"

KEYS_IN_OUTBOX = """
    -- A seal begins with the id of its key.
    SELECT DISTINCT substr(sealed, 1, 4) FROM outbox WHERE id > 0 AND sealed IS NOT NULL
"""

# --- retention -------------------------------------------------------------------------------

PURGE_OUTBOX = """
    -- What waits to be sent is not the past, however old.
    DELETE FROM outbox
     WHERE id IN (SELECT id FROM outbox
                   WHERE id < :end AND created_at < :before AND state <> 'queued' LIMIT :limit)
 RETURNING subscriber_id
"""

PURGE_SENT = """
    DELETE FROM sent
     WHERE id IN (SELECT id FROM sent WHERE id < :end AND created_at < :before LIMIT :limit)
 RETURNING subscriber_id
"""

PURGE_MO = """
    -- A text goes after its reply, which is found through it: not beyond the first one that is
    -- left, so that no step looks for texts to remove among those that wait for theirs.
    DELETE FROM mo
     WHERE id IN (SELECT id FROM mo AS m
                   WHERE id < min(:end, coalesce((SELECT min(id) FROM sent), :end))
                     AND created_at < :before
                     AND NOT EXISTS (SELECT 1 FROM outbox WHERE id = m.id + 1 AND mo_id = m.id)
                     AND NOT EXISTS (SELECT 1 FROM sent WHERE id = m.id + 1 AND mo_id = m.id)
                   LIMIT :limit)
 RETURNING subscriber_id, id
"""

PURGE_IGNORED = "DELETE FROM ignored WHERE mo_id IN (SELECT value FROM json_each(:ids))"

PURGE_SURPLUS = """
    DELETE FROM surplus
     WHERE (hour, subscriber_id) IN (SELECT hour, subscriber_id FROM surplus
                                      WHERE hour < :hour LIMIT :limit)
 RETURNING subscriber_id
"""

PURGE_HOURS = "DELETE FROM hours WHERE hour < :hour"

PURGE_HISTORY = """
    DELETE FROM history
     WHERE account_id IN (SELECT id FROM accounts
                           WHERE state = 'closed' AND closed_at < :before
                           LIMIT :limit)
"""

PURGE_GUESSES = """
    DELETE FROM guesses
     WHERE account_id IN (SELECT id FROM accounts
                           WHERE state = 'closed' AND closed_at < :before
                           LIMIT :limit)
"""

PURGE_ACCOUNTS = """
    DELETE FROM accounts
     WHERE id IN (SELECT id FROM accounts
                   WHERE state = 'closed' AND closed_at < :before
                   LIMIT :limit)
 RETURNING subscriber_id
"""

PURGE_SUBSCRIBERS = """
    -- Of those whose messages or account just went: who has nothing left is forgotten.
    DELETE FROM subscribers
     WHERE id IN (SELECT value FROM json_each(:subscribers))
       AND NOT EXISTS (SELECT 1 FROM mo WHERE subscriber_id = subscribers.id)
       AND NOT EXISTS (SELECT 1 FROM outbox
                        WHERE subscriber_id = subscribers.id AND mo_id IS NULL)
       AND NOT EXISTS (SELECT 1 FROM sent
                        WHERE subscriber_id = subscribers.id AND mo_id IS NULL)
       AND NOT EXISTS (SELECT 1 FROM parts WHERE subscriber_id = subscribers.id)
       AND NOT EXISTS (SELECT 1 FROM surplus WHERE subscriber_id = subscribers.id)
       AND NOT EXISTS (SELECT 1 FROM accounts
                        WHERE subscriber_id = subscribers.id AND state <> 'closed')
       AND NOT EXISTS (SELECT 1 FROM accounts
                        WHERE subscriber_id = subscribers.id AND state = 'closed')
"""
