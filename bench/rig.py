"""What is measured: our gateway, the naive one and an echo, each on an empty or a filled base.

Knows how to configure and start them; must not know which figures are wanted.
"""

import json
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from os import cpu_count
from pathlib import Path
from time import monotonic

from bench.processes import Peer, Smsc
from smsgw.passwords import Issued, draw, hash_password
from smsgw.simulator import toml

LINK = "load"
_LENGTH = 8


class Rig:
    """A folder for the bases of one bench, and the contenders.

    Args:
        pairs: how many passwords are hashed, once; a larger stock repeats them.
        cores: that the contenders may run on; empty: on all of them.
    """

    def __init__(self, work: Path, pairs: int, cores: Collection[int] = ()) -> None:
        self.work = work
        self._cores = cores
        self._count = pairs
        work.mkdir(parents=True, exist_ok=True)
        self.log = work / "bench.log"
        self.log.unlink(missing_ok=True)
        self._pairs = work / f"pairs-{pairs}.json"

    @property
    def pairs(self) -> Path:
        """Issued passwords with their hashes, made at the first use."""
        if not self._pairs.exists():
            print(f"bench: making {self._count} argon2id hashes, once …", file=sys.stderr)
            with ThreadPoolExecutor(cpu_count()) as pool:
                passwords = [draw(_LENGTH) for _ in range(self._count)]
                made = [*zip(passwords, pool.map(hash_password, passwords), strict=True)]
            self._pairs.write_text(json.dumps(made))
        return self._pairs

    @property
    def hashes(self) -> list[Issued]:
        return [Issued(password, hash_) for password, hash_ in json.loads(self.pairs.read_text())]

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder for one base; gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self.work, prefix="base-") as folder:
            yield Path(folder)

    def configure(
        self, folder: Path, smsc: Smsc, window: int, **sections: Mapping[str, object]
    ) -> Path:
        """Write the configuration of a gateway with its base in *folder*."""
        link = {"name": LINK, "host": "127.0.0.1", "port": smsc.port, "system_id": "bench"}
        document: dict[str, object] = {
            "gateway": {"database": str(folder / "smsgw.db")},
            # The same citizens text again and again here.
            "limits": {"replies_per_phone_per_hour": 0},
            "log": {"level": "info"},
        }
        document |= sections
        document["smsc"] = [link | {"password": "bench", "window": window}]
        path = folder / "config.toml"
        path.write_text(toml.dumps(document))
        path.chmod(0o600)
        return path

    @contextmanager
    def ours(
        self,
        folder: Path,
        *options: str,
        window: int = 100,
        stock: int | None = 0,
        size: int | None = None,
        **sections: Mapping[str, object],
    ) -> Iterator[tuple[Smsc, Peer]]:
        """`smsgw run`, or with *stock* or *options* the same daemon by the bench's launcher.

        Args:
            stock: passwords ready at the start; None: the product's own, made by its hashers.
            size: how many the hashers keep (default: *stock*).
        """
        registration = dict(sections.pop("registration", {}))
        if stock is not None:
            registration["password_stock"] = stock if size is None else size
        with Smsc() as smsc:
            path = self.configure(folder, smsc, window, registration=registration, **sections)
            command = ["-m", "smsgw", "-c", str(path), "run"]
            if stock or options:
                command = ["-m", "bench.launcher", str(path), *options]
                command += ["--pairs", str(self.pairs), "--stock", str(stock)] if stock else []
            with Peer(smsc, *command, log=self.log, cores=self._cores) as gateway:
                yield smsc, gateway

    @contextmanager
    def naive(self, folder: Path, *, hashing: bool = False) -> Iterator[tuple[Smsc, Peer]]:
        with Smsc() as smsc:
            options = ["--hash"] if hashing else []
            command = ["-m", "bench.naive", str(smsc.port), str(folder / "naive.db"), *options]
            with Peer(smsc, *command, log=self.log, cores=self._cores) as gateway:
                yield smsc, gateway

    @contextmanager
    def echo(self) -> Iterator[tuple[Smsc, Peer]]:
        with (
            Smsc() as smsc,
            Peer(
                smsc, "-m", "bench.echo", str(smsc.port), log=self.log, cores=self._cores
            ) as gateway,
        ):
            yield smsc, gateway


def bare_hash_rate(seconds: float) -> float:
    """argon2id hashes a second on all cores, with nothing beside them."""
    cores = cpu_count() or 1
    until = monotonic() + seconds
    started = monotonic()

    def work(_: int) -> int:
        count = 0
        while monotonic() < until:
            hash_password("abcdefgh")
            count += 1
        return count

    with ThreadPoolExecutor(cores) as pool:
        total = sum(pool.map(work, range(cores)))
    return total / (monotonic() - started)
