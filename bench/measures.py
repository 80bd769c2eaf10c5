"""The measurements: what is run against whom, and which figures come of it.

Each is a function that runs every contender once and adds one sample to each of its figures; the
bench calls it several times, so that contenders alternate and noise of the machine meets all.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.processes import Peer, Smsc
from bench.rig import Rig
from bench.sheet import NAIVE, OURS, Sheet, Wanted
from bench.traffic import Load

Contender = Callable[[], AbstractContextManager[tuple[Smsc, Peer]]]


@dataclass(frozen=True, slots=True)
class Options:
    seconds: float = 1.5  #: measured, of each throughput run
    windows: tuple[int, ...] = (100, 10)
    quick: bool = False
    turn: int = 0  #: which run this is; who goes first changes with it


#: Ready passwords for a burst; more than one run needs.
STOCK = 80_000
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
        (": answer p50", "ms", result["to_answer"]["p50"], None),
        (": answer p99", "ms", result["to_answer"]["p99"], None),
        (": MT p50", "ms", result["to_reply"]["p50"], None),
        (": MT p99", "ms", result["to_reply"]["p99"], None),
    ):
        figure = sheet.figure(name + what, unit, goal)
        (figure.ours if who == OURS else figure.other).append(value)


MEASURES: dict[str, Callable[[Rig, Sheet, Options], None]] = {
    "ceiling": ceiling,
    "register": register,
    "hashing": hashing,
    "syntax": syntax,
    "duplicate": duplicate,
    "mix": mix,
}
