"""Copies the write-ahead log back into the file, in a thread and on a connection of its own.

In a base of millions one copy takes a tenth of a second: inside a COMMIT a citizen would wait for
it. What a thread may do beside the writer only a sound SQLite allows (`engine.SOUND`).

A copy never holds up the writer (PASSIVE). When all of the log is copied, the next commit begins
it anew. A writer that never rests is always ahead of the copy, and the log would grow without end:
so it waits once for what came while it was copied (RESTART), as soon as that is little, or the log
has `_BOUND_PAGES`.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread

from smsgw.store.sqlite.engine import dbapi
from smsgw.store.sqlite.statements import UNTRUSTED, code_of

log = logging.getLogger("smsgw.store")

#: A log of so many pages is copied. The longer it is, the longer a page is looked for in it.
COPY_PAGES = 8000
#: In one of so many the writer waits, whatever has come meanwhile; else for so many.
_BOUND_PAGES, _LITTLE_PAGES = 2 * COPY_PAGES, COPY_PAGES // 4
#: So long after a commit the log is looked at: not after each one.
_PACE_SECONDS = 0.1

_LENGTH = "PRAGMA wal_checkpoint(NOOP)"
_COPY = "PRAGMA wal_checkpoint(PASSIVE)"
_COPY_ALL = "PRAGMA wal_checkpoint(RESTART)"


class LogCopier:
    """Works from its making to `close`.

    Args:
        ours: whether the file at *path* is still the one that the writer has open.
    """

    def __init__(self, path: Path, ours: Callable[[], bool]) -> None:
        self._path = path
        self._ours = ours
        # Who wants the turn stands at the gate, and nobody passes them there: Python's lock alone
        # would give it to the writer again and again.
        self._gate = Lock()
        self._turn = Lock()
        self._written = Event()
        self._ended = Event()
        self.fault: dbapi.Error | None = None  #: the disk can no longer be trusted
        self._thread = Thread(target=self._work, name="log", daemon=True)
        self._thread.start()

    def enter(self) -> None:
        """The writer begins a transaction.

        Raises:
            dbapi.Error: the disk can no longer be trusted.
        """
        if self.fault is not None:
            raise self.fault
        with self._gate:
            self._turn.acquire()

    def leave(self) -> None:
        """It is over."""
        self._turn.release()
        if not self._written.is_set():
            self._written.set()

    def close(self) -> None:
        """End, after a copy that was begun; not inside a transaction."""
        self._ended.set()
        self._written.set()
        self._thread.join()

    def _work(self) -> None:
        db: dbapi.Connection | None = None
        try:
            while self._is_written():
                db = db or self._open()
                if db is not None and self._ours():
                    self._look(db)
        except dbapi.Error as error:
            if code_of(error) in UNTRUSTED:
                self.fault = error  # the writer says so, with its next transaction
            log.exception("log: it is copied no more")
        finally:
            if db is not None:
                db.close()

    def _open(self) -> dbapi.Connection | None:
        """A connection to the file that the writer has open; None: not now, as there is another
        in its place, or none.

        Raises:
            dbapi.Error: the disk cannot be trusted, or worse.
        """
        uri = f"{self._path.absolute().as_uri()}?mode=rw"  # where it was taken away, none is made
        db: dbapi.Connection | None = None
        try:
            db = dbapi.connect(uri, uri=True, timeout=0, isolation_level=None)
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA wal_autocheckpoint = 0")
            db.execute(_LENGTH).fetchone()  # until now no log was opened
            if self._ours():
                return db
        except dbapi.OperationalError as error:
            if code_of(error) != dbapi.SQLITE_CANTOPEN:  # such as without file descriptors
                raise
        if db is not None:
            db.close()
        return None

    def _is_written(self) -> bool:
        """Wait until there is something new in the log; false: end."""
        self._written.wait()
        self._written.clear()
        return not self._ended.wait(_PACE_SECONDS)

    def _look(self, db: dbapi.Connection) -> None:
        """Copy the log if it is long.

        Raises:
            dbapi.Error: the disk cannot be trusted, or worse.
        """
        try:
            _, length, _ = db.execute(_LENGTH).fetchone()
            if length < COPY_PAGES:
                return
            db.execute(_COPY).fetchone()
            # Meanwhile the writer went on.
            _, length, copied = db.execute(_LENGTH).fetchone()
            if length - copied <= _LITTLE_PAGES or length >= _BOUND_PAGES:
                with self._gate, self._turn:
                    db.execute(_COPY_ALL).fetchone()
        except dbapi.OperationalError as error:
            if code_of(error) not in (dbapi.SQLITE_FULL, dbapi.SQLITE_BUSY):
                raise
            log.warning("log: it cannot be copied back now: %s", error)
