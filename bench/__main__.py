"""`python -m bench`: measure, print a table for people or JSON for machines."""

import os
import signal
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from bench.measures import MEASURES, Options, fill_both, growth
from bench.rig import Rig
from bench.sheet import Sheet

_DEFAULT_WORK = Path("build/bench")


@click.command()
@click.option("--only", multiple=True, type=click.Choice([*MEASURES]), help="These alone.")
@click.option(
    "--accounts",
    multiple=True,
    type=click.IntRange(min=1_000),
    help="Fill a base with so many and measure there (10 million: 10 minutes, 9 GB).",
)
@click.option("--runs", default=5, show_default=True, help="Figures are medians of so many.")
@click.option("--window", "windows", multiple=True, type=int, help="Of closed loops: 100 and 10.")
@click.option("--seconds", default=1.5, show_default=True, help="Measured in each run.")
@click.option("--quick", is_flag=True, help="One short run of each: does it work at all?")
@click.option(
    "--nice",
    default=0,
    help="Run all contenders with this added to their nice value: below 0 on a machine that "
    "others work on (needs privilege).",
)
@click.option(
    "--core",
    "cores",
    multiple=True,
    type=int,
    help="Keep the contenders on these cores; the load generator runs where it will.",
)
@click.option(
    "--postgres",
    metavar="ADDRESS",
    help="An empty PostgreSQL database for `engines` or one `server-…` measure: postgresql://USER@HOST/NAME",
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@click.option(
    "--work",
    type=click.Path(path_type=Path, file_okay=False),
    default=_DEFAULT_WORK,
    show_default=True,
    help="Where bases live while they are measured: a disk, not memory.",
)
def main(
    only: tuple[str, ...],
    accounts: tuple[int, ...],
    runs: int,
    windows: tuple[int, ...],
    seconds: float,
    quick: bool,
    nice: int,
    cores: tuple[int, ...],
    postgres: str | None,
    form: str,
    work: Path,
) -> None:
    """Measure the gateway beside a naive one in the same run."""
    options = Options(seconds, windows or (100, 10), quick=quick, postgres=postgres)
    if quick:
        runs, options = 1, replace(options, seconds=0.3)
    # Ended by a signal, it still ends its children and empties its folder.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.nice(nice)  # the children inherit it
    rig, sheet = Rig(work.resolve(), 20 if quick else 1_000, cores), Sheet()
    for name in only or ([] if accounts else MEASURES):
        for turn in range(runs):
            print(f"bench: {name}, run {turn + 1} of {runs}", file=sys.stderr)
            MEASURES[name](rig, sheet, replace(options, turn=turn))
    if accounts:
        _grow(rig, sheet, options, sorted(accounts), runs)
    print(sheet.table() if form == "table" else sheet.json(runs=runs))


def _grow(rig: Rig, sheet: Sheet, options: Options, accounts: list[int], runs: int) -> None:
    """Measure bases of so many accounts; they alternate, so that noise meets all."""
    with ExitStack() as stack:
        bases = {}
        for count in accounts:
            print(f"bench: a base of {count:,} accounts", file=sys.stderr)
            bases[count] = folder = stack.enter_context(rig.folder())
            fill_both(rig, folder, count)
        first = {count: count for count in accounts}
        for turn in range(runs):
            for count, folder in bases.items():
                print(f"bench: {count:,} accounts, run {turn + 1} of {runs}", file=sys.stderr)
                first[count] = growth(
                    rig, sheet, replace(options, turn=turn), folder, count,
                    first=first[count], small=accounts[0],
                )  # fmt: skip


if __name__ == "__main__":
    main()
