"""What commands show of a small town, at a terminal of 80 columns: the screens of the documents.

The town is made by the gateway itself in a temporary folder, on a day that is always the same, and
the commands are the real ones.
"""

import io
import logging
import os
import shlex
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from smsgw import clock
from smsgw.cli.main import execute
from smsgw.config import load
from smsgw.gateway import Batch, Gateway, Hotline, Rules
from smsgw.model import Address, Mo, Mt, MtState, Receipt, Refused, Taken
from smsgw.passwords import OnDemand
from smsgw.simulator import toml
from smsgw.store import open_store
from smsgw.vault import Vault

COLUMNS = 80
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
AN, DAO, BINH = "84905123456", "84914222333", "84987654321"


class _Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class _Town:
    """A gateway over a file, and what its citizens have been through."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config.toml"
        link = {"host": "127.0.0.1", "port": 2775, "system_id": "smsgw", "password": "secret"}
        document = {
            "gateway": {"database": str(folder / "smsgw.db")},
            "smsc": [{"name": name} | link for name in ("viettel", "mobi")],
        }
        self.config.write_text(toml.dumps(document), encoding="utf-8")
        self.config.chmod(0o600)
        settings = load(self.config)
        self._store = open_store(settings.gateway.database)
        vault = Vault.open(settings.gateway.secret_key_file, create=True)
        self._gateway = Gateway(self._store, Rules.of(settings), vault, OnDemand(8))
        self._hotline = Hotline(self._gateway)
        self._texts = 0
        self._live()
        self._store.close()

    def _live(self) -> None:
        self._gateway.start(NOW - timedelta(days=5))
        self._text(AN, "TK,Nguyen Van An,201234567,01.02.1990", timedelta(days=4), 4)
        self._text(BINH, "TK Tran Binh 201234568", timedelta(days=1, hours=2), 3)
        self._text(BINH, "TK,Tran Binh,201234567,5.6.1985", timedelta(days=1, hours=1), 5)
        self._gateway.expire(NOW - timedelta(days=1))
        self._claim(timedelta(days=1), 6)
        self._text(DAO, "TK;Nguyễn Thị Đào;048190001234;8/3/1990", timedelta(hours=3), 2, "mobi")
        self._hotline.set_password(DAO, "mot-mat-khau", "linh", NOW - timedelta(hours=2))
        ago = timedelta(minutes=40)
        self._hotline.reset_password(AN, "linh", NOW - ago, "forgot it")
        self._claim(ago, 9)
        (mt,) = self._commit(BINH, "TK,Tran Binh,201234568,5.6.1985", timedelta(minutes=3))
        refused = Refused(mt.id, "ESME_RINVDSTADR (0x0000000B)")
        self._gateway.commit(Batch(results=[(mt.link, refused)]), NOW - timedelta(minutes=3))
        self._commit(BINH, "TK", timedelta(minutes=1))

    def _text(
        self, sender: str, text: str, ago: timedelta, seconds: int, link: str = "viettel"
    ) -> None:
        """A citizen texts, and has the answer on the phone after so many seconds."""
        self._deliver(self._commit(sender, text, ago, link), ago, seconds)

    def _commit(self, sender: str, text: str, ago: timedelta, link: str = "viettel") -> list[Mt]:
        self._texts += 1
        mo = Mo(link, self._texts, Address(sender, 1, 1), text, self._texts)
        return list(self._gateway.commit(Batch(mos=[mo], room={link: 10}), NOW - ago).replies)

    def _claim(self, ago: timedelta, seconds: int) -> None:
        """What waits leaves, and arrives."""
        claim = self._gateway.claim("viettel", 10, NOW - ago)
        self._deliver(list(claim.mts), ago, seconds)

    def _deliver(self, mts: list[Mt], ago: timedelta, seconds: int) -> None:
        taken = [(mt.link, Taken(mt.id, f"{mt.id:08X}")) for mt in mts]
        self._gateway.commit(Batch(results=taken), NOW - ago)
        reached, reason = MtState.DELIVERED, "DELIVRD err:000"
        receipts = [Receipt(mt.link, f"{mt.id:08X}", reached, reason, mt.to) for mt in mts]
        later = NOW - ago + timedelta(seconds=seconds)
        self._gateway.commit(Batch(receipts=receipts), later)


def shown(lines: Iterable[str], locale: str = "C.UTF-8", columns: int = COLUMNS) -> dict[str, str]:
    """What each of these command lines shows, in the language of *locale*."""
    found: dict[str, str] = {}
    if not (wanted := list(dict.fromkeys(lines))):
        return found
    environment = {"COLUMNS": str(columns), "PAGER": "cat", "SUDO_USER": "linh", "LC_ALL": locale}
    with (
        TemporaryDirectory() as folder,
        patch.dict(os.environ, environment),
        patch.object(clock, "now", lambda: NOW),
    ):
        logging.disable(logging.WARNING)  # what goes wrong in the town is meant to
        town = _Town(Path(folder))
        for line in wanted:
            with redirect_stdout(_Terminal()) as terminal:
                execute(["-c", str(town.config), *shlex.split(line)])
            found[line] = terminal.getvalue().rstrip()
        logging.disable(logging.NOTSET)
    return found


if __name__ == "__main__":
    locale, columns = os.environ.get("LC_ALL", "C.UTF-8"), int(os.environ.get("COLUMNS", COLUMNS))
    for line, screen in shown(sys.argv[1:], locale, columns).items():
        print(f"$ smsgw {line}\n{screen}\n")
