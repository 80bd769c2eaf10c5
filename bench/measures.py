"""The measurements: what is run against whom, and which figures come of it.

Each is a function that runs every contender once and adds one sample to each of its figures; the
bench calls it several times, so that contenders alternate and noise of the machine meets all.
"""

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench import base, servers, traffic
from bench.engines import BATCHES, ENGINES, STDLIB, rates
from bench.processes import Peer, Smsc, Usage, memory
from bench.rig import Rig, bare_hash_rate
from bench.senders import HISTORY, KINDS, costs
from bench.sheet import NAIVE, OURS, Sheet, Wanted
from bench.traffic import Load
from smsgw import clock

Contender = Callable[[], AbstractContextManager[tuple[Smsc, Peer]]]


@dataclass(frozen=True, slots=True)
class Options:
    seconds: float = 1.5  #: measured, of each throughput run
    windows: tuple[int, ...] = (100, 10)
    quick: bool = False
    turn: int = 0  #: which run this is; who goes first changes with it
    postgres: str | None = None  #: the address of an empty database

    def long(self, seconds: float) -> tuple[float, float]:
        """(measured, warm-up) of what takes its time, unless all is to be quick."""
        return (1.0, 0.3) if self.quick else (seconds, 1.0)


#: Ready passwords for a burst; more than one run needs.
STOCK = 120_000
_KNOWN = 2_000


def ceiling(rig: Rig, sheet: Sheet, options: Options) -> None:
    """What the load generator can do against a peer that does nothing."""
    for window in options.windows:
        with rig.echo() as (smsc, _):
            messages = 150_000 if options.quick else 500_000
            result = smsc.run(Load("register", options.seconds, window=window, messages=messages))
        figure = sheet.figure(f"load generator against an echo, window {window}", "cycles/s")
        figure.ours.append(result["rate"])


def register(rig: Rig, sheet: Sheet, options: Options) -> None:
    """Registrations from a filled stock."""
    wanted = {100: 8.0, 10: 3.5}
    for window in options.windows:
        load = Load("register", options.seconds, window=window, messages=STOCK - 100)
        name = f"register, window {window}"
        _throughput(rig, sheet, options, name, load, Wanted(ratio=wanted.get(window)), stock=STOCK)


def hashing(rig: Rig, sheet: Sheet, options: Options) -> None:
    """The same beside a naive gateway that hashes."""
    load = Load("register", options.seconds, messages=STOCK - 100)
    name = "register, window 100, naive hashes"
    _throughput(
        rig, sheet, options, name, load, Wanted(ratio=400), stock=STOCK, naive_hashes=True
    )  # fmt: skip


def syntax(rig: Rig, sheet: Sheet, options: Options) -> None:
    """Texts that are no registration; the naive gateway stores nothing of them."""
    for window in options.windows:
        load = Load("syntax", options.seconds, window=window)
        wanted = Wanted(ratio=2.0 if window == 100 else None)
        _throughput(rig, sheet, options, f"syntax, window {window}", load, wanted)


def duplicate(rig: Rig, sheet: Sheet, options: Options) -> None:
    """Citizens who are registered already."""
    for window in options.windows:
        load = Load("duplicate", options.seconds, window=window, known=_KNOWN)
        wanted = Wanted(ratio=4.0 if window == 100 else None)
        name = f"duplicate, window {window}"
        _throughput(rig, sheet, options, name, load, wanted, stock=_KNOWN + 100)


def mix(rig: Rig, sheet: Sheet, options: Options) -> None:
    """Fourteen registrations, three errors and three duplicates in twenty texts."""
    for window in options.windows:
        load = Load("mix", options.seconds, window=window, known=_KNOWN, first=_KNOWN)
        _throughput(rig, sheet, options, f"mix, window {window}", load, Wanted(), stock=STOCK)


def _throughput(
    rig: Rig,
    sheet: Sheet,
    options: Options,
    name: str,
    load: Load,
    wanted: Wanted,
    *,
    stock: int = 0,
    naive_hashes: bool = False,
) -> None:
    """One closed-loop load against ours and the naive gateway, each on an empty base."""
    contenders = [OURS, NAIVE]
    if options.turn % 2:
        contenders.reverse()
    for who in contenders:
        with (
            rig.folder() as folder,
            _contender(rig, who, folder, load, stock, naive_hashes) as (
                smsc,
                peer,
            ),
        ):
            if load.known:
                _make_known(smsc, load.known)
            result = smsc.run(_with_pid(load, peer))
            _add(sheet, name, who, result, wanted)


def _contender(
    rig: Rig, who: str, folder: Path, load: Load, stock: int, naive_hashes: bool
) -> AbstractContextManager[tuple[Smsc, Peer]]:
    if who == NAIVE:
        return rig.naive(folder, hashing=naive_hashes)
    return rig.ours(folder, window=load.window, stock=stock)


def _with_pid(load: Load, peer: Peer) -> Load:
    return replace(load, pid=peer.pid)


def _make_known(smsc: Smsc, count: int) -> None:
    """Let citizens 0 to *count* - 1 register."""
    smsc.run(Load("register", seconds=600, warmup=0.0, window=50, messages=count))


def _add(sheet: Sheet, name: str, who: str, result: dict[str, Any], wanted: Wanted) -> None:
    usage = result["usage"]
    cycles = max(result["replies"], 1)
    for what, unit, value, goal in (
        ("", "cycles/s", result["rate"], wanted),
        (": processor", "ms/cycle", usage["work"] / cycles * 1e3, None),
        (": sleeps", "1/cycle", usage["sleeps"] / cycles, None),
        (": preempted", "1/cycle", usage["preempted"] / cycles, None),
        (": answer p50", "ms", result["to_answer"]["p50"], None),
        (": answer p99", "ms", result["to_answer"]["p99"], None),
        (": MT p50", "ms", result["to_reply"]["p50"], None),
        (": MT p99", "ms", result["to_reply"]["p99"], None),
    ):
        figure = sheet.figure(name + what, unit, goal)
        (figure.ours if who == OURS else figure.other).append(value)


#: Of passwords in a base, longer than the two months over which its citizens registered. All who
#: open it have the same: what lapses later than it may is taken for a clock that was set back.
_TTL = timedelta(days=90)
_LASTING = {"password_ttl": f"{_TTL.days}d"}

# --- latency --------------------------------------------------------------------------------

_RATE = 300.0


def latency(rig: Rig, sheet: Sheet, options: Options) -> None:
    """MO -> MT at 300 registrations a second at random moments: stock full, and being filled."""
    load = Load("register", *options.long(8.0), rate=_RATE, messages=20_000)
    for name, size, wanted in (
        ("at 300/s", 100, 3.0),
        ("at 300/s while the stock is being filled", 40_000, 20.0),
    ):
        with (
            rig.folder() as folder,
            rig.ours(folder, stock=20_000, size=size) as (smsc, peer),
        ):
            _add_latency(sheet, name, OURS, smsc.run(_with_pid(load, peer)), wanted)
    with rig.folder() as folder, rig.naive(folder) as (smsc, peer):
        _add_latency(sheet, "at 300/s", NAIVE, smsc.run(_with_pid(load, peer)), 3.0)


def expiring(rig: Rig, sheet: Sheet, options: Options) -> None:
    """The same from the first to the last of 10,000 reminders that lapsed passwords cause."""
    with rig.folder() as folder:
        _expire_beside(rig, sheet, options, folder, "at 300/s while 10,000 accounts expire", 0)


def _expire_beside(
    rig: Rig, sheet: Sheet, options: Options, folder: Path, name: str, first: int
) -> None:
    """Let citizens from *first* on have passwords that lapse while others register."""
    count = 200 if options.quick else 10_000
    every = _LASTING | {"tick_interval": "1s", "reminder_hours": "00:00-24:00"}
    with Smsc() as nobody:
        path = rig.configure(folder, nobody, 100, registration=every)
    due_in = timedelta(seconds=1.5 if options.quick else 4.0)
    due = clock.now() + due_in - _TTL
    base.fill(path, rig.hashes, count, first=first, registered_at=due)
    seconds, warmup = options.long(10.0)
    with rig.ours(folder, stock=30_000, size=100, registration=every) as (smsc, _):
        load = Load("register", seconds, warmup, rate=_RATE, messages=20_000, first=first + count)
        result = smsc.run(load)
    if result["reminders"] < count:
        print(f"bench: only {result['reminders']} of {count} reminders came", file=sys.stderr)
    result["to_reply"] = result["beside_reminders"]
    if result["to_reply"]["count"]:
        _add_latency(sheet, name, OURS, result, 20.0)


def _add_latency(sheet: Sheet, name: str, who: str, result: dict[str, Any], wanted: float) -> None:
    for what, value, goal in (
        (": MT p99", result["to_reply"]["p99"], Wanted(most=wanted)),
        (": MT p50", result["to_reply"]["p50"], None),
        (": answer p99", result["to_answer"]["p99"], None),
    ):
        figure = sheet.figure(name + what, "ms", goal)
        (figure.ours if who == OURS else figure.other).append(value)


def slow_disk(rig: Rig, sheet: Sheet, options: Options) -> None:
    """enquire_link while each COMMIT takes 200 ms longer."""
    with (
        rig.folder() as folder,
        rig.ours(folder, "--slow-commit", "0.2", stock=2_000) as (smsc, peer),
    ):
        seconds, warmup = options.long(6.0)
        load = Load("register", seconds, warmup, rate=50.0, enquire_every=0.01, pid=peer.pid)
        result = smsc.run(load)
    for what, goal in (("p99", Wanted(most=5.0)), ("p50", None)):
        name = f"enquire_link while a commit takes 200 ms: {what}"
        sheet.figure(name, "ms", goal).ours.append(result["enquire_link"][what])


def dry(rig: Rig, sheet: Sheet, options: Options) -> None:
    """Registrations when the stock is long empty, against hashes alone on all cores."""
    seconds, warmup = options.long(6.0)
    bare = bare_hash_rate(seconds / 2)
    with (
        rig.folder() as folder,
        rig.ours(folder, stock=None, registration={"password_stock": 4}) as (
            smsc,
            peer,
        ),
    ):
        result = smsc.run(Load("register", seconds, 2 * warmup, messages=5_000, pid=peer.pid))
    figure = sheet.figure(
        "register, stock long empty", "cycles/s", Wanted(ratio=0.9), "argon2id alone"
    )
    figure.ours.append(result["rate"])
    figure.other += [bare, bare_hash_rate(seconds / 2)]


def senders(rig: Rig, sheet: Sheet, options: Options) -> None:
    """Texts of senders who never stop, beside first texts."""
    history = 2_000 if options.quick else HISTORY
    for limit in (10, 0):
        for kind in KINDS:
            with rig.folder() as folder:
                first, later = costs(folder, kind, limit, history)
            name = f"text after {history:,}, {kind}, limit {limit}: processor"
            figure = sheet.figure(name, "µs", None, "first text")
            figure.ours.append(later)
            figure.other.append(first)


def engines(rig: Rig, sheet: Sheet, options: Options) -> None:
    """Registrations over PostgreSQL beside SQLite, in process, by the size of a batch."""
    wanted = {10: 0.45, 100: 0.65, 1000: 0.8}
    for batch in BATCHES:
        found = {}
        for engine in ENGINES[options.turn % 3 :] + ENGINES[: options.turn % 3]:  # in turns
            if engine == "postgres" and options.postgres is None:
                continue
            with rig.folder() as folder:
                found[engine] = rates(engine, folder, batch, options.seconds, options.postgres)
        name = f"register over PostgreSQL, batches of {batch}"
        for other, goal in ((STDLIB, Wanted(ratio=wanted[batch])), ("sqlite", Wanted())):
            if "postgres" in found:
                figure = sheet.figure(f"{name}, beside {other}", "/s", goal, other)
                figure.ours.append(found["postgres"])
                figure.other.append(found[other])
        figure = sheet.figure(f"register over SQLite, batches of {batch}", "/s", None, STDLIB)
        figure.ours.append(found["sqlite"])
        figure.other.append(found[STDLIB])


def server_nodes(rig: Rig, sheet: Sheet, options: Options) -> None:
    """Two nodes on one PostgreSQL, beside one."""
    if options.postgres:
        servers.two_nodes(rig, sheet, options.postgres, options.seconds)


def server_million(rig: Rig, sheet: Sheet, options: Options) -> None:
    """Registrations over PostgreSQL beside SQLite, where a million accounts are."""
    if options.postgres and not options.quick:
        servers.million(rig, sheet, options.postgres, options.seconds)


def server_latency(rig: Rig, sheet: Sheet, options: Options) -> None:
    """What a citizen waits over PostgreSQL beside SQLite."""
    if options.postgres:
        servers.latency(rig, sheet, options.postgres, options.long(8.0), options.turn)


# --- beginning and rest ---------------------------------------------------------------------


def start(rig: Rig, sheet: Sheet, options: Options) -> None:
    """From the command to the bind request at the SMSC, with an empty folder."""
    with rig.folder() as folder, rig.ours(folder, stock=None) as (_, peer):
        sheet.figure("start to bound", "s", Wanted(most=1.0)).ours.append(peer.start_seconds)


def rest(rig: Rig, sheet: Sheet, options: Options) -> None:
    """Memory and processor time when nothing happens, and memory under load."""
    if options.turn:
        return  # takes minutes, and does not vary
    registration = {"password_stock": 20} if options.quick else {}
    idle = 2.0 if options.quick else 60.0
    with (
        rig.folder() as folder,
        rig.ours(folder, stock=None, registration=registration) as (smsc, peer),
    ):
        _wait_for_rest(peer)
        before = Usage.of(peer.pid)
        time.sleep(idle)
        spent = Usage.of(peer.pid).since(before)
        sheet.figure("memory at rest, stock full", "MB", Wanted(most=60)).ours.append(
            memory(peer.pid, "VmRSS")
        )
        sheet.figure("processor time at rest", "% of a core", Wanted(most=0.2)).ours.append(
            (spent.work + spent.hashing) / idle * 100
        )
        sheet.figure("wake-ups at rest", "a minute").ours.append(spent.sleeps / idle * 60)
        smsc.run(Load("register", 600, 0.0, messages=20 if options.quick else 1_900))
        seconds, _ = options.long(5.0)
        window = 10 if options.quick else 100
        smsc.run(Load("duplicate", seconds, window=window, known=20 if options.quick else 1_900))
        sheet.figure("memory under load, most", "MB", Wanted(most=120)).ours.append(
            memory(peer.pid)
        )


def _wait_for_rest(peer: Peer) -> None:
    """Wait until the hashers have done nothing for so long that they gave their memory back."""
    quiet = 0
    last = -1.0
    while quiet < 8:
        time.sleep(1.0)
        now = Usage.of(peer.pid).hashing
        quiet = quiet + 1 if now == last else 0
        last = now


def size(rig: Rig, sheet: Sheet, options: Options) -> None:
    """Octets that a registration takes in the database, all of its traces together."""
    if options.turn:
        return
    count = 1_000 if options.quick else 100_000
    with rig.folder() as folder, Smsc() as nobody:
        base.fill(rig.configure(folder, nobody, 100), rig.hashes, count)
        octets = (folder / "smsgw.db").stat().st_size
    sheet.figure("database size of a registration", "octets").ours.append(octets / count)


# --- growth ---------------------------------------------------------------------------------

_LOOK_UPS = 2_000


def fill_both(rig: Rig, folder: Path, count: int) -> None:
    """Make the base of ours and of the naive gateway, *count* citizens each."""
    with Smsc() as nobody:
        path = rig.configure(folder, nobody, 100, registration=_LASTING)
    base.fill(path, rig.hashes, count)
    base.fill_naive(folder / "naive.db", rig.hashes, count)


def growth(
    rig: Rig, sheet: Sheet, options: Options, folder: Path, count: int, *, first: int, small: int
) -> int:
    """Everything that could cost more in a base of *count* accounts, which is in *folder*.

    Args:
        first: the next citizen who is not registered yet.
        small: the smallest base of this bench, which the others are compared with.

    Returns:
        The next citizen who is not registered yet.
    """
    for database in folder.glob("*.db"):
        base.into_memory(database)
    load = Load(
        "register", options.seconds, messages=STOCK - 100, first=first, turn=options.turn + 1
    )
    duplicates = replace(load, kind="duplicate", known=count)
    contenders = [OURS, NAIVE]
    if options.turn % 2:
        contenders.reverse()
    for who in contenders:
        running = (
            rig.naive(folder)
            if who == NAIVE
            else rig.ours(folder, stock=STOCK, registration=_LASTING)
        )
        with running as (smsc, peer):
            for each in (load, duplicates):
                result = smsc.run(_with_pid(each, peer))
                name = f"{each.kind}, {count:,} accounts"
                wanted = Wanted(ratio=3.0) if each.kind == "register" and count > small else None
                figure = sheet.figure(name, "cycles/s", wanted)
                (figure.ours if who == OURS else figure.other).append(result["rate"])
    if count > small:
        wanted = Wanted(ratio=0.5 if count <= 1_000_000 else 0.3)
        figure = sheet.figure(
            f"register, {count:,} against {small:,}", "cycles/s", wanted, f"{small:,}"
        )
        figure.ours = sheet.figure(f"register, {count:,} accounts", "").ours
        figure.other = sheet.figure(f"register, {small:,} accounts", "").ours
    _look_up(rig, sheet, folder, count)
    first += load.messages
    name = f"at 300/s while 10,000 expire beside {count:,} accounts"
    _expire_beside(rig, sheet, options, folder, name, first)
    return first + 40_000


def _look_up(rig: Rig, sheet: Sheet, folder: Path, count: int) -> None:
    """What the hotline and the expiry tick ask, in this process."""
    with Smsc() as nobody:
        always = _LASTING | {"reminder_hours": "00:00-24:00"}
        path = rig.configure(folder, nobody, 100, registration=always)
    store, gateway = base.open_gateway(path, rig.hashes)
    citizens = [number * 7_919_317 % count for number in range(_LOOK_UPS)]

    def by_phone(citizen: int) -> float:
        key = f"+{traffic.phone(citizen).decode()}"
        return _time(lambda: store.accounts_of_phone(key))

    def by_cmnd(citizen: int) -> float:
        key = traffic.cmnd(citizen).decode()
        return _time(lambda: store.accounts_of_cmnd(key))

    for what, took in (
        ("look-up by phone", [by_phone(citizen) for citizen in citizens]),
        ("look-up by CMND", [by_cmnd(citizen) for citizen in citizens]),
    ):
        sheet.figure(f"{what}, {count:,} accounts: p99", "ms").ours.append(_p99(took))
    took = [_time(lambda: not gateway.expire(clock.now()).replaced) for _ in range(100)]
    name = f"expiry pass with nothing due, {count:,} accounts: p99"
    sheet.figure(name, "ms", Wanted(most=5.0)).ours.append(_p99(took))
    store.close()


def _time(ask: Callable[[], object]) -> float:
    """Milliseconds that *ask* takes."""
    began = time.perf_counter()
    found = ask()
    took = (time.perf_counter() - began) * 1e3
    if not found:
        raise SystemExit("bench: the base does not hold what it was filled with")
    return took


def _p99(values: list[float]) -> float:
    return sorted(values)[len(values) * 99 // 100]


MEASURES: dict[str, Callable[[Rig, Sheet, Options], None]] = {
    "ceiling": ceiling,
    "register": register,
    "hashing": hashing,
    "syntax": syntax,
    "duplicate": duplicate,
    "mix": mix,
    "dry": dry,
    "latency": latency,
    "expiring": expiring,
    "slow-disk": slow_disk,
    "senders": senders,
    "engines": engines,
    "server-nodes": server_nodes,
    "server-million": server_million,
    "server-latency": server_latency,
    "start": start,
    "rest": rest,
    "size": size,
}
