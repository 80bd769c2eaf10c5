"""What is in a gateway's database, as an auditor reads it: by SQL of his own, changing nothing."""

import time
from collections import Counter
from contextlib import closing

from smsgw.passwords import verify
from tests import raw_sqlite


class Ledger:
    """The database of a gateway; each question reads it afresh."""

    def __init__(self, database):
        self.database = database

    def rows(self, statement, *values):
        with closing(raw_sqlite.read_only(self.database)) as db:
            return db.execute(statement, values).fetchall()

    def value(self, statement, *values):
        return self.rows(statement, *values)[0][0]

    def texts(self):
        """How often each (phone, text) was taken in, retransmissions left out."""
        return Counter(
            self.rows(
                "SELECT phone, text FROM mo JOIN subscribers AS s ON s.id = subscriber_id"
                " WHERE outcome <> 'retransmission'"
            )
        )

    def outcomes(self):
        return Counter(outcome for (outcome,) in self.rows("SELECT outcome FROM mo"))

    def replies(self):
        """How many texts were made for each phone, sent or not."""
        return Counter(
            phone
            for (phone,) in self.rows(
                "SELECT phone FROM (SELECT subscriber_id FROM outbox"
                "                   UNION ALL SELECT subscriber_id FROM sent)"
                "  JOIN subscribers AS s ON s.id = subscriber_id"
            )
        )

    def waiting(self):
        """Phones of texts that the SMSC has not taken."""
        return [
            phone
            for (phone,) in self.rows(
                "SELECT phone FROM outbox JOIN subscribers AS s ON s.id = subscriber_id"
            )
        ]

    def queued(self):
        """How many texts still wait for a try; failed ones do not."""
        return self.value("SELECT count(*) FROM outbox WHERE id > 0 AND state = 'queued'")

    def delivered(self):
        """How many texts have arrived, as their receipts say."""
        return self.value("SELECT count(*) FROM sent WHERE state = 'delivered'")

    def accounts(self):
        """(phone, cmnd, state, password hash) of every account that is not closed."""
        return self.rows(
            "SELECT phone, cmnd, state, password_hash"
            "  FROM accounts JOIN subscribers AS s ON s.id = subscriber_id"
            " WHERE state <> 'closed'"
        )

    def password_lives(self, phone, password):
        """Whether *password* is the one living password of the one account of *phone*."""
        [hash_] = [account[3] for account in self.accounts() if account[0] == phone]
        return verify(hash_, password)

    def let_passwords_lapse(self):
        """Three days go by; the daemon must not run."""
        with closing(raw_sqlite.connect(self.database)) as db, db:
            db.execute("UPDATE accounts SET password_expires_at = password_issued_at")

    def is_made(self):
        """Whether there are tables."""
        return bool(self.rows("SELECT 1 FROM sqlite_schema WHERE name = 'mo'"))

    def is_sound(self):
        """Whether SQLite finds nothing wrong in it."""
        whole = self.rows("PRAGMA integrity_check") == [("ok",)]
        return whole and self.rows("PRAGMA foreign_key_check") == []


class ServerLedger(Ledger):
    """The same of a PostgreSQL: *database* is a cluster of the tests."""

    def rows(self, statement, *values):
        with self.database.connect("smsgw") as db:
            return db.execute(statement.replace("?", "%s"), values).fetchall()

    def wait_alone(self, timeout=30):
        """Wait until the server has ended all other sessions, as it does for a client that died."""
        deadline = time.monotonic() + timeout
        others = (
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with self.database.connect("smsgw") as db:
            while left := db.execute(others).fetchall():
                assert time.monotonic() < deadline, f"sessions of a dead client: {left}"
                time.sleep(0.01)

    def is_made(self):
        """As for a file."""
        return self.value("SELECT to_regclass('mo') IS NOT NULL")

    def is_sound(self):
        """True: what would be damaged is the server's, which checks keys by itself."""
        return True
