"""What a text costs whose sender has texted all the time, beside the first text of anybody.

In one process and without a wire: the gateway's own work on a real file, in processor time.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median

from smsgw import config
from smsgw.gateway import Batch, Gateway, Rules
from smsgw.model import Address, Mo
from smsgw.passwords import OnDemand
from smsgw.simulator import toml
from smsgw.store import open_store
from smsgw.vault import Vault

HISTORY = 50_000  #: texts of that sender within the hour
_SAMPLES = 300
_AT_ONCE = 500
_TIRELESS = Address("84905123456", 1, 1)

#: How the sender's texts differ: (octets, session) of the next one.
KINDS: dict[str, Callable[[], Iterator[tuple[int, int]]]] = {
    "other texts": lambda: ((number, 1) for number in count(1)),
    "one text": lambda: ((1, 1) for _ in count()),
    "one text on new sessions": lambda: ((1, number) for number in count(1)),
}


def costs(folder: Path, kind: str, limit: int, history: int = HISTORY) -> tuple[float, float]:
    """Microseconds of processor time of a text: of somebody's first one, and after *history*.

    Args:
        kind: one of `KINDS`.
        limit: replies_per_phone_per_hour.
    """
    gateway = _gateway(folder, limit)
    try:
        now = datetime(2026, 5, 4, 5, 0, tzinfo=UTC)
        texts = KINDS[kind]()

        def commit(mos: list[Mo]) -> float:
            nonlocal now
            now += timedelta(milliseconds=1)
            batch = Batch(mos=mos, room={"viettel": 1_000_000})
            start = time.thread_time()
            done = gateway.commit(batch, now)
            cost = time.thread_time() - start
            if done.trouble:
                raise RuntimeError(done.trouble)
            return cost * 1e6

        def next_text() -> Mo:
            octets, session = next(texts)
            return Mo("viettel", session, _TIRELESS, "hallo", octets)

        def first_text(number: int) -> Mo:
            return Mo("viettel", 1, Address(f"8490{number:07}", 1, 1), "hallo", number)

        for number in range(100):  # what is done for the first time is done
            commit([first_text(number)])
        for _ in range(0, history, _AT_ONCE):
            commit([next_text() for _ in range(_AT_ONCE)])
        # In turns, so that what else the machine does meets both.
        pairs = [
            (commit([first_text(n)]), commit([next_text()])) for n in range(100, 100 + _SAMPLES)
        ]
        return median(first for first, _ in pairs), median(later for _, later in pairs)
    finally:
        gateway.store.close()


def _gateway(folder: Path, limit: int) -> Gateway:
    link = {"name": "viettel", "host": "127.0.0.1", "port": 1, "system_id": "x", "password": "x"}
    file = folder / "senders.toml"
    document = {
        "gateway": {"database": str(folder / f"senders{time.monotonic_ns()}.db")},
        "limits": {"replies_per_phone_per_hour": limit},
        "smsc": [link],
    }
    file.write_text(toml.dumps(document), encoding="utf-8")
    file.chmod(0o600)
    settings = config.load(file)
    store = open_store(settings.gateway.database)
    vault = Vault.open(settings.gateway.secret_key_file, create=True)
    gateway = Gateway(store, Rules.of(settings), vault, OnDemand(8))
    gateway.start(datetime(2026, 5, 4, 4, 0, tzinfo=UTC))
    return gateway
