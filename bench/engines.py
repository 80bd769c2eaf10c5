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
from pathlib import Path

#: The yardstick is the SQLite of Python's standard library, in the thread that writes alone.
STDLIB = "sqlite (standard library)"
ENGINES = ("postgres", "sqlite", STDLIB)
BATCHES = (10, 100, 1000)


def rates(
    engine: str,
    folder: Path,
    batch: int,
    seconds: float,
    address: str | None,
    *options: str,
    nodes: int = 1,
) -> float:
    """Registrations a second of so many *nodes* together, each a process of its own."""
    command = [sys.executable, "-m", "bench.engines", engine, str(folder), str(batch), str(seconds)]
    if engine == "postgres" and address:
        command += ["--address", address]
    running = [
        subprocess.Popen(
            [*command, *options, "--node", str(node)], stdout=subprocess.PIPE, text=True
        )
        for node in range(nodes)
    ]
    found = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise RuntimeError(f"{engine} cannot be measured")
    return sum(float(json.loads(each)) for each in found)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.engines")
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("batch", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--address", help="of a PostgreSQL database for this alone")
    parser.add_argument("--accounts", type=int, default=0, help="so many are there first")
    parser.add_argument("--node", type=int, default=0)
    options = parser.parse_args()
    if options.engine == STDLIB:
        vars(sys)["modules"]["pysqlite3"] = None  # from here on, it cannot be imported
    print(json.dumps(_measure(options)))


def _measure(options: argparse.Namespace) -> float:
    """Registrations a second."""
    from bench.registrations import Registrations

    own_thread = options.engine != STDLIB
    with Registrations(
        options.folder, options.address, own_thread=own_thread, node=options.node
    ) as registrations:
        while registrations.citizen < options.accounts:
            registrations.commit(5_000)
        for _ in range(max(5, 500 // options.batch)):  # what is done for the first time is done
            registrations.commit(options.batch)
        begun, first = time.perf_counter(), registrations.citizen
        while time.perf_counter() - begun < options.seconds:
            registrations.commit(options.batch)
        return (registrations.citizen - first) / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
