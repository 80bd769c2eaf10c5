"""Secrets that systemd passes to the service: where they are, for the service and beside it.

A command beside the service may read them as root and as the service's user, and others know from
the unit's files that there are some. See systemd.exec(5), LoadCredential=.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

#: Where systemd keeps those of the running service.
OF_THE_UNIT = Path("/run/credentials/smsgw.service")
#: Where the files of the unit may be.
UNIT_FOLDERS = (
    Path("/etc/systemd/system"),
    Path("/run/systemd/system"),
    Path("/usr/local/lib/systemd/system"),
    Path("/usr/lib/systemd/system"),
)


def credential(name: str) -> Path | None:
    """The systemd credential *name*, if our own unit passes it."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder, name) if folder else None
    return path if path and path.exists() else None


def credential_of_unit(name: str) -> Path | None:
    """The same for a process beside the running service; None: it cannot be read from here."""
    path = OF_THE_UNIT / name
    return path if os.access(path, os.R_OK) else None


def may_come_unseen(name: str) -> bool:
    """Whether the service may have a credential *name* that cannot be read from here.

    If the service does not run, or we may not see its credentials, nobody can know. If we may, a
    new one stands in the unit's files.
    """
    return not os.access(OF_THE_UNIT, os.R_OK | os.X_OK) or _stands_in_the_unit(name)


def _stands_in_the_unit(name: str) -> bool:
    passed = rf"^\s*(?:Load|Set)Credential(?:Encrypted)?=\s*{re.escape(name)}(?:$|:)"
    line = re.compile(passed, re.MULTILINE)
    return any(line.search(text) for text in _unit_files())


def _unit_files() -> Iterator[str]:
    for folder in UNIT_FOLDERS:
        for file in (folder / "smsgw.service", *folder.glob("smsgw.service.d/*.conf")):
            with suppress(OSError, UnicodeDecodeError):
                yield file.read_text("utf-8")
