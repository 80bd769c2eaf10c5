"""Has anybody found a hole in what the lock files name? `make check` asks.

    python -m tools.audit_locks [FILE ...]

Asks the index that pip is set up for, package by package, by the interface that PyPI has for it
(the JSON API of PyPI). Where the index cannot be reached, or has no such interface, it
says so in one line and is content: a machine without network must be able to check its code.
Exit status 1 only where a hole is known.
"""

import json
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.imports import ROOT

LOCKS = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-postgres.lock",
    "requirements-fuzz.lock",
)
PATIENCE_SECONDS = 10
#: So many packages that the index knows nothing of: it does not have that interface.
ENOUGH_UNKNOWN = 2


class NoDatabase(Exception):
    """Nobody can be asked; says why."""


def pinned(text: str) -> list[tuple[str, str]]:
    """(name, version) of each package that a lock file names."""
    return re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE)


def pip_says(*words: str) -> str:
    """What pip prints when it is called so."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *words]
    return subprocess.run(  # noqa: S603 - pip, in this very Python
        command, capture_output=True, text=True, check=False
    ).stdout


def setting(listed: str, name: str) -> str | None:
    """What `pip config list` says of *name*; the environment counts before files."""
    found = dict(re.findall(rf"^(:env:|\w+)\.{name}='(.*)'$", listed, re.MULTILINE))
    return found.get(":env:") or next(iter(found.values()), None)


def index() -> tuple[str, str | None]:
    """(address of the index, file of authorities) as pip has them.

    Raises:
        NoDatabase: pip has no index, or one that is no web site.
    """
    listed = pip_says("config", "list")
    address = setting(listed, "index-url")
    if address is None:  # pip's own
        told = " ".join(pip_says("install", "--help").split())
        found = re.search(r"--index-url <url>.*?\(default (\S+)\)", told)
        address = found and found[1]
    if not address or not address.startswith("http"):
        raise NoDatabase(f"pip is set up for {address or 'no index'}")
    return address, setting(listed, "cert")


def holes(
    address: str, authorities: str | None, name: str, version: str
) -> list[dict[str, Any]] | None:
    """What is known of one package; None: the index does not know it.

    Raises:
        NoDatabase: the index gives no answer.
    """
    base = re.sub(r"/simple/?$", "", address.rstrip("/"))
    context = ssl.create_default_context(cafile=authorities)
    try:
        request = f"{base}/pypi/{name}/{version}/json"
        with urllib.request.urlopen(  # noqa: S310 - http or https, as pip has it
            request, timeout=PATIENCE_SECONDS, context=context
        ) as answer:
            found = json.load(answer).get("vulnerabilities", [])
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise NoDatabase(f"the index answers {error.code}") from None
    except (OSError, ValueError) as error:
        raise NoDatabase(f"the index cannot be asked: {getattr(error, 'reason', error)}") from None
    return [hole for hole in found if not hole.get("withdrawn")]


def audit(files: Iterable[Path]) -> tuple[list[str], int]:
    """(what to say, exit status)."""
    packages = sorted({package for file in files for package in pinned(file.read_text())})
    said: list[str] = []
    unknown: list[str] = []
    try:
        address, authorities = index()
        for name, version in packages:
            known = holes(address, authorities, name, version)
            if known is None:
                unknown.append(name)
                if len(unknown) == ENOUGH_UNKNOWN and not said:
                    raise NoDatabase("the index knows nothing of holes")
            for hole in known or ():
                better = ", ".join(hole.get("fixed_in", [])) or "no version yet"
                said.append(f"audit: {name} {version}: {hole['id']}; mended by {better}")
    except NoDatabase as reason:
        if not said:
            return [f"audit of the lock files: skipped, {reason}"], 0
        said.append(f"audit: not all could be asked, {reason}")
    if said:
        return said, 1
    blind = f", nothing is known of {', '.join(unknown)}" if unknown else ""
    return [f"audit of the lock files: {len(packages)} packages, no known hole{blind}"], 0


if __name__ == "__main__":
    lines, status = audit([Path(name) for name in sys.argv[1:]] or [ROOT / name for name in LOCKS])
    print(*lines, sep="\n")
    sys.exit(status)
