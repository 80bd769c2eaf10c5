"""A PostgreSQL under several nodes, under a daemon, and with a million accounts.

Each measure wants the address of a database that is the bench's alone (`--postgres`) and does
nothing without one. Behind the address may be a primary with a synchronous standby.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.engines import rates
from bench.rig import Rig
from bench.sheet import Sheet, Wanted
from bench.traffic import Load

#: So many citizens a run of the daemon may register; each run has its own, as nothing is removed.
_A_RUN = 5_000
_MILLION = 1_000_000


def two_nodes(rig: Rig, sheet: Sheet, address: str, seconds: float) -> None:
    """Two processes that commit by turns, beside one."""
    for batch in (10, 100):
        name = f"two nodes on PostgreSQL, batches of {batch}, beside one"
        figure = sheet.figure(name, "/s", Wanted(ratio=0.85), "one node")
        for nodes, samples in ((1, figure.other), (2, figure.ours)):
            with rig.folder() as folder:
                samples.append(rates("postgres", folder, batch, seconds, address, nodes=nodes))


def million(rig: Rig, sheet: Sheet, address: str, seconds: float) -> None:
    """Batches of 100 where a million accounts are; the file is kept in the work folder."""
    name = "register over PostgreSQL, batches of 100, a million accounts, beside sqlite"
    figure = sheet.figure(name, "/s", Wanted(ratio=0.75), "sqlite")
    for engine, samples in (("sqlite", figure.other), ("postgres", figure.ours)):
        folder = rig.work / f"million-{engine}"
        folder.mkdir(exist_ok=True)
        accounts = ("--accounts", str(_MILLION))
        samples.append(rates(engine, folder, 100, seconds, address, *accounts))


def latency(rig: Rig, sheet: Sheet, address: str, length: tuple[float, float], turn: int) -> None:
    """MO -> MT at 100 registrations a second through a real daemon, over either engine."""
    name = "MO -> MT p99 at 100/s: SQLite's, beside PostgreSQL's"
    figure = sheet.figure(name, "ms", Wanted(ratio=0.25), "postgres")
    for engine, samples in (("sqlite", figure.ours), ("postgres", figure.other)):
        with rig.folder() as folder, _gateway(rig, folder, engine, address) as gateway:
            load = Load("register", *length, rate=100, messages=_A_RUN, first=turn * _A_RUN)
            with rig.ours(folder, stock=_A_RUN, size=100, gateway=gateway) as (smsc, _):
                samples.append(smsc.run(load)["to_reply"]["p99"])


@contextmanager
def _gateway(rig: Rig, folder: Path, engine: str, address: str) -> Iterator[dict[str, object]]:
    """The section of the configuration; a server knows one key, so it stays from run to run."""
    if engine == "sqlite":
        yield {"database": str(folder / "smsgw.db")}
        return
    state = rig.work / "server"
    state.mkdir(exist_ok=True)
    os.environ["STATE_DIRECTORY"] = str(state)
    try:
        key = str(state / "secret.key")
        yield {"database": address, "secret_key_file": key, "node": "bench0"}
    finally:
        del os.environ["STATE_DIRECTORY"]
