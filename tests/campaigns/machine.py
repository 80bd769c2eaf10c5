"""Debian machines, booted whole, on which the documents are followed to the letter: `make machine`.

    make machine ARGS="--debian 13 --before v0.1"

For each Debian a root is made (once, kept in --cache), the packages of this commit and of the
version before are built in another one, and a machine boots by systemd-nspawn, without a network.
On it run the marked blocks of the documents (tests/machines/pages.py) beside `smsgw smsc` as the
carrier, and then what befalls machines: kill -9, SIGSTOP, a full and a frozen disk, a reboot, a
purge. Each step is timed, what its terminal showed is kept, and build/machine/report.md tells all
of it. The version before is that of --before: the last commit without the portal.

Needs root, debootstrap and systemd-container. One at a time: machines beside one another share a
cgroup here, and the first that ends takes it along. Exit status 1 if a step failed; the others go
on.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from tests.machines.nspawn import (
    SUITES,
    Machine,
    Suite,
    bare,
    base,
    laid_over,
    lintian,
    package,
    run,
)
from tests.machines.steps import BARE, STEPS, Stage

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "machine"


def disk(folder: Path, stack: ExitStack) -> Path:
    """A disk of its own for the database: one that can be filled and frozen."""
    image, mounted = folder / "disk.img", folder / "disk"
    mounted.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        file.truncate(400 << 20)
    run("mkfs.ext4", "-q", str(image))
    run("mount", "-o", "loop", str(image), str(mounted))
    stack.callback(subprocess.run, ["umount", "--lazy", str(mounted)], check=False)
    return mounted


def campaign(suite: Suite, options: argparse.Namespace) -> list[tuple[str, str, float, str]]:
    """Each step of one Debian: its name, how it went, seconds, what it found."""
    rows: list[tuple[str, str, float, str]] = []
    outputs = options.out / suite.number
    shutil.rmtree(outputs, ignore_errors=True)
    outputs.mkdir(parents=True)

    def timed(name: str, step) -> object:
        began, result, found, said = time.monotonic(), None, "ok", ""
        try:
            result = step()
            said = result if isinstance(result, str) else ""
        except Exception as error:
            found, said = "FAILED", str(error)
        seconds = time.monotonic() - began
        rows.append((name, found, seconds, said))
        print(f"Debian {suite.number}  {seconds:6.1f} s  {found:6}  {name}", flush=True)
        return result

    def walk(steps, machine: Machine, old: Path, new: Path, mounted: Path) -> None:
        stage = Stage(machine, old, new, mounted)
        for step in steps:
            if options.only and step.__name__ not in options.only:
                continue
            stage.shown.clear()
            timed((step.__doc__ or step.__name__).rstrip("."), lambda step=step: step(stage))
            _, found, _, said = rows[-1]
            shown = [*stage.shown, f"{found}: {said}"]
            if found != "ok":
                shown.append(stage.quietly("journalctl -n 60 --no-pager; systemctl status smsgw"))
            name = f"{len(rows):02}-{step.__name__}.txt"
            (outputs / name).write_text("\n".join(shown) + "\n")

    with ExitStack() as stack:
        cache = options.cache
        work = cache / "run" / f"{suite.number}-{os.getpid()}"
        timed("a root with Debian in it, or from the cache", lambda: base(cache, suite) and "")
        old = timed(
            "package of the version before", lambda: package(cache, suite, options.before, "1")
        )
        new = timed("package", lambda: package(cache, suite, options.now, "2"))
        assert isinstance(old, Path)
        assert isinstance(new, Path)
        timed("lintian finds no error", lambda: lintian(cache, suite, new))
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        root = stack.enter_context(laid_over(base(cache, suite), work / "root"))
        mounted = disk(work, stack)
        machine = Machine(root, suite, [f"{mounted.absolute()}:/var/lib/smsgw"])
        timed("boot", lambda: stack.enter_context(machine) and "")
        walk(STEPS, machine, old, new, mounted)
        machine.off()
        root = stack.enter_context(laid_over(bare(cache, suite), work / "bare"))
        machine = Machine(root, suite)
        timed("boot of a bare machine", lambda: stack.enter_context(machine) and "")
        walk(BARE, machine, old, new, mounted)
    return rows


def report(found: dict[str, list[tuple[str, str, float, str]]]) -> str:
    """A table for people: what was done, on which Debian, in how many seconds."""
    suites = list(found)
    lines = [
        f"| step | {' | '.join(f'Debian {n}' for n in suites)} |",
        "|---" * (len(suites) + 1) + "|",
    ]
    for name in dict.fromkeys(row[0] for rows in found.values() for row in rows):
        cells = []
        for suite in suites:
            row = next((each for each in found[suite] if each[0] == name), None)
            cells.append(
                f"{row[2]:.1f} s" + ("" if row[1] == "ok" else ", **failed**") if row else ""
            )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", "What the steps found:", ""]
    for suite, rows in found.items():
        lines += [
            f"- Debian {suite}, {name}: {said.strip()}" for name, _, _, said in rows if said.strip()
        ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make machine", description=__doc__.splitlines()[0])
    parser.add_argument("--debian", action="append", choices=sorted(SUITES), help="12, 13 (both)")
    parser.add_argument("--now", default="HEAD", help="commit of the package (HEAD)")
    parser.add_argument("--before", default="33394ca", help="commit of the version before")
    parser.add_argument("--cache", type=Path, default=Path("/var/cache/smsgw-machine"))
    parser.add_argument(
        "--only", action="append", help="a step by its name in tests/machines/steps.py"
    )
    parser.add_argument("--out", type=Path, default=BUILD, help="folder of the report")
    options = parser.parse_args()
    missing = [c for c in ("debootstrap", "systemd-nspawn", "mkfs.ext4") if not shutil.which(c)]
    if missing:
        print(
            f"not here: {', '.join(missing)}; apt install debootstrap systemd-container e2fsprogs"
        )
        return 1
    found = {n: campaign(SUITES[n], options) for n in options.debian or sorted(SUITES)}
    text = report(found)
    (options.out / "report.md").write_text(text)
    print(text)
    failed = sum(row[1] != "ok" for rows in found.values() for row in rows)
    print(f"{failed} steps failed; {options.out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
