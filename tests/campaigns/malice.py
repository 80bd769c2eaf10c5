"""Attack the daemon from one link, and look how citizens on another fare meanwhile.

    python -m tests.campaigns.malice                      # every attack
    python -m tests.campaigns.malice --only flap marks    # some of them

For each attack: a fresh database, the daemon as a child process, an honest carrier in this process
and a hostile one in a process of its own (`smsgw smsc`, whose tricks the attacks are). First
nobody attacks, then somebody does. Honest citizens text all the time: errors, which need no
password, and registrations; where an attack empties the stock, there is none from the beginning.
Printed are the times from their text to the answer (deliver_sm_resp) and to the reply (submit_sm),
and the daemon's memory, quiet and attacked. It fails when

    the 99th percentile is above 5 times the quiet one or 50 ms, the larger of both, or 250 ms
    a citizen gets no answer, or no reply
    the daemon's memory ever reaches 200 MB, or it ends, or a traceback is in its log
    an attack leaves what it must not leave (see `ATTACKS`)

With `--loose`, as in the suite, where machines are shared and runs are short, the bound is 5 times
the quiet one or two seconds, the larger of both; what was mended kept citizens waiting for longer.
The strict bounds want a machine to themselves: where the quiet times say that there is none, that
is printed. Exit status 0 or 1.
"""

import argparse
import asyncio
import http.client
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from smsgw.simulator import Record, SmscThread, Submit, What, texts, toml
from smsgw.smpp.pdu import DeliverSm, DeliverSmResp
from tests.conftest import ENVIRONMENT, SMSGW, Daemon
from tests.house import House, OneHash
from tests.ledger import Ledger

TEXTS_A_SECOND = 40.0
#: Below half of the hash rate of one slow core, since half is an honest link's share.
REGISTRATIONS_A_SECOND = 2.0
#: Registrations that wait at the same time, where the share of the hash rate is measured.
MANY = 50
PATIENCE = 60  # seconds; a deadline, not a delay
#: What the log may hold: its 4000 pages, and what comes until it is begun anew.
MOST_LOG_MB = 25.0


class Bounds(NamedTuple):
    """What an attack may cost; see the table of the issue."""

    times_quiet: float = 5
    least_ms: float = 50
    most_ms: float = 250
    memory_mb: float = 200
    share: float = 0.47  #: of the hash rate; half, and what is under way when the clock stops
    cost: float = 1.2

    def latency_ms(self, quiet_ms: float) -> float:
        return min(max(self.times_quiet * quiet_ms, self.least_ms), self.most_ms)


STRICT = Bounds()
LOOSE = Bounds(least_ms=2_000, most_ms=10_000, share=0.42, cost=2)
#: A quiet gateway that is slower than this has no machine to itself.
BUSY_MS = 50.0


# --- honest citizens ----------------------------------------------------------------------------


@dataclass
class Times:
    """Milliseconds of one kind of text, and how it fared otherwise."""

    answer: list[float] = field(default_factory=list)
    reply: list[float] = field(default_factory=list)
    sent: int = 0
    later: int = 0  #: told to come again later

    @property
    def lost(self) -> int:
        return max(self.sent - len(self.answer), self.sent - len(self.reply))


class Waits(NamedTuple):
    """A citizen who waits."""

    since: float
    times: Times


class Citizens:
    """Honest citizens behind their own carrier, each with a phone that nobody else has."""

    def __init__(self) -> None:
        self.carrier = SmscThread(retry_delay=0.2, response_timeout=PATIENCE)
        self.registered = 0  #: that were told a password, ever
        self._people = 0
        self._answer: dict[str, Waits] = {}
        self._reply: dict[str, Waits] = {}
        self._numbers: dict[tuple[int, int], str] = {}
        self._texting: list[threading.Event] = []
        smsc = self.carrier.smsc
        smsc.on_record, smsc.on_submit = self._on_record, self._on_submit

    @property
    def waiting(self) -> int:
        return len(self._answer | self._reply)

    def text(self, register: bool, times: Times) -> None:
        """One citizen texts; in the carrier's thread."""
        self._people += 1
        phone = f"8470{self._people:07d}"
        words = f"TK,Nguyen Van An,{100_000_000 + self._people},01.02.1990"
        waits = Waits(self.carrier.smsc.loop.time(), times)
        self._answer[phone] = self._reply[phone] = waits
        times.sent += 1
        self.carrier.smsc.deliver(texts.mo(phone, words if register else f"xin chao {phone}"))

    async def keep_texting(
        self, register: bool, rate: float, times: Times, over: Callable[[], bool]
    ) -> None:
        """So many a second, whatever the answers, until it is *over*."""
        loop = self.carrier.smsc.loop
        due = loop.time()
        while not over():
            self.text(register, times)
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def keep_registering(self, times: Times, over: Callable[[], bool]) -> None:
        """So many that the next registration waits as soon as one is answered."""
        while not over():
            while len(self._reply) < MANY:
                self.text(True, times)
            await asyncio.sleep(0.005)

    def _on_record(self, record: Record) -> None:
        pdu = record.pdu
        if isinstance(pdu, DeliverSm) and record.what is What.SENT:
            self._numbers[record.session, pdu.sequence] = pdu.source.number
        elif isinstance(pdu, DeliverSmResp):
            phone = self._numbers.pop((record.session, pdu.sequence), "")
            if phone in self._answer and pdu.status:
                self._answer[phone].times.later += 1
            elif phone in self._answer:
                waits = self._answer.pop(phone)
                waits.times.answer.append(1000 * (record.at - waits.since))
        if len(self.carrier.smsc.records) > 5_000:
            self.carrier.smsc.forget()

    def _on_submit(self, submit: Submit) -> None:
        waits = self._reply.pop(submit.destination.number, None)
        if waits:
            self.registered += "MK: " in (submit.text or "")
            waits.times.reply.append(1000 * (submit.at - waits.since))

    @contextmanager
    def at_their_phones(self, *, many: bool) -> "Iterator[dict[str, Times]]":
        """They text as long as this lasts; at its end all have been answered, or time is up."""
        kinds = {"error": Times(), "registration": Times()}
        over = threading.Event()
        loop = self.carrier.smsc.loop
        registering = (
            self.keep_registering(kinds["registration"], over.is_set)
            if many
            else self.keep_texting(True, REGISTRATIONS_A_SECOND, kinds["registration"], over.is_set)
        )
        work = [
            asyncio.run_coroutine_threadsafe(registering, loop),
            asyncio.run_coroutine_threadsafe(
                self.keep_texting(False, TEXTS_A_SECOND, kinds["error"], over.is_set), loop
            ),
        ]
        try:
            yield kinds
        finally:
            over.set()
            for each in work:
                each.result(PATIENCE)

    def until_answered(self) -> None:
        with suppress(TimeoutError):
            self.carrier.until(lambda _: not self.waiting, PATIENCE)
        # Who waits still is lost for this phase, and no burden to the next.
        self.carrier.call(lambda _: (self._answer.clear(), self._reply.clear()))


# --- the hostile carrier ------------------------------------------------------------------------


class Attacker:
    """`smsgw smsc` as a child process, which plays what is typed."""

    def __init__(self, folder: Path) -> None:
        self.log_file = folder / "attacker.log"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [*SMSGW, "smsc", "--port", "0"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=ENVIRONMENT,
                text=True,
            )
        self.port = int(self._wait(r"port (\d+)\. A gateway")[1])

    def play(self, line: str, seconds: float) -> str:
        """Type a trick, and wait until it is over: what was said of it."""
        before = len(self._said())
        assert self.process.stdin
        self.process.stdin.write(f"!{line}\n")
        self.process.stdin.flush()
        return self._wait(r"--  (!\S+: over after .*|not done: .*)", seconds, before)[1]

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _said(self) -> str:
        return self.log_file.read_text(errors="replace")

    def _wait(self, pattern: str, seconds: float = PATIENCE, since: int = 0) -> "re.Match[str]":
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self._said()[since:])):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the attacker did not say {pattern!r} in {seconds:g} s")
            time.sleep(0.05)
        return found


class Share(NamedTuple):
    """Who got how many passwords."""

    honest: int
    all: int


# --- one attack ----------------------------------------------------------------------------------


class Scene:
    """Everything that one attack is played on."""

    def __init__(self, folder: Path, attack: "Attack", seconds: float) -> None:
        self.folder, self.attack, self.seconds = folder, attack, seconds
        self.ledger = Ledger(folder / "smsgw.db")
        self.faults: list[str] = []
        self.said: list[str] = []
        self.citizens = Citizens()
        self.attacker = Attacker(folder)
        self.metrics_port = _free_port()
        self.daemon: Daemon
        self.half_time = Share(0, 0)  #: passwords given out until then

    def open(self) -> None:
        if self.attack.before:
            self.attack.before(self)
        self.citizens.carrier.start()
        self.daemon = Daemon(self._configure(), self.folder / "daemon.log", {}, SMSGW)
        self.daemon.until(lambda: self.citizens.carrier.bound, PATIENCE, "a bind")
        self.attacker._wait("has bound")

    def close(self) -> None:
        self.attacker.end()
        if hasattr(self, "daemon"):
            self.daemon.kill()
        self.citizens.carrier.close()

    def play(self, *lines: str) -> None:
        """Play tricks, one after the other."""
        for line in lines:
            self.said.append(self.attacker.play(line, 4 * self.seconds + PATIENCE))

    def expect(self, true: bool, words: str) -> None:
        if not true:
            self.faults.append(words)

    def memory(self) -> tuple[float, float]:
        """(the most that it ever was, now) in MB."""
        return self.daemon.memory("VmHWM"), self.daemon.memory("VmRSS")

    def log_mb(self) -> float:
        log = self.ledger.database.with_name("smsgw.db-wal")
        return log.stat().st_size / 1e6 if log.exists() else 0.0

    def _configure(self) -> Path:
        quick = {"reconnect_min": "20ms", "reconnect_max": "200ms"}
        hostile = {"host": "127.0.0.1", "port": self.attacker.port, "system_id": "smsgw"}
        path = self.folder / "config.toml"
        document: dict[str, object] = {
            "gateway": {"database": str(self.ledger.database)},
            "registration": {"password_stock": 0 if self.attack.starved else 100},
            "metrics": {"listen": f"127.0.0.1:{self.metrics_port}"},
            "smsc": [
                self.citizens.carrier.link("honest", **quick),
                {"name": "hostile", "password": "secret", "response_timeout": "2s"}
                | hostile
                | quick,
            ],
        }
        path.write_text(toml.dumps(document))
        path.chmod(0o600)
        return path


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Attack(NamedTuple):
    """One row of what was done to the gateway."""

    name: str
    what: str
    play: Callable[[Scene], None]
    starved: bool = False  #: no stock of passwords, before the attack and during it
    many: bool = False  #: honest citizens take as many passwords as they are given
    before: Callable[[Scene], None] | None = None  #: what the database holds already
    after: Callable[[Scene], None] | None = None  #: what must hold besides


def tricks(*lines: str) -> Callable[[Scene], None]:
    """An attack of the hostile carrier; `{s}`: how many seconds, `{n}`: how many receipts."""
    return lambda scene: scene.play(
        *(
            line.format(s=scene.seconds, n=int(min(100_000, 5_000 * scene.seconds)))
            for line in lines
        )
    )


def then_wait(play: Callable[[Scene], None]) -> Callable[[Scene], None]:
    """What it left behind may be worse than the attack."""

    def attack(scene: Scene) -> None:
        play(scene)
        time.sleep(scene.seconds / 2)

    return attack


# --- attacks that are more than a trick ---------------------------------------------------------


def _fill(scene: Scene, count: int, words: str) -> None:
    """*count* citizens texted by a carrier that is gone; nothing of it was ever sent."""
    house = House(scene.folder, limits={"replies_per_phone_per_hour": 0})
    house.gateway.tools.issuer = OneHash()
    house.now = datetime.now(UTC)
    for first in range(0, count, 500):
        house.take(
            *(
                house.mo(f"8496{n:07d}", words.format(n=n), link="viettel")
                for n in range(first, min(first + 500, count))
            ),
            room=0,
        )
    house.store.close()


def _queue_of_replies(scene: Scene) -> None:
    _fill(scene, int(min(100_000, 10_000 * scene.seconds / 2)), "xin chao {n}")


def _register_of_citizens(scene: Scene) -> None:
    _fill(scene, 3_000, "TK,Nguyen Van An,2{n:08d},01.02.1990")


def _ask_for_health(scene: Scene) -> None:
    """32 clients that connect and say nothing; then somebody who asks 49 times a second."""
    begin = time.monotonic()
    silent = [socket.create_connection(("127.0.0.1", scene.metrics_port)) for _ in range(32)]
    try:
        while _ask(scene.metrics_port) == "refused" and time.monotonic() - begin < 20:
            time.sleep(0.1)
    finally:
        for client in silent:
            client.close()
    waited = time.monotonic() - begin
    scene.said.append(f"Prometheus had to wait {waited:.1f} s for 32 silent clients")
    scene.expect(waited < 7, f"silent clients shut Prometheus out for {waited:.1f} s")
    end, answers = time.monotonic() + scene.seconds, Counter[str]()
    while time.monotonic() < end:
        begin = time.monotonic()
        answers[_ask(scene.metrics_port)] += 1
        time.sleep(max(0.0, 1 / 49 - (time.monotonic() - begin)))
    scene.said.append(f"/healthz asked {answers.total()} times: {dict(answers)}")


def _ask(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse().read()  # whatever it says
    except (OSError, http.client.HTTPException):
        return "refused"
    finally:
        connection.close()
    return "answered"


def _hold_commands(scene: Scene) -> None:
    """A list that nobody reads, and some `try`, each stopped at another moment of its run."""
    base = [*SMSGW, "-c", str(scene.folder / "config.toml")]
    start = partial(
        subprocess.Popen, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT
    )
    held = [start([*base, "accounts", "list", "--format", "csv"])]
    text = "TK,Nguyen Van An,222222222,01.02.1990"
    try:
        count = 20 if scene.seconds > 5 else 8
        for number in range(count):
            trial = start([*base, "try", "0905777888", text])
            held.append(trial)
            # Where in its run it stops is the point: each a little later than the one before.
            time.sleep(0.15 + 0.4 * number / count)
            with suppress(ProcessLookupError):
                trial.send_signal(signal.SIGTSTP)
        scene.play(f"errors 300 {scene.seconds}")
    finally:
        for child in held:
            child.kill()
            child.communicate()


def _log_is_small(scene: Scene) -> None:
    size = scene.log_mb()
    scene.said.append(f"write-ahead log {size:.1f} MB")
    scene.expect(size < MOST_LOG_MB, f"the log has grown to {size:.1f} MB")


def _few_receipts_are_kept(scene: Scene) -> None:
    kept = scene.ledger.value("SELECT count(*) FROM early_receipts")
    scene.said.append(f"{kept} receipts kept")
    scene.expect(kept <= 1_000, f"{kept} receipts of unknown texts are kept")


def _session_was_ended(scene: Scene) -> None:
    found = re.search(r"over after ([\d.]+) s", " ".join(scene.said))
    seconds = float(found[1]) if found else float("inf")
    scene.expect(seconds < 6, "the session with a PDU that never ends goes on")


def _flood_twice(scene: Scene) -> None:
    """Shares count in the second half: until then who came first is served first."""
    scene.play(f"registrations 1000 {scene.seconds}")
    scene.half_time = _passwords_given(scene)
    scene.play(f"registrations 1000 {scene.seconds}")


def _passwords_given(scene: Scene) -> Share:
    everybody = scene.ledger.value("SELECT count(*) FROM accounts")
    return Share(scene.citizens.registered, everybody)


ATTACKS = {
    attack.name: attack
    for attack in (
        Attack("endless-receipts", "receipts of 64 KB that come to no end, sent again and again",
               then_wait(tricks("endless-receipts 8"))),
        Attack("marks", "300 texts a second, 2,000 combining marks each", tricks("marks 300 {s}")),
        Attack("big-parts", "3,000 parts of 60 KB", then_wait(tricks("big-parts 3000"))),
        Attack("registrations", "300 registrations a second of made-up numbers",
               tricks("registrations 300 {s}"), starved=True),
        Attack("share", "1,000 a second, and honest citizens who take what they get",
               _flood_twice, starved=True, many=True),
        Attack("flap", "a link that binds, sends 1,990, drops, binds again, and then is gone",
               then_wait(tricks("flap {s} 1990")), starved=True),
        Attack("one-number", "150 texts a second from one number",
               tricks("one-number 84987654321 150 {s}")),
        Attack("half-texts", "100 incomplete long texts a second", tricks("half-texts 100 {s}")),
        Attack("healthz", "32 silent clients, then /healthz 49 times a second, with a long queue",
               _ask_for_health, before=_queue_of_replies),
        Attack("commands", "a list into a pipe that nobody reads, `try` stopped by Ctrl-Z",
               _hold_commands, before=_register_of_citizens, after=_log_is_small),
        Attack("trickle", "a PDU that comes octet by octet and never ends",
               tricks("trickle 20"), after=_session_was_ended),
        Attack("unknown-receipts", "receipts of unknown ids, 100,000 at most",
               tricks("unknown-receipts {n}"), after=_few_receipts_are_kept),
        Attack("one-receipt", "receipts of one unknown id, 100,000 at most",
               tricks("one-receipt {n}"), after=_few_receipts_are_kept),
        Attack("small-pdus", "enquire_link after enquire_link", tricks("small-pdus {s}")),
    )
}  # fmt: skip


# --- the campaign -----------------------------------------------------------------------------


class Campaign:
    def __init__(self, bounds: Bounds, seconds: float, quiet: float) -> None:
        self.bounds, self.seconds, self.quiet = bounds, seconds, quiet
        self.faults: list[str] = []

    def attack(self, attack: Attack) -> None:
        """Play one attack and judge it."""
        print(f"\n{attack.name}: {attack.what}", flush=True)
        folder = Path(tempfile.mkdtemp(prefix=f"smsgw-malice-{attack.name}-"))
        scene = Scene(folder, attack, self.seconds)
        try:
            self._play(scene)
        except (AssertionError, TimeoutError, OSError) as fault:
            scene.faults.append(str(fault)[-1500:])
        finally:
            scene.close()
        for words in scene.faults:
            print(f"  FAULT {words}", flush=True)
        self.faults += [f"{attack.name}: {words}" for words in scene.faults]
        if scene.faults:
            print(f"  kept: {folder}")
        else:
            shutil.rmtree(folder)

    def _play(self, scene: Scene) -> None:
        attack, citizens = scene.attack, scene.citizens
        scene.open()
        with citizens.at_their_phones(many=False):
            time.sleep(1)  # caches warm, nobody measures
        citizens.until_answered()
        with citizens.at_their_phones(many=attack.many) as quiet:
            time.sleep(self.quiet)
        citizens.until_answered()
        memory = scene.memory()
        with citizens.at_their_phones(many=attack.many) as attacked:
            begin = time.monotonic()
            attack.play(scene)
            lasted = time.monotonic() - begin
            after = _passwords_given(scene)
            if lasted < self.seconds / 2:  # a heap is read at once: what it did, lasts
                time.sleep(self.seconds / 2 - lasted)
        citizens.until_answered()
        scene.daemon.until(lambda: True)  # it lives
        print(f"  attacked for {lasted:.1f} s")
        self._judge_times(scene, quiet, attacked)
        self._judge_memory(scene, memory)
        if attack.many:
            half = scene.half_time
            self._judge_share(scene, Share(after.honest - half.honest, after.all - half.all))
        if attack.after:
            attack.after(scene)
        for words in scene.said:
            print(f"  {words}")
        scene.expect("Traceback" not in scene.daemon.log, "a traceback in the log")
        scene.expect(scene.daemon.terminate() == 0, "the daemon did not end well")
        scene.expect(scene.ledger.is_sound(), "the database is damaged")

    def _judge_times(
        self, scene: Scene, quiet: dict[str, Times], attacked: dict[str, Times]
    ) -> None:
        alone = Figures.of(quiet["error"].answer).p99
        if alone > BUSY_MS:
            print(f"  this machine is busy: {alone:.0f} ms without any attack say little")
        for kind, before in quiet.items():
            for way in ("answer", "reply"):
                if scene.attack.many and kind == "registration":
                    continue  # they wait for one another: their rate is what counts
                first = Figures.of(getattr(before, way))
                then = Figures.of(getattr(attacked[kind], way))
                bound = self.bounds.latency_ms(first.p99)
                print(f"  {kind:12} {way:6} quiet {first}   attacked {then}   bound {bound:5.0f}")
                scene.expect(
                    then.p99 <= bound, f"{kind}: {way} after {then.p99:.0f} ms, bound {bound:.0f}"
                )
            times = attacked[kind]
            scene.expect(not times.lost, f"{kind}: {times.lost} of {times.sent} never answered")
            if times.later:
                print(f"  {kind:12} told to come again later: {times.later} of {times.sent}")

    def _judge_memory(self, scene: Scene, before: tuple[float, float]) -> None:
        most, now = scene.memory()
        print(
            f"  memory: {before[1]:.0f} MB before (at most {before[0]:.0f}),"
            f" {now:.0f} MB after (at most {most:.0f})"
        )
        scene.expect(most < self.bounds.memory_mb, f"memory reached {most:.0f} MB")

    def _judge_share(self, scene: Scene, share: Share) -> None:
        part = share.honest / max(1, share.all)
        print(f"  passwords: {share.honest} of {share.all} to the honest link ({part:.0%})")
        scene.expect(part >= self.bounds.share, f"{part:.0%} of the passwords for the honest link")

    def cost_of_history(self, texts_before: int, replies_an_hour: int) -> None:
        """What a text costs after so many of its sender in the hour, against an early one."""
        folder = Path(tempfile.mkdtemp(prefix="smsgw-malice-history-"))
        house = House(folder, limits={"replies_per_phone_per_hour": replies_an_hour})
        number = iter(range(10**9))

        def text() -> None:
            house.take(house.mo("84987654321", f"xin chao {next(number)}"), room=0)

        for _ in range(150):  # past the limit, and past what is kept
            text()
        early = _median_ms(text)
        for _ in range(texts_before):
            text()
        late = _median_ms(text)
        house.store.close()
        shutil.rmtree(folder)
        times = late / early
        print(
            f"\nhistory: {early:.3f} ms for a text,"
            f" {late:.3f} ms after {texts_before} of its sender"
            f" ({times:.2f} times; limit {replies_an_hour or 'none'})",
            flush=True,
        )
        if times > self.bounds.cost:
            self.faults.append(f"history: {times:.2f} times the cost, limit {replies_an_hour}")


class Figures(NamedTuple):
    """Of some milliseconds."""

    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> "Figures":
        ordered = sorted(values) or [float("inf")]
        last = len(ordered) - 1
        return cls(ordered[last // 2], ordered[last * 99 // 100], ordered[last])

    def __str__(self) -> str:
        return f"p50 {self.p50:6.1f} p99 {self.p99:6.1f} max {self.most:6.1f} ms"


def _median_ms(function: Callable[[], object], times: int = 200) -> float:
    """Median milliseconds of processor time."""
    costs = []
    for _ in range(times):
        start = time.thread_time()
        function()
        costs.append(1000 * (time.thread_time() - start))
    return sorted(costs)[times // 2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=15, help="of each attack (15)")
    parser.add_argument("--quiet", type=float, default=8, help="seconds before it (8)")
    parser.add_argument("--texts", type=int, default=50_000, help="of one sender (50000)")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[*ATTACKS, "history"])
    parser.add_argument("--loose", action="store_true", help="for short runs and busy machines")
    options = parser.parse_args()
    campaign = Campaign(LOOSE if options.loose else STRICT, options.seconds, options.quiet)
    for attack in ATTACKS.values():
        if not options.only or attack.name in options.only:
            campaign.attack(attack)
    if not options.only or "history" in options.only:
        for limit in (10, 0):
            campaign.cost_of_history(options.texts, limit)
    print()
    for words in campaign.faults:
        print(f"FAULT {words}")
    print(f"{len(campaign.faults)} faults")
    return 1 if campaign.faults else 0


if __name__ == "__main__":
    sys.exit(main())
