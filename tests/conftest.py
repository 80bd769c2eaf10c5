"""What every test may use: a simulated SMSC, a configuration, daemon and commands as they are."""

import datetime
import ipaddress
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import hypothesis
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from smsgw.simulator import SmscThread, toml
from tests import postgres as postgres_server
from tests.house import House

# Where time matters, a test measures the processor's (tests/budget.py); how long one example took
# by the clock on the wall says how busy the machine is.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

SMSGW = [sys.executable, "-m", "smsgw.cli.main"]
PATIENCE = 20  # seconds; a deadline, not a delay
os.environ["LC_ALL"] = "C.UTF-8"  # whatever the tester reads, the tests read English
# Nothing of the tester's environment reaches a child but what it needs to run.
ENVIRONMENT = {
    name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ
} | {
    "PYTHONUNBUFFERED": "1",
    "NO_COLOR": "1",
    "COLUMNS": "80",
    "PYTHONUTF8": "1",
    "LC_ALL": "C.UTF-8",
}


def pytest_configure():
    if postgres_server.binaries() is None and os.environ.get("SMSGW_NEEDS_POSTGRES"):
        raise pytest.UsageError(postgres_server.MISSING)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell's background has it so, and children would inherit it: Ctrl-C is tried on them.
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter):
    if postgres_server.binaries() is None:
        terminalreporter.write_line(f"{postgres_server.MISSING}: its tests were left out", red=True)


@pytest.fixture
def smsc():
    """A simulated SMSC on a free port of 127.0.0.1, listening."""
    with SmscThread() as smsc:
        yield smsc
    assert smsc.faults == []


@pytest.fixture
def make_smsc():
    """Starts further ones: `make_smsc(answer_delay=0.1)`."""
    started = []

    def make(**manners):
        started.append(SmscThread(**manners).start())
        return started[-1]

    yield make
    for smsc in started:
        smsc.close()
        assert smsc.faults == []


@pytest.fixture
def config_file(tmp_path):
    """Writes a configuration: `config_file(smsc, registration={"password_ttl": "3s"})`.

    Links are `SmscThread`s, or tables such as `smsc.link("viettel", window=1)`. Whatever is
    not given has its default, but for a small stock of passwords, so that start is fast.
    """

    def write(*links, name="config.toml", **sections):
        document = {
            "gateway": {"database": str(tmp_path / "smsgw.db")} | sections.pop("gateway", {}),
            "registration": {"password_stock": 4} | sections.pop("registration", {}),
            **sections,
            "smsc": [
                link.link(f"link{number}" if number > 1 else "simulator")
                if isinstance(link, SmscThread)
                else link
                for number, link in enumerate(links, start=1)
            ],
        }
        path = tmp_path / name
        path.write_text(toml.dumps(document), encoding="utf-8")
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def house_database():
    """What the configuration of a house says of its database; nothing: it is a file."""
    return {}


@pytest.fixture
def make_house(tmp_path, house_database):
    """Opens a gateway without daemon or wire, and closes it: `make_house(limits={...})`."""
    houses = []

    def make(**sections):
        houses.append(House(tmp_path, **{"gateway": house_database} | sections))
        return houses[-1]

    yield make
    for house in houses:
        house.store.close()


@pytest.fixture
def house(make_house):
    """A gateway with the defaults of everything."""
    return make_house()


@pytest.fixture
def free_port():
    """A port of 127.0.0.1 that nobody else is given meanwhile."""
    with socket.socket() as reserved:  # bound, not listening: who allows reuse may listen there
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@pytest.fixture(scope="session")
def postgres_cluster():
    """A PostgreSQL of this worker's own."""
    if postgres_server.binaries() is None:
        pytest.skip(postgres_server.MISSING)
    cluster = postgres_server.Cluster().make()
    cluster.make_database("smsgw")
    yield cluster
    cluster.remove()


@pytest.fixture
def postgres(postgres_cluster):
    """The same with an empty database `smsgw`."""
    with postgres_cluster.connect("smsgw") as db:
        postgres_server.empty(db)
    return postgres_cluster


class Daemon:
    """`smsgw run`, or another *verb*, as a child process; its log is in `log`."""

    def __init__(self, config, log_file, environment, command=SMSGW, verb="run"):
        self.log_file = log_file
        self._log = log_file.open("w")
        self.process = subprocess.Popen(
            [*command, "-c", str(config), verb],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT | environment,
        )

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def memory(self, which="VmRSS"):
        """Resident memory in MB; VmHWM: the most that it ever was."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"{which}:\s+(\d+) kB", status)[1]) / 1024

    def wait_log(self, pattern, timeout=PATIENCE):
        """The first match of *pattern* in the log, past or to come."""
        return self.until(lambda: re.search(pattern, self.log), timeout, f"{pattern!r} in the log")

    def until(self, happened, timeout=PATIENCE, what="what was expected"):
        """Ask *happened* until it returns something true, while the daemon lives."""
        deadline = time.monotonic() + timeout
        while not (result := happened()):
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.log}"
            assert time.monotonic() < deadline, f"not within {timeout} s: {what}\n{self.log}"
            time.sleep(0.01)
        return result

    def terminate(self, timeout=PATIENCE):
        """SIGTERM, and the exit status."""
        return self._end(signal.SIGTERM, timeout)

    def interrupt(self, timeout=PATIENCE):
        """SIGINT, and the exit status."""
        return self._end(signal.SIGINT, timeout)

    def kill(self):
        """SIGKILL: the machine lost its power, as far as the daemon knows."""
        return self._end(signal.SIGKILL, PATIENCE)

    def wait(self, timeout=PATIENCE):
        """The exit status, once it ends by itself."""
        try:
            return self.process.wait(timeout)
        finally:
            self._log.close()

    def _end(self, number, timeout):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait(timeout)


@pytest.fixture
def daemon(tmp_path):
    """Starts `smsgw run`: `daemon(config_file(smsc), smsc)`.

    Returns once every SMSC that is named has accepted a bind of it (`binds` of them), and at
    once if none is. Another *command* than `smsgw` may stand for it, such as a launcher that
    breaks something, and another *verb* (`portal`) for `run`. Ends all daemons after the test; a
    traceback in a log fails it.
    """
    started = []

    def start(config, *smscs, binds=1, environment=None, command=SMSGW, verb="run"):
        before = [smsc.binds for smsc in smscs]
        log_file = tmp_path / f"daemon{len(started) + 1}.log"
        child = Daemon(config, log_file, environment or {}, command, verb)
        started.append(child)
        for smsc, count in zip(smscs, before, strict=True):
            child.until(lambda smsc=smsc, count=count: smsc.binds >= count + binds, what="a bind")
        return child

    yield start
    for child in started:
        child.terminate()
        print(f"--- {child.log_file.name} ---", child.log, sep="\n")  # seen where the test fails
    for child in started:
        assert "Traceback" not in child.log, child.log


class Commands:
    """Runs the command line as child processes."""

    def __init__(self):
        self.started = []

    def __call__(self, *arguments, input="", timeout=PATIENCE, environment=None):
        """Run a command to its end: `smsgw("-c", config, "links").stdout`."""
        return subprocess.run(
            [*SMSGW, *map(str, arguments)],
            input=input,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            env=ENVIRONMENT | (environment or {}),
            check=False,
        )

    def start(self, *arguments, stdin=subprocess.PIPE, environment=None):
        """Start a command, with pipes of octets; it is ended after the test."""
        child = subprocess.Popen(
            [*SMSGW, *map(str, arguments)],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT | (environment or {}),
        )
        self.started.append(child)
        return child


@pytest.fixture
def smsgw():
    """Runs commands as child processes: `smsgw("-c", config, "links").stdout`."""
    commands = Commands()
    yield commands
    for child in commands.started:
        child.kill()
        child.communicate()


KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


class Certificates:
    """A certificate authority of the test's own, with what it signed; paths of PEM files."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._ca_key = ec.generate_private_key(ec.SECP256R1())
        self._ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        self.ca = self._write("ca.pem", self._sign(self._ca_name, self._ca_key, ca=True))
        self.server, self.server_key = self.issue("server", "localhost", "127.0.0.1", "::1")
        self.client, self.client_key = self.issue("client")

    def issue(self, name, *hosts, days=(-1, 365), strict=True):
        """A certificate for *hosts* (names and addresses), valid between these days from now.

        Args:
            strict: to the letter of RFC 5280; else it does not name its issuer's key, as those of
                many a carrier.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        certificate = self._sign(subject, key, hosts, days, strict=strict)
        return self._write(f"{name}.pem", certificate), self._write(f"{name}.key", pem)

    def server_context(self, certificate=None, key=None, *, ask_client=False):
        """For a simulated SMSC: its certificate, and whether it asks for the gateway's."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate or self.server, key or self.server_key)
        if ask_client:
            context.load_verify_locations(self.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _sign(self, subject, key, hosts=(), days=(-1, 365), *, ca=False, strict=True):
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._ca_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0]))
            .not_valid_after(now + datetime.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if strict:
            ours = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._ca_key.public_key())
            builder = builder.add_extension(ours, critical=False)
        if ca:
            its = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
            builder = builder.add_extension(its, critical=False)
            signs = dict.fromkeys(KEY_USAGES, False) | {"key_cert_sign": True, "crl_sign": True}
            builder = builder.add_extension(x509.KeyUsage(**signs), critical=True)
        if hosts:
            names = [self._general_name(host) for host in hosts]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self._ca_key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)

    @staticmethod
    def _general_name(host):
        try:
            return x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            return x509.DNSName(host)

    def _write(self, name, octets):
        path = self.folder / name
        path.write_bytes(octets)
        path.chmod(0o600)
        return str(path)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Certificates of a test authority: `.ca`, `.server`, `.client` and their keys."""
    return Certificates(tmp_path_factory.mktemp("certificates"))
