"""The control socket: one question of a command, one answer of the daemon.

A unix stream socket of mode 0600, made by who holds the daemon's lock. Both sides look at who is at
the other end (SO_PEERCRED) before they believe anything: the daemon answers root and its own user
alone, a command asks nobody but root, itself and the owner of the database.

    command                                                      daemon
    {"verb": "retry", "until": 1234.5, "database": [dev, inode],
     "arguments": {"mt_id": 7, "actor": "linh"}}  one line ->
                                                  <- one line    {"done": {…}}
                                                                 {"problem": …, "remedy": …}

The command's side is `asking.py`. This module knows sockets, sizes and times; what a verb does, a
table tells it (`verbs.py`).

Nothing of it makes the event loop wait: a client has a few seconds for its line, a verb for its
work, at most `MAX_CLIENTS` are served at a time, and of those that say nothing the oldest goes
when another one comes.
"""

import asyncio
import inspect
import json
import logging
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

from smsgw.asking import address, credentials, identity
from smsgw.errors import Refusal, SmsgwError

log = logging.getLogger(__name__)

#: What a verb is given by name, and what it answers with: plain values of JSON.
Verb = Callable[..., Awaitable[Mapping[str, Any]]]

MAX_CLIENTS = 16
#: A question is some hundred octets: a key, a name, a reason.
MAX_REQUEST_OCTETS = 8 * 1024
#: For the whole line of a client, and for it to read the answer.
LINE_SECONDS = 3.0
#: For what a verb does, in its turn at the store.
VERB_SECONDS = 4.0


class Daemon:
    """The daemon's side.

    Args:
        path: gateway.control_socket.
        database: the file that this daemon serves; who means another one is refused.
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
        """Listen; the caller holds the daemon's lock, so that what lies there is a dead one's.

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
                server.bind(address(self._folder, self._path))
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
            _, uid, _ = credentials(writer.get_extra_info("socket"))
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
        # Monotonic seconds are the same in all processes of a machine. Who asked has gone, and was
        # told that nobody answers: what is done now would be done twice.
        if monotonic() > until:
            raise SmsgwError("the daemon came to it too late, and did nothing")
        meant = request.get("database")
        if meant is not None and meant != identity(self._database):
            raise SmsgwError(
                f"the daemon at {self._path} serves another database",
                "set gateway.control_socket, or leave it out",
            )
        return lambda: verb(**arguments), name


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
            probe.connect(address(folder, path))
        except ConnectionRefusedError:
            os.unlink(path.name, dir_fd=folder)
            return
        except BlockingIOError:  # so many wait there that nobody fits in
            pass
    raise SmsgwError(f"{where} is another daemon's", "give each database a socket of its own")
