"""Kill the primary under traffic, promote its synchronous standby, and audit what is left.

    python -m tests.campaigns.failover --failovers 20

A daemon over two servers, the second of which confirms each commit of the first. Again
and again kill -9 ends the first and all its sessions, the second takes its place, and a new one is
made behind it. In the end

    every text answered with status 0 is in the database exactly once, and its sender registered
    nobody was told that the account exists which the text itself had made
    every citizen got one reply

Exit status 0 if all of it held; else 1, with what did not.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from smsgw.simulator import Handle, SmscThread, toml
from tests.conftest import Daemon
from tests.ledger import ServerLedger
from tests.postgres import Cluster
from tests.stage import verdict

PATIENCE = 60
#: Every commit waits for a standby; set once there is one.
_WAIT = "ALTER SYSTEM SET synchronous_standby_names = '*'"


class Campaign:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[str] = []
        self.people = 0
        self.handles: dict[str, Handle] = {}  #: by E.164
        places = [Path(tempfile.mkdtemp(prefix="pgf", dir="/tmp")) for _ in range(2)]
        self.places = places
        self.primary = Cluster(places[0], hot_standby="on").make()
        self.primary.make_database("smsgw")
        self.standby = self._make_standby(places[1])

    def _make_standby(self, place: Path) -> Cluster:
        standby = Cluster(place, hot_standby="on")
        standby.copy_of(self.primary, "standby")
        with self.primary.connect() as db:
            db.execute(_WAIT)
            db.execute("SELECT pg_reload_conf()")
            deadline = time.monotonic() + PATIENCE
            asked = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
            while not db.execute(asked).fetchone()[0]:
                assert time.monotonic() < deadline, "no synchronous standby"
                time.sleep(0.02)
        return standby

    def run(self, failovers: int) -> None:
        hosts = ",".join(map(str, self.places))
        with SmscThread(response_timeout=30, retry_delay=0.2) as smsc:
            document = {
                "gateway": {"database": f"postgresql://smsgw@/smsgw?host={hosts}"},
                "registration": {"password_stock": 400},
                "smsc": [smsc.link("viettel", reconnect_min="20ms", reconnect_max="200ms")],
            }
            config = self.folder / "config.toml"
            config.write_text(toml.dumps(document))
            config.chmod(0o600)
            place = {"STATE_DIRECTORY": str(self.folder)}
            daemon = Daemon(config, self.folder / "daemon.log", place)
            try:
                daemon.until(lambda: smsc.bound, PATIENCE, "a bind")
                for _ in range(failovers):
                    self._traffic(smsc, 20, 0.02)
                    self._fail_over(smsc)
                    self._traffic(smsc, 10, 0.02)
                    self._settle(daemon, smsc)
            finally:
                daemon.terminate(PATIENCE)
            if "Traceback" in daemon.log:
                self.faults.append("a traceback in the daemon's log")
            self._audit(smsc)

    def _traffic(self, smsc: SmscThread, texts: int, pause: float) -> None:
        for _ in range(texts):
            self.people += 1
            phone = f"8490{self.people:07d}"
            text = f"TK,Nguyen Van An,{200_000_000 + self.people},01.02.1990"
            self.handles[f"+{phone}"] = smsc.send_mo(phone, text)
            time.sleep(pause)

    def _fail_over(self, smsc: SmscThread) -> None:
        old, new = self.primary, self.standby
        self._traffic(smsc, 5, 0.001)
        old.kill()
        self._traffic(smsc, 5, 0.001)
        self._alone(new)
        new.promote()
        old.remove()
        self.primary = new
        self.places = [new.folder, old.folder]
        old.folder.mkdir(mode=0o755)
        self.standby = self._make_standby(old.folder)

    @staticmethod
    def _alone(server: Cluster) -> None:
        """It waits for no standby, as the copy of one that did; else nothing would be committed
        before it has one of its own. (Patroni's business elsewhere.)"""
        own = server.data / "postgresql.auto.conf"
        lines = own.read_text().splitlines()
        kept = [line for line in lines if not line.startswith("synchronous_standby_names")]
        own.write_text("\n".join([*kept, "synchronous_standby_names = ''\n"]))
        server.run("pg_ctl", "reload", "-D", server.data)

    def _settle(self, daemon: Daemon, smsc: SmscThread) -> None:
        ledger = ServerLedger(self.primary)
        try:
            for handle in self.handles.values():
                handle.settled(timeout=PATIENCE)
            daemon.until(lambda: not ledger.waiting(), PATIENCE, "an empty outbox")
        except (AssertionError, TimeoutError) as fault:
            self.faults.append(f"not everything arrived: {fault}")

    def _audit(self, smsc: SmscThread) -> None:
        ledger = ServerLedger(self.primary)
        texts = Counter(phone for phone, _ in ledger.texts().elements())
        replies = Counter(f"+{submit.destination.number}" for submit in smsc.submits)
        for phone in self.handles:
            if texts[phone] != 1:
                self.faults.append(f"{texts[phone]} times in the database: {phone}")
            if replies[phone] != 1:
                self.faults.append(f"{replies[phone]} replies: {phone}")
        for outcome, count in ledger.outcomes().items():
            if outcome not in ("registered", "retransmission"):
                self.faults.append(f"{count} texts were {outcome}")
        if len(ledger.accounts()) != self.people:
            self.faults.append(f"{len(ledger.accounts())} accounts of {self.people} citizens")

    def close(self) -> None:
        for cluster in (self.primary, self.standby):
            cluster.remove()


def play(folder: Path, failovers: int, seed: int = 0) -> list[str]:
    """What did not hold."""
    campaign = Campaign(folder)
    try:
        campaign.run(failovers)
    finally:
        campaign.close()
    return campaign.faults


def main() -> int:
    parser = argparse.ArgumentParser(description="Fail over under traffic.")
    parser.add_argument("--failovers", type=int, default=20)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="smsgw-failover-"))
    faults = play(folder, options.failovers)
    print(f"failover: {options.failovers} failovers, {len(faults)} faults")
    return verdict(faults, folder)


if __name__ == "__main__":
    sys.exit(main())
