"""What somebody types who called a command without being the service's user.

Configuration, database and control socket are open to root and to that user; people come by sudo.
"""

import errno
import os
import pwd
import shlex
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

#: The service's user, as the package makes it.
SERVICE = "smsgw"
PROGRAM = "smsgw"
_DENIED = (os.strerror(errno.EACCES), os.strerror(errno.EPERM))


def line_to_type(fault: BaseException, arguments: Sequence[str]) -> str | None:
    """The command as it is to be typed, where *fault* is that we may not look; else None."""
    if os.geteuid() == 0:
        return None
    denied = _denied(fault)
    if denied is None and not any(words in str(fault) for words in _DENIED):
        return None
    user = _user(denied.filename if denied is not None else None)
    if user is None:
        return None
    as_user = [] if user == "root" else ["-u", user]
    called = Path(sys.argv[0])
    elsewhere = called.name == PROGRAM and shutil.which(PROGRAM) is None
    program = str(called.resolve()) if elsewhere else PROGRAM
    return shlex.join(["sudo", *as_user, program, *_configured(arguments), *arguments])


def _denied(fault: BaseException | None) -> PermissionError | None:
    """The refusal of the system behind *fault*, if there is one."""
    while fault is not None:
        if isinstance(fault, PermissionError):
            return fault
        fault = fault.__cause__ or fault.__context__
    return None


def _user(path: object) -> str | None:
    """Who may: the service's user, else the owner of *path*, or of the folder that hides it.

    None: the caller itself, so that another name helps nobody.
    """
    with suppress(KeyError):
        service = pwd.getpwnam(SERVICE)
        return None if service.pw_uid == os.geteuid() else SERVICE
    if not isinstance(path, str | os.PathLike):
        return None
    for place in (Path(path), *Path(path).absolute().parents):
        with suppress(OSError, KeyError):
            owner = place.stat().st_uid
            return None if owner == os.geteuid() else pwd.getpwuid(owner).pw_name
    return None


def _configured(arguments: Sequence[str]) -> list[str]:
    """The configuration that the environment names, which sudo does not hand on."""
    named = os.environ.get("SMSGW_CONFIG")
    return ["-c", named] if named and "-c" not in arguments else []
