"""The gateway of the demo: its configuration, its process, and commands beside it."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from smsgw.demo.phones import SHORTCODE
from smsgw.demo.screen import Screen
from smsgw.errors import SmsgwError
from smsgw.simulator import SmscThread, toml

REPLY_SECONDS = 15.0  # within which a reply must come, and the gateway begin and end
COMMAND_SECONDS = 30  # a hotline's command, on a machine that is very busy
LOG = "smsgw.log"

# -P: a schedule.py in the folder where the demo was called must not be taken for the module.
COMMAND = (sys.executable, "-P", "-m", "smsgw.cli.main")


def configure(
    folder: Path, carrier: SmscThread, ttl: int, portal: Mapping[str, object] | None = None
) -> Path:
    """A configuration in *folder*, for a gateway that binds to *carrier*.

    Args:
        portal: its table, where there is one; then a citizen may text for a new password.
    """
    config = folder / "config.toml"
    config.touch(mode=0o600)
    config.write_text(
        toml.dumps(
            {
                "gateway": {"database": str(folder / "smsgw.db"), "shortcode": SHORTCODE},
                "registration": {
                    "password_ttl": f"{ttl}s",
                    "tick_interval": "1s",
                    "password_stock": 4,
                    "reminder_hours": "00:00-24:00",
                    "repeat": "reset" if portal else "refuse",
                },
                **({"portal": dict(portal)} if portal else {}),
                "smsc": [carrier.link("demo")],
            }
        ),
        encoding="utf-8",
    )
    return config


@contextmanager
def running(screen: Screen, config: Path, carrier: SmscThread, log: Path) -> Iterator[None]:
    """`smsgw run` as a child process, bound to *carrier*; shows its last words if it fails.

    Raises:
        SmsgwError: it does not start, dies, or does not end cleanly.
    """
    before = carrier.binds

    def is_bound() -> bool:
        with suppress(TimeoutError):
            carrier.wait_bound(timeout=0.2)
        return carrier.binds != before

    with child("gateway", screen, [*COMMAND, "-c", str(config), "run"], log, is_bound):
        yield


@contextmanager
def child(
    name: str, screen: Screen, command: Sequence[str], log: Path, is_up: Callable[[], bool]
) -> Iterator[None]:
    """A child process of the demo, once it *is_up*; shows its last words if it fails.

    Raises:
        SmsgwError: it does not start, dies, or does not end cleanly.
    """
    with log.open("ab") as sink:
        daemon = subprocess.Popen(  # noqa: S603  our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            # A Ctrl-C is for the demo, which then ends the daemon.
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + REPLY_SECONDS
        while not is_up():
            if daemon.poll() is not None:
                raise SmsgwError(f"the {name} did not start; its last words are above")
            if time.monotonic() > deadline:
                raise SmsgwError(f"the {name} is not up in time; its last words are above")
        yield
        if status := _end(daemon):
            raise SmsgwError(f"the {name} ended with status {status}; its last words are above")
    except SmsgwError:
        screen.output("\n".join(log.read_text("utf-8", "replace").splitlines()[-8:]))
        raise
    finally:
        _end(daemon)


def _end(daemon: "subprocess.Popen[bytes]") -> int:
    """SIGTERM, and where that does not help SIGKILL; the exit status."""
    daemon.terminate()
    with suppress(subprocess.TimeoutExpired):
        return daemon.wait(REPLY_SECONDS)
    daemon.kill()
    return daemon.wait()


def hotline(config: Path, *arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    """A command of the hotline, as its own process.

    Args:
        typed: its standard input.
    """
    return subprocess.run(  # noqa: S603  our own command
        [*COMMAND, "-c", str(config), *arguments],
        input=typed + "\n" if typed else "",
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=COMMAND_SECONDS,
        check=False,
    )
