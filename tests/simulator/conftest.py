"""A gateway in the raw: PDUs built by hand with struct, so that nothing of ours checks itself."""

import socket
import struct

import pytest

from smsgw.simulator import SmscThread


class Pdu:
    def __init__(self, octets):
        self.octets = octets
        _, self.command, self.status, self.sequence = struct.unpack(">IIII", octets[:16])
        self.body = octets[16:]


def cstring(text):
    return text.encode("latin-1") + b"\0"


class Peer:
    """One connection to the SMSC under test."""

    def __init__(self, host, port, tls=None, server_name=None):
        self.socket = socket.create_connection((host, port), timeout=5)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=server_name)
        self.sequence = 0
        self.rest = b""

    def send(self, command, body=b"", status=0, sequence=None):
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        self.socket.sendall(struct.pack(">IIII", 16 + len(body), command, status, sequence) + body)
        return sequence

    def read(self):
        """The next PDU; None when the SMSC closed the connection."""
        while len(self.rest) < 4 or len(self.rest) < int.from_bytes(self.rest[:4], "big"):
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.rest += data
        end = int.from_bytes(self.rest[:4], "big")
        frame, self.rest = self.rest[:end], self.rest[end:]
        return Pdu(frame)

    def quiet(self, seconds=0.2):
        """True if nothing comes for so long."""
        self.socket.settimeout(seconds)
        try:
            return not self.rest and not self.socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(5)

    def bind(self, command=0x09, system_id="smsgw", password="secret"):  # noqa: S107
        body = cstring(system_id) + cstring(password) + cstring("") + b"\x34\0\0" + cstring("")
        self.send(command, body)
        return self.read()

    def submit(self, to="84905123456", text=b"Cam on!", *, registered=0, data_coding=0):
        body = (
            cstring("")
            + b"\x03\x00"
            + cstring("8188")
            + b"\x01\x01"
            + cstring(to)
            + b"\0\0\0"
            + cstring("")
            + cstring("")
            + bytes((registered, 0, data_coding, 0, len(text)))
            + text
        )
        return self.send(0x04, body)

    def answer(self, deliver, status=0):
        self.send(0x80000005, b"\0", status, deliver.sequence)

    def close(self):
        self.socket.close()


@pytest.fixture
def connect():
    """Connects a `Peer` to an SMSC; all are closed in the end."""
    peers = []

    def connect(smsc, **options):
        peers.append(Peer(smsc.host, smsc.port, **options))
        return peers[-1]

    yield connect
    for peer in peers:
        peer.close()


@pytest.fixture
def bound(connect):
    """Connects and binds a `Peer`."""

    def bound(smsc, command=0x09, **options):
        peer = connect(smsc, **options)
        assert peer.bind(command).status == 0
        return peer

    return bound


@pytest.fixture
def smsc_with():
    """Starts an SMSC of given manners; closed in the end."""
    running = []

    def start(**options):
        running.append(SmscThread(**options).start())
        return running[-1]

    yield start
    for smsc in running:
        smsc.close()
        assert smsc.faults == []
