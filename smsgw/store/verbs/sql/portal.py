"""Citizens as the portal sees them: proofs, answers, log-ins, disclosures, shut names."""

from smsgw.store.verbs.sql.accounts import _ACCOUNT

_CITIZEN = (
    _ACCOUNT
    + """,
           r.digest, r.mark, u.sub, u.active_number, u.updated_at, p.answers, p.version,
           p.consent_at, p.consent_text, p.consent_version
"""
)

_BESIDES = """
      JOIN subscribers AS s ON s.id = a.subscriber_id
      LEFT JOIN renewed_hashes AS r ON r.account_id = a.id
      LEFT JOIN profiles AS p ON p.account_id = a.id
"""

_OF_ACCOUNT = (
    _CITIZEN
    + "  FROM accounts AS a"
    + _BESIDES
    + "      LEFT JOIN subjects AS u ON u.account_id = a.id\n"
)

CITIZEN_BY_ID = _OF_ACCOUNT + "     WHERE a.id = :account\n"

CITIZEN_BY_CMND = _OF_ACCOUNT + "     WHERE a.cmnd = :cmnd AND a.state <> 'closed'\n"

CITIZEN_BY_SUB = (
    _CITIZEN
    + "  FROM subjects AS u JOIN accounts AS a ON a.id = u.account_id"
    + _BESIDES
    + "     WHERE u.sub = :sub\n"
)

ACTIVE_CITIZENS = (
    _CITIZEN
    + "  FROM subjects AS u JOIN accounts AS a ON a.id = u.account_id"
    + _BESIDES
    + """     WHERE u.active_number > :after AND a.state = 'active'
     ORDER BY u.active_number LIMIT :limit + 0
"""
)

LAST_ACTIVE_NUMBER = "SELECT coalesce(max(active_number), 0) FROM subjects"

RENEW_HASH = """
    UPDATE accounts SET password_hash = :new WHERE id = :account AND password_hash = :old
"""

KEEP_MARK = """
    INSERT INTO renewed_hashes (account_id, digest, mark) VALUES (:account, :digest, :mark)
        ON CONFLICT (account_id) DO UPDATE SET digest = excluded.digest, mark = excluded.mark
"""

# --- answers ---------------------------------------------------------------------------------

SET_ANSWERS = """
    INSERT INTO profiles (account_id, answers, version) VALUES (:account, :answers, :version)
        ON CONFLICT (account_id) DO UPDATE
       SET answers = excluded.answers, version = excluded.version
"""

SET_CONSENT = """
    UPDATE profiles
       SET consent_at = :at, consent_text = :text, consent_version = :version
     WHERE account_id = :account
"""

ADD_PROFILE_CHANGE = """
    INSERT INTO profile_changes (account_id, number, at, what, detail, who)
    VALUES (:account,
            (SELECT coalesce(max(number), 0) + 1 FROM profile_changes WHERE account_id = :account),
            :at, :what, :detail, :who)
"""

PROFILE_CHANGES = """
    SELECT at, what, detail, who FROM profile_changes WHERE account_id = :account ORDER BY number
"""

# --- log-ins and disclosures -----------------------------------------------------------------

LOG_INS = """
    -- The latest first.
    SELECT at, how, address FROM log_ins WHERE account_id = :account
     ORDER BY id DESC LIMIT :limit + 0
"""

ADD_LOG_IN = """
    INSERT INTO log_ins (account_id, at, how, address) VALUES (:account, :at, :how, :address)
"""

PURGE_LOG_INS = """
    DELETE FROM log_ins WHERE id IN (SELECT id FROM log_ins WHERE at < :before LIMIT :limit + 0)
"""

DISCLOSURES = """
    SELECT at, client, scopes FROM disclosures WHERE account_id = :account ORDER BY at
"""

# --- shut names ------------------------------------------------------------------------------

SHUT = """
    INSERT INTO shut_names (username, account_id, mark, at)
    VALUES (:username, :account, :mark, :at)
        ON CONFLICT (username) DO UPDATE
       SET account_id = excluded.account_id, mark = excluded.mark, at = excluded.at
"""

FIND_SHUT = "SELECT mark, at FROM shut_names WHERE username = :username"

PURGE_SHUT_NAMES = """
    -- Those that have a password stay shut until it is another.
    DELETE FROM shut_names
     WHERE username IN (SELECT username FROM shut_names
                         WHERE mark = '' AND at < :before LIMIT :limit + 0)
"""

# --- feed ------------------------------------------------------------------------------------

FEED = "SELECT id, at, sub, type FROM feed WHERE id > :after ORDER BY id LIMIT :limit + 0"

PURGE_FEED = """
    -- From its beginning to the first line that is young enough, so that what is left has no holes.
    DELETE FROM feed
     WHERE id IN (SELECT id FROM feed
                   WHERE id < coalesce((SELECT id FROM feed WHERE id > 0 AND at >= :before
                                         ORDER BY id LIMIT 1), :end)
                   ORDER BY id LIMIT :limit + 0)
"""

# --- the end ---------------------------------------------------------------------------------

CLOSED_BEFORE = """
    SELECT id FROM accounts WHERE state = 'closed' AND closed_at < :before LIMIT :limit + 0
"""
