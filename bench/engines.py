"""What a registration costs over each engine, in one process and without a wire.

`python -m bench.engines` is one contender for one run: batches of the gateway's own commit, each of
as many registrations as it is told, and with what an SMSC says to the replies of the one before.
The bench starts one after the other, in turns.
"""

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

#: The yardstick is the SQLite of Python's standard library, in the thread that writes alone.
STDLIB = "sqlite (standard library)"
ENGINES = ("postgres", "sqlite", STDLIB)
BATCHES = (10, 100, 1000)


def rate(engine: str, folder: Path, batch: int, seconds: float, address: str | None) -> float:
    """Registrations a second, in a process of its own."""
    command = [sys.executable, "-m", "bench.engines", engine, str(folder), str(batch), str(seconds)]
    if engine == "postgres" and address:
        command.append(address)
    found = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return float(json.loads(found.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.engines")
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("batch", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("address", nargs="?", help="of a PostgreSQL database for this alone")
    options = parser.parse_args()
    if options.engine == STDLIB:
        vars(sys)["modules"]["pysqlite3"] = None  # from here on, it cannot be imported
    print(json.dumps(_measure(options)))


def _measure(options: argparse.Namespace) -> float:
    """Registrations a second."""
    from smsgw import config
    from smsgw.database import Server
    from smsgw.gateway import Batch, Gateway, Rules
    from smsgw.model import Address, Mo, SubmitResult, Taken
    from smsgw.passwords import Issued, draw
    from smsgw.simulator import toml
    from smsgw.store import open_store
    from smsgw.vault import Vault

    class Issuer:
        """As many as anybody wants, all with one hash: hashing is not what is measured."""

        def take(self, n: int) -> list[Issued]:
            return [Issued(draw(8), "$argon2id$v=19$m=19456,t=2,p=1$" + "a" * 66) for _ in range(n)]

        def give_back(self, unused: object) -> None:
            """There is no end of them."""

    folder, size = options.folder, options.batch
    document = {
        "gateway": {
            "database": options.address or str(folder / "smsgw.db"),
            "secret_key_file": str(folder / "secret.key"),
        },
        "smsc": [{"name": "a", "host": "x.invalid", "port": 1, "system_id": "x", "password": "x"}],
    }
    file = folder / "engines.toml"
    file.write_text(toml.dumps(document))
    file.chmod(0o600)
    settings = config.load(file)
    database = settings.gateway.database
    if isinstance(database, Server):
        database = Server(database.url, database.password, folder / "smsgw.db")
    own_thread = options.engine != STDLIB
    store = open_store(database, own_thread=own_thread, node="bench")
    try:
        vault = Vault.open(settings.gateway.secret_key_file, create=True)
        gateway = Gateway(store, Rules.of(settings), vault, Issuer())
        now = datetime(2026, 5, 4, 5, 0, tzinfo=UTC)
        gateway.start(now)
        citizen = store.last_ids()[1]
        results: list[tuple[str, SubmitResult]] = []

        def commit() -> None:
            nonlocal citizen, now, results
            now += timedelta(milliseconds=10)
            mos = []
            for _ in range(size):
                citizen += 1
                text = f"TK,Nguyen Van An,{citizen:012},01.02.1990"
                sender = Address(f"849{citizen:08}", 1, 1)
                mos.append(Mo("a", 1, sender, text, citizen))
            done = gateway.commit(Batch(mos, (), results, {"a": 1_000_000}), now)
            if done.trouble or len(done.replies) != size:
                raise RuntimeError(done.trouble or "not everybody was registered")
            results = [("a", Taken(mt.id, f"{mt.id:X}")) for mt in done.replies]

        for _ in range(max(5, 500 // size)):  # what is done for the first time is done
            commit()
        begun, first = time.perf_counter(), citizen
        while time.perf_counter() - begun < options.seconds:
            commit()
        return (citizen - first) / (time.perf_counter() - begun)
    finally:
        store.close()


if __name__ == "__main__":
    main()
