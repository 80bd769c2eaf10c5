"""Where the portal keeps what lives shortly: each engine, and what tests do to it."""

from contextlib import contextmanager
from datetime import timedelta

from smsgw.database import Server
from smsgw.portal.short import open_at, postgres, sqlite
from smsgw.store import open_store
from tests import raw_sqlite


def rows(short, statement, **values):
    """What *statement* finds, behind the verbs' back."""
    return short._engine.alone(statement, **values)


class InFile:
    examples = 30  #: of a model of the rules

    def __init__(self, folder):
        self.database = folder / "smsgw.db"

    def open(self, **options):
        """A portal's; a command's: `open(make=False)`."""
        return open_at(self.database, **options)

    def end(self, short):
        """As when its process is killed."""
        short.close()

    @staticmethod
    def be_impatient(monkeypatch):
        monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.01)

    @contextmanager
    def locked(self):
        """Nobody can write meanwhile."""
        db = raw_sqlite.connect(self.database.with_name("portal.db"), isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        yield
        db.close()


class InServer:
    examples = 5

    def __init__(self, cluster, folder, url=None):
        self.cluster = cluster
        self.database = Server(url or cluster.url(), files=folder / "smsgw.db")
        open_store(Server(cluster.url(), files=folder / "smsgw.db"), node="house").close()

    def open(self, **options):
        return open_at(self.database, **options)

    def end(self, short):
        portal = short._engine.portal
        short.close()
        with self.cluster.connect("smsgw") as db:  # until the server has noticed
            db.execute("SELECT pg_advisory_xact_lock(1936549738, %s)", [portal])

    @staticmethod
    def be_impatient(monkeypatch):
        monkeypatch.setattr(postgres, "BUSY", timedelta(milliseconds=50))

    @contextmanager
    def locked(self):
        with self.cluster.connect("smsgw") as db, db.transaction():
            db.execute("LOCK TABLE reserved")
            yield
