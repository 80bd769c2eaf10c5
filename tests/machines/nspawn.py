"""Debian machines for `make machine`: made once, copied for each run, booted by systemd-nspawn.

No image is downloaded and nothing is registered with the machine that runs it; it wants root, and
Debian's debootstrap and systemd-container. A machine has no network but its own loopback.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self

ROOT = Path(__file__).parents[2]
TYPIST = Path(__file__).with_name("typist.py")


class Suite(NamedTuple):
    """A release of Debian."""

    name: str
    number: str
    python: str


SUITES = {"12": Suite("bookworm", "12", "3.11"), "13": Suite("trixie", "13", "3.13")}
#: What a sysadmin's machine has anyway. Nothing here is there for smsgw, but for Python, which its
#: package takes from Debian.
PACKAGES = (
    "systemd-sysv,dbus,libpam-systemd,sudo,python3,openssl,ca-certificates,curl,procps,psmisc,"
    "man-db,bash-completion,less"
)
BUILDING = "python3-venv lintian binutils"


class Failed(Exception):
    """A command in a machine ended with another status than it should; says what it printed."""


def run(*command: str, timeout: float = 900, **more) -> str:
    """What *command* printed; Failed if it did not end with 0."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
        **more,
    )
    said: str = done.stdout
    if done.returncode:
        raise Failed(f"{' '.join(command)[:200]}: exit {done.returncode}\n{said[-3000:]}")
    return said


def base(cache: Path, suite: Suite) -> Path:
    """A root with that Debian in it, from *cache* if it is there."""
    root = cache / "base" / suite.name
    if not (root / "etc/debian_version").exists() or (root / "debootstrap").exists():
        debs = cache / "debs" / suite.name
        debs.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(root, ignore_errors=True)
        run(
            *("debootstrap", "--variant=minbase", f"--cache-dir={debs.absolute()}"),
            *(f"--include={PACKAGES}", suite.name, str(root), "http://deb.debian.org/debian"),
            timeout=1800,
        )
    return root


def copied(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    run("cp", "-a", "--reflink=auto", str(source), str(target))


@contextmanager
def laid_over(source: Path, target: Path) -> Iterator[Path]:
    """A root at *target* that begins as *source*, with changes of its own that are gone after."""
    over = target.with_suffix(".over")
    for folder in (target, over):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (target, over / "new", over / "work"):
        folder.mkdir(parents=True)
    options = f"lowerdir={source.absolute()},upperdir={over.absolute()}/new"
    run(
        "mount",
        "-t",
        "overlay",
        "-o",
        f"{options},workdir={over.absolute()}/work",
        "overlay",
        str(target),
    )
    try:
        yield target
    finally:
        run("umount", "--recursive", "--lazy", str(target))
        shutil.rmtree(over, ignore_errors=True)


def bare(cache: Path, suite: Suite) -> Path:
    """The same, with the packages at hand that README.md takes from Debian's archive."""
    root = cache / "bare" / suite.name
    if not list((root / "var/cache/apt/archives").glob("prometheus_*")):
        copied(base(cache, suite), root)
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        fetch = "apt-get update -qq && apt-get install -qq -y --download-only prometheus"
        run("chroot", str(root), "sh", "-c", fetch)
    return root


def builder(cache: Path, suite: Suite) -> Path:
    """A root in which a package is built."""
    root = cache / "build" / suite.name
    if not (root / "usr/bin/lintian").exists():
        copied(base(cache, suite), root)
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        run(
            *("chroot", str(root), "sh", "-c"),
            "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "
            f"--no-install-recommends {BUILDING}",
        )
    return root


def package(cache: Path, suite: Suite, revision: str, build: str) -> Path:
    """A package of *revision* for *suite*, made by `make deb` in a root without a network.

    The wheels come from this machine's pip.
    """
    commit = run("git", "-C", str(ROOT), "rev-parse", "--short=12", revision).strip()
    kept = cache / "packages" / suite.name / f"{build}-{commit}"
    if not list(kept.glob("*.deb")):
        root = builder(cache, suite)
        source, wheels = root / "src", root / "wheels"
        for folder in (source, wheels):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        run("sh", "-c", f"git -C {ROOT} archive {commit} | tar -x -C {source}")
        tags = ("manylinux2014", "manylinux_2_28", "manylinux_2_34")
        run(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"),
            *(str(wheels), "--only-binary", ":all:", "--require-hashes"),
            *("--python-version", suite.python, "--implementation", "cp"),
            *(f"--platform={tag}_{os.uname().machine}" for tag in tags),
            *("-r", str(source / "requirements.lock")),
        )
        epoch = run("git", "-C", str(ROOT), "log", "-1", "--format=%ct", commit).strip()
        settings = f"PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels BUILD={build} SOURCE_DATE_EPOCH={epoch}"
        run(
            *("unshare", "--net", "chroot", str(root), "env", "-i", "LC_ALL=C.UTF-8"),
            *("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-c"),
            f"cd /src && {settings} packaging/deb.sh",
        )
        kept.mkdir(parents=True, exist_ok=True)
        for made in (source / "dist").glob("*.deb"):
            shutil.copy(made, kept)
    [deb] = kept.glob("*.deb")
    return deb


def lintian(cache: Path, suite: Suite, deb: Path) -> str:
    """What the lintian of *suite* says of *deb*; Failed if an error is among it."""
    kept = deb.with_suffix(".lintian")
    if kept.exists():
        return kept.read_text()
    root = builder(cache, suite)
    shutil.copy(deb, root / "srv")
    command = ("lintian", "--allow-root", "--fail-on", "error", f"/srv/{deb.name}")
    said = run("chroot", str(root), *command).replace("\n", "; ")
    kept.write_text(said)
    return said


class Machine:
    """A booted Debian. Commands run in it on a terminal, as root in /srv."""

    def __init__(
        self, root: Path, suite: Suite, binds: Sequence[str] = (), *, network: bool = False
    ):
        self.root, self.suite, self.binds, self.network = root, suite, binds, network
        self.process: subprocess.Popen[bytes] | None = None
        self.log = root.with_suffix(".console")

    def __enter__(self) -> Self:
        shutil.copy(TYPIST, self.root / "srv/typist.py")
        editor = self.root / "usr/local/bin/editor"
        editor.write_text(EDITOR)
        editor.chmod(0o755)
        name = f"smsgw{self.suite.number}\n"
        (self.root / "etc/hostname").write_text(name)
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {name}")
        self.boot()
        return self

    def __exit__(self, *_: object) -> None:
        self.off()

    def boot(self) -> None:
        unified = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"} if self.suite.number != "12" else {}
        with self.log.open("ab") as console:
            self.process = subprocess.Popen(
                [
                    *("systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit"),
                    *(
                        "--directory",
                        str(self.root.absolute()),
                        f"--machine=smsgw{self.suite.number}",
                    ),
                    *(() if self.network else ("--private-network",)),
                    *(f"--bind={bind}" for bind in self.binds),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=os.environ | unified,
            )
        self.wait_up(120)

    def leader(self) -> int:
        """The machine's first process, as seen from here."""
        assert self.process
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if not children:
            raise Failed(f"the machine is off; {self.log}")
        return int(children[0])

    def wait_up(self, patience: float) -> None:
        state = ""
        for _ in until(patience):
            with suppress(Failed, subprocess.TimeoutExpired, FileNotFoundError):
                state = self.plain("systemctl is-system-running || true", timeout=10).strip()
            if state in {"running", "degraded"}:
                return
        raise Failed(f"not up within {patience} s: {state}; {self.log}")

    def ended(self, patience: float) -> None:
        """Wait until it has gone down by itself: --keep-unit has a reboot end there, too."""
        assert self.process
        self.process.wait(patience)

    def off(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()  # nspawn has it shut down, as the power key would
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(90)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()

    def plain(self, script: str, timeout: float = 120) -> str:
        """What *script* prints in the machine, without a terminal; Failed unless it ends with 0."""
        return run(*self.inside(), "bash", "-e", "-c", script, timeout=timeout)

    def type(
        self,
        script: str,
        answers: Sequence[tuple[str, str]] = (),
        typed: str = "",
        hands: str = "",
        timeout: float = 300,
    ) -> str:
        """What a terminal shows when *script* is typed there; Failed unless it ends with 0.

        *answers* are (question, answer); *typed* and *hands* are for EDITOR.
        """
        (self.root / "srv/script").write_text(script)
        (self.root / "srv/typed").write_text(typed)
        (self.root / "srv/hands").write_text(hands)
        typist = ("python3", "/srv/typist.py", "/srv/script", json.dumps(answers))
        shown = run(*self.inside(), *typist, timeout=timeout)
        lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).split("\n")
        # What stands on the line in the end: apt writes its progress over and over.
        return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)

    def inside(self) -> tuple[str, ...]:
        """How a command gets into the machine."""
        entered = f"nsenter -t {self.leader()} -m -u -i -n -p env -i -C /srv {SURROUNDINGS}"
        return tuple(entered.split())


SURROUNDINGS = (
    "HOME=/root USER=root LOGNAME=root TERM=dumb LC_ALL=C.UTF-8 PAGER=cat SYSTEMD_PAGER=cat "
    "EDITOR=editor DEBIAN_FRONTEND=noninteractive "
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)
#: Hands in an editor: /srv/hands changes the file. For what it does not know (3), /srv/typed goes
#: where `systemctl edit` wants it.
EDITOR = """#!/usr/bin/python3
import subprocess, sys
path = [each for each in sys.argv[1:] if not each.startswith("+")][0]
hands = subprocess.run(["sh", "/srv/hands", path]).returncode
if hands != 3:
    sys.exit(hands)
text, typed = open(path).read(), open("/srv/typed").read()
lines = text.splitlines(keepends=True)
at = next((n + 1 for n, line in enumerate(lines) if "will become the" in line), len(lines))
open(path, "w").write("".join(lines[:at]) + typed + "".join(lines[at:]))
"""


def until(patience: float, every: float = 0.2):
    """Come back again and again, for *patience* seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        yield
        time.sleep(every)
