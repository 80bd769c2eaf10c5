"""A gateway with citizens, and the portal over the same file as a child process."""

import itertools
import json
import re
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from smsgw import clock
from smsgw.passwords import Issued, hash_password
from smsgw.portal.short import open_short
from tests.conftest import ENVIRONMENT, PATIENCE, SMSGW
from tests.house import AN, TEXT, House
from tests.portal.browser import Browser
from tests.portal.short import InFile, InServer

CMND = "201234567"
OWN = "ba con meo den"
NEWCOMERS = itertools.count(1)
#: Answers to all questions, page by page.
DATA = {
    "/thong-tin/ho-ten": {"full_name": "Nguyễn Văn An"},
    "/thong-tin/gioi-tinh": {"gender": "male"},
    "/thong-tin/giay-to": {
        "id_issued_day": "27",
        "id_issued_month": "3",
        "id_issued_year": "2015",
        "id_issued_by": "Công an thành phố Đà Nẵng",
    },
    "/thong-tin/thuong-tru": {"home_province": "48"},
    "/thong-tin/thuong-tru/xa": {"home_ward": "20242", "home_street": "12 Trần Phú"},
    "/thong-tin/noi-o": {"living_same": "yes"},
    "/thong-tin/email": {"email": "an@example.vn"},
}


class Process:
    """The portal as it is run."""

    def __init__(self, folder, port, config, environment=None):
        self.port = port
        self.config = config
        self.environment = ENVIRONMENT | (environment or {})
        self.log_file = folder / "portal.log"
        self.process = None

    def launch(self):
        """Start it, and do not wait until it serves."""
        log = self.log_file.open("a")
        self.process = subprocess.Popen(
            [*SMSGW, "-c", str(self.config), "portal"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=self.environment,
        )
        log.close()

    def start(self):
        before = self.log.count("portal serving") if self.log_file.exists() else 0
        self.launch()
        self.until(lambda: self.log.count("portal serving") > before)

    @property
    def log(self):
        return self.log_file.read_text("utf-8")

    def until(self, happened):
        deadline = time.monotonic() + PATIENCE
        while not happened():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.01)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def end(self):
        """As every test does in the end."""
        if self.process and self.process.poll() is None:
            assert 0 == self.stop(), self.log
        assert "Traceback" not in self.log, self.log

    def spent(self):
        """Processor time of the portal in user mode, in 1/100 s."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text("ascii")
        return int(stat.rsplit(")", 1)[1].split()[11])

    def browser(self, **options):
        return Browser(self.port, **options)


class City(Process):
    """The gateway's side by hand, and a portal."""

    def __init__(self, folder, port, portal=None, public_url=None, environment=None, **sections):
        url = public_url or f"http://127.0.0.1:{port}"
        table = {
            "listen": f"127.0.0.1:{port}",
            "public_url": url,
            "hotline": "0236 3881 888",
            "authority": "Sở Thông tin và Truyền thông",
        }
        self.house = House(folder, portal=table | (portal or {}), **sections)
        self.house.now = clock.now()
        super().__init__(folder, port, self.house._file, environment)

    def short(self):
        """The short-lived file, as a command opens it; to be closed."""
        return open_short(self.house.settings, make=False)

    def register(self, phone=AN, text=TEXT):
        """A citizen texts; the issued password."""
        self.house.now = clock.now()
        _, [reply] = self.house.text(phone, text)
        return re.search(r"MK: (\S+)", reply)[1]

    def account(self, cmnd=CMND):
        return self.house.store.citizen_of_cmnd(cmnd).account.account

    def own(self, phone=AN, text=TEXT, password=OWN):
        """A citizen whose account is active, and whose data are open yet."""
        cmnd = text.split(",")[2]
        self.register(phone, text)
        row = self.house.store.citizen_of_cmnd(cmnd)
        self.citizens.set_own_password(
            row.account.account.id, self.mark(cmnd), hash_password(password), clock.now()
        )
        return cmnd

    def whole(self, **options):
        """A citizen whose data are confirmed as well."""
        cmnd = self.own(**options)
        self.complete(cmnd)
        return cmnd

    def complete(self, cmnd=CMND):
        from smsgw.registration.profile import Question

        account, mark, citizens = self.account(cmnd), self.mark(cmnd), self.citizens
        for question in Question:
            typed = DATA.get(f"/thong-tin/{question.value}")
            if question is Question.NAME:
                typed = {"full_name": account.full_name}
            if typed:
                assert () == citizens.save(account.id, mark, question, typed, clock.now())
        version = citizens.citizen(account.id, mark).version
        assert citizens.confirm(account.id, mark, version, "test", clock.now())

    @property
    def citizens(self):
        from smsgw.gateway import Citizens

        return Citizens(self.house.gateway)

    def mark(self, cmnd=CMND):
        return self.citizens.proof(cmnd, clock.now()).mark

    def reset(self, cmnd=CMND):
        """The hotline makes a new issued password."""
        issued = Issued("abcd2345", hash_password("abcd2345"))
        self.house.hotline.reset_password(cmnd, "test", clock.now(), "asked", issued)
        return issued.password


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """Where what lives shortly is kept, one engine after the other."""
    if request.param == "sqlite":
        return InFile(tmp_path)
    return InServer(request.getfixturevalue("postgres"), tmp_path)


@pytest.fixture
def short(place):
    """What lives shortly, as a portal has it open."""
    short = place.open()
    yield short
    short.close()


@contextmanager
def reserved_port():
    """A port of 127.0.0.1 that nobody else is given meanwhile."""
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@pytest.fixture
def free_port():
    with reserved_port() as port:
        yield port


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory):
    """One portal for all of a module: for questions that change nothing, and for newcomers."""
    with reserved_port() as port:
        city = City(tmp_path_factory.mktemp("anywhere"), port)
        city.start()
        yield city
        city.end()
        city.house.store.close()


@pytest.fixture
def person():
    """A newcomer."""
    return newcomer()


@pytest.fixture
def cmnd(person):
    return person["text"].split(",")[2]


@pytest.fixture
def make_city(tmp_path, free_port):
    """`make_city(portal={"session_idle": "2s"})`: started, and ended with the test."""
    made = []

    def make(**options):
        city = City(tmp_path, free_port, **options)
        made.append(city)
        city.start()
        return city

    yield make
    for city in made:
        city.end()
        city.house.store.close()


@pytest.fixture
def city(make_city):
    return make_city()


@pytest.fixture
def browser(city):
    return city.browser()


def newcomer():
    """Phone and text of one whom no portal has met: `cmnd = anywhere.whole(**newcomer())`."""
    n = next(NEWCOMERS)
    return {"phone": f"84906{n:06}", "text": f"TK,Nguyen Van An,{202_000_000 + n},01.02.1990"}


def said(answer):
    return json.loads(answer.body)
