"""The processes of a measurement, and what the kernel says of them.

Knows how to start the load generator, our gateway, the naive one and the echo, and how to read
/proc; must not know what is measured.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from bench.traffic import Load

PYTHON = sys.executable
ROOT = Path(__file__).parent.parent
_TICK = 1 / os.sysconf("SC_CLK_TCK")
_LOWEST_PRIORITY = 19
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor time of a process in seconds, and how often its threads gave way."""

    work: float  #: threads of usual priority
    hashing: float  #: threads of lowest priority: the hashers
    sleeps: int  #: voluntary context switches: a thread had nothing to do
    preempted: int  #: involuntary ones: others wanted the core

    @classmethod
    def of(cls, pid: int) -> "Usage":
        work = hashing = 0.0
        sleeps = preempted = 0
        for task in Path(f"/proc/{pid}/task").iterdir():
            try:
                # The name in parentheses may hold anything; the fields come after it.
                fields = (task / "stat").read_text().rpartition(")")[2].split()
                status = (task / "status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it just ended
            seconds = (int(fields[11]) + int(fields[12])) * _TICK
            if int(fields[16]) == _LOWEST_PRIORITY:
                hashing += seconds
            else:
                work += seconds
            sleeps += _field(status, "voluntary_ctxt_switches")
            preempted += _field(status, "nonvoluntary_ctxt_switches")
        return cls(work, hashing, sleeps, preempted)

    def since(self, earlier: "Usage") -> "Usage":
        return Usage(
            self.work - earlier.work,
            self.hashing - earlier.hashing,
            self.sleeps - earlier.sleeps,
            self.preempted - earlier.preempted,
        )


def memory(pid: int, which: str = "VmHWM") -> float:
    """Megabytes: VmHWM the most it ever had, VmRSS what it has now."""
    return _field(Path(f"/proc/{pid}/status").read_text(), which) / 1024


def _field(status: str, name: str) -> int:
    for line in status.splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(name)


class Child:
    """A child process that ends with its `with`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """End it, and wait until it has."""
        raise NotImplementedError


class Smsc(Child):
    """The load generator."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [PYTHON, "-m", "bench.load"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.port: int = self._next("listening")["port"]

    def wait_bound(self) -> float:
        """When the gateway's bind came, in the clock of `time.monotonic`."""
        at: float = self._next("bound")["at"]
        return at

    def run(self, load: Load) -> dict[str, Any]:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(asdict(load)) + "\n")
        self._process.stdin.flush()
        result = self._next("result")
        if result["refused"] or result["lost"]:
            print(
                f"bench: {result['refused']} texts were refused and {result['lost']} answers or "
                "replies never came: this figure is not to be used",
                file=sys.stderr,
            )
        return result

    def _next(self, event: str) -> dict[str, Any]:
        assert self._process.stdout
        for line in self._process.stdout:
            said: dict[str, Any] = json.loads(line)
            if said["event"] == event:
                return said
            if said["event"] in ("lost", "stuck"):
                print(f"bench: {said}", file=sys.stderr)
        raise SystemExit(f"bench: the load generator ended before it said {event!r}")

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()


class Peer(Child):
    """A gateway, ours or another, as a child process bound to *smsc*.

    Args:
        cores: that it may run on; empty: on all of them.
    """

    def __init__(self, smsc: Smsc, *command: str, log: Path, cores: Collection[int] = ()) -> None:
        with log.open("ab") as output:
            started = monotonic()
            self._process = subprocess.Popen(
                [PYTHON, *command], cwd=ROOT, stdout=output, stderr=output
            )
        if cores:
            os.sched_setaffinity(
                self._process.pid, cores
            )  # threads that are yet to come inherit it
        self.pid = self._process.pid
        self.start_seconds = smsc.wait_bound() - started

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
