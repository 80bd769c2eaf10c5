"""The control socket: one question of a command, one answer of the daemon.

A unix stream socket of mode 0600, made by whoever holds the daemon's lock. Both sides look at who
is at the other end (SO_PEERCRED) before they believe anything: the daemon answers root and its own
user alone, a command asks nobody but root, itself and the owner of the database.

    command                                                      daemon
    {"verb": "retry", "until": 1234.5, "database": [dev, inode],
     "arguments": {"mt_id": 7, "actor": "linh"}}  one line ->
                                                  <- one line    {"done": {…}}
                                                                 {"problem": …, "remedy": …}

This module knows sockets, sizes and times. What a verb does stands in a table (`verbs.py`).

It never makes the event loop wait. A client has a few seconds for its line, and a verb for its
work. At most `MAX_CLIENTS` are served at a time; when one more comes, the oldest of those that say
nothing is sent away.
"""

import asyncio
import inspect
import json
import logging
import os
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

from smsgw.errors import Refusal, SmsgwError

log = logging.getLogger(__name__)

#: What a verb is given by name, and what it answers with: plain values of JSON.
Verb = Callable[..., Awaitable[Mapping[str, Any]]]

MAX_CLIENTS = 16
#: A question is some hundred octets: a key, a name, a reason.
MAX_REQUEST_OCTETS = 8 * 1024
MAX_ANSWER_OCTETS = 64 * 1024
#: For the whole line of a client, and for it to read the answer.
LINE_SECONDS = 3.0
#: For what a verb does, in its turn at the store.
VERB_SECONDS = 4.0
#: How long a command waits for the daemon, a little longer than a verb may take.
PATIENCE_SECONDS = 5.0

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: unix(7), SO_PEERCRED
#: Octets of a path in sockaddr_un, without the NUL behind it.
_LONGEST_PATH = 107


class NoDaemon(SmsgwError):
    """Nobody answers at the control socket."""


class Daemon:
    """The daemon's side.

    Args:
        path: gateway.control_socket.
        database: the file that this daemon serves; a command that means another one is refused.
        verbs: what may be asked for.
    """

    def __init__(self, path: Path, database: Path, verbs: Mapping[str, Verb]) -> None:
        self._path = path
        self._database = database
        self._verbs = verbs
        self._clients: set[asyncio.Task[Any]] = set()
        self._silent: dict[asyncio.Task[Any], None] = {}  # in the order in which they came
        self._folder: int | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; the caller holds the daemon's lock, so a socket that is there already is a dead
        daemon's.

        Raises:
            SmsgwError: the socket cannot be made.
        """
        try:
            # Kept open: a path may be longer than an address of a socket, and the folder may be
            # renamed before the end.
            self._folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            _make_way(self._folder, self._path)
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            try:
                # Linux makes the file with the mode of the socket: there is no moment at which
                # others could connect.
                os.fchmod(server.fileno(), 0o600)
                server.bind(_address(self._folder, self._path))
                self._server = await asyncio.start_unix_server(
                    self._serve, sock=server, limit=MAX_REQUEST_OCTETS
                )
            except BaseException:
                server.close()
                raise
        except OSError as err:
            raise SmsgwError(
                f"gateway.control_socket: {self._path} cannot be made ({err.strerror or err})",
                "its folder must exist and be writable for the service user",
            ) from err

    async def close(self) -> None:
        """End; who is being served is not answered."""
        if self._server:
            self._server.close()
            for task in self._clients:
                task.cancel()
            await asyncio.gather(*self._clients, return_exceptions=True)
            await self._server.wait_closed()
            with suppress(OSError):
                os.unlink(self._path.name, dir_fd=self._folder)
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it runs in one
        try:
            _, uid, _ = _credentials(writer.get_extra_info("socket"))
            if uid not in (0, os.geteuid()):
                log.warning("control: uid %d is refused", uid)
            elif self._admits(task):
                await self._answer(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # who went away, dawdles or babbles needs no answer
        finally:
            self._silent.pop(task, None)
            self._clients.discard(task)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _admits(self, task: "asyncio.Task[Any]") -> bool:
        if len(self._clients) >= MAX_CLIENTS:
            oldest = next(iter(self._silent), None)
            if oldest is None:
                return False
            del self._silent[oldest]
            self._clients.discard(oldest)
            oldest.cancel()
        self._clients.add(task)
        self._silent[task] = None
        return True

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(LINE_SECONDS):
            line = await reader.readuntil(b"\n")
        task = asyncio.current_task()
        if task is not None:
            self._silent.pop(task, None)
        answer = await self._do(line)
        async with asyncio.timeout(LINE_SECONDS):
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()

    async def _do(self, line: bytes) -> Mapping[str, Any]:
        try:
            call, name = self._read(line)
            log.debug("control verb=%s", name)
            async with asyncio.timeout(VERB_SECONDS):
                return {"done": await call()}
        except Refusal as refusal:
            name, facts = type(refusal).__name__, refusal.facts
            return {"problem": refusal.problem, "remedy": None, "refusal": name, "facts": facts}
        except SmsgwError as fault:
            return {"problem": fault.problem, "remedy": fault.remedy}
        except OverflowError:  # SQLite has 64 bits
            return {"problem": "a number is too large", "remedy": None}
        except TimeoutError:
            return {
                "problem": f"the store does not answer within {VERB_SECONDS:g} s",
                "remedy": "look whether it was done before you try again",
            }
        except Exception:
            log.exception("control: a verb failed")
            return {"problem": "a fault of the daemon", "remedy": "its log tells more"}

    def _read(self, line: bytes) -> tuple[Callable[[], Awaitable[Mapping[str, Any]]], str]:
        """The call that *line* asks for, and its name.

        Raises:
            SmsgwError: it asks for nothing that there is.
        """
        try:
            request = json.loads(line)
            name, arguments = request["verb"], request["arguments"]
            verb = self._verbs[name]
            inspect.signature(verb).bind(**arguments)
            until = float(request.get("until", inf))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise SmsgwError(
                "the daemon does not know what is asked for",
                "was smsgw upgraded without a restart of the service?",
            ) from None
        # Monotonic seconds are the same in all processes of a machine. Whoever asked has gone, was
        # told that nobody answers, and may ask again: what is done now could be done twice.
        if monotonic() > until:
            raise SmsgwError("the daemon came to it too late, and did nothing")
        meant = request.get("database")
        if meant is not None and meant != identity(self._database):
            raise SmsgwError(
                f"the daemon at {self._path} serves another database",
                "set gateway.control_socket, or leave it out",
            )
        return lambda: verb(**arguments), name


def ask(
    path: Path,
    verb: str,
    arguments: Mapping[str, Any],
    *,
    trusted: Collection[int],
    database: Path | None = None,
) -> dict[str, Any]:
    """Have the daemon do *verb*; what it answers.

    Args:
        trusted: user ids whose daemon is believed, and told whom a command is about.
        database: the file that is meant, where the daemon has to serve that one.

    Raises:
        NoDaemon: nobody answers there.
        Refusal: the daemon's, as if the verb had been called here.
        SmsgwError: it could not be done; the daemon is a stranger's, or does not answer in time.
    """
    deadline = monotonic() + PATIENCE_SECONDS
    question: dict[str, object] = {"verb": verb, "arguments": arguments, "until": deadline}
    if database is not None:
        question["database"] = identity(database)
    try:
        with _connected(path, trusted, deadline) as connection:
            connection.sendall(json.dumps(question).encode() + b"\n")
            line = _read_line(connection, deadline)
    except (TimeoutError, BlockingIOError):
        raise SmsgwError(
            f"the daemon does not answer within {PATIENCE_SECONDS:g} s",
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
            connection.connect(_address(folder, path))
        except (FileNotFoundError, ConnectionRefusedError, PermissionError) as err:
            raise NoDaemon(f"{path}: {err.strerror}") from None
        _check_owner(path, _credentials(connection)[1], trusted)
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
        some = connection.recv(4096)
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


def _make_way(folder: int, path: Path) -> None:
    """Remove the socket of a daemon that died.

    Raises:
        SmsgwError: something else lies there, or somebody listens.
    """
    try:
        found = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    where = f"gateway.control_socket: {path}"
    if not stat.S_ISSOCK(found.st_mode):
        raise SmsgwError(f"{where} is there and no socket", "move it away, or name another path")
    if found.st_uid not in (0, os.geteuid()):
        raise SmsgwError(f"{where} belongs to uid {found.st_uid}", "find out who put it there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(_address(folder, path))
        except ConnectionRefusedError:
            os.unlink(path.name, dir_fd=folder)
            return
        except BlockingIOError:  # so many wait there that nobody fits in
            pass
    raise SmsgwError(f"{where} is another daemon's", "give each database a socket of its own")


def _address(folder: int, path: Path) -> str:
    address = f"/proc/self/fd/{folder}/{path.name}"
    if len(os.fsencode(address)) > _LONGEST_PATH:
        raise SmsgwError(
            f"gateway.control_socket: the name {path.name} is too long", "the folder's may be long"
        )
    return address


def _credentials(connection: Any) -> tuple[int, int, int]:
    """pid, uid and gid of who is at the other end."""
    octets = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(octets)
    return pid, uid, gid
