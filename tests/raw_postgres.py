"""A gateway's PostgreSQL database as tests look into it, behind the gateway's back."""

from smsgw.database import Server
from smsgw.store import open_store
from smsgw.store.verbs import accounts


class Postgres:
    """The engine, for the tests of all engines."""

    def __init__(self, cluster):
        self._cluster = cluster

    def gateway(self, folder):
        """The section of the configuration that names it."""
        return {
            "database": self._cluster.url(),
            "secret_key_file": str(folder / "secret.key"),
            "control_socket": str(folder / "control.sock"),
        }

    def open(self, folder, **options):
        server = Server(self._cluster.url(), files=folder / "smsgw.db")
        return open_store(server, **options)

    @staticmethod
    def read_in_pieces_of(rows, monkeypatch):
        monkeypatch.setattr(accounts, "_ACCOUNTS_AT_ONCE", rows)

    @staticmethod
    def hours_known(store):
        """Of how many hours the first id is known."""
        return store._one("SELECT count(*) FROM hours")[0]

    def break_reading(self, store):
        """Tables are not there any more."""
        with self._cluster.connect("smsgw") as db:
            db.execute("ALTER TABLE facts RENAME TO lost_facts")
            db.execute("ALTER TABLE outbox RENAME TO lost_outbox")

    def mend(self):
        with self._cluster.connect("smsgw") as db:
            db.execute("ALTER TABLE IF EXISTS lost_facts RENAME TO facts")
            db.execute("ALTER TABLE IF EXISTS lost_outbox RENAME TO outbox")
