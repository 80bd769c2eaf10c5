"""An hour of mixed traffic with outages: memory, descriptors and database must level off.

    python -m tests.campaigns.soak --minutes 60

One daemon, two carriers, some ten texts a second: registrations, errors, duplicates, long texts.
Every few seconds something happens to it: lines dropped or reset, throttling, silence, an unbind,
a carrier that is down, an error to every tenth reply, a pass of the hotline's commands. Each
second its memory, descriptors, threads, and the sizes of database and write-ahead log are read.

What must level off, is compared between the second and the last quarter of the time: memory,
descriptors, threads and write-ahead log (their medians and highest values), and the size of the
database for each text (which grows with the texts, and with nothing else). At the end everything
has been answered and has arrived, and the database is sound. Exit status 0 if so, else 1.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from smsgw.simulator import Silence, Smsc, SmscThread, Status
from tests.conftest import ENVIRONMENT, SMSGW, Daemon
from tests.stage import Stage, verdict

TEXTS_A_SECOND = 10
SECONDS_BETWEEN_OUTAGES = 4.0
PATIENCE = 120  # seconds; a deadline for the end, when queues empty
#: What may be added between the second and the last quarter: noise of a sampling, not growth. The
#: log grows to its 4000 pages, is copied back, and begins anew in the same file.
MAY_ADD = {"rss_mb": 6.0, "descriptors": 3.0, "threads": 1.0, "wal_mb": 17.0}


#: With fewer, nothing can be said of growth: a short run only shows that nothing is lost.
LEAST_SAMPLES = 100


class Sample(NamedTuple):
    at: float
    rss_mb: float
    descriptors: float
    threads: float
    wal_mb: float
    database_octets: float
    texts: int


class Soak(Stage):
    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed, retry_delay=0.5, enquire_link_interval=1.0)
        self.samples: list[Sample] = []
        self.happened: Counter[str] = Counter()
        self.texts = 0
        self.commands: list[subprocess.Popen[bytes]] = []
        self._undo: list[tuple[float, Callable[[], object]]] = []

    def run(self, minutes: float) -> None:
        for carrier in self.carriers:
            carrier.start()
        self.config = self.configure(
            {
                "password_stock": 50,
                "password_ttl": "2m",
                "tick_interval": "5s",
                "max_reminders": 1,
                "reminder_hours": "00:00-24:00",
            },
            reconnect_min="50ms",
            reconnect_max="1s",
            response_timeout="2s",
            enquire_link_interval="1s",
        )
        self.daemon = Daemon(self.config, self.folder / "daemon.log", {}, SMSGW)
        try:
            self.daemon.until(lambda: all(carrier.bound for carrier in self.carriers))
            self._drive(time.monotonic() + minutes * 60)
            self._settle()
        finally:
            self.daemon.kill()
            for carrier in self.carriers:
                carrier.close()

    # --- what happens to it ---

    def _drive(self, end: float) -> None:
        begin = now = time.monotonic()
        next_text = next_sample = now
        next_outage = now + SECONDS_BETWEEN_OUTAGES
        while now < end:
            if now >= next_text:
                self._text()
                next_text += 1 / TEXTS_A_SECOND
            if now >= next_sample:
                self._sample(now - begin)
                next_sample += 1
                if len(self.samples) % 60 == 0:
                    self._report()
            if now >= next_outage:
                self._outage(now)
                next_outage += SECONDS_BETWEEN_OUTAGES
            for moment, undo in [entry for entry in self._undo if entry[0] <= now]:
                undo()
                self._undo.remove((moment, undo))
            time.sleep(max(0.0, min(next_text, next_sample, next_outage) - time.monotonic()))
            now = time.monotonic()
        for _, undo in self._undo:
            undo()

    def _text(self) -> None:
        self.texts += 1
        number = self.texts
        phone = f"8490{number:07d}"
        words = f"TK,Nguyen Van An,{200_000_000 + number},01.02.1990"
        match number % 10:
            case 0 | 1 | 2 | 3:
                pass
            case 4:
                words = words.replace(" Van ", " Thị" * 20 + " ")
            case 5 | 6:
                words = f"xin chao {number}"
            case 7:
                words = words.replace(f"{200_000_000 + number}", "200000001")
            case 8:
                phone = "84900000002"  # past its hourly limit, soon
            case 9:
                phone = f"8490{max(1, number - 9):07d}"
        self.chance.choice(self.carriers).send_text(phone, words)

    def _outage(self, now: float) -> None:
        carrier = self.chance.choice(self.carriers)
        name, act = self.chance.choice(
            [
                ("lines dropped", lambda: carrier.drop()),
                ("lines reset", lambda: carrier.drop("reset")),
                ("throttled", lambda: carrier.throttle(self.chance.randint(1, 5))),
                ("queue full", lambda: carrier.throttle(3, status=Status.RMSGQFUL)),
                ("system errors", lambda: carrier.throttle(5, status=Status.RSYSERR)),
                ("submits unanswered", lambda: self._silence(carrier, now, Silence.SUBMITS)),
                ("binds unanswered", lambda: self._silence(carrier, now, Silence.BINDS)),
                ("line seems dead", lambda: self._silence(carrier, now, Silence.ENQUIRE_LINKS)),
                ("reads nothing", lambda: self._stall(carrier, now)),
                ("carrier down", lambda: self._down(carrier, now)),
                ("unbound", lambda: self._unbind(carrier)),
                ("hotline", self._hotline),
            ]
        )
        self.happened[name] += 1
        act()

    def _silence(self, carrier: SmscThread, now: float, kind: Silence) -> None:
        carrier.silence(kind)
        self._undo.append((now + self.chance.uniform(1, 6), carrier.silence))

    def _stall(self, carrier: SmscThread, now: float) -> None:
        carrier.stall()
        self._undo.append((now + self.chance.uniform(1, 6), lambda: carrier.stall(False)))

    def _down(self, carrier: SmscThread, now: float) -> None:
        if carrier.smsc._server:
            carrier.stop("reset")
            self._undo.append((now + self.chance.uniform(0.5, 4), carrier.start))

    def _unbind(self, carrier: SmscThread) -> None:
        try:
            carrier.unbind(timeout=1)
        except TimeoutError:
            self.happened["unbind too late"] += 1  # the line is stalled by another outage

    def _hotline(self) -> None:
        for command in self.commands:
            if command.poll() is None:
                return
            self._judge(command)
        number = max(1, self.texts - self.texts % 10 - 20)
        key = f"0{900_000_000 + number}"
        self.commands = [
            subprocess.Popen(
                [*SMSGW, "-c", str(self.config), *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=ENVIRONMENT,
            )
            for words in (
                ["accounts", "show", key],
                ["accounts", "reset-password", key],
                ["messages", "list", "--limit", "20"],
                ["outbox", "list"],
                ["purge"],
            )[:: self.chance.choice((1, -1))][:2]
        ]

    def _judge(self, command: "subprocess.Popen[bytes]") -> None:
        _, complaint = command.communicate()
        if b"locked" in complaint or b"internal error" in complaint:
            self.faults.append(f"{command.args!r}: {complaint.decode()}")

    # --- what is seen of it ---

    def _sample(self, at: float) -> None:
        process = Path(f"/proc/{self.daemon.pid}")
        try:
            status = dict(
                line.split(":", 1) for line in (process / "status").read_text().splitlines()
            )
        except OSError:
            raise AssertionError(f"the daemon ended: {self.daemon.log[-2000:]}") from None
        wal = self.ledger.database.with_name("smsgw.db-wal")
        self.samples.append(
            Sample(
                at,
                int(status["VmRSS"].split()[0]) / 1024,
                len(os.listdir(process / "fd")),  # noqa: PTH208 - names are not wanted
                int(status["Threads"]),
                wal.stat().st_size / 1e6 if wal.exists() else 0.0,
                self.ledger.database.stat().st_size,
                self.texts,
            )
        )
        for carrier in self.carriers:
            carrier.call(Smsc.forget)

    def _report(self) -> None:
        sample = self.samples[-1]
        print(
            f"{sample.at / 60:5.1f} min  {sample.texts:7} texts  rss {sample.rss_mb:6.1f} MB"
            f"  descriptors {sample.descriptors:3.0f}  threads {sample.threads:2.0f}"
            f"  database {sample.database_octets / 1e6:6.1f} MB  wal {sample.wal_mb:5.1f} MB"
            f"  outages {self.happened.total():5}",
            flush=True,
        )

    def _settle(self) -> None:
        """Everything that was texted is answered, and what could be sent has arrived."""
        for carrier in self.carriers:
            carrier.silence()
            carrier.throttle()
            carrier.stall(False)
        for command in self.commands:
            self._judge(command)
        self.daemon.until(
            lambda: all(
                carrier.call(lambda smsc: all(delivery.done for delivery in smsc.deliveries))
                for carrier in self.carriers
            ),
            PATIENCE,
            "all answers",
        )
        self.daemon.until(lambda: not self.ledger.queued(), PATIENCE, "an empty outbox")
        if self.daemon.terminate() != 0:
            self.faults.append("the daemon did not end well")
        if "Traceback" in self.daemon.log:
            self.faults.append("a traceback in the log")
        if not self.ledger.is_sound():
            self.faults.append("the database is damaged")
        taken = sum(
            count for kind, count in self.ledger.outcomes().items() if kind != "retransmission"
        )
        # Far past the hourly limit texts of a sender are counted, and no more than that.
        [(counted,)] = self.ledger.rows("SELECT coalesce(sum(number), 0) FROM surplus")
        taken += counted
        if taken != self.texts:
            self.faults.append(f"{self.texts} texts, {taken} in the database")
        self._judge_growth()

    def _judge_growth(self) -> None:
        if len(self.samples) < LEAST_SAMPLES:
            return
        quarter = len(self.samples) // 4
        early, late = self.samples[quarter : 2 * quarter], self.samples[3 * quarter :]
        for name, may_add in MAY_ADD.items():
            first = [getattr(sample, name) for sample in early]
            last = [getattr(sample, name) for sample in late]
            print(
                f"{name:12} second quarter: median {median(first):6.1f}, most {max(first):6.1f}"
                f"   last quarter: median {median(last):6.1f}, most {max(last):6.1f}"
            )
            if median(last) > median(first) + may_add:
                self.faults.append(f"{name} grows: {median(first):.1f} to {median(last):.1f}")
        per_text = [
            (part[-1].database_octets - part[0].database_octets)
            / max(1, part[-1].texts - part[0].texts)
            for part in (early, late)
        ]
        print(f"database     {per_text[0]:.0f} octets a text, then {per_text[1]:.0f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="smsgw-soak-"))
    soak = Soak(folder, options.seed)
    try:
        soak.run(options.minutes)
    except (AssertionError, TimeoutError) as fault:
        soak.faults.append(str(fault)[-4000:])
    for name, count in sorted(soak.happened.items()):
        print(f"{count:5} {name}")
    print(f"seed {options.seed}, {soak.texts} texts, {len(soak.faults)} faults")
    return verdict(soak.faults, folder)


if __name__ == "__main__":
    sys.exit(main())
