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
from smsgw.portal.short import Short
from tests.conftest import ENVIRONMENT, PATIENCE, SMSGW
from tests.house import AN, TEXT, House
from tests.portal.browser import Browser

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


class City:
    """The gateway's side by hand, the portal as it is run."""

    def __init__(self, folder, port, portal=None, public_url=None, **sections):
        self.port = port
        url = public_url or f"http://127.0.0.1:{port}"
        table = {
            "listen": f"127.0.0.1:{port}",
            "public_url": url,
            "hotline": "0236 3881 888",
            "authority": "Sở Thông tin và Truyền thông",
        }
        self.house = House(folder, portal=table | (portal or {}), **sections)
        self.house.now = clock.now()
        self.config = self.house._file
        self.log_file = folder / "portal.log"
        self.process = None

    def start(self):
        log = self.log_file.open("a")
        before = self.log.count("portal serving")
        self.process = subprocess.Popen(
            [*SMSGW, "-c", str(self.config), "portal"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
        )
        log.close()
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

    def spent(self):
        """Processor time of the portal in user mode, in 1/100 s."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text("ascii")
        return int(stat.rsplit(")", 1)[1].split()[11])

    def short(self):
        """The short-lived file, as a command opens it; to be closed."""
        return Short.open(self.log_file.with_name("portal.db"), make=False)

    def browser(self, **options):
        return Browser(self.port, **options)

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
        assert 0 == city.stop(), city.log
        city.house.store.close()
        assert "Traceback" not in city.log, city.log


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
        if city.process.poll() is None:
            assert 0 == city.stop(), city.log
        city.house.store.close()
        assert "Traceback" not in city.log, city.log


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
