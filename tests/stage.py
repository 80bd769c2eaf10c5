"""What a campaign plays on: two carriers, one daemon between them, one database to audit."""

import random
from pathlib import Path

from smsgw.simulator import SmscThread, toml
from tests.ledger import Ledger


class Stage:
    """Carriers `viettel` (a transceiver) and `mobi` (receiver and transmitter), not yet started."""

    def __init__(
        self, folder: Path, seed: int, *, retry_delay: float, enquire_link_interval: float
    ) -> None:
        self.folder = folder
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
        self.ledger = Ledger(folder / "smsgw.db")
        self.faults: list[str] = []

    def configure(
        self, registration: dict[str, object], *, mobi_window: int = 10, **link: object
    ) -> Path:
        """Write the configuration of the daemon; *link* goes to both `[[smsc]]`."""
        viettel, mobi = self.carriers
        document = {
            "gateway": {"database": str(self.ledger.database)},
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
