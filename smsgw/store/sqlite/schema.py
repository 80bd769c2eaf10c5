"""The tables and how they came to be. Migrations run in order, each in one transaction.

A released migration is never changed: add a new one below it. What a table is for stands beside
it; the statements that use it are in `sql.py`. Times are microseconds since 1970, UTC.

No CHECK on the hot tables: a list of allowed states costs each INSERT as much as all the rest of
it. The states are enums where rows are made and where they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from smsgw.store.sqlite.schema_portal import PORTAL

if TYPE_CHECKING:
    from sqlite_utils import Database

Migration = Callable[["Database"], None]


class Migrations:
    """The migrations in their order. sqlite-utils, which applies them, is imported only then: that
    takes a tenth of a second, and a command of the hotline applies none."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._functions: list[Migration] = []

    def __call__(self) -> Callable[[Migration], Migration]:
        """Adds a function, under its own name."""

        def add(function: Migration) -> Migration:
            self._functions.append(function)
            return function

        return add

    @property
    def names(self) -> list[str]:
        return [function.__name__ for function in self._functions]

    def apply(self, db: Database, stop_before: str | Iterable[str] | None = None) -> None:
        """Apply those that *db* lacks, each with its record in one transaction."""
        from sqlite_utils.migrations import Migrations as Applied

        applied = Applied(self.name)
        for function in self._functions:
            applied()(function)
        applied.apply(db, stop_before=stop_before)


migrations = Migrations("smsgw")

#: In the header of each database of ours ("smsg").
APPLICATION_ID = 0x736D7367

# Empty but in a copy, which has the data keys of the texts that waited when it was made, as they
# stand in the file of data keys.
DATA_KEYS = """
    CREATE TABLE IF NOT EXISTS data_keys (
        id     BLOB    PRIMARY KEY,
        use    TEXT    NOT NULL,
        made   INTEGER NOT NULL,
        sealed BLOB    NOT NULL             -- by the secret key
    ) STRICT, WITHOUT ROWID
"""

_FIRST = (
    # Whoever sent us a text. Random keys make a large store slow, so a telephone number stands
    # here once, and everything else refers to it by a number that grows with time.
    """
    CREATE TABLE subscribers (
        id    INTEGER PRIMARY KEY,
        phone TEXT NOT NULL UNIQUE      -- E.164; a sender that is no telephone number: as it came
    ) STRICT
    """,
    # One row for each account there ever was; the user name is the CMND.
    """
    CREATE TABLE accounts (
        id                  INTEGER PRIMARY KEY,
        subscriber_id       INTEGER NOT NULL REFERENCES subscribers (id),
        cmnd                TEXT    NOT NULL,
        full_name           TEXT    NOT NULL,
        birth_date          TEXT    NOT NULL,  -- yyyy-mm-dd
        state               TEXT    NOT NULL,  -- issued, active, closed
        link                TEXT    NOT NULL,  -- by which it was registered
        address             TEXT    NOT NULL,  -- the phone as the carrier of that link writes it
        ton                 INTEGER NOT NULL,
        npi                 INTEGER NOT NULL,
        password_hash       TEXT,              -- argon2id; NULL: deleted and not replaced
        password_mt_id      INTEGER,           -- the text that carries the issued password
        registered_at       INTEGER NOT NULL,
        password_issued_at  INTEGER,
        password_expires_at INTEGER,           -- NULL: does not lapse
        reminders           INTEGER NOT NULL DEFAULT 0,
        closed_at           INTEGER
    ) STRICT
    """,
    # One phone, one account; one CMND, one account: the database's own rule.
    "CREATE UNIQUE INDEX accounts_cmnd ON accounts (cmnd) WHERE state <> 'closed'",
    "CREATE UNIQUE INDEX accounts_phone ON accounts (subscriber_id) WHERE state <> 'closed'",
    "CREATE INDEX accounts_expiry ON accounts (password_expires_at)"
    " WHERE state = 'issued' AND password_expires_at IS NOT NULL",
    "CREATE INDEX accounts_closed_cmnd ON accounts (cmnd) WHERE state = 'closed'",
    "CREATE INDEX accounts_closed_phone ON accounts (subscriber_id) WHERE state = 'closed'",
    "CREATE INDEX accounts_closed_at ON accounts (closed_at) WHERE state = 'closed'",
    # What happened to an account since it was registered, of which its own row tells; only ever
    # appended, and most accounts have at most one line.
    """
    CREATE TABLE history (
        account_id INTEGER NOT NULL REFERENCES accounts (id),
        number     INTEGER NOT NULL,           -- 1, 2, 3 … of this account
        at         INTEGER NOT NULL,
        event      TEXT    NOT NULL,
        old_state  TEXT,
        new_state  TEXT    NOT NULL,
        actor      TEXT,                       -- who did it at the command line
        reason     TEXT,
        PRIMARY KEY (account_id, number)
    ) STRICT, WITHOUT ROWID
    """,
    # Texts received; only ever appended. They and our own draw their ids from one sequence.
    """
    CREATE TABLE mo (
        id            INTEGER PRIMARY KEY,
        created_at    INTEGER NOT NULL,
        subscriber_id INTEGER NOT NULL REFERENCES subscribers (id),
        link          TEXT    NOT NULL,
        session       INTEGER NOT NULL,
        fingerprint   INTEGER NOT NULL,        -- of the octets, to know a retransmission
        outcome       TEXT    NOT NULL,
        text          TEXT                     -- NULL: could not be read
    ) STRICT
    """,
    # And by id, so that only the last hour is read of somebody who texts all the time.
    "CREATE INDEX mo_subscriber ON mo (subscriber_id)",
    # The first id of either in each hour. Ids grow with time, so this finds what came since
    # then, without an index on the time of each message.
    """
    CREATE TABLE hours (
        hour     INTEGER PRIMARY KEY,          -- since 1970
        first_id INTEGER NOT NULL
    ) STRICT
    """,
    # The wording of what we send, each once.
    """
    CREATE TABLE wordings (
        id    INTEGER PRIMARY KEY,
        reply TEXT NOT NULL,                   -- the key below [messages]
        text  TEXT NOT NULL,                   -- with its placeholders
        UNIQUE (reply, text)
    ) STRICT
    """,
    # Texts of ours that the SMSC has not taken. Replies have the number after that of the text
    # which they answer, and are found through it: an index on who gets them would be the third
    # with random keys.
    """
    CREATE TABLE outbox (
        id            INTEGER PRIMARY KEY,
        created_at    INTEGER NOT NULL,
        subscriber_id INTEGER NOT NULL REFERENCES subscribers (id),
        link          TEXT    NOT NULL,
        wording_id    INTEGER NOT NULL REFERENCES wordings (id),
        mo_id         INTEGER,                 -- what it answers, id - 1; NULL: nobody asked
        account_id    INTEGER,                 -- whose password it carries
        reminder      INTEGER NOT NULL,        -- 0: a reply, goes first
        due_at        INTEGER NOT NULL,        -- of a leased row: when the lease ends
        state         TEXT    NOT NULL DEFAULT 'queued',  -- or failed, cancelled
        leased        INTEGER NOT NULL,        -- 1: a link has it in memory
        tries         INTEGER NOT NULL,
        address       TEXT    NOT NULL,
        ton           INTEGER NOT NULL,
        npi           INTEGER NOT NULL,
        sealed        BLOB,                    -- the password, sealed by the vault
        reason        TEXT,                    -- why the last try failed
        retried       INTEGER                  -- when the hotline did: its day begins again
    ) STRICT
    """,
    # A reply that leaves from memory is never in this index.
    "CREATE INDEX outbox_due ON outbox (link, reminder, due_at)"
    " WHERE state = 'queued' AND leased = 0",
    "CREATE INDEX outbox_unasked ON outbox (subscriber_id) WHERE mo_id IS NULL",
    # Where a text of ours goes when the SMSC has taken it; its receipt has the last word.
    """
    CREATE TABLE sent (
        id            INTEGER PRIMARY KEY,     -- these columns as in the outbox
        created_at    INTEGER NOT NULL,
        subscriber_id INTEGER NOT NULL REFERENCES subscribers (id),
        link          TEXT    NOT NULL,
        wording_id    INTEGER NOT NULL REFERENCES wordings (id),
        mo_id         INTEGER,
        account_id    INTEGER,
        smsc_id       TEXT    NOT NULL,        -- as the SMSC gave it
        state         TEXT    NOT NULL DEFAULT 'sent',  -- or delivered, failed
        taken_at      INTEGER NOT NULL,
        final_at      INTEGER,
        reason        TEXT
    ) STRICT
    """,
    "CREATE INDEX sent_awaiting ON sent (smsc_id) WHERE state = 'sent'",
    "CREATE INDEX sent_unasked ON sent (subscriber_id) WHERE mo_id IS NULL",
    # Receipts that came before the answer to their submit_sm.
    """
    CREATE TABLE early_receipts (
        id         INTEGER PRIMARY KEY,
        created_at INTEGER NOT NULL,
        link       TEXT    NOT NULL,
        smsc_id    TEXT    NOT NULL,           -- as it came
        phone      TEXT    NOT NULL,
        state      TEXT    NOT NULL,
        reason     TEXT    NOT NULL
    ) STRICT
    """,
    "CREATE INDEX early_receipts_key ON early_receipts (smsc_id)",
    "CREATE INDEX early_receipts_time ON early_receipts (created_at)",
    # Parts of long texts; they stay a while after the last came, to know a part sent again.
    """
    CREATE TABLE parts (
        subscriber_id INTEGER NOT NULL REFERENCES subscribers (id),
        ref           TEXT    NOT NULL,
        number        INTEGER NOT NULL,
        total         INTEGER NOT NULL,
        created_at    INTEGER NOT NULL,
        link          TEXT    NOT NULL,
        session       INTEGER NOT NULL,
        fingerprint   INTEGER NOT NULL,
        address       TEXT    NOT NULL,
        ton           INTEGER NOT NULL,
        npi           INTEGER NOT NULL,
        data_coding   INTEGER NOT NULL,
        shift_single  INTEGER NOT NULL,
        shift_locking INTEGER NOT NULL,
        octets        BLOB    NOT NULL,
        joined        INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (subscriber_id, ref, number)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX parts_waiting ON parts (created_at) WHERE joined = 0",
    "CREATE INDEX parts_time ON parts (created_at)",
    # Up to where ids were given out before the last purge; ids are never used twice.
    """
    CREATE TABLE last_ids (
        id          INTEGER PRIMARY KEY,       -- 1: there is one row
        subscribers INTEGER NOT NULL,
        accounts    INTEGER NOT NULL,
        messages    INTEGER NOT NULL
    ) STRICT
    """,
    "INSERT INTO last_ids VALUES (1, 0, 0, 0)",
    # What the daemon says of its links, for commands to read.
    """
    CREATE TABLE links (
        name   TEXT PRIMARY KEY,
        state  TEXT    NOT NULL,
        since  INTEGER NOT NULL,
        reason TEXT,
        mo     INTEGER NOT NULL DEFAULT 0,
        mt     INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID
    """,
    # Facts about this store, such as which key seals its outbox.
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
)


@migrations()
def m001_tables(db: Database) -> None:
    for statement in _FIRST:
        db.execute(statement)


@migrations()
def m002_carriers(db: Database) -> None:
    # The carrier of each link there ever was: what waits for a link that is gone leaves by
    # another one of its carrier.
    db.execute(
        "CREATE TABLE carriers (link TEXT PRIMARY KEY, carrier TEXT NOT NULL) STRICT, WITHOUT ROWID"
    )


@migrations()
def m003_oddities(db: Database) -> None:
    # What the peer of each link did against the standard: kind -> how often, as JSON.
    db.execute("ALTER TABLE links ADD COLUMN oddities TEXT NOT NULL DEFAULT '{}'")


@migrations()
def m004_outbox(db: Database) -> None:
    # How often an SMSC took a text and never answered, on sessions that lived on: after a few times
    # it is held, with `store.HELD` as its due_at.
    db.execute("ALTER TABLE outbox ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0")


@migrations()
def m005_senders(db: Database) -> None:
    # A fingerprint begins with the quarter of an hour (`rows.quarter`), so that one index finds a
    # retransmission by a point, and what a sender sent since a moment by a range. What each one
    # sent before would be read for neither.
    db.execute("DROP INDEX mo_subscriber")
    db.execute(
        "UPDATE mo SET fingerprint = (created_at / 900000000 << 41)"
        " | CASE outcome WHEN 'retransmission' THEN 0 ELSE fingerprint & 2199023255551 END"
    )
    db.execute("CREATE INDEX mo_sender ON mo (subscriber_id, fingerprint)")
    # Why a text was ignored.
    db.execute("CREATE TABLE ignored (mo_id INTEGER PRIMARY KEY, reason TEXT NOT NULL) STRICT")
    # Texts that were not answered beyond a hundred of their sender in an hour: only their number.
    db.execute(
        """
        CREATE TABLE surplus (
            hour          INTEGER NOT NULL,        -- since 1970
            subscriber_id INTEGER NOT NULL REFERENCES subscribers (id),
            number        INTEGER NOT NULL,
            last_at       INTEGER NOT NULL,
            PRIMARY KEY (hour, subscriber_id)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX surplus_sender ON surplus (subscriber_id)")
    # Parts are counted before any is read.
    db.execute("CREATE INDEX parts_waiting_sender ON parts (subscriber_id, ref) WHERE joined = 0")
    db.execute("CREATE INDEX parts_waiting_link ON parts (link) WHERE joined = 0")


@migrations()
def m006_accounts(db: Database) -> None:
    # The id as the SMSC gave it, since a receipt that repeats it letter for letter is sure; it is
    # found by its normal form, lower case without leading zeros. With the link in front, for one
    # carrier may give ids that another gave too.
    db.execute("DROP INDEX sent_awaiting")
    db.execute(
        "CREATE INDEX sent_awaiting ON sent (link, ltrim(lower(smsc_id), '0')) WHERE state = 'sent'"
    )
    db.execute("DROP INDEX early_receipts_key")
    db.execute(
        "CREATE INDEX early_receipts_key ON early_receipts (link, ltrim(lower(smsc_id), '0'))"
    )
    # In the order in which they came: the oldest of a link goes when there are too many.
    db.execute("CREATE INDEX early_receipts_link ON early_receipts (link)")
    # Texts with a password that reached nobody, in a row.
    db.execute("ALTER TABLE accounts ADD COLUMN undelivered INTEGER NOT NULL DEFAULT 0")
    # Who alone may register a CMND for some days: its owner, after somebody else did.
    db.execute(
        "CREATE TABLE reservations (cmnd TEXT PRIMARY KEY, phone TEXT NOT NULL,"
        " ends_at INTEGER NOT NULL) STRICT, WITHOUT ROWID"
    )
    db.execute("CREATE INDEX reservations_end ON reservations (ends_at)")


@migrations()
def m007_copies(db: Database) -> None:
    # When a text failed or was cancelled: a day later its password is wiped.
    db.execute("ALTER TABLE outbox ADD COLUMN ended_at INTEGER")
    db.execute(
        "UPDATE outbox SET ended_at = max(created_at, coalesce(retried, 0)) WHERE state <> 'queued'"
    )
    # One that was replaced is of no use to anybody.
    db.execute(
        "UPDATE outbox SET sealed = NULL WHERE state <> 'queued' AND sealed IS NOT NULL"
        " AND id NOT IN (SELECT password_mt_id FROM accounts"
        "                 WHERE id = outbox.account_id AND password_mt_id IS NOT NULL)"
    )
    db.execute(DATA_KEYS)
    # So that nobody takes another program's database for ours.
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")


@migrations()
def m008_audit(db: Database) -> None:
    # Who looked up, verified or changed what at the command line; only ever appended.
    db.execute("""
        CREATE TABLE audit (
            id      INTEGER PRIMARY KEY,
            at      INTEGER NOT NULL,
            who     TEXT    NOT NULL,
            command TEXT    NOT NULL,
            account TEXT,                      -- masked; NULL: it was about no single one
            detail  TEXT    NOT NULL
        ) STRICT
    """)
    db.execute("CREATE INDEX audit_at ON audit (at)")
    db.execute("CREATE INDEX audit_who ON audit (who, at)")
    # Wrong passwords in a row that somebody tried at an account. A row counts for one password:
    # a new one begins at 0, whoever made it.
    db.execute("""
        CREATE TABLE guesses (
            account_id INTEGER PRIMARY KEY REFERENCES accounts (id),
            password   TEXT    NOT NULL,       -- a digest of the hash that was guessed at
            wrong      INTEGER NOT NULL,
            at         INTEGER NOT NULL        -- of the last one
        ) STRICT
    """)


@migrations()
def m009_heartbeat(db: Database) -> None:
    # That the daemon of a node lives and its store takes what it writes; anew every few seconds.
    db.execute("""
        CREATE TABLE heartbeats (
            node       TEXT PRIMARY KEY,
            pid        INTEGER NOT NULL,
            version    TEXT    NOT NULL,
            started_at INTEGER NOT NULL,
            at         INTEGER NOT NULL,
            tick       INTEGER NOT NULL,       -- the same moment by a clock that nobody sets
            ended      INTEGER NOT NULL        -- 1: the last one, it ended as it should
        ) STRICT, WITHOUT ROWID
    """)
    # When a link that is down tries to bind again.
    db.execute("ALTER TABLE links ADD COLUMN next_try INTEGER")


@migrations()
def m010_stopped(db: Database) -> None:
    # Links that somebody took down by hand, and that stay so until somebody starts them.
    db.execute("""
        CREATE TABLE stopped (
            link   TEXT    PRIMARY KEY,
            at     INTEGER NOT NULL,
            who    TEXT    NOT NULL,
            reason TEXT
        ) STRICT, WITHOUT ROWID
    """)


@migrations()
def m011_rights(db: Database) -> None:
    # Which account a line of the audit is about, so that a citizen can be told of it: a masked
    # number fits thousands. NULL: about none, or of before this version, or it was erased.
    db.execute("ALTER TABLE audit ADD COLUMN account_id INTEGER")
    db.execute("CREATE INDEX audit_account ON audit (account_id) WHERE account_id IS NOT NULL")


@migrations()
def m012_portal(db: Database) -> None:
    for statement in PORTAL:
        db.execute(statement)


@migrations()
def m013_counted(db: Database) -> None:
    # A refused text counts among those that reached nobody: once, however often the hotline
    # tries it again. Those that had failed before count no more, as it was then.
    db.execute("ALTER TABLE outbox ADD COLUMN counted INTEGER NOT NULL DEFAULT 0")
    db.execute("UPDATE outbox SET counted = 1 WHERE retried IS NOT NULL OR state = 'failed'")
