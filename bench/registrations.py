"""Registrations by the gateway's own commit, without a wire: a text, an account, a reply taken."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from smsgw import config
from smsgw.database import Server
from smsgw.gateway import Batch, Gateway, Rules
from smsgw.model import Address, Mo, SubmitResult, Taken
from smsgw.passwords import Issued, draw
from smsgw.simulator import toml
from smsgw.store import open_store
from smsgw.vault import Vault

_HASH = "$argon2id$v=19$m=19456,t=2,p=1$" + "a" * 66
_LINK = {"name": "a", "host": "x.invalid", "port": 1, "system_id": "x", "password": "x"}


#: More than register in all measurements together.
_APART = 40_000_000


class _Issuer:
    """As many as anybody wants, of a few that were made ahead, as those of a daemon's stock are."""

    def __init__(self) -> None:
        self._made = itertools.cycle([Issued(draw(8), _HASH) for _ in range(1000)])

    def take(self, n: int) -> list[Issued]:
        return list(itertools.islice(self._made, n))

    def give_back(self, unused: object) -> None:
        """There is no end of them."""


class Registrations:
    """A gateway, and people who have not registered yet.

    Args:
        node: which of those that work on one server, from 0; each has people of its own.
    """

    def __init__(
        self, folder: Path, address: str | None, *, own_thread: bool, node: int = 0
    ) -> None:
        # All nodes and runs over one server have one key.
        key = (folder.parent if address else folder) / "secret.key"
        database = address or str(folder / "smsgw.db")
        document = {
            "gateway": {"database": database, "secret_key_file": str(key)},
            "smsc": [_LINK],
        }
        file = folder / "registrations.toml"
        file.write_text(toml.dumps(document))
        file.chmod(0o600)
        settings = config.load(file)
        place = settings.gateway.database
        if isinstance(place, Server):
            place = Server(place.url, place.password, folder / "smsgw.db")
        self._store = open_store(place, own_thread=own_thread, node=f"bench{node}")
        vault = Vault.open(key, create=True)
        self._gateway = Gateway(self._store, Rules.of(settings), vault, _Issuer())
        self._now = datetime(2026, 5, 4, 5, 0, tzinfo=UTC)
        self._gateway.start(self._now)
        self._results: list[tuple[str, SubmitResult]] = []
        #: The last who registered, or one after whom nobody did.
        self.citizen = self._store.last_ids()[1] + node * _APART

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._store.close()

    def commit(self, size: int) -> None:
        """A batch of *size* registrations, with what the SMSC said to the replies of the last."""
        self._now += timedelta(milliseconds=10)
        mos = []
        for _ in range(size):
            self.citizen += 1
            text = f"TK,Nguyen Van An,{self.citizen:012},01.02.1990"
            sender = Address(f"849{self.citizen:08}", 1, 1)
            mos.append(Mo("a", 1, sender, text, self.citizen))
        batch = Batch(mos, (), self._results, {"a": 1_000_000})
        done = self._gateway.commit(batch, self._now)
        if done.trouble or len(done.replies) != size:
            raise RuntimeError(done.trouble or "not everybody was registered")
        self._results = [("a", Taken(mt.id, f"{mt.id:X}")) for mt in done.replies]
