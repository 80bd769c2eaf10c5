"""The command's side of the control socket (`control.py`): one question, one answer.

A command asks nobody but root, itself and the owner of the database (SO_PEERCRED). Plain sockets: a
look-up pays for no event loop.
"""

import json
import os
import socket
import stat
import struct
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from smsgw.errors import Refusal, SmsgwError

#: An overview of a hundred links is some 50 kB.
MAX_ANSWER_OCTETS = 1024 * 1024
#: How long a command waits for the daemon, a little longer than a verb may take.
PATIENCE_SECONDS = 5.0

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: unix(7), SO_PEERCRED
#: Octets of a path in sockaddr_un, without the NUL behind it.
_LONGEST_PATH = 107


class NoDaemon(SmsgwError):
    """Nobody answers at the control socket."""


class SilentDaemon(SmsgwError):
    """Somebody listens at the control socket, and does not answer."""


def ask(
    path: Path,
    verb: str,
    arguments: Mapping[str, Any],
    *,
    trusted: Collection[int],
    database: Path | None = None,
    patience: float | None = None,
) -> dict[str, Any]:
    """Have the daemon do *verb*; what it answers.

    Args:
        trusted: user ids whose daemon is believed, and told whom a command is about.
        database: the file that is meant, where the daemon has to serve that one.
        patience: seconds to wait for the answer, instead of `PATIENCE_SECONDS`.

    Raises:
        NoDaemon: nobody answers there.
        Refusal: the daemon's, as if the verb had been called here.
        SilentDaemon: it does not answer in time.
        SmsgwError: it could not be done, or the daemon is a stranger's.
    """
    patience = PATIENCE_SECONDS if patience is None else patience
    deadline = monotonic() + patience
    question: dict[str, object] = {"verb": verb, "arguments": arguments, "until": deadline}
    if database is not None:
        question["database"] = identity(database)
    try:
        with _connected(path, trusted, deadline) as connection:
            connection.sendall(json.dumps(question).encode() + b"\n")
            line = _read_line(connection, deadline)
    except (TimeoutError, BlockingIOError):
        raise SilentDaemon(
            f"the daemon does not answer within {patience:g} s",
            "look whether it was done before you try again",
        ) from None
    except OSError as err:
        raise SmsgwError(f"the daemon does not answer ({err.strerror or err})") from None
    try:
        answer = json.loads(line)
        if "problem" in answer:
            raise _fault(answer)
        return dict(answer["done"])
    except (ValueError, TypeError, KeyError):
        raise SmsgwError(
            "the daemon ended, or gave no answer", "look whether it was done before you try again"
        ) from None


def _fault(answer: Mapping[str, Any]) -> SmsgwError:
    """What the daemon could not do; a refusal is of its own type."""
    refusal = Refusal.told(answer.get("refusal"), answer.get("facts"))
    return refusal or SmsgwError(str(answer["problem"]), answer.get("remedy"))


@contextmanager
def _connected(path: Path, trusted: Collection[int], deadline: float) -> Iterator[socket.socket]:
    """A connection to somebody who is trusted."""
    try:
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as err:
        raise NoDaemon(f"{path}: {err.strerror}") from None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(max(0.01, deadline - monotonic()))
        try:
            found = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISSOCK(found.st_mode):
                raise NoDaemon(f"{path} is no socket")
            _check_owner(path, found.st_uid, trusted)
            connection.connect(address(folder, path))
        except (FileNotFoundError, ConnectionRefusedError, PermissionError) as err:
            raise NoDaemon(f"{path}: {err.strerror}") from None
        _check_owner(path, credentials(connection)[1], trusted)
        yield connection
    finally:
        connection.close()
        os.close(folder)


def _check_owner(path: Path, uid: int, trusted: Collection[int]) -> None:
    if uid not in trusted:
        raise SmsgwError(
            f"{path} belongs to uid {uid}, which is neither root nor the service's user: not used",
            "find out who put it there",
        )


def _read_line(connection: socket.socket, deadline: float) -> bytes:
    octets = b""
    while not octets.endswith(b"\n") and len(octets) < MAX_ANSWER_OCTETS:
        connection.settimeout(max(0.01, deadline - monotonic()))
        some = connection.recv(64 * 1024)
        if not some:
            break
        octets += some
    return octets


def identity(file: Path) -> list[int] | None:
    """Which file it is, by whatever path; None if there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return [found.st_dev, found.st_ino]


def address(folder: int, path: Path) -> str:
    """What names the socket *path*, whose folder is open; a path may be longer than that."""
    address = f"/proc/self/fd/{folder}/{path.name}"
    if len(os.fsencode(address)) > _LONGEST_PATH:
        raise SmsgwError(
            f"gateway.control_socket: the name {path.name} is too long", "the folder's may be long"
        )
    return address


def credentials(connection: Any) -> tuple[int, int, int]:
    """pid, uid and gid of who is at the other end."""
    octets = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(octets)
    return pid, uid, gid
