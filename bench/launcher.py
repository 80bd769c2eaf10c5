"""The daemon as it is, with a stock of passwords that was made earlier: `python -m bench.launcher`.

Filling a stock for a burst of 50,000 registrations would take half an hour of hashing before each
run. So the bench makes a few thousand pairs once, keeps them in its work folder, and this launcher
puts them into the `Stock` of an otherwise untouched daemon before it starts; where more are wanted
they are repeated. They are real argon2id hashes, and the hashers work on as soon as the stock is
below its size. Passwords of a bench are no secrets; the product has no such option.

`--slow-commit SECONDS` makes each COMMIT take that much longer, without the GIL, as a slow disk
would.
"""

import argparse
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smsgw import config, daemon, logs, passwords
from smsgw.store.sqlite.engine import dbapi


def main() -> None:
    options = _options()
    settings = config.load(options.config)
    logs.configure(settings.log.level, settings.log.format)
    if options.pairs:
        _prepare_stock(options.pairs, options.stock)
    if options.slow_commit:
        _slow_down(options.slow_commit)
    daemon.run(settings, options.config)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.launcher")
    parser.add_argument("config", type=Path)
    parser.add_argument("--pairs", type=Path, help="JSON: [[password, hash], …]")
    parser.add_argument("--stock", type=int, default=0, help="how many are ready at the start")
    parser.add_argument("--slow-commit", type=float, default=0.0, metavar="SECONDS")
    return parser.parse_args()


def _prepare_stock(pairs: Path, count: int) -> None:
    made = json.loads(pairs.read_text())

    class PreparedStock(passwords.Stock):
        def __init__(self, size: int, length: int, on_filled: Callable[[], None]) -> None:
            super().__init__(size, length, on_filled)
            self._ready.extend(
                (bytearray(password.encode()), hash_)
                for password, hash_ in itertools.islice(itertools.cycle(made), count)
            )

    vars(daemon)["Stock"] = PreparedStock


def _slow_down(seconds: float) -> None:
    class SlowConnection(dbapi.Connection):
        def execute(self, statement: str, *values: Any) -> dbapi.Cursor:
            if statement == "COMMIT":
                time.sleep(seconds)
            return super().execute(statement, *values)

    connect = dbapi.connect

    def connect_slowly(*args: Any, **options: Any) -> dbapi.Connection:
        return connect(*args, factory=SlowConnection, **options)

    vars(dbapi)["connect"] = connect_slowly


if __name__ == "__main__":
    main()
