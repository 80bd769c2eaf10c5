"""A town with some history in a real SQLite file, and commands to look at it."""

import fcntl
import io
import logging
import os
import pty
import struct
import sys
import termios
import threading
import warnings
from datetime import UTC, datetime, timedelta

import pytest

from smsgw import clock
from smsgw.cli.main import execute
from smsgw.config import load
from smsgw.gateway import Batch, Gateway, Hotline, Rules
from smsgw.model import Address, LinkState, Mo, MtState, Receipt, Refused, Taken
from smsgw.passwords import Issued, hash_password
from smsgw.store import open_store
from smsgw.vault import Vault
from tests.house import opens

AN = "84905000001"  #: registered three days ago and a bit: expired
BINH = "84905000002"  #: registered an hour ago
DAO = "84905000003"  #: registered, closed, and registered again by another phone
LOST = "84905000004"  #: has never got the syntax right

ISSUED_PASSWORD = "qqqqwwww"


class KnownPasswords:
    """Issues one password again and again, so that a test can look for it."""

    _hash = hash_password(ISSUED_PASSWORD)

    def take(self, n):
        return [Issued(ISSUED_PASSWORD, self._hash)] * n

    def give_back(self, unused):
        pass


class Town:
    """The gateway of a configuration, and what has been texted to it."""

    def __init__(self, config, now):
        self.config = config
        self.settings = load(config)
        self.database = self.settings.gateway.database
        self.now = now
        self.store = open_store(self.database)
        vault = Vault.open(self.settings.gateway.secret_key_file, create=True)
        rules = Rules.of(self.settings)
        self.gateway = Gateway(self.store, rules, vault, KnownPasswords())
        self.hotline = Hotline(self.gateway)
        self.gateway.start(now - timedelta(days=4))
        self.waiting_id = self.failed_id = 0  # of MTs
        self._texts = 0

    def text(self, sender, text, ago, link="viettel", taken=True):
        """A citizen texts; the SMSC takes the reply."""
        self._texts += 1
        at = self.now - ago
        mo = Mo(link, self._texts, Address(sender, 1, 1), text, self._texts)
        done = self.gateway.commit(Batch(mos=[mo], room={link: 10}), at)
        if taken:
            results = [(link, Taken(mt.id, f"{mt.id:08X}")) for mt in done.replies]
            self.gateway.commit(Batch(results=results), at)
        return done.replies

    def opens(self, key, password):
        """Whether that password opens the account now."""
        return opens(self.hotline, key, password, self.now)

    def receipt(self, mt, state, ago, reason="DELIVRD err:000"):
        receipt = Receipt(mt.link, f"{mt.id:08X}", state, reason, mt.to)
        self.gateway.commit(Batch(receipts=[receipt]), self.now - ago)

    def refuse(self, mt, reason, ago):
        self.gateway.commit(Batch(results=[(mt.link, Refused(mt.id, reason))]), self.now - ago)


@pytest.fixture
def links_config(config_file):
    """A configuration with two links that lead nowhere."""

    def write(**sections):
        link = {"host": "127.0.0.1", "port": 1, "system_id": "smsgw", "password": "b1nd-key"}
        return config_file({"name": "viettel"} | link, {"name": "mobi"} | link, **sections)

    return write


@pytest.fixture
def empty_town(links_config):
    """Nobody has texted yet."""
    town = Town(links_config(), clock.now())
    yield town
    town.store.close()


@pytest.fixture
def town(links_config):
    """Four citizens, and one second account that was closed."""
    town = _settle(links_config(registration={"reminder_hours": "00:00-24:00"}), clock.now())
    yield town
    town.store.close()


@pytest.fixture
def frozen_town(links_config):
    """The same town, on a fixed day; the test freezes the time itself."""
    town = _settle(links_config(), datetime(2026, 11, 23, 9, 32, 5, tzinfo=UTC))
    yield town
    town.store.close()


def _settle(config, now):
    town = Town(config, now)
    (mt,) = town.text(AN, "TK,Nguyen Van An,001234567,01.02.1990", timedelta(days=3, hours=1))
    town.receipt(mt, MtState.DELIVERED, timedelta(days=3))
    town.text(DAO, "TK,Nguyễn Thị Đào,201234569,3/4/1991", timedelta(days=2), link="mobi")
    town.hotline.close_account("201234569", "lost phone", "linh", now - timedelta(days=1))
    (mt,) = town.text(LOST, "xin chao", timedelta(hours=5))
    town.receipt(mt, MtState.FAILED, timedelta(hours=5), reason="UNDELIV err:012")
    town.text(BINH, "TK;Tran Binh;201234568;1.2.1991", timedelta(hours=1))
    town.text(LOST, "=1+1", timedelta(minutes=10))
    (mt,) = town.text(LOST, "TK", timedelta(minutes=2), taken=False)
    town.refuse(mt, "ESME_RINVDSTADR (0x0000000B)", timedelta(minutes=1))
    town.waiting_id = town.text(LOST, "TK,", timedelta(minutes=1), taken=False)[0].id
    town.failed_id = mt.id
    town.gateway.link_changed("viettel", LinkState.BOUND, None, now - timedelta(hours=2))
    reason = "connection refused"
    town.gateway.link_changed("mobi", LinkState.WAITING, reason, now - timedelta(minutes=3))
    return town


class Result:
    """What a command did: exit status, standard output, standard error."""

    def __init__(self, status, stdout, stderr):
        self.status, self.stdout, self.stderr = status, stdout, stderr


@pytest.fixture
def command(capsys, monkeypatch):
    """Runs a command line in this process: `command(town, "links", input="…")`."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("SUDO_USER", "linh")

    def run(town, *arguments, input=""):
        stdin = io.TextIOWrapper(io.BytesIO(input.encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stdin)
        capsys.readouterr()
        config = [] if town is None else ["-c", str(getattr(town, "config", town))]
        status = execute([*config, *map(str, arguments)])
        return Result(status, *capsys.readouterr())

    return run


class Terminal:
    """A real pseudo-terminal, whose other end keeps what is shown and types what is to be typed."""

    def __init__(self, columns, typed=""):
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        modes = termios.tcgetattr(self._slave)
        modes[1] &= ~termios.OPOST
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(self._slave, termios.TCSANOW, modes)
        os.write(self._master, typed.encode())
        self._shown = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def stream(self, mode):
        return os.fdopen(os.dup(self._slave), mode, encoding="utf-8")

    def shown(self):
        """All that was written, once every stream is closed."""
        os.close(self._slave)
        self._reader.join(20)
        os.close(self._master)
        return self._shown.decode()

    def _read(self):
        while True:
            try:
                octets = os.read(self._master, 65536)
            except OSError:  # nobody has the terminal open any more
                return
            if not octets:
                return
            self._shown += octets


@pytest.fixture
def at_terminal(monkeypatch):
    """Runs a command line in this process at a terminal: `at_terminal(town, "links", columns=60)`.

    The result's standard output has all that the terminal showed.
    """
    for name in ("COLUMNS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PAGER", "cat")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("SUDO_USER", "linh")

    def run(town, *arguments, columns=80, typed=""):
        terminal = Terminal(columns, typed)
        config = [] if town is None else ["-c", str(getattr(town, "config", town))]
        with (
            monkeypatch.context() as patch,
            terminal.stream("r") as stdin,
            terminal.stream("w") as stdout,
            terminal.stream("w") as stderr,
        ):
            patch.setattr(sys, "stdin", stdin)
            patch.setattr(sys, "stdout", stdout)
            patch.setattr(sys, "stderr", stderr)
            status = execute([*config, *map(str, arguments)])
        return Result(status, terminal.shown(), "")

    return run


@pytest.fixture(autouse=True)
def _logging_as_before():
    """A command configures the logging of its process, which here is that of the tests."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = sys.excepthook, threading.excepthook
    with warnings.catch_warnings():
        yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
