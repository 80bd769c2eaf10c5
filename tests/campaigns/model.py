"""The stateful model test for longer: `make model`, `make model ARGS="--minutes 10"`.

Other orders of events each time; one that fails is made as short as it can be, shown, and tried
first the next time.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

TEST = Path(__file__).parents[1] / "model" / "test_dispatch.py"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make model", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--steps", type=int, default=50, help="events in one run (50)")
    options = parser.parse_args()
    runs, round_ = 0, 200
    began = time.monotonic()
    while time.monotonic() - began < options.minutes * 60:
        environment = os.environ | {
            "MODEL_EXAMPLES": str(round_),
            "MODEL_STEPS": str(options.steps),
        }
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:xdist", "--show-capture=no", str(TEST)],
            env=environment,
            check=False,
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            print(done.stdout)
            return 1
        runs += round_
        seconds = time.monotonic() - began
        print(f"runs={runs} events<={runs * options.steps} seconds={seconds:.0f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
