"""What a campaign plays on: two carriers, one daemon between them, one database to audit."""

import random
import shutil
from pathlib import Path

from smsgw.simulator import SmscThread, toml
from tests.ledger import Ledger, ServerLedger
from tests.postgres import Cluster


def verdict(faults: list[str], folder: Path) -> int:
    """Show the first of what a campaign found, and keep its *folder* only then; the exit status."""
    for words in faults[:20]:
        print(f"FAULT {words[:4000]}")
    if faults:
        print(f"kept: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


class Stage:
    """Carriers `viettel` (a transceiver) and `mobi` (receiver and transmitter), not yet started.

    The database is a file of the folder, or in *server*, which has one named smsgw.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        server: Cluster | None = None,
        *,
        retry_delay: float,
        enquire_link_interval: float,
    ) -> None:
        self.folder = folder
        self.server = server
        self.environment = {"STATE_DIRECTORY": str(folder)}
        self.chance = random.Random(seed)
        self.carriers = [
            # More patience than any outage, and the queue for the hashers, is long: a text that is
            # sent again on the same session just after its answer left, is a second text.
            SmscThread(
                response_timeout=20,
                retry_delay=retry_delay,
                enquire_link_interval=enquire_link_interval,
            )
            for _ in range(2)
        ]
        self.ledger = ServerLedger(server) if server else Ledger(folder / "smsgw.db")
        self.faults: list[str] = []

    @property
    def database(self) -> str:
        """As the configuration names it."""
        return self.server.url() if self.server else str(self.ledger.database)

    def configure(
        self, registration: dict[str, object], *, mobi_window: int = 10, **link: object
    ) -> Path:
        """Write the configuration of the daemon; *link* goes to both `[[smsc]]`."""
        viettel, mobi = self.carriers
        document = {
            "gateway": {"database": self.database},
            "registration": registration,
            "smsc": [
                viettel.link("viettel", **link),
                mobi.link("mobi", bind="receiver+transmitter", window=mobi_window, **link),
            ],
        }
        path = self.folder / "config.toml"
        path.write_text(toml.dumps(document))
        path.chmod(0o600)
        return path
