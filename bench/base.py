"""Bases that are full already: citizens who registered in the last two months.

Our base is filled by the gateway itself, in process, with the disk's patience switched off
(synchronous=OFF) and large batches: the rows are those that live traffic leaves, random numbers
included, whatever the tables look like.
"""

import os
import sqlite3
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

from bench import traffic
from bench.rig import LINK
from smsgw import clock, config
from smsgw.gateway import Batch, Gateway, Rules
from smsgw.model import Address, Mo, SubmitResult, Taken
from smsgw.passwords import Issued
from smsgw.store.sqlite.store import SqliteStore
from smsgw.vault import Vault

_BATCH = 5_000
_PAST = timedelta(days=60)
_CACHE_KIB = 4 * 1024 * 1024


class _Repeated:
    """An issuer that gives the same pairs again and again."""

    def __init__(self, pairs: Sequence[Issued]) -> None:
        self._pairs = cycle(pairs)

    def take(self, n: int) -> list[Issued]:
        return list(islice(self._pairs, n))

    def give_back(self, unused: Sequence[Issued]) -> None:
        pass


def open_gateway(path: Path, pairs: Sequence[Issued]) -> tuple[SqliteStore, Gateway]:
    """The gateway of the configuration at *path*, in this process."""
    settings = config.load(path)
    store = SqliteStore.open(settings.gateway.files)
    vault = Vault.open(settings.gateway.secret_key_file, create=True)
    return store, Gateway(store, Rules.of(settings), vault, _Repeated(pairs))


def fill(
    path: Path,
    pairs: Sequence[Issued],
    count: int,
    *,
    first: int = 0,
    registered_at: datetime | None = None,
) -> None:
    """Let citizens *first* to *first* + *count* - 1 register, and take their replies.

    Args:
        registered_at: all at that moment; default: spread over the last two months.
    """
    store, gateway = open_gateway(path, pairs)
    store._db.execute("PRAGMA synchronous = OFF")
    store._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    begin = clock.now() - _PAST
    results: list[tuple[str, SubmitResult]] = []
    for start in range(first, first + count, _BATCH):
        numbers = range(start, min(start + _BATCH, first + count))
        mos = [
            Mo(
                LINK, 1, Address(traffic.phone(citizen).decode(), 1, 1),
                traffic.registration(citizen).decode(), citizen,
            )
            for citizen in numbers
        ]  # fmt: skip
        now = registered_at or begin + _PAST * ((start - first) / count)
        done = gateway.commit(Batch(mos, (), results, {LINK: len(mos)}), now)
        results = [(LINK, Taken(mt.id, f"{mt.id:08x}")) for mt in done.replies]
        if len(results) != len(mos):
            raise SystemExit(f"bench: only {len(results)} of {len(mos)} could register")
        _progress(numbers.stop - first, count)
    gateway.commit(Batch(results=results), clock.now())
    store.close()
    _sync(config.load(path).gateway.files)


def fill_naive(database: Path, pairs: Sequence[Issued], count: int) -> None:
    """The same citizens in the naive gateway's table."""
    db = sqlite3.connect(database)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = OFF")
    db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    db.execute(
        "CREATE TABLE accounts (phone TEXT UNIQUE, cmnd TEXT UNIQUE, name TEXT,"
        " birth_date TEXT, password TEXT)"
    )
    for start in range(0, count, 100_000):
        numbers = range(start, min(start + 100_000, count))
        with db:
            db.executemany(
                "INSERT INTO accounts VALUES (?, ?, 'Nguyen Van An', '1990-02-01', ?)",
                (
                    (
                        traffic.phone(citizen).decode(),
                        traffic.cmnd(citizen).decode(),
                        pairs[citizen % len(pairs)].hash,
                    )
                    for citizen in numbers
                ),
            )
        _progress(numbers.stop, count)
    db.close()
    _sync(database)


def into_memory(database: Path) -> None:
    """Have the kernel hold of the file what it can, as on a machine that serves it all day."""
    with database.open("rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def _sync(database: Path) -> None:
    """Have on the disk what the kernel would write in the middle of a measurement."""
    with database.open("rb") as file:
        os.fsync(file.fileno())


def _progress(done: int, count: int) -> None:
    if sys.stderr.isatty() or done == count or done % 1_000_000 == 0:
        end = "\n" if done == count or not sys.stderr.isatty() else ""
        print(f"\rbench: {done:,} of {count:,} registered", end=end, file=sys.stderr, flush=True)
