"""Kill the daemon hundreds of times under traffic, and audit what is left each time.

    python -m tests.campaigns.crash --kills 300
    python -m tests.campaigns.crash --kills 300 --postgres

Two carriers send registrations, errors, duplicates and long texts, and send again whatever was
not answered. The daemon dies by SIGKILL: at every named point of a message's way in turn (see
tests/saboteur.py), and as often at random moments, its start included. After each kill a copy of
the database files is audited, or with --postgres what is in the server; after each 25 kills the
daemon runs until everything has arrived, ends by SIGTERM, and all accounts are checked:

    every text answered with status 0 is in the database exactly once
    a phone has one open account, a CMND has one
    an account has one living password: that of the last reply which the SMSC took
    every reply arrived, and none twice, except where at a kill it had been sent and that the SMSC
    took it was not yet on the disk

Exit status 0 if all of it held; else 1, with what did not, and the folder is kept.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import NamedTuple

from smsgw.simulator import Handle, Submit
from tests.conftest import SMSGW, Daemon
from tests.ledger import Ledger, ServerLedger
from tests.postgres import Cluster
from tests.saboteur import POINTS, command
from tests.stage import Stage, verdict
from tests.wire import password_in

TEXTS_A_KILL = 12
KILLS_AN_ACT = 25
PATIENCE = 120  # seconds; a deadline, not a delay

#: How each reply begins.
KINDS = {
    "registered": "TK: ",
    "syntax_error": "Loi. ",
    "already_registered": "So CMND da duoc su dung",
}


class Key(NamedTuple):
    """One reply that somebody waits for; each phone waits for at most one of a kind."""

    phone: str  #: E.164
    kind: str


class Text(NamedTuple):
    """One text of a citizen, and what is expected to follow."""

    phone: str  #: as the carrier writes it
    text: str
    kind: str
    handles: list[Handle]  #: of its deliver_sm; several if it is long

    @property
    def key(self) -> Key:
        return Key(f"+{self.phone}", self.kind)

    @property
    def answered(self) -> bool:
        """The SMSC has read status 0 for all of it, and has forgotten it."""
        return all(handle.delivery.done and handle.statuses[-1] == 0 for handle in self.handles)


class Campaign(Stage):
    def __init__(self, folder: Path, seed: int, server: Cluster | None = None) -> None:
        super().__init__(folder, seed, server, retry_delay=0.2, enquire_link_interval=0.5)
        self.texts: list[Text] = []
        self.registered: list[Text] = []
        self.kills: Counter[str] = Counter()
        self.may_double: Counter[Key] = Counter()  #: how often at most
        self.doubled = self.arrived = 0
        self.longest_doubt = 0.0  #: seconds between a submit_sm and the kill that left it in doubt
        self.daemon: Daemon | None = None
        self._people = 0
        self._daemons = 0
        self._checked: set[Key] = set()

    def run(self, kills: int) -> None:
        for carrier in self.carriers:
            carrier.start()
        try:
            self.config = self.configure(
                {"password_stock": 8}, mobi_window=3, reconnect_min="20ms", reconnect_max="200ms"
            )
            while (done := self.kills.total()) < kills and not self.faults:
                for number in range(done, min(done + KILLS_AN_ACT, kills)):
                    self._kill(number)
                self._settle()
                self._report()
        finally:
            if self.daemon:
                self.daemon.kill()
            for carrier in self.carriers:
                carrier.close()

    # --- traffic ---

    def _traffic(self) -> None:
        for _ in range(TEXTS_A_KILL):
            self._people += 1
            phone = f"8490{self._people:07d}"
            own = f"TK,Nguyen Van An,{200_000_000 + self._people},01.02.1990"
            dice = self.chance.random()
            if dice < 0.45 or len(self.registered) < 10:
                text = self._send(phone, own, "registered")
                self.registered.append(text)
            elif dice < 0.55:
                long = own.replace(" Van ", " Thị" * 20 + " ")  # two parts of UCS-2
                text = self._send(phone, long, "registered")
                self.registered.append(text)
            elif dice < 0.75:
                self._send(phone, f"xin chao {phone}", "syntax_error")
            else:
                holder = self.chance.choice(self.registered)
                if not holder.answered:
                    continue
                if dice < 0.9 or Key(f"+{holder.phone}", "already_registered") in self._asked:
                    cmnd = holder.text.split(",")[2]
                    self._send(phone, own.replace(own.split(",")[2], cmnd), "already_registered")
                else:
                    self._send(holder.phone, own, "already_registered")

    @property
    def _asked(self) -> set[Key]:
        return {text.key for text in self.texts}

    def _send(self, phone: str, words: str, kind: str) -> Text:
        carrier = self.chance.choice(self.carriers)
        text = Text(phone, words, kind, carrier.send_text(phone, words))
        self.texts.append(text)
        return text

    # --- one kill ---

    def _start(self, launcher: list[str]) -> Daemon:
        self._daemons += 1
        self._started_at = time.monotonic()
        log = self.folder / f"daemon{self._daemons}.log"
        self.daemon = Daemon(self.config, log, self.environment, launcher)
        return self.daemon

    def _kill(self, number: int) -> None:
        if number % 2:
            how, daemon = self._at_random()
        else:
            how, daemon = self._at_a_point(list(POINTS)[number // 2 % len(POINTS)])
        daemon.kill()
        self._killed_at = time.monotonic()
        self.kills[how] += 1
        if "Traceback" in daemon.log:
            self.faults.append(f"a traceback in {daemon.log_file}")
        self._audit(f"kill {number + 1} ({how})")

    def _at_random(self) -> tuple[str, Daemon]:
        daemon = self._start(SMSGW)
        if self.chance.random() < 0.2:
            self._traffic()
            time.sleep(self.chance.uniform(0.1, 1.0))
            return "random moment of its start", daemon
        self._until_bound(daemon)
        self._traffic()
        time.sleep(self.chance.uniform(0, 0.4))
        return "random moment", daemon

    def _at_a_point(self, point: str) -> tuple[str, Daemon]:
        daemon = self._start(command(point, str(self.chance.randint(1, 4))))
        with suppress(AssertionError):  # it may die before it is bound: texts wait already
            self._until_bound(daemon)
        self._traffic()
        deadline = time.monotonic() + 5
        while daemon.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return point if daemon.process.poll() is not None else "random moment", daemon

    def _until_bound(self, daemon: Daemon) -> None:
        daemon.until(lambda: all(len(carrier.bound) for carrier in self.carriers), PATIENCE)

    # --- audits ---

    def _expect(self, true: bool, words: str) -> None:
        if not true:
            self.faults.append(words)

    def _audit(self, when: str) -> None:
        """What must hold at any moment."""
        answered = [text for text in self.texts if text.answered]
        told = self._told()
        ledger = self._left()
        if not ledger.is_made():
            self._expect(not answered, f"{when}: answered before there was a table")
            return
        texts = ledger.texts()
        for text in answered:
            if texts[f"+{text.phone}", text.text] != 1:
                self.faults.append(f"{when}: answered, not in the database: {text[:3]}")
        self._audit_texts(ledger, when)
        for phone, kind in ledger.rows(
            "SELECT phone, reply FROM outbox AS o JOIN subscribers AS s ON s.id = o.subscriber_id"
            "  JOIN wordings AS w ON w.id = o.wording_id"
        ):
            key = Key(phone, kind.replace("phone_registered", "already_registered"))
            if key in told and told[key][-1].at > self._started_at:
                self.may_double[key] += 1
                doubt = self._killed_at - told[key][-1].at
                self.longest_doubt = max(self.longest_doubt, doubt)

    def _left(self) -> Ledger:
        """What the daemon left: a copy of its files, since recovery is the daemon's; or what is in
        the server, once that has noticed."""
        if isinstance(self.ledger, ServerLedger):
            self.ledger.wait_alone()
            return self.ledger
        copy = self.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for file in self.folder.glob("smsgw.db*"):
            if file.name in ("smsgw.db", "smsgw.db-wal"):
                shutil.copy(file, copy)
        return Ledger(copy / "smsgw.db")

    def _audit_texts(self, ledger: Ledger, when: str) -> None:
        for (phone, text), count in ledger.texts().items():
            self._expect(count == 1, f"{when}: {count} times in the database: {phone} {text}")
        accounts = ledger.accounts()
        for column, name in enumerate(("phone", "CMND")):
            for value, count in Counter(account[column] for account in accounts).items():
                self._expect(count == 1, f"{when}: {count} open accounts of {name} {value}")
        for account in accounts:
            self._expect(account[3] is not None, f"{when}: no living password: {account[0]}")
        self._expect(ledger.is_sound(), f"{when}: the database is damaged")

    def _told(self) -> dict[Key, list[Submit]]:
        """What the phones show, by reply, oldest first."""
        told: dict[Key, list[Submit]] = {}
        for carrier in self.carriers:
            for submit in carrier.submits:
                for kind, beginning in KINDS.items():
                    if (submit.text or "").startswith(beginning):
                        told.setdefault(Key(f"+{submit.destination.number}", kind), []).append(
                            submit
                        )
        return told

    def _settle(self) -> None:
        """Let everything arrive, end the daemon, and check all of it."""
        daemon = self._start(SMSGW)
        self._until_bound(daemon)
        try:
            daemon.until(lambda: not self._missing(), PATIENCE, "every answer and every reply")
        except AssertionError:
            self.faults += self._missing()
            raise
        self._expect(daemon.terminate() == 0, "the daemon did not end well")
        self._audit_texts(self.ledger, "at the end")
        expected = {text.key for text in self.texts}
        told = self._told()
        for key in told.keys() - expected:
            self.faults.append(f"nobody waited for {key}")
        for key in expected:
            if len(told[key]) > 1 + self.may_double[key]:
                self.faults.append(f"{len(told[key])} times: {key}")
            if len({submit.text for submit in told[key]}) != 1:
                self.faults.append(f"not the same words each time: {key}")
        self.arrived = len(expected & told.keys())
        self.doubled = sum(len(submits) - 1 for submits in told.values())
        self._expect(
            {text.phone for text in self.registered}
            == {account[0].removeprefix("+") for account in self.ledger.accounts()},
            "other accounts than registrations",
        )
        for text in self.registered:
            if text.key not in self._checked:
                self._checked.add(text.key)
                password = password_in(told[text.key][-1].text or "")
                lives = self.ledger.password_lives(text.key.phone, password)
                self._expect(lives, f"the password that was told is not the account's: {text.key}")

    def _missing(self) -> list[str]:
        """What has not come yet."""
        told = self._told()
        return [
            *(f"not answered: {text[:3]}" for text in self.texts if not text.answered),
            *(f"no reply: {text[:3]}" for text in self.texts if text.key not in told),
            *(f"still waits: {phone}" for phone in self.ledger.waiting()),
        ]

    def _report(self) -> None:
        kinds = Counter(text.kind for text in self.texts)
        print(
            f"{self.kills.total():5} kills  {len(self.texts):6} texts"
            f" ({', '.join(f'{count} {kind}' for kind, count in kinds.items())})"
            f"  {self.ledger.outcomes()['retransmission']:5} retransmissions"
            f"  {self.arrived:6} replies arrived  {self.doubled:4} twice"
            f"  {len(self.faults)} faults",
            flush=True,
        )


def play(folder: Path, options: argparse.Namespace, server: Cluster | None) -> list[str]:
    """What did not hold; prints the figures."""
    campaign = Campaign(folder, options.seed, server)
    started = time.monotonic()
    try:
        campaign.run(options.kills)
    except (AssertionError, TimeoutError) as fault:
        campaign.faults.append(str(fault)[-2000:])
    for how, count in sorted(campaign.kills.items()):
        print(f"{count:5} {how}")
    doubt = campaign.longest_doubt * 1000
    print(f"{campaign.doubled} came twice; killed {doubt:.0f} ms after their submit_sm at most")
    minutes = (time.monotonic() - started) / 60
    print(f"seed {options.seed}, {minutes:.1f} minutes, {len(campaign.faults)} faults")
    return campaign.faults


@contextmanager
def a_server() -> Iterator[Cluster]:
    """A PostgreSQL for this campaign alone."""
    server = Cluster()
    try:
        server.make().make_database("smsgw")
        yield server
    finally:
        server.remove()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--postgres", action="store_true", help="over a server, not a file")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="smsgw-crash-"))
    with a_server() if options.postgres else nullcontext() as server:
        faults = play(folder, options, server)
    return verdict(faults, folder)


if __name__ == "__main__":
    sys.exit(main())
