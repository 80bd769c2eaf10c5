"""One daemon per database: an flock on `<database>.lock`, with the daemon's pid in the file.

The kernel drops the lock when its holder dies, however it dies; what stays in the file then is a
pid without meaning, which nobody believes because nobody holds the lock. Commands ask whether a
daemon runs, and ring it when they have put something into the outbox.

Whom they ring, the file does not decide: who may write to it could have root signal any process.
The daemon holds a second lock, of the kind of which the kernel tells the holder's pid (POSIX).
"""

import fcntl
import os
import signal
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from smsgw.errors import SmsgwError

# A command that looks whether a daemon runs holds the lock for microseconds: a daemon that
# starts at that moment tries again instead of giving up.
PATIENCE_SECONDS = 0.3
#: struct flock of fcntl(2): type, whence, start, length, pid.
_FLOCK = "hhqqi0q"


class AlreadyRunning(SmsgwError):
    """Another daemon serves this database."""


def _lock_file(database: Path) -> Path:
    return database.with_name(database.name + ".lock")


def _try_flock(handle: int, operation: int) -> bool:
    """Take the lock if it is free, without waiting for it."""
    try:
        fcntl.flock(handle, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class DaemonLock:
    """Held from `acquire` to `release`, or to the end of the process."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    @classmethod
    def acquire(cls, database: Path, name: str = "daemon") -> Self:
        """Make this process the one daemon of *database*.

        The process must already cope with SIGUSR1: from now on commands may `ring_daemon`.

        Args:
            name: what kind of process it is.

        Raises:
            AlreadyRunning: another daemon holds it.
            SmsgwError: the lock file cannot be made (folder missing, not writable).
        """
        path = _lock_file(database)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as err:
            raise SmsgwError(
                f"{path} cannot be made ({err.strerror})",
                "this folder must exist, and be writable for the service user",
            ) from err
        ends = time.monotonic() + PATIENCE_SECONDS
        while not _try_flock(handle, fcntl.LOCK_EX):
            if time.monotonic() > ends:
                pid = _pid_in(handle)
                os.close(handle)
                raise AlreadyRunning(
                    f"another {name} (pid {pid or 'unknown'}) serves {database}",
                    "stop it first, or give this one a database of its own",
                )
            time.sleep(0.01)
        with suppress(OSError):  # somebody else's, so that we shall not be rung
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)
        os.pwrite(handle, b"%d\n" % os.getpid(), 0)
        return cls(handle)

    def release(self) -> None:
        """Let the next daemon in; the file stays (removing it would be a race)."""
        os.ftruncate(self._handle, 0)
        os.close(self._handle)


def _pid_in(handle: int) -> int | None:
    text = os.pread(handle, 32, 0).strip()
    return int(text) if text.isdigit() else None


def daemon_pid(database: Path) -> int | None:
    """The pid of the daemon that serves *database*, None if there is none (or we may not ask)."""
    try:
        handle = os.open(_lock_file(database), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _try_flock(handle, fcntl.LOCK_SH) else _pid_in(handle)
    finally:
        os.close(handle)


def ring_daemon(database: Path) -> bool:
    """Tell the daemon, if one runs, that something in the outbox may be due at once."""
    try:
        handle = os.open(_lock_file(database), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        pid = _holder(handle)
        if pid is None:
            # Our own locks the kernel does not tell us; and whom else the file may name, nobody
            # has shown to be the daemon.
            if _try_flock(handle, fcntl.LOCK_SH) or _pid_in(handle) != os.getpid():
                return False
            os.kill(os.getpid(), signal.SIGUSR1)
            return True
        process = os.pidfd_open(pid)
        try:
            # The number may have gone to another process since; behind *process* it cannot.
            if _holder(handle) != pid:
                return False
            signal.pidfd_send_signal(process, signal.SIGUSR1)
            return True
        finally:
            os.close(process)
    except OSError:  # it ended meanwhile, or is not ours to signal
        return False
    finally:
        os.close(handle)


def _holder(handle: int) -> int | None:
    """The process that holds the second lock on this file, as the kernel knows it."""
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(handle, fcntl.F_GETLK, asked))
    return pid if kind != fcntl.F_UNLCK and pid > 0 else None
