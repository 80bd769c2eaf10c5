"""Citizens who log in, choose a password and tell their data, without pages: `Town(house)`."""

from smsgw.gateway import Citizens
from smsgw.passwords import hash_password, verify
from smsgw.registration import own_password, units
from smsgw.registration.profile import Question
from tests.house import AN, TEXT, password_in

CMND = "201234567"
OWN = "ba con cho nho"
POLICY = "2026-11"
ADDRESS = "203.0.113.7"
DA_NANG = units.province("48")
assert DA_NANG is not None
WARD = DA_NANG.wards[0]

#: Each page as somebody fills it in who lives at home.
PAGES = {
    Question.NAME: {"full_name": "Nguyễn Văn An"},
    Question.GENDER: {"gender": "male"},
    Question.DOCUMENT: {
        "id_issued_day": "27",
        "id_issued_month": "3",
        "id_issued_year": "2015",
        "id_issued_by": "Công an thành phố Đà Nẵng",
    },
    Question.HOME: {"home_province": "48"},
    Question.HOME_WARD: {"home_ward": WARD.code, "home_street": "24 Trần Phú"},
    Question.LIVING: {"living_same": "yes"},
    Question.EMAIL: {"email": "an@vidu.vn"},
}
_HASHES: dict[str, str] = {}


def hashed(password):
    """One hash a password: they take their time."""
    return _HASHES.setdefault(password, hash_password(password))


class Town:
    """The portal's verbs over a house, and a citizen's way through them."""

    def __init__(self, house):
        self.house = house

    @property
    def citizens(self):
        return Citizens(self.house.gateway)

    @property
    def now(self):
        return self.house.now

    def register(self, phone=AN, text=TEXT):
        """A text; the password that the reply tells."""
        _, (reply,) = self.house.text(phone, text)
        return password_in(reply)

    def proof(self, cmnd=CMND):
        return self.citizens.proof(cmnd, self.now)

    def mark(self, cmnd=CMND):
        return self.proof(cmnd).mark

    def id(self, cmnd=CMND):
        return self.proof(cmnd).account

    def opens(self, password, cmnd=CMND):
        proof = self.proof(cmnd)
        return verify(proof.hash, own_password.read(password, proof.state))

    def log_in(self, cmnd=CMND, address=ADDRESS):
        account, _, _, mark, *_ = self.proof(cmnd)
        return self.citizens.log_in(account, mark, self.now, address=address)

    def choose(self, password=OWN, cmnd=CMND):
        account, _, _, mark, *_ = self.proof(cmnd)
        return self.citizens.set_own_password(account, mark, hashed(password), self.now)

    def save(self, question, typed=None, cmnd=CMND):
        typed = PAGES[question] if typed is None else typed
        return self.citizens.save(self.id(cmnd), self.mark(cmnd), question, typed, self.now)

    def answer_all(self, cmnd=CMND, **pages):
        for question in PAGES:
            assert () == self.save(question, pages.get(question.name), cmnd)

    def citizen(self, cmnd=CMND):
        return self.citizens.citizen(self.id(cmnd), self.mark(cmnd))

    def confirm(self, cmnd=CMND, version=None):
        version = self.citizen(cmnd).version if version is None else version
        return self.citizens.confirm(self.id(cmnd), self.mark(cmnd), version, POLICY, self.now)

    def settle(self, cmnd=CMND):
        """A registered citizen goes the whole way; the `sub`."""
        self.log_in(cmnd)
        self.choose(cmnd=cmnd)
        self.answer_all(cmnd)
        assert self.confirm(cmnd)
        return self.sub(cmnd)

    def sub(self, cmnd=CMND):
        return self.citizens.sub(self.id(cmnd), self.mark(cmnd), self.now)

    def portrait(self, sub):
        return self.citizens.interface.by_sub(sub)

    def feed(self, after=None, limit=100):
        page = self.citizens.interface.changes(after, limit)
        return [change.row.type for change in page.items]

    def story(self, cmnd=CMND):
        return [
            (line.what, line.detail, line.actor)
            for line in map(_line, self.house.hotline.history(cmnd))
            if not line.what.startswith(("mo", "mt"))
        ]


def _line(entry):
    from smsgw.cli.story import story_line

    return story_line(entry)
