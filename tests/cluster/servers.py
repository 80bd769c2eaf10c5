"""PostgreSQL on two hosts under Patroni, which keeps its word in etcd: as an operator has it.

Patroni comes from PyPI, of one version, into an environment of its own (`environment`); etcd and
PostgreSQL are Debian's. Each server's data lie in a small disk of its own, in memory.
"""

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.cluster.network import SWITCH, Host, run
from tests.postgres import binaries

PATRONI = "4.1.5"
PATIENCE = 120  # seconds; a deadline, not a delay
DISK = 400  #: MB of each server
#: The least that Patroni allows for a primary that is silent, and how often it looks.
TTL, LOOK = 20, 2
_ETCD = f"{SWITCH}:2379"
_SETTINGS = {
    "synchronous_commit": "on",
    "wal_log_hints": "on",
    "max_connections": 60,
    "shared_buffers": "32MB",
    "min_wal_size": "32MB",
    "max_wal_size": "96MB",
    "wal_keep_size": "64MB",
    "hot_standby": "on",
}


def environment(cache: Path) -> Path:
    """Where Patroni's programs are; makes them on the first call.

    Raises:
        RuntimeError: the packages cannot be had; says what pip said.
    """
    place = cache / f"patroni-{PATRONI}"
    if not (place / "ready").exists():
        shutil.rmtree(place, ignore_errors=True)
        # Debian's Python: one below /root is out of reach for the user postgres.
        run("/usr/bin/python3", "-m", "venv", str(place))
        packages = (f"patroni[etcd3]=={PATRONI}", f"psycopg[binary]=={psycopg.__version__}")
        run(str(place / "bin" / "pip"), "install", "--quiet", *packages)
        (place / "ready").touch()
    return place / "bin"


def until(happened: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Ask *happened* until it is true."""
    deadline = time.monotonic() + patience
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {patience:g} s: {what}")
        time.sleep(0.05)


def _told(address: str) -> dict[str, Any]:
    """The JSON at *address*, whatever its status; nothing where nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310
            octets = answer.read()
    except urllib.error.HTTPError as error:
        octets = error.read()
    except OSError:
        return {}
    told = json.loads(octets)
    return told if isinstance(told, dict) else {}


class Etcd:
    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [
                "etcd", "--data-dir", folder / "etcd", "--unsafe-no-fsync",
                "--listen-client-urls", f"http://{_ETCD}", "--advertise-client-urls",
                f"http://{_ETCD}", "--listen-peer-urls", f"http://{SWITCH}:2380",
            ],
            stdout=(folder / "etcd.log").open("w"), stderr=subprocess.STDOUT,
        )  # fmt: skip

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


class Member:
    """One server and the Patroni that keeps it."""

    def __init__(self, host: Host, folder: Path, programs: Path) -> None:
        self.host = host
        self.folder = folder / host.name
        self.disk = self.folder / "disk"
        self.data = self.disk / "data"
        self._log = self.folder / "log"
        self._programs = programs
        self._process: subprocess.Popen[bytes] | None = None
        self.disk.mkdir(parents=True)
        run("mount", "-t", "tmpfs", "-o", f"size={DISK}m", "tmpfs", str(self.disk))
        (self.folder / "patroni.yml").write_text(json.dumps(self._configuration()))  # is YAML
        for path in (self.folder, self.disk):
            shutil.chown(path, "postgres")

    def _configuration(self) -> dict[str, object]:
        address = self.host.address
        return {
            "scope": "smsgw",
            "name": self.host.name,
            "restapi": {"listen": f"{address}:8008", "connect_address": f"{address}:8008"},
            "etcd3": {"host": _ETCD},
            "bootstrap": {
                "dcs": {
                    "ttl": TTL,
                    "loop_wait": LOOK,
                    "retry_timeout": 5,
                    "primary_start_timeout": 0,  # a server that died is not waited for
                    "maximum_lag_on_failover": 1 << 20,
                    "synchronous_mode": True,
                    "postgresql": {
                        "use_pg_rewind": True,
                        "use_slots": True,
                        "parameters": _SETTINGS,
                    },
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, {"wal-segsize": "1"}],
            },
            "postgresql": {
                "listen": f"{address}:5432",
                "connect_address": f"{address}:5432",
                "data_dir": str(self.data),
                "bin_dir": str(binaries()),
                "basebackup": [{"checkpoint": "fast"}],
                "pgpass": str(self.folder / "pgpass"),
                "pg_hba": ["local all all trust", "host all all 10.77.0.0/24 trust",
                           "host replication all 10.77.0.0/24 trust"],
                "authentication": {
                    "superuser": {"username": "postgres", "password": "unused"},
                    "replication": {"username": "replicator", "password": "unused"},
                    "rewind": {"username": "postgres", "password": "unused"},
                },
                "parameters": {"unix_socket_directories": str(self.folder)},
            },
        }  # fmt: skip

    def start(self) -> None:
        command = self.host.command(
            "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups",
            str(self._programs / "patroni"), str(self.folder / "patroni.yml"),
        )  # fmt: skip
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL, stdout=self._log.open("a"), stderr=subprocess.STDOUT,
            cwd="/", env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )  # fmt: skip

    @property
    def gone(self) -> bool:
        return self._process is None

    def _server(self) -> list[int]:
        """The processes of its PostgreSQL, the first of them first."""
        try:
            postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
            children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
        except (OSError, IndexError, ValueError):
            return []
        return [postmaster, *map(int, children.split())]

    def kill_server(self) -> None:
        """Kill -9 of PostgreSQL alone."""
        for pid in self._server():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill(self) -> None:
        """Kill -9 of everything: the machine lost its power."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.kill_server()

    def role(self) -> str:
        """As Patroni says: `primary`, `sync_standby`, `replica`; "" where it does not answer."""
        state = _told(f"http://{self.host.address}:8008/patroni")
        if state.get("state") not in ("running", "streaming"):
            return ""
        return "sync_standby" if state.get("sync_standby") else str(state.get("role", ""))

    def fill_disk(self) -> None:
        """Leave no octet free."""
        run("dd", "if=/dev/zero", f"of={self.disk}/filler", "bs=4096", check=False)

    def free_disk(self) -> None:
        (self.disk / "filler").unlink()


class Servers:
    """Two members, of which one is the primary and the other confirms each of its commits."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._programs = programs
        self._etcd = Etcd(folder)
        until(lambda: _told(f"http://{_ETCD}/health").get("health") == "true", "etcd")
        self.members = [Member(Host(f"db{n}", 20 + n), folder, programs) for n in (1, 2)]
        self.members[0].start()
        until(lambda: self.primary, "a primary")
        with self.connect("postgres", user="postgres") as db:
            db.execute("CREATE ROLE smsgw LOGIN IN ROLE pg_monitor")
            db.execute("CREATE DATABASE smsgw OWNER smsgw")
        self.members[1].start()
        self.whole()

    @property
    def hosts(self) -> str:
        return ",".join(member.host.address for member in self.members)

    @property
    def url(self) -> str:
        return f"postgresql://smsgw@{self.hosts}/smsgw"

    @property
    def primary(self) -> Member | None:
        return next((member for member in self.members if member.role() == "primary"), None)

    @property
    def standby(self) -> Member:
        return next(member for member in self.members if member is not self.primary)

    def whole(self) -> None:
        """Wait until there are a primary and a synchronous standby."""
        roles: list[str] = []

        def are() -> bool:
            roles[:] = sorted(member.role() for member in self.members)
            return roles == ["primary", "sync_standby"]

        until(are, "a primary with its synchronous standby")

    def waits(self) -> bool:
        """Whether commits wait for a standby."""
        with self.connect(user="postgres", database="postgres") as db:
            row = db.execute("SHOW synchronous_standby_names").fetchone()
        return bool(row and row[0])

    def takes(self) -> bool:
        """Whether something can be written."""
        try:
            with self.connect(user="postgres", database="postgres") as db:
                db.execute("CREATE TABLE IF NOT EXISTS probe (octets TEXT)")
                db.execute("INSERT INTO probe SELECT repeat('x', 5000) FROM generate_series(1, 20)")
        except psycopg.Error:
            return False
        return True

    def switch_over(self) -> None:
        standby, primary = self.standby, self.primary
        assert primary is not None
        body = json.dumps({"leader": primary.host.name, "candidate": standby.host.name})
        request = urllib.request.Request(
            f"http://{primary.host.address}:8008/switchover", body.encode(),
            {"Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=60):  # noqa: S310
            pass

    def connect(self, database: str = "smsgw", user: str = "smsgw") -> psycopg.Connection:
        """A session on the primary."""
        return psycopg.connect(
            host=self.hosts, user=user, dbname=database, target_session_attrs="read-write",
            connect_timeout=2, autocommit=True,
        )  # fmt: skip

    def end(self) -> None:
        for member in self.members:
            member.kill()
            run("umount", "--lazy", str(member.disk))
        self._etcd.end()
