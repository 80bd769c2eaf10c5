"""A way to PostgreSQL that breaks in the worst moment: at COMMIT.

`with Saboteur(cluster) as way:` listens on a socket of its own; `way.next = "before"` lets the next
COMMIT, and no later one, be lost in one of these ways:

    before      the connection is cut, and the server never got it
    after       the server did, and the connection is cut before its answer comes back
    swallowed   the server never gets it, and the connection stays open
    unanswered  the server does, and its answer never comes back
"""

import contextlib
import shutil
import socket
import tempfile
import threading
from pathlib import Path

WAYS = ("before", "after", "swallowed", "unanswered")
_COMMIT = b"COMMIT\0"


class Saboteur:
    def __init__(self, cluster):
        self._cluster = cluster
        self.folder = Path(tempfile.mkdtemp(prefix="pgp", dir="/tmp"))
        self.next = None
        self.done = 0  #: so many were lost
        self.refuses = False  #: nobody is let through
        self._sockets = []
        self._threads = []
        self._lock = threading.Lock()

    def url(self, database="smsgw"):
        return f"postgresql://smsgw@/{database}?host={self.folder}"

    def __enter__(self):
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self._start(self._accept)
        return self

    def _start(self, step, *arguments):
        thread = threading.Thread(target=step, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        self.cut()
        for thread in self._threads[1:]:
            thread.join()
        for one in self._sockets:
            one.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cut(self):
        """All connections at once."""
        with self._lock:
            sockets = [*self._sockets]
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                if self.refuses:
                    raise ConnectionRefusedError
                server.connect(str(self._cluster.folder / ".s.PGSQL.5432"))
            except OSError:
                client.close()
                server.close()
                continue
            with self._lock:
                self._sockets += [client, server]
            deaf = threading.Event()
            for step in (self._to_server, self._to_client):
                self._start(step, client, server, deaf)

    def _to_server(self, client, server, deaf):
        with contextlib.suppress(OSError):
            while octets := client.recv(65536):
                how = None
                if _COMMIT in octets:
                    with self._lock:
                        how, self.next = self.next, None
                        self.done += how is not None
                if how == "before":
                    break
                if how == "swallowed":
                    continue
                if how == "unanswered":
                    deaf.set()
                if how == "after":
                    deaf.set()
                    server.sendall(octets)
                    server.settimeout(5)
                    heard = b""
                    while b"COMMIT\0" not in heard and (more := server.recv(65536)):
                        heard += more
                    break
                server.sendall(octets)
        for one in (client, server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _to_client(client, server, deaf):
        with contextlib.suppress(OSError):
            while True:
                if deaf.is_set():
                    return
                octets = server.recv(65536, socket.MSG_PEEK)
                if deaf.is_set():
                    return  # somebody else reads what comes now, or nobody does
                octets = server.recv(len(octets))
                if not octets:
                    break
                client.sendall(octets)
        if not deaf.is_set():
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
