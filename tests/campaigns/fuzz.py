"""Fuzz every door of the gateway: `make fuzz`, for longer `make fuzz ARGS="--seconds 600"`, or by
number: `make fuzz ARGS="--inputs 1000000"`.

With atheris, which follows the coverage of the code, where it is installed (Linux on x86_64);
else with the mutator of the suite's short form. One process a target. Exit status 1 if a target
raised, grew, or took more than 5 ms of processor time over one input (20 where atheris slows the
code down); the input that did it is kept, to be made a test.
"""

import argparse
import gc
import itertools
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

NAMES = (
    "frames", "codec", "session", "text", "receipt", "receipts", "alphabets", "readings", "parts",
    "phone", "numbers",
)  # fmt: skip
BUDGET_SECONDS = 0.005
#: What atheris adds to the code makes it several times slower.
ATHERIS_BUDGET_SECONDS = 0.020
LONGEST_SECONDS = 2
MEMORY_MIB = 512
GROWTH_KIB = 16 * 1024


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--inputs", type=int, help="for each target, instead of a time")
    parser.add_argument("--target", choices=NAMES, action="append", help="only this one")
    parser.add_argument("--engine", choices=("atheris", "built-in"))
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--corpus", type=Path, help="folder in which atheris keeps what it learns")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    engine = options.engine or ("atheris" if _has_atheris() else "built-in")
    if options.child:
        (target,) = options.target
        run = _by_atheris if engine == "atheris" else _built_in
        return run(target, options)
    if engine == "built-in" and not options.engine:
        print(
            "no atheris here: it needs CPython 3.11 to 3.14 on Linux x86_64; "
            "the built-in mutator does without coverage"
        )
    failed = []
    bound = f"inputs={options.inputs}" if options.inputs else f"seconds={options.seconds}"
    print(f"engine={engine} seed={options.seed} {bound} a target", flush=True)
    for target in options.target or NAMES:
        command = [sys.executable, "-m", "tests.campaigns.fuzz", "--child", "--target", target]
        command += ["--seconds", str(options.seconds), "--seed", str(options.seed)]
        command += ["--engine", engine]
        if options.inputs:
            command += ["--inputs", str(options.inputs)]
        if options.corpus:
            command += ["--corpus", str(options.corpus)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            failed.append(target)
            print(f"{target:10} FAILED\n{done.stdout[-2000:]}{done.stderr[-4000:]}", flush=True)
        else:
            print(f"{target:10} {_figures(engine, done)}", flush=True)
    return 1 if failed else 0


def _has_atheris() -> bool:
    try:
        import atheris  # noqa: F401
    except ImportError:
        return False
    return True


def _figures(engine: str, done: "subprocess.CompletedProcess[str]") -> str:
    if engine == "built-in":
        return " ".join(f"{key}={value}" for key, value in json.loads(done.stdout).items())
    lines = done.stderr.splitlines()
    coverage = next((line for line in reversed(lines) if " cov: " in line), "")
    stats = dict(
        line.removeprefix("stat::").split(":") for line in lines if line.startswith("stat::")
    )
    words = coverage.split()
    figures = {
        "runs": stats.get("number_of_executed_units", "?").strip(),
        "a_second": stats.get("average_exec_per_sec", "?").strip(),
        "coverage": words[words.index("cov:") + 1] if words else "?",
        "features": words[words.index("ft:") + 1] if words else "?",
        "corpus": words[words.index("corp:") + 1] if words else "?",
        "slowest_s": stats.get("slowest_unit_time_sec", "?").strip(),
        "peak_mib": stats.get("peak_rss_mb", "?").strip(),
    }
    return " ".join(f"{key}={value}" for key, value in figures.items())


def _by_atheris(target: str, options: argparse.Namespace) -> int:
    import atheris

    with atheris.instrument_imports(include=["smsgw"]):
        from tests import fuzzing
    fuzzing.Budget.seconds = ATHERIS_BUDGET_SECONDS
    with tempfile.TemporaryDirectory() as temporary:
        corpus = (options.corpus or Path(temporary)) / target
        corpus.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(fuzzing.seeds(target)):
            (corpus / f"seed-{number}").write_bytes(data)
        atheris.Setup(
            [
                sys.argv[0],
                str(corpus),
                f"-runs={options.inputs}"
                if options.inputs
                else f"-max_total_time={options.seconds}",
                f"-seed={options.seed}",
                f"-timeout={LONGEST_SECONDS}",
                f"-rss_limit_mb={MEMORY_MIB}",
                f"-max_len={fuzzing.MAX_OCTETS}",
                "-print_final_stats=1",
                f"-artifact_prefix=fuzz-{target}-",
            ],
            fuzzing.TARGETS[target],
        )
        atheris.Fuzz()  # ends the process
    return 0


def _built_in(target: str, options: argparse.Namespace) -> int:
    from tests import fuzzing

    fuzzing.Budget.seconds = BUDGET_SECONDS
    run = fuzzing.TARGETS[target]
    inputs = fuzzing.mutations(target, options.seed)
    began = time.monotonic()
    # What fills bounded caches is let go again, so the second half is held against the first.
    half, runs = 0, 0
    while not _is_done(0.5, runs, began, options):
        runs = _some(run, inputs, target, runs)
    gc.collect()
    half = _resident_kib()
    while not _is_done(1.0, runs, began, options):
        runs = _some(run, inputs, target, runs)
    gc.collect()
    grown = _resident_kib() - half
    seconds = time.monotonic() - began
    figures = {
        "runs": runs,
        "a_second": round(runs / seconds),
        "slowest_ms": round(1000 * fuzzing.Budget.slowest, 2),
        "grown_kib": grown,
    }
    print(json.dumps(figures))
    return int(grown > GROWTH_KIB)


def _is_done(share: float, runs: int, began: float, options: argparse.Namespace) -> bool:
    """Whether that share of the campaign is over."""
    if options.inputs:
        return bool(runs >= share * options.inputs)
    return bool(time.monotonic() - began >= share * options.seconds)


def _some(run: Callable[[bytes], None], inputs: Iterator[bytes], target: str, runs: int) -> int:
    """Run a hundred inputs; how many there were in all."""
    for data in itertools.islice(inputs, 100):
        try:
            run(data)
        except BaseException:
            Path(f"fuzz-{target}-crash").write_bytes(data)
            raise
    return runs + 100


def _resident_kib() -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
