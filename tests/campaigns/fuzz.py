"""Fuzz every door of the gateway: `make fuzz`, for longer `make fuzz ARGS="--seconds 600"`.

With atheris, which follows the coverage of the code, where it is installed (Linux on x86_64);
else with the mutator of the suite's short form. One process a target. Exit status 1 if a target
raised or grew; the input that did it is kept, to be made a test.
"""

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parents[1]
NAMES = ("frames", "codec", "session", "text", "receipt", "alphabets", "phone")
LONGEST_SECONDS = 2
MEMORY_MIB = 512
GROWTH_OCTETS = 1024 * 1024


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--target", choices=NAMES, action="append", help="only this one")
    parser.add_argument("--engine", choices=("atheris", "built-in"))
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--corpus", type=Path, help="folder in which atheris keeps what it learns")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path.insert(0, str(TESTS))
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
    print(f"engine={engine} seed={options.seed} seconds={options.seconds} a target", flush=True)
    for target in options.target or NAMES:
        command = [sys.executable, "-m", "tests.campaigns.fuzz", "--child", "--target", target]
        command += ["--seconds", str(options.seconds), "--seed", str(options.seed)]
        command += ["--engine", engine]
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
        import fuzzing
    with tempfile.TemporaryDirectory() as temporary:
        corpus = (options.corpus or Path(temporary)) / target
        corpus.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(fuzzing.seeds(target)):
            (corpus / f"seed-{number}").write_bytes(data)
        atheris.Setup(
            [
                sys.argv[0],
                str(corpus),
                f"-max_total_time={options.seconds}",
                f"-seed={options.seed}",
                f"-timeout={LONGEST_SECONDS}",
                f"-rss_limit_mb={MEMORY_MIB}",
                "-max_len=5000",
                "-print_final_stats=1",
                f"-artifact_prefix=fuzz-{target}-",
            ],
            fuzzing.TARGETS[target],
        )
        atheris.Fuzz()  # ends the process
    return 0


def _built_in(target: str, options: argparse.Namespace) -> int:
    import tracemalloc

    import fuzzing

    run = fuzzing.TARGETS[target]
    inputs = fuzzing.mutations(target, options.seed)
    runs, slowest, began = 0, 0.0, time.monotonic()
    # What fills bounded caches is let go again, so the second half is held against the first.
    tracemalloc.start()
    half = end = 0
    for deadline in (began + options.seconds / 2, began + options.seconds):
        while time.monotonic() < deadline:
            data = next(inputs)
            start = time.thread_time()
            try:
                run(data)
                took = time.thread_time() - start
                assert took < LONGEST_SECONDS, f"took {took:.1f} s"
            except BaseException:
                Path(f"fuzz-{target}-crash").write_bytes(data)
                raise
            slowest = max(slowest, took)
            runs += 1
        gc.collect()
        half, end = end, tracemalloc.get_traced_memory()[0]
    left = end - half
    figures = {
        "runs": runs,
        "a_second": runs // options.seconds,
        "slowest_s": round(slowest, 4),
        "grown_kib": left // 1024,
    }
    print(json.dumps(figures))
    return int(left > GROWTH_OCTETS)


if __name__ == "__main__":
    sys.exit(main())
