"""w3m, a browser of text, at a terminal of its own; and TLS, without which it keeps no cookie."""

import fcntl
import os
import pty
import shutil
import socket
import struct
import subprocess
import termios
import threading
import time
from contextlib import suppress

MISSING = "there is no w3m here (apt install w3m)"
PATIENCE = 30  # seconds; a deadline, not a delay
UP = "\x1b\t"  # to the link before
#: The last words of each page.
END = "Chính sách dữ liệu"


class TlsFront:
    """Ends TLS for a port of the loopback, as a proxy would, and looks at nothing."""

    def __init__(self, context, port):
        self._to = port
        self._context = context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._threads = []
        self._start(self._accept)

    def close(self):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        with suppress(OSError):
            while True:
                self._start(self._serve, self._listening.accept()[0])

    def _serve(self, raw):
        with (
            suppress(OSError),
            self._context.wrap_socket(raw, server_side=True) as client,
            socket.create_connection(("127.0.0.1", self._to)) as portal,
        ):
            request = b""
            while b"\r\n\r\n" not in request:
                request += client.recv(65536) or b"\r\n\r\n"
            head, _, body = request.partition(b"\r\n\r\n")
            # One request a connection, so that the answer's end is that of the connection.
            kept = [
                line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection")
            ]
            portal.sendall(b"\r\n".join([*kept, b"Connection: close"]) + b"\r\n\r\n" + body)
            while chunk := portal.recv(65536):
                client.sendall(chunk)


class W3m:
    """One w3m; what it shows is read by having it write its page down."""

    def __init__(self, folder, ca):
        self._folder, self._ca = folder, ca
        self._pages = 0
        self._process = None

    def open(self, url):
        self._terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 100, 100, 0, 0))
        options = {
            "display_charset": "UTF-8",
            "ssl_verify_server": "1",
            "ssl_ca_file": self._ca,
            "ignorecase_search": "0",
            "confirm_qq": "0",
        }
        told = [word for pair in options.items() for word in ("-o", "=".join(pair))]
        self._process = subprocess.Popen(
            [shutil.which("w3m"), "-cookie", "-no-mouse", *told, url],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env={
                "HOME": str(self._folder),
                "TERM": "xterm",
                "LANG": "C.UTF-8",
                "LC_ALL": "C.UTF-8",
            },
            start_new_session=True,
        )
        os.close(inner)
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()
        return self._settle()

    def close(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._reader.join(PATIENCE)
            os.close(self._terminal)

    @property
    def words(self):
        """The page, once the keys before have done their work."""
        deadline = time.monotonic() + PATIENCE
        asked, names = 0.0, []
        while not (text := self._written(names)):
            assert self._process.poll() is None, "w3m has ended"
            assert time.monotonic() < deadline, "w3m writes nothing"
            # While a page comes w3m throws keys away, so that it is asked again: for another name,
            # as it would ask back whether to write over one. ^U clears what stood in its line.
            if time.monotonic() > asked + 0.5:
                self._pages += 1
                names.append(self._folder / f"page{self._pages}")
                self._type(f"S\x15{names[-1]}\r")
                asked = time.monotonic()
            time.sleep(0.01)
        return " ".join(text.split())

    @staticmethod
    def _written(names):
        whole = (name.read_text() for name in names if name.exists())
        return next((text for text in whole if END in text), None)

    def fill(self, label, *typed):
        """Type into the field below *label*, and into those after it."""
        self._type(f"g/{label}\r")
        for text in typed:
            self._type(f"\t\r\x15{text}\r")
        return self._settle()

    def choose(self, label):
        """The first entry of the list below *label*, after the empty one."""
        self._type(f"g/{label}\r\t\rj\r")
        return self._settle()

    def tick(self, label):
        """The circle or box before *label*."""
        self._type(f"g/{label}\r{UP}\r")
        return self._settle()

    def press(self, label):
        """The next button or link that says *label*; the page after it."""
        self._type(f"/{label}\r\r")
        return self.words

    def _settle(self):
        assert self.words
        return self

    def _type(self, keys):
        os.write(self._terminal, keys.encode())

    def _drain(self):
        with suppress(OSError):  # the terminal is gone
            while os.read(self._terminal, 65536):
                pass
